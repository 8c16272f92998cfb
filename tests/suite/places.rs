//! Layers of images and series: what they say where something does not fit.

use backprop::error::Problem;
use backprop::layers::{Input, Output, build};
use backprop::ops::LOSSES;
use backprop::spec::Values;

use crate::gradients::layers;

/// The problem of a list of layers over an image [3, 6, 5] or a series of 8 steps and 2 channels: what, expected, found, help.
fn problem(list: &str) -> String {
    let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
    let output = Output { loss, loss_values: Values::default(), outputs: 1, class_weights: None };
    let input = |name: &str| match name {
        "image" => Input::numbers(name, [3, 6, 5]),
        "series" => Input::channels_last(name, [8, 2], true),
        _ => Input::numbers(name, [4]),
    };
    let name = ["image", "series"].into_iter().find(|n| list.contains(n)).unwrap_or("x");
    in_a_line(build(&[input(name)], &layers(list), None, &output).expect_err(list).problem)
}

/// A problem in one line: what, expected, found, help.
pub(crate) fn in_a_line(p: Problem) -> String {
    let part = |name: &str, text: Option<String>| text.map_or(String::new(), |t| format!("; {name} {t}"));
    let parts = [part("expected", p.expected), part("found", p.found), part("help", p.help)];
    format!("{}: {}{}", p.place, p.what, parts.concat())
}

#[test]
fn what_does_not_fit_is_said() {
    let cases = [
        (
            r#"[{ type = "max_pool2d", input = "image", kernel_size = [7, 2] }]"#,
            r#"layer "max_pool2d_0": its input does not fit; expected at least 7 x 2 places; found 6 x 5"#,
        ),
        (
            r#"[{ type = "avg_pool1d", input = "series", kernel_size = 11, padding = 1 }]"#,
            r#"layer "avg_pool1d_0": its input does not fit; expected at least 9 places; found 8"#,
        ),
        (
            r#"[{ type = "max_pool1d", input = "series", kernel_size = 3, padding = 2 }]"#,
            r#"layer "max_pool1d_0": its padding is more than half a window; expected padding of at most 1; found 2"#,
        ),
        (
            r#"[{ type = "avg_pool2d", input = "series", kernel_size = 2 }]"#,
            r#"layer "avg_pool2d_0": its input does not fit; expected an image: channels, height and width; found [8, 2]; help its input is a series, steps x channels: take conv1d, max_pool1d and the like"#,
        ),
        (
            r#"[{ type = "conv1d", input = "image", out_channels = 2, kernel_size = 3 }]"#,
            r#"layer "conv1d_0": its input does not fit; expected a series: channels and steps; found [3, 6, 5]; help its input is an image: take conv2d, max_pool2d, global_avg_pool and the like"#,
        ),
        (
            r#"[{ type = "mean", input = "series" }, { type = "dropout" }, { type = "conv1d", out_channels = 2, kernel_size = 3 }]"#,
            r#"layer "conv1d_2": its input does not fit; expected a series: channels and steps; found [2]; help put it before the layer "mean_0", which leaves one row of numbers"#,
        ),
        (
            r#"[{ type = "global_max_pool", input = "image" }, { type = "global_avg_pool" }]"#,
            r#"layer "global_avg_pool_1": its input does not fit; expected an image or a series; found [3]; help put it before the layer "global_max_pool_0", which leaves one row of numbers"#,
        ),
        (
            r#"[{ type = "conv2d", input = "image", out_channels = 2, kernel_size = 3 }, { type = "dropout" }]"#,
            r#"layer "dropout_1": its output does not fit the target, which has one value a row; expected one row of numbers; found an image [4, 3, 2]; help put a layer global_avg_pool or flatten behind it"#,
        ),
        (
            r#"[{ type = "lstm", input = "series", hidden_size = 3 }]"#,
            r#"layer "lstm_0": its output does not fit the target, which has one value a row; expected one row of numbers; found a series [8, 3]; help put a layer mean, max, last, attention_pool or flatten behind it"#,
        ),
        (
            r#"[{ type = "global_avg_pool", input = "x" }]"#,
            r#"layer "global_avg_pool_0": its input does not fit; expected an image or a series; found [4]; help give the input a shape [C, H, W] or [C, T]: [data.inputs.NAME] shape = [C, H, W]"#,
        ),
        (
            r#"[{ type = "pad", input = "image", padding = [1, 2] }]"#,
            r#"layer "pad_0": its input does not fit; expected a series, for [left, right]; found [3, 6, 5]"#,
        ),
        (
            r#"[{ type = "pad", input = "image", padding = [0, 0, 6, 0], mode = "reflect" }]"#,
            r#"layer "pad_0": its input does not fit; expected at least 7 places to repeat; found 6"#,
        ),
        (
            r#"[{ type = "pad", input = "series", padding = [-4, -4] }]"#,
            r#"layer "pad_0": its input does not fit; expected enough places that one is left; found 8"#,
        ),
        (
            r#"[{ type = "upsample", input = "image" }]"#,
            r#"layer "upsample_0": neither scale_factor nor size is given"#,
        ),
        (
            r#"[{ type = "upsample", input = "image", size = 2, scale_factor = 2 }]"#,
            r#"layer "upsample_0": both scale_factor and size are given; help take one of them out"#,
        ),
        (
            r#"[{ type = "upsample", input = "series", size = 2, mode = "bilinear" }]"#,
            r#"layer "upsample_0": the mode "bilinear" is not for series; expected "nearest" or "linear""#,
        ),
        (
            r#"[{ type = "upsample", input = "image", size = 2, align_corners = true }]"#,
            r#"layer "upsample_0": align_corners has no meaning in the mode "nearest"; help take it out, or set mode = "bilinear""#,
        ),
        (
            r#"[{ type = "upsample", input = "series", size = [2, 3] }]"#,
            r#"layer "upsample_0": size does not fit a series; expected one number; found a list of 2"#,
        ),
        (
            r#"[{ type = "upsample", input = "series", scale_factor = 0.1 }]"#,
            r#"layer "upsample_0": its input does not fit; expected enough places that one is left; found 8"#,
        ),
        (
            r#"[{ type = "reshape", input = "image", shape = [4, -1] }]"#,
            r#"layer "reshape_0": its input does not fit; expected a multiple of 4 numbers; found 90 in [3, 6, 5]"#,
        ),
        (
            r#"[{ type = "reshape", input = "image", shape = [-1, 3, -1] }]"#,
            r#"layer "reshape_0": no shape; expected sizes of at least 1, and at most one -1; found [-1, 3, -1]"#,
        ),
    ];
    for (layers, message) in cases {
        assert_eq!(problem(layers), message, "{layers}");
    }
}

//! Convolution layers in networks: shapes and names of their tensors, and what is said about sizes that do not fit.

use backprop::error::Problem;
use backprop::layers::{Input, Misfit, Network, Output, build};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use serde_json::{Value as Json, json};

use crate::fixture::layers;

/// A network of these layers over an input `image` or `series`.
fn network(list: Json) -> Result<Network, Misfit> {
    let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
    let output = Output { loss, loss_values: Values::default(), outputs: 2, class_weights: None };
    let image = list[0]["input"] != "series";
    let input = if image {
        Input::numbers("image", [2, 5, 6])
    } else {
        Input::channels_last("series", [9, 4], false)
    };
    build(&[input], &layers(&list), None, &output)
}

/// Names and shapes of the tensors, the output layer's left out.
fn tensors(list: Json) -> Vec<String> {
    let graph = network(list).unwrap_or_else(|e| panic!("{e:?}")).graph;
    let own = graph.params.iter().filter(|p| !p.name.starts_with("output."));
    own.map(|p| format!("{} {}", p.name, p.shape)).collect()
}

#[test]
fn tensors_have_the_names_and_shapes_of_pytorch() {
    let conv = |name: &str, more: Json| {
        let mut layer = json!({ "type": name, "input": "image", "out_channels": 4, "kernel_size": [3, 2] });
        layer.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        json!([layer, { "type": "flatten" }])
    };
    assert_eq!(tensors(conv("conv2d", json!({}))), ["conv2d_0.weight [4, 2, 3, 2]", "conv2d_0.bias [4]"]);
    let grouped = conv("conv2d", json!({ "groups": "depthwise", "bias": false }));
    assert_eq!(tensors(grouped), ["conv2d_0.weight [4, 1, 3, 2]"]);
    let transposed = conv("conv_transpose2d", json!({ "groups": 2 }));
    assert_eq!(
        tensors(transposed),
        ["conv_transpose2d_0.weight [2, 2, 3, 2]", "conv_transpose2d_0.bias [4]"]
    );
    let series = json!([
        { "type": "conv1d", "input": "series", "out_channels": 6, "kernel_size": 3 },
        { "type": "conv_transpose1d", "out_channels": 5, "kernel_size": 2 },
        { "type": "mean" },
    ]);
    assert_eq!(
        tensors(series),
        [
            "conv1d_0.weight [6, 4, 3]",
            "conv1d_0.bias [6]",
            "conv_transpose1d_1.weight [6, 5, 2]",
            "conv_transpose1d_1.bias [5]"
        ]
    );
}

#[test]
fn a_residual_block_projects_where_its_layers_change_size_or_channels() {
    let block = |stride: i64, channels: i64| {
        let inner = json!({ "type": "conv2d", "out_channels": channels, "kernel_size": 3, "stride": stride, "padding": 1 });
        json!([{ "type": "residual", "input": "image", "layers": [inner] }, { "type": "flatten" }])
    };
    let projections = |list: Json| -> Vec<String> {
        tensors(list).into_iter().filter(|name| name.contains("projection")).collect()
    };
    assert!(projections(block(1, 2)).is_empty());
    assert_eq!(projections(block(1, 3)), ["residual_0.projection.weight [3, 2, 1, 1]"]);
    assert_eq!(projections(block(2, 2)), ["residual_0.projection.weight [2, 2, 1, 1]"]);
    let shrunk = json!([{ "type": "residual", "input": "image", "layers": [
        { "type": "conv2d", "out_channels": 2, "kernel_size": [1, 2] },
    ]}]);
    let problem = network(shrunk).expect_err("no stride leads from 6 columns to 5").problem;
    assert_eq!(problem.place, "layer \"residual_0\"");
    assert_eq!(problem.expected.as_deref(), Some("[5, 6, 2]"));
    assert_eq!(problem.found.as_deref(), Some("[5, 5, 2]"));
}

#[test]
fn the_maximum_is_taken_before_a_relu() {
    let list = json!([
        { "type": "conv2d", "input": "image", "out_channels": 4, "kernel_size": 2, "activation": "relu" },
        { "type": "max_pool2d", "kernel_size": 2 },
        { "type": "flatten" },
    ]);
    let graph = network(list).expect("sizes that fit").graph;
    let of = |name: &str| graph.nodes.iter().rfind(|n| n.op.name() == name).expect("a node of that op");
    assert_eq!(of("max_pool").inputs[0], of("conv").output);
    assert_eq!(of("relu").inputs[0], of("max_pool").output);
}

#[test]
fn sizes_that_do_not_fit_are_said_with_the_mend() {
    let image = |layer: Json| {
        let mut layer = layer;
        layer["input"] = json!("image");
        network(json!([layer])).expect_err("sizes that do not fit").problem
    };
    let shrink =
        "make kernel_size smaller, or add padding = \"same\"; see how the sizes shrink with backprop check";
    let say = |p: Problem| {
        [
            p.place,
            p.what,
            p.expected.unwrap_or_default(),
            p.found.unwrap_or_default(),
            p.help.unwrap_or_default(),
        ]
    };
    let conv = |more: Json| {
        let mut layer = json!({ "type": "conv2d", "out_channels": 4, "kernel_size": 3 });
        layer.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        layer
    };
    assert_eq!(
        say(image(conv(json!({ "kernel_size": [2, 7] })))),
        ["layer \"conv2d_0\"", "its input does not fit", "at least 7 columns, padding included", "6", shrink]
    );
    assert_eq!(
        say(image(conv(json!({ "dilation": 4, "padding": 1 })))),
        ["layer \"conv2d_0\"", "its input does not fit", "at least 9 rows, padding included", "7", shrink]
    );
    assert_eq!(
        say(image(conv(json!({ "stride": 2, "padding": "same" })))),
        [
            "layer \"conv2d_0\"",
            "padding = \"same\" keeps the size, a stride does not",
            "stride = 1",
            "[2, 2]",
            "leave stride out, or give padding as a number: half of kernel_size"
        ]
    );
    assert_eq!(
        say(image(conv(json!({ "groups": 2, "out_channels": 5 })))),
        [
            "layer \"conv2d_0\"",
            "its input does not fit",
            "out_channels: a multiple of groups = 2",
            "5",
            "choose groups that divide both numbers of channels"
        ]
    );
    assert_eq!(
        say(image(json!({ "type": "conv2d", "kernel_size": 3 }))),
        [
            "layer \"conv2d_0\"",
            "it has no out_channels",
            "",
            "",
            "add out_channels = 32, or any other number of channels"
        ]
    );
    assert_eq!(
        say(image(
            json!({ "type": "conv_transpose2d", "out_channels": 2, "kernel_size": 2, "output_padding": 1 })
        )),
        [
            "layer \"conv_transpose2d_0\"",
            "its output_padding is not less than stride or dilation",
            "at most 0",
            "1",
            ""
        ]
    );
    assert_eq!(
        say(image(json!({ "type": "conv_transpose2d", "out_channels": 2, "kernel_size": 1, "padding": 3 }))),
        [
            "layer \"conv_transpose2d_0\"",
            "its input does not fit",
            "more than the 6 rows that padding cuts off",
            "5 rows",
            "make padding smaller"
        ]
    );
    assert_eq!(
        say(image(json!({ "type": "conv1d", "out_channels": 2, "kernel_size": 3 })))[2..4],
        ["a series: channels and steps".to_owned(), "[2, 5, 6]".to_owned()]
    );
}

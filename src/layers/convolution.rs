//! What the convolution layers share: their keys, PyTorch's rules for padding, and first weights.

use crate::backend::Window;
use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::pooling::{NUMBER, NUMBERS, SIZE, SIZES, per_axis};
use crate::layers::{ACTIVATION_KEY, Lowering, weight_init};
use crate::ops::ShapeError;
use crate::ops::conv::{Conv, span};
use crate::ops::conv_transpose::ConvTranspose;
use crate::ops::resize_lengths::ResizeLengths;
use crate::ops::stretch_lengths::StretchLengths;
use crate::spec::{Family, Key, Kind, Preset, Value, Values};
use crate::tensor::Shape;

/// A word or a number of zeros.
const PADDING_WORDS: Kind = Kind::OneOf(&["same", "valid"]);

const OUT_CHANNELS: Key = Key {
    name: "out_channels",
    kind: SIZE,
    default: Preset::Absent,
    doc: "channels of the output; those of the input if left out and groups = \"depthwise\"",
};
const GROUPS: Key = Key {
    name: "groups",
    kind: Kind::Any(&[SIZE, Kind::OneOf(&["depthwise"])]),
    default: Preset::Int(1),
    doc: "groups of channels that do not meet; \"depthwise\": each channel is one",
};
const BIAS: Key =
    Key { name: "bias", kind: Kind::Bool, default: Preset::Bool(true), doc: "whether there is a bias" };
const INIT: Key = Key {
    name: "init",
    kind: Kind::Choice(Family::Initializer),
    default: Preset::Absent,
    doc: "initial weights; PyTorch's default if left out",
};

const fn kernel(kind: Kind) -> Key {
    Key { name: "kernel_size", kind, default: Preset::Required, doc: "taps of the kernel along each axis" }
}

const fn stride(kind: Kind) -> Key {
    Key { name: "stride", kind, default: Preset::Int(1), doc: "places from one output to the next" }
}

const fn dilation(kind: Kind) -> Key {
    Key { name: "dilation", kind, default: Preset::Int(1), doc: "places from one tap to the next" }
}

const fn padding(kind: Kind) -> Key {
    Key {
        name: "padding",
        kind,
        default: Preset::Int(0),
        doc: "zeros on both sides of each axis; \"same\": as many as keep the size (needs stride = 1), \"valid\": none",
    }
}

const fn cut(kind: Kind) -> Key {
    Key {
        name: "padding",
        kind,
        default: Preset::Int(0),
        doc: "places that are cut off on both sides of each axis of the output",
    }
}

const fn output_padding(kind: Kind) -> Key {
    Key {
        name: "output_padding",
        kind,
        default: Preset::Int(0),
        doc: "places that are added at the end of each axis of the output; less than stride or dilation",
    }
}

/// Keys of conv1d.
pub(super) const KEYS_1D: &[Key] = &[
    OUT_CHANNELS,
    kernel(SIZE),
    stride(SIZE),
    padding(Kind::Any(&[NUMBER, PADDING_WORDS])),
    dilation(SIZE),
    GROUPS,
    BIAS,
    INIT,
    ACTIVATION_KEY,
];

/// Keys of conv2d.
pub(super) const KEYS_2D: &[Key] = &[
    OUT_CHANNELS,
    kernel(SIZES),
    stride(SIZES),
    padding(Kind::Any(&[NUMBER, Kind::Tuple(2, &NUMBER), PADDING_WORDS])),
    dilation(SIZES),
    GROUPS,
    BIAS,
    INIT,
    ACTIVATION_KEY,
];

/// Keys of conv_transpose1d.
pub(super) const TRANSPOSE_KEYS_1D: &[Key] = &[
    OUT_CHANNELS,
    kernel(SIZE),
    stride(SIZE),
    cut(NUMBER),
    output_padding(NUMBER),
    dilation(SIZE),
    GROUPS,
    BIAS,
    INIT,
    ACTIVATION_KEY,
];

/// Keys of conv_transpose2d.
pub(super) const TRANSPOSE_KEYS_2D: &[Key] = &[
    OUT_CHANNELS,
    kernel(SIZES),
    stride(SIZES),
    cut(NUMBERS),
    output_padding(NUMBERS),
    dilation(SIZES),
    GROUPS,
    BIAS,
    INIT,
    ACTIVATION_KEY,
];

/// A convolution over `dims` axes of places, with its activation.
///
/// # Errors
/// Sizes that do not fit, each with the mend.
pub(super) fn conv(
    b: &mut Lowering<'_>,
    values: &Values,
    inputs: &[ValueId],
    dims: usize,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_last(x, dims)?;
    let x = b.ended(x)?;
    let channels = b.shape(x).last();
    let (outputs, groups) = widths(b, values, channels)?;
    let kernel = per_axis(values, "kernel_size", dims);
    let (stride, dilation) = (per_axis(values, "stride", dims), per_axis(values, "dilation", dims));
    let padding: Vec<[usize; 2]> = match values.get("padding") {
        Some(Value::Str(word)) if word == "same" => {
            if stride.iter().any(|&s| s > 1) {
                let problem = Problem::new(b.place(), "padding = \"same\" keeps the size, a stride does not");
                let help = "leave stride out, or give padding as a number: half of kernel_size";
                return Err(problem.expected("stride = 1").found(format!("{stride:?}")).help(help));
            }
            let all = kernel.iter().zip(&dilation).map(|(&k, &d)| span(k, d) - 1);
            all.map(|all| [all / 2, all - all / 2]).collect()
        }
        Some(Value::Str(_)) => vec![[0, 0]; dims],
        _ => per_axis(values, "padding", dims).into_iter().map(|p| [p, p]).collect(),
    };
    let op = Conv {
        stride: pair(&stride, 1),
        padding: pair(&padding, [0, 0]),
        dilation: pair(&dilation, 1),
        groups,
    };
    let taps: usize = kernel.iter().product();
    let fans = (channels / groups * taps, outputs * taps);
    let weight = [&[outputs, channels / groups], &kernel[..]].concat();
    let operands = tensors(b, values, x, weight, outputs, fans)?;
    let help =
        "make kernel_size smaller, or add padding = \"same\"; see how the sizes shrink with backprop check";
    let y = b.node(op, &operands).map_err(|problem| problem.help(help))?;
    b.set_channels_last(y);
    if let Some(lengths) = b.lengths_of(x) {
        let last = dims - 1;
        let (kernel, padding) = (kernel[last], padding[last].iter().sum());
        resize(
            b,
            y,
            lengths,
            Window { kernel, stride: stride[last], padding, dilation: dilation[last], ceil_mode: false },
        )?;
    }
    b.activation(values, y)
}

/// A transposed convolution over `dims` axes of places, with its activation.
///
/// # Errors
/// Sizes that do not fit, each with the mend.
pub(super) fn conv_transpose(
    b: &mut Lowering<'_>,
    values: &Values,
    inputs: &[ValueId],
    dims: usize,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_last(x, dims)?;
    let x = b.ended(x)?;
    let channels = b.shape(x).last();
    let (outputs, groups) = widths(b, values, channels)?;
    let kernel = per_axis(values, "kernel_size", dims);
    let (stride, dilation) = (per_axis(values, "stride", dims), per_axis(values, "dilation", dims));
    let (padding, added) = (per_axis(values, "padding", dims), per_axis(values, "output_padding", dims));
    for axis in 0..dims {
        let most = stride[axis].max(dilation[axis]) - 1;
        if added[axis] > most {
            let problem = Problem::new(b.place(), "its output_padding is not less than stride or dilation");
            return Err(problem.expected(format!("at most {most}")).found(added[axis].to_string()));
        }
    }
    let op = ConvTranspose {
        stride: pair(&stride, 1),
        padding: pair(&padding, 0),
        output_padding: pair(&added, 0),
        dilation: pair(&dilation, 1),
        groups,
    };
    let taps: usize = kernel.iter().product();
    // PyTorch takes the second axis of a weight for its inputs, here too.
    let fans = (outputs / groups * taps, channels * taps);
    let weight = [vec![channels, outputs / groups], kernel].concat();
    let operands = tensors(b, values, x, weight, outputs, fans)?;
    let y = b.node(op, &operands).map_err(|problem| problem.help("make padding smaller"))?;
    b.set_channels_last(y);
    if let Some(lengths) = b.lengths_of(x) {
        let last = dims - 1;
        let made = span(taps, dilation[last]) + added[last];
        let reach = made as f64 - 2.0 * padding[last] as f64;
        let op = StretchLengths { stride: stride[last], reach };
        let lengths = b.beside(y, "lengths", op, &[lengths])?;
        b.set_lengths(y, lengths);
    }
    b.activation(values, y)
}

/// The 1 × 1 convolution that brings `x` to the shape `to` by a stride, without bias; `None` where there is none.
///
/// # Errors
/// A weight that the machine has no memory for.
pub(super) fn projection(b: &mut Lowering<'_>, x: ValueId, to: &[usize]) -> Result<Option<ValueId>, Problem> {
    let from = b.shape(x).axes().to_vec();
    let dims = from.len() - 1;
    if to.len() != from.len() {
        return Ok(None);
    }
    let strides: Vec<usize> = from.iter().zip(to).take(dims).map(|(&n, &m)| n.div_ceil(m.max(1))).collect();
    if (0..dims).any(|axis| from[axis].div_ceil(strides[axis].max(1)) != to[axis]) {
        return Ok(None);
    }
    let (channels, outputs) = (from[dims], to[dims]);
    let weight = [vec![outputs, channels], vec![1; dims]].concat();
    let values = Values::default().with("bias", Value::Bool(false));
    let operands = tensors(b, &values, x, weight, outputs, (channels, outputs))?;
    let y = b.node(Conv { stride: pair(&strides, 1), ..Conv::default() }, &operands)?;
    b.set_channels_last(y);
    if let Some(lengths) = b.lengths_of(x) {
        let stride = strides[dims - 1];
        resize(b, y, lengths, Window { kernel: 1, stride, padding: 0, dilation: 1, ceil_mode: false })?;
    }
    Ok(Some(y))
}

/// Says that the rows of `y` end where a window leaves `lengths`.
fn resize(b: &mut Lowering<'_>, y: ValueId, lengths: ValueId, window: Window) -> Result<(), Problem> {
    let keeps = window.stride == 1 && window.padding + 1 == span(window.kernel, window.dilation);
    let lengths = match keeps {
        true => lengths,
        false => b.beside(y, "lengths", ResizeLengths::from(window), &[lengths])?,
    };
    b.set_lengths(y, lengths);
    Ok(())
}

/// Channels of the output, and the number of groups.
fn widths(b: &Lowering<'_>, values: &Values, channels: usize) -> Result<(usize, usize), Problem> {
    let depthwise = matches!(values.get("groups"), Some(Value::Str(_)));
    let groups = if depthwise { channels } else { values.usize("groups") };
    let outputs = match values.has("out_channels") {
        true => values.usize("out_channels"),
        false if depthwise => channels,
        false => {
            let problem = Problem::new(b.place(), "it has no out_channels");
            return Err(problem.help("add out_channels = 32, or any other number of channels"));
        }
    };
    for (what, n) in [("channels of its input", channels), ("out_channels", outputs)] {
        if n % groups != 0 {
            let error = ShapeError::new(format!("{what}: a multiple of groups = {groups}"), n.to_string());
            return Err(b.problem(&error).help("choose groups that divide both numbers of channels"));
        }
    }
    Ok((outputs, groups))
}

/// The operands of a convolution: `x`, its weight of this shape and, unless the keys say otherwise, its bias.
fn tensors(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    weight: Vec<usize>,
    outputs: usize,
    (fan_in, fan_out): (usize, usize),
) -> Result<Vec<ValueId>, Problem> {
    let init = weight_init(b, values, fan_in, fan_out);
    let w = b.param("weight", Shape::new(weight), init.clone())?;
    if !values.bool("bias") {
        return Ok(vec![x, w]);
    }
    // PyTorch draws the bias from the same range as the weight; other initialisers leave it zero, as their papers do.
    let init = if init.name == "pytorch" { init } else { Init::constant(0.0) };
    Ok(vec![x, w, b.param("bias", [outputs], init)?])
}

/// The numbers for height and width; a series has height 1, where `one` stands.
fn pair<T: Copy>(numbers: &[T], one: T) -> [T; 2] {
    match *numbers {
        [height, width] => [height, width],
        [width] => [one, width],
        _ => panic!("a convolution has one axis of places or two"),
    }
}

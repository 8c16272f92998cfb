//! What the pooling layers share: their keys, and the op with the lengths of ragged series.

use crate::backend::{Window, Windows};
use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{Lowering, activation};
use crate::ops::max_pool::MaxPool;
use crate::ops::reshape::Reshape;
use crate::ops::resize_lengths::ResizeLengths;
use crate::ops::{Op, Pooling, ShapeError};
use crate::spec::{Key, Kind, Preset, Value, Values};
use crate::tensor::Shape;

/// Sizes and distances; the limit keeps sums of them far from overflow.
pub(super) const SIZE: Kind = Kind::int(1, 1_000_000);
/// One size for both axes, or `[height, width]`.
pub(super) const SIZES: Kind = Kind::Any(&[SIZE, Kind::Tuple(2, &SIZE)]);
/// Sizes that may be 0.
pub(super) const NUMBER: Kind = Kind::int(0, 1_000_000);
/// One such size for both axes, or `[height, width]`.
pub(super) const NUMBERS: Kind = Kind::Any(&[NUMBER, Kind::Tuple(2, &NUMBER)]);

const fn kernel(kind: Kind) -> Key {
    Key { name: "kernel_size", kind, default: Preset::Required, doc: "places of a window" }
}

const fn stride(kind: Kind) -> Key {
    Key {
        name: "stride",
        kind,
        default: Preset::Absent,
        doc: "places from window to window; kernel_size if left out",
    }
}

const fn padding(kind: Kind) -> Key {
    Key {
        name: "padding",
        kind,
        default: Preset::Int(0),
        doc: "missing places around the input that windows may reach into; at most half a window",
    }
}

const fn dilation(kind: Kind) -> Key {
    Key {
        name: "dilation",
        kind,
        default: Preset::Int(1),
        doc: "places from one place of a window to the next",
    }
}

const CEIL_MODE: Key = Key {
    name: "ceil_mode",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "whether the last window may reach beyond the padding",
};

const COUNT_INCLUDE_PAD: Key = Key {
    name: "count_include_pad",
    kind: Kind::Bool,
    default: Preset::Bool(true),
    doc: "whether padding counts as places that hold 0",
};

const fn output_size(kind: Kind) -> Key {
    Key { name: "output_size", kind, default: Preset::Required, doc: "places of the output" }
}

/// Keys of max_pool1d.
pub(super) const MAX_1D: &[Key] = &[kernel(SIZE), stride(SIZE), padding(NUMBER), dilation(SIZE), CEIL_MODE];
/// Keys of max_pool2d.
pub(super) const MAX_2D: &[Key] =
    &[kernel(SIZES), stride(SIZES), padding(NUMBERS), dilation(SIZES), CEIL_MODE];
/// Keys of avg_pool1d.
pub(super) const AVG_1D: &[Key] =
    &[kernel(SIZE), stride(SIZE), padding(NUMBER), CEIL_MODE, COUNT_INCLUDE_PAD];
/// Keys of avg_pool2d.
pub(super) const AVG_2D: &[Key] =
    &[kernel(SIZES), stride(SIZES), padding(NUMBERS), CEIL_MODE, COUNT_INCLUDE_PAD];
/// Keys of the adaptive pools of series.
pub(super) const ADAPTIVE_1D: &[Key] = &[output_size(SIZE)];
/// Keys of the adaptive pools of images.
pub(super) const ADAPTIVE_2D: &[Key] = &[output_size(SIZES)];

/// The numbers of a key, one for each of `dims` axes: a list, or one number for all.
pub(super) fn per_axis(values: &Values, key: &str, dims: usize) -> Vec<usize> {
    match values.get(key) {
        Some(Value::List(_)) => values.f64s(key).into_iter().map(|x| x as usize).collect(),
        _ => vec![values.usize(key); dims],
    }
}

/// The sliding windows that the keys describe.
///
/// # Errors
/// More padding than half a window.
pub(super) fn sliding(b: &Lowering<'_>, values: &Values, dims: usize) -> Result<Vec<Windows>, Problem> {
    let kernel = per_axis(values, "kernel_size", dims);
    let stride = if values.has("stride") { per_axis(values, "stride", dims) } else { kernel.clone() };
    let dilation = if values.has("dilation") { per_axis(values, "dilation", dims) } else { vec![1; dims] };
    let padding = per_axis(values, "padding", dims);
    let ceil_mode = values.bool("ceil_mode");
    let windows = (0..dims).map(|axis| {
        let (kernel, padding, dilation) = (kernel[axis], padding[axis], dilation[axis]);
        let most = (dilation * (kernel - 1)).div_ceil(2);
        if padding > most {
            let problem = Problem::new(b.place(), "its padding is more than half a window");
            return Err(problem.expected(format!("padding of at most {most}")).found(padding.to_string()));
        }
        let stride = stride[axis];
        Ok(Windows::Sliding(Window { kernel, stride, padding: 2 * padding, dilation, ceil_mode }))
    });
    windows.collect()
}

/// The windows of an adaptive pool: as many as `output_size` says.
pub(super) fn adaptive(values: &Values, dims: usize) -> Vec<Windows> {
    per_axis(values, "output_size", dims).into_iter().map(|count| Windows::Even { count }).collect()
}

/// Adds the pool that `op` makes of the windows; x comes with its channels last.
///
/// Of a ragged series, sliding windows leave a ragged series; even ones share out the steps that each row has.
///
/// # Errors
/// Windows that the input is too small for, or an input of another number of axes.
pub(super) fn pool<O: Op + 'static>(
    b: &mut Lowering<'_>,
    inputs: &[ValueId],
    windows: Vec<Windows>,
    op: impl FnOnce(Pooling) -> O,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let resized = match windows[..] {
        [Windows::Sliding(w)] => Some(ResizeLengths::from(w)),
        _ => None,
    };
    b.moving(x, windows.len(), op(Pooling(windows)), resized)
}

/// Adds the maximum of the windows.
///
/// Of numbers that come from a relu, the largest is taken first: the relu of the maximum is the maximum of the relus, and there
/// are fewer of them. Where the maximum is below 0 no place has a gradient, in either order.
///
/// # Errors
/// Those of [`pool`].
pub(super) fn max_pool(
    b: &mut Lowering<'_>,
    inputs: &[ValueId],
    windows: Vec<Windows>,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let relu = b.graph.nodes.iter().find(|n| n.output == x && n.op.name() == "relu");
    match relu.map(|n| n.inputs[0]) {
        Some(before) => {
            let y = pool(b, &[before], windows, MaxPool)?;
            activation::lower(b, "relu", &Values::default(), &[y])
        }
        None => pool(b, &[x], windows, MaxPool),
    }
}

/// The mean or the maximum over all places: `op` over the steps of a series or the places of an image, in one row.
///
/// # Errors
/// An input without places.
pub(super) fn global(
    b: &mut Lowering<'_>,
    inputs: &[ValueId],
    op: impl Op + 'static,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    match b.shape(x).axes().len() {
        2 => return b.over_steps(op, inputs),
        3 => {}
        _ => {
            let problem = b.problem(&ShapeError::new("an image or a series", b.shape(x).to_string()));
            let help = "give the input a shape [C, H, W] or [C, T]: [data.inputs.NAME] shape = [C, H, W]";
            return Err(problem.help(b.other_form(x, &[1, 2]).unwrap_or_else(|| help.to_owned())));
        }
    }
    let x = b.channels_last(x, 2)?;
    let shape = Shape::from([b.shape(x).outer(), b.shape(x).last()]);
    let x = b.beside(x, "places", Reshape { shape }, &[x])?;
    b.node(op, &[x])
}

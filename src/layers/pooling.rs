//! What the pooling layers share: their keys, and the op with the lengths of ragged series.

use crate::backend::Windows;
use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::Lowering;
use crate::ops::{Op, Pooling};
use crate::spec::{Key, Kind, Preset, Value, Values};

/// Sizes and distances; the limit keeps sums of them far from overflow.
pub(super) const SIZE: Kind = Kind::int(1, 1_000_000);
/// One size for both axes, or `[height, width]`.
pub(super) const SIZES: Kind = Kind::Any(&[SIZE, Kind::Tuple(2, &SIZE)]);
const NUMBER: Kind = Kind::int(0, 1_000_000);
const NUMBERS: Kind = Kind::Any(&[NUMBER, Kind::Tuple(2, &NUMBER)]);

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

/// Keys of max_pool1d.
pub(super) const MAX_KEYS_1D: &[Key] =
    &[kernel(SIZE), stride(SIZE), padding(NUMBER), dilation(SIZE), CEIL_MODE];
/// Keys of max_pool2d.
pub(super) const MAX_KEYS_2D: &[Key] =
    &[kernel(SIZES), stride(SIZES), padding(NUMBERS), dilation(SIZES), CEIL_MODE];

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
        let most = (dilation * (kernel - 1) + 1) / 2;
        if padding > most {
            let problem = Problem::new(b.place(), "its padding is more than half a window");
            return Err(problem.expected(format!("padding of at most {most}")).found(padding.to_string()));
        }
        Ok(Windows::Sliding { kernel, stride: stride[axis], padding, dilation, ceil_mode })
    });
    windows.collect()
}

/// Adds the pool `op` of `windows`; x comes with its channels last.
///
/// # Errors
/// Windows that the input is too small for, or an input of another number of axes.
pub(super) fn pool<O: Op + 'static>(
    b: &mut Lowering<'_>,
    inputs: &[ValueId],
    windows: Vec<Windows>,
    global: bool,
    op: impl FnOnce(Pooling) -> O,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_last(x, windows.len())?;
    let op = op(Pooling { windows, global });
    let y = match b.lengths_of(x) {
        Some(lengths) => b.node(op, &[x, lengths])?,
        None => b.node(op, &[x])?,
    };
    if !global {
        b.set_channels_last(y);
    }
    Ok(y)
}

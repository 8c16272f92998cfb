//! `y = x · Wᵀ + b` over the last axis, and an activation.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering, weight_init};
use crate::ops::ShapeError;
use crate::ops::linear::Linear;
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "linear",
    doc: "y = x·Wᵀ + b over the last axis; tensors weight [out, in] and bias [out].",
    keys: KEYS,
    example: r#"[{ type = "linear", out_features = 7, activation = "tanh" }, { type = "linear", out_features = 3, bias = false }]"#,
    lower,
};

const KEYS: &[Key] = &[
    Key { name: "out_features", kind: Kind::int(1, i64::MAX), default: Preset::Required, doc: "width of the output" },
    Key { name: "bias", kind: Kind::Bool, default: Preset::Bool(true), doc: "whether there is a bias" },
    Key {
        name: "init",
        kind: Kind::Choice(Family::Initializer),
        default: Preset::Absent,
        doc: "initial weights; PyTorch's default if left out",
    },
    ACTIVATION_KEY,
];

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let y = affine(b, values, x, values.usize("out_features"), values.bool("bias"))?;
    b.activation(values, y)
}

/// `x · Wᵀ (+ b)` with tensors of the layer that is being lowered.
pub(super) fn affine(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    outputs: usize,
    bias: bool,
) -> Result<ValueId, Problem> {
    if b.shape(x).axes().is_empty() || b.cardinalities.contains_key(&x) {
        let problem = b.problem(&ShapeError::new("numbers in columns", "ids"));
        return Err(problem.help("put an embedding before it"));
    }
    let width = b.shape(x).last();
    let init = weight_init(b, values, width, outputs);
    let w = b.param("weight", [outputs, width], init.clone())?;
    if !bias {
        return b.node(Linear, &[x, w]);
    }
    // PyTorch draws the bias from the same range as the weight; other initialisers leave it zero, as their papers do.
    let init = if init.name == "pytorch" { init } else { Init::constant(0.0) };
    let bias = b.param("bias", [outputs], init)?;
    b.node(Linear, &[x, w, bias])
}

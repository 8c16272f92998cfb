//! Each row brought to a root mean square of 1 over its last axis.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering};
use crate::ops::rms_norm::RmsNorm;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "rms_norm",
    doc: "Each row divided by its root mean square over the last axis, then scaled; tensor weight. Zhang & Sennrich 2019.",
    keys: &[
        Key {
            name: "eps",
            kind: Kind::above(0.0),
            // PyTorch's: the distance from 1 to the next number in single precision.
            default: Preset::Float(1.192_092_9e-7),
            doc: "ε below the root",
        },
        Key {
            name: "elementwise_affine",
            kind: Kind::Bool,
            default: Preset::Bool(true),
            doc: "whether to scale afterwards",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "linear", out_features = 4 }, { type = "rms_norm", eps = 0.1 }, { type = "rms_norm", eps = 0.1, elementwise_affine = false }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let width = b.shape(x).last();
    let gain = if values.bool("elementwise_affine") {
        b.param("weight", [width], Init::constant(1.0))?
    } else {
        b.graph.constant("ones", vec![1.0; width])
    };
    let y = b.node(RmsNorm { eps: values.f64("eps") }, &[x, gain])?;
    b.activation(values, y)
}

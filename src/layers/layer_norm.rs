//! Each row normalised to mean 0 and variance 1 over its last axis.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering};
use crate::ops::layer_norm::LayerNorm;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "layer_norm",
    doc: "Each row normalised to mean 0 and variance 1 over its last axis, then scaled and shifted. Ba et al. 2016.",
    keys: &[
        Key { name: "eps", kind: Kind::above(0.0), default: Preset::Float(1e-5), doc: "ε below the root" },
        Key {
            name: "elementwise_affine",
            kind: Kind::Bool,
            default: Preset::Bool(true),
            doc: "whether to scale and shift afterwards",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "linear", out_features = 4 }, { type = "layer_norm" }, { type = "layer_norm", elementwise_affine = false }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let width = b.shape(x).last();
    let op = LayerNorm { eps: values.f64("eps") };
    let (gain, bias) = if values.bool("elementwise_affine") {
        (b.param("weight", [width], Init::constant(1.0))?, b.param("bias", [width], Init::constant(0.0))?)
    } else {
        (b.graph.constant("ones", vec![1.0; width]), b.graph.constant("zeros", vec![0.0; width]))
    };
    let y = b.node(op, &[x, gain, bias])?;
    b.activation(values, y)
}

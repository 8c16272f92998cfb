//! Groups of channels normalised to mean 0 and variance 1 over the places of a row.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering};
use crate::ops::group_norm::GroupNorm;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "group_norm",
    doc: "Groups of channels normalised to mean 0 and variance 1 over the places of each row, then scaled and shifted: no \
          statistics over the batch. Wu & He 2018.",
    keys: &[
        Key {
            name: "num_groups",
            kind: Kind::int(1, i64::MAX),
            default: Preset::Required,
            doc: "number of groups, which share out the channels evenly",
        },
        Key { name: "eps", kind: Kind::above(0.0), default: Preset::Float(1e-5), doc: "ε below the root" },
        Key {
            name: "affine",
            kind: Kind::Bool,
            default: Preset::Bool(true),
            doc: "whether to scale and shift afterwards",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 4 }, { type = "group_norm", num_groups = 2, activation = "tanh" }, { type = "group_norm", num_groups = 1, affine = false }, { type = "mean" }]"#,
    lower: |b, values, inputs| {
        let x = b.channels(inputs)?;
        grouped(b, values, x, values.usize("num_groups"))
    },
};

/// The norm of `x` in `groups`, with the keys `eps`, `affine` and `activation`.
pub(super) fn grouped(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    groups: usize,
) -> Result<ValueId, Problem> {
    let channels = b.shape(x).last();
    let (gain, bias) = if values.bool("affine") {
        (b.param("weight", [channels], Init::constant(1.0))?, b.param("bias", [channels], Init::constant(0.0))?)
    } else {
        (b.graph.constant("ones", vec![1.0; channels]), b.graph.constant("zeros", vec![0.0; channels]))
    };
    let y = b.up_to_ends(GroupNorm { groups, eps: values.f64("eps") }, &[x, gain, bias])?;
    b.activation(values, y)
}

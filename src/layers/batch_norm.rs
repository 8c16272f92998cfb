//! Channels normalised to mean 0 and variance 1 over the batch.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering};
use crate::ops::batch_norm::BatchNorm;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "batch_norm",
    doc: "Each channel normalised to mean 0 and variance 1 over the batch, the places of an image and the steps of a series in \
          training, by running statistics otherwise; then scaled and shifted. One value has no variance: over columns of a \
          table a last batch of one row is left out, and batch_size = 1 is an error. Ioffe & Szegedy 2015.",
    keys: &[
        Key { name: "eps", kind: Kind::above(0.0), default: Preset::Float(1e-5), doc: "ε below the root" },
        Key {
            name: "momentum",
            kind: Kind::float(0.0, 1.0),
            default: Preset::Float(0.1),
            doc: "share of the batch in the running statistics",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 3, bias = false }, { type = "batch_norm", activation = "tanh" }, { type = "mean" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.channels(inputs)?;
    let channels = b.shape(x).last();
    let gain = b.param("weight", [channels], Init::constant(1.0))?;
    let bias = b.param("bias", [channels], Init::constant(0.0))?;
    let mean = b.buffer("running_mean", [channels], Init::constant(0.0));
    let variance = b.buffer("running_var", [channels], Init::constant(1.0));
    let op = BatchNorm { eps: values.f64("eps"), momentum: values.f64("momentum") };
    let y = b.up_to_ends(op, &[x, gain, bias, mean, variance])?;
    b.activation(values, y)
}

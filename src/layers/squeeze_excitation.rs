//! Channels weighed by what the whole row holds.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::linear::affine;
use crate::layers::pooling::global;
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering, activation};
use crate::ops::mean::Mean;
use crate::ops::mul::Mul;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "squeeze_excitation",
    doc: "Each channel of an image or a series times a gate: global_avg_pool, linear to 1/reduction of the channels (tensors \
          NAME.fc1), an activation (relu if left out), linear back (NAME.fc2), sigmoid, mul. Hu et al. 2018.",
    keys: &[
        Key {
            name: "reduction",
            kind: Kind::int(1, i64::MAX),
            default: Preset::Int(16),
            doc: "how many channels share one hidden unit; there is one unit at least",
        },
        Key { doc: "activation of the hidden units; relu if left out", ..ACTIVATION_KEY },
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 4 }, { type = "squeeze_excitation", reduction = 2, activation = "tanh" }, { type = "mean" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.channels(inputs)?;
    let pooled = global(b, &[x], Mean)?;
    let channels = b.shape(x).last();
    let path = b.path.clone();
    b.path = format!("{path}.fc1");
    let hidden = (channels / values.usize("reduction")).max(1);
    let squeezed = affine(b, &Values::default(), pooled, hidden, true)?;
    let squeezed = if values.has("activation") {
        b.activation(values, squeezed)?
    } else {
        activation::lower(b, "relu", &Values::default(), &[squeezed])?
    };
    b.path = format!("{path}.fc2");
    let excited = affine(b, &Values::default(), squeezed, channels, true)?;
    let gate = activation::lower(b, "sigmoid", &Values::default(), &[excited])?;
    b.path = path;
    b.node(Mul, &[x, gate])
}

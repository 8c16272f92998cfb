//! Each channel of a row normalised to mean 0 and variance 1 over the places of the row.

use crate::layers::group_norm::grouped;
use crate::layers::{ACTIVATION_KEY, LayerEntry};
use crate::ops::ShapeError;
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "instance_norm",
    doc: "Each channel of each row normalised to mean 0 and variance 1 over the places of the row, in training and after it; \
          with affine = true then scaled and shifted. Ulyanov et al. 2016.",
    keys: &[
        Key { name: "eps", kind: Kind::above(0.0), default: Preset::Float(1e-5), doc: "ε below the root" },
        Key {
            name: "affine",
            kind: Kind::Bool,
            default: Preset::Bool(false),
            doc: "whether to scale and shift afterwards",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 4, bias = false }, { type = "instance_norm", affine = true, activation = "tanh" }, { type = "instance_norm" }, { type = "max" }]"#,
    lower: |b, values, inputs| {
        let x = b.channels(inputs)?;
        if b.shape(x).outer() < 2 {
            let found = b.shape(x).to_string();
            return Err(b.problem(&ShapeError::new("an image or a series with more than one place", found)));
        }
        let channels = b.shape(x).last();
        grouped(b, values, x, channels)
    },
};

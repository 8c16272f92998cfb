//! Zeroes whole channels at random while training.

use crate::layers::LayerEntry;
use crate::ops::ShapeError;
use crate::ops::dropout2d::Dropout2d;
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "dropout2d",
    doc: "In training each channel of an image or a series is 0 with probability p, in all of its places, and the others are \
          divided by 1 − p; PyTorch's Dropout2d and Dropout1d. Tompson et al. 2015.",
    keys: &[Key {
        name: "p",
        kind: Kind::below(0.0, 1.0),
        default: Preset::Float(0.5),
        doc: "probability of a zero",
    }],
    example: r#"[{ type = "linear", input = "series", out_features = 5 }, { type = "dropout2d", p = 0.4 }, { type = "mean" }]"#,
    lower: |b, values, inputs| {
        let x = b.channels(inputs)?;
        if b.shape(x).axes().len() < 2 {
            let found = b.shape(x).to_string();
            return Err(b.problem(&ShapeError::new("an image or a series", found)));
        }
        b.node(Dropout2d { p: values.f64("p") }, &[x])
    },
};

//! Zeroes elements at random while training.

use crate::layers::LayerEntry;
use crate::ops::dropout::Dropout;
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "dropout",
    doc: "In training each element is 0 with probability p and the others are divided by 1 − p. Srivastava et al. 2014.",
    keys: &[Key {
        name: "p",
        kind: Kind::below(0.0, 1.0),
        default: Preset::Float(0.5),
        doc: "probability of a zero",
    }],
    example: r#"[{ type = "linear", out_features = 5 }, { type = "dropout", p = 0.4 }]"#,
    lower: |b, values, inputs| {
        let x = b.one(inputs)?;
        b.node(Dropout { p: values.f64("p") }, &[x])
    },
};

//! Softmax over the last axis, as a hidden layer.

use crate::layers::LayerEntry;
use crate::ops::softmax::Softmax;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "softmax",
    doc: "exp(xᵢ) / Σⱼ exp(xⱼ) over the last axis; as a hidden layer. The loss brings the output's own.",
    keys: &[],
    example: r#"[{ type = "linear", out_features = 4, activation = "softmax" }, { type = "linear", out_features = 3 }, { type = "softmax" }]"#,
    lower: |b, _, inputs| {
        let x = b.one(inputs)?;
        b.node(Softmax, &[x])
    },
};

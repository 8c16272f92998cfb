//! The mean over time.

use crate::layers::LayerEntry;
use crate::ops::mean::Mean;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "mean",
    doc: "The mean over the steps of a series [T, C]: C numbers. Where a series ends early, over the steps that are there.",
    keys: &[],
    example: r#"[{ type = "linear", input = "series", out_features = 4, activation = "tanh" }, { type = "mean" }]"#,
    lower: |b, _, inputs| b.over_steps(Mean, inputs),
};

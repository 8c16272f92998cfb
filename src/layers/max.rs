//! The maximum over time.

use crate::layers::LayerEntry;
use crate::ops::max::Max;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "max",
    doc: "The largest number of each channel over the steps of a series [T, C]: C numbers. Where a series ends early, over the steps that are there.",
    keys: &[],
    example: r#"[{ type = "linear", input = "series", out_features = 4, activation = "tanh" }, { type = "max" }]"#,
    lower: |b, _, inputs| b.over_steps(Max, inputs),
};

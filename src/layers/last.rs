//! The last step.

use crate::layers::LayerEntry;
use crate::ops::last::Last;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "last",
    doc: "The last step of a series [T, C]: C numbers. Where a series ends early, the step before its end.",
    keys: &[],
    example: r#"[{ type = "linear", input = "series", out_features = 4, activation = "tanh" }, { type = "last" }]"#,
    lower: |b, _, inputs| b.over_steps(Last, inputs),
};

//! The largest number of each channel.

use crate::layers::LayerEntry;
use crate::layers::pooling::{global};
use crate::ops::max::Max;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "global_max_pool",
    doc: "The largest number of each channel over all places of an image or all steps of a series: C numbers. Where a series ends early, over the steps that are there.",
    keys: &[],
    example: r#"[{ type = "linear", input = "image", out_features = 4 }, { type = "global_max_pool" }]"#,
    lower: |b, _, inputs| global(b, inputs, Max),
};

//! The mean of each channel.

use crate::layers::LayerEntry;
use crate::layers::pooling::{global};
use crate::ops::mean::Mean;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "global_avg_pool",
    doc: "The mean of each channel over all places of an image or all steps of a series: C numbers. Where a series ends early, over the steps that are there. Lin et al. 2014.",
    keys: &[],
    example: r#"[{ type = "linear", input = "image", out_features = 4 }, { type = "global_avg_pool" }]"#,
    lower: |b, _, inputs| global(b, inputs, Mean),
};

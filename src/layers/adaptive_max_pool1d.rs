//! The largest number of each part of a series, of as many parts as wanted.

use crate::layers::LayerEntry;
use crate::layers::pooling::{ADAPTIVE_1D, adaptive, pool};
use crate::ops::max_pool::MaxPool;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "adaptive_max_pool1d",
    doc: "The largest number of each of output_size parts that share out the steps evenly, channel by channel. A ragged series shares out the steps that each row has.",
    keys: ADAPTIVE_1D,
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "adaptive_max_pool1d", output_size = 2 }, { type = "flatten" }]"#,
    lower: |b, values, inputs| pool(b, inputs, adaptive(values, 1), MaxPool),
};

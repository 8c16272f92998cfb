//! The mean of each part of a series, of as many parts as wanted.

use crate::layers::LayerEntry;
use crate::layers::pooling::{ADAPTIVE_1D, adaptive, pool};
use crate::ops::avg_pool::AvgPool;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "adaptive_avg_pool1d",
    doc: "The mean of each of output_size parts that share out the steps evenly, channel by channel. A ragged series shares out the steps that each row has.",
    keys: ADAPTIVE_1D,
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "adaptive_avg_pool1d", output_size = 2 }, { type = "flatten" }]"#,
    lower: |b, values, inputs| {
        pool(b, inputs, adaptive(values, 1), |windows| AvgPool { windows, count_padding: false })
    },
};

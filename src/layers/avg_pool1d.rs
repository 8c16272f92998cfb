//! The mean of each window of a series.

use crate::layers::LayerEntry;
use crate::layers::pooling::{AVG_1D, pool, sliding};
use crate::ops::avg_pool::AvgPool;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "avg_pool1d",
    doc: "The mean of each window of kernel_size steps, channel by channel. Steps behind the end of a ragged series are not there; a row that is shorter than the window keeps one step. LeCun et al. 1989.",
    keys: AVG_1D,
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "avg_pool1d", kernel_size = 3, stride = 2, padding = 1, count_include_pad = false }, { type = "global_avg_pool" }]"#,
    lower: |b, values, inputs| {
        let (windows, count_padding) = (sliding(b, values, 1)?, values.bool("count_include_pad"));
        pool(b, inputs, windows, |windows| AvgPool { windows, count_padding })
    },
};

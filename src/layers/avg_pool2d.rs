//! The mean of each window of an image.

use crate::layers::LayerEntry;
use crate::layers::pooling::{AVG_2D, pool, sliding};
use crate::ops::avg_pool::AvgPool;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "avg_pool2d",
    doc: "The mean of each window of kernel_size places, channel by channel. LeCun et al. 1989.",
    keys: AVG_2D,
    example: r#"[{ type = "linear", input = "image", out_features = 4 }, { type = "avg_pool2d", kernel_size = [2, 3], stride = 1 }, { type = "flatten" }]"#,
    lower: |b, values, inputs| {
        let (windows, count_padding) = (sliding(b, values, 2)?, values.bool("count_include_pad"));
        pool(b, inputs, windows, |windows| AvgPool { windows, count_padding })
    },
};

//! The largest number of each window of a series.

use crate::layers::LayerEntry;
use crate::layers::pooling::{MAX_1D, max_pool, sliding};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "max_pool1d",
    doc: "The largest number of each window of kernel_size steps, channel by channel. Steps behind the end of a ragged series are not there; a row that is shorter than the window keeps one step. Ranzato et al. 2007.",
    keys: MAX_1D,
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "max_pool1d", kernel_size = 3, stride = 2, padding = 1 }, { type = "global_avg_pool" }]"#,
    lower: |b, values, inputs| {
        let windows = sliding(b, values, 1)?;
        max_pool(b, inputs, windows)
    },
};

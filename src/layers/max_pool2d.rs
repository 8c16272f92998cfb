//! The largest number of each window of an image.

use crate::layers::LayerEntry;
use crate::layers::pooling::{MAX_2D, max_pool, sliding};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "max_pool2d",
    doc: "The largest number of each window of kernel_size places, channel by channel. Ranzato et al. 2007.",
    keys: MAX_2D,
    example: r#"[{ type = "linear", input = "image", out_features = 4 }, { type = "max_pool2d", kernel_size = 2 }, { type = "flatten" }]"#,
    lower: |b, values, inputs| {
        let windows = sliding(b, values, 2)?;
        max_pool(b, inputs, windows)
    },
};

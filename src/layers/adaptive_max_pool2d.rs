//! The largest number of each part of an image, of as many parts as wanted.

use crate::layers::LayerEntry;
use crate::layers::pooling::{ADAPTIVE_2D, adaptive, pool};
use crate::ops::max_pool::MaxPool;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "adaptive_max_pool2d",
    doc: "The largest number of each of output_size parts that share out the places evenly, channel by channel.",
    keys: ADAPTIVE_2D,
    example: r#"[{ type = "linear", input = "image", out_features = 4 }, { type = "adaptive_max_pool2d", output_size = [2, 3] }, { type = "flatten" }]"#,
    lower: |b, values, inputs| pool(b, inputs, adaptive(values, 2), MaxPool),
};

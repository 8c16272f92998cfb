//! Convolution over an image.

use crate::layers::LayerEntry;
use crate::layers::convolution::{KEYS_2D, conv};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "conv2d",
    doc: "Each output is a weighted sum of the places under its kernel, the same weights everywhere; tensors weight \
          [out, in/groups, kh, kw] and bias [out]. LeCun et al. 1998.",
    keys: KEYS_2D,
    example: r#"[{ type = "conv2d", input = "image", out_channels = 4, kernel_size = [3, 2], padding = [1, 0], activation = "tanh" }, { type = "conv2d", out_channels = 6, groups = 2, kernel_size = 3, padding = "same", bias = false }, { type = "residual", layers = [{ type = "conv2d", out_channels = 3, kernel_size = 3, stride = 2, padding = 1 }] }, { type = "flatten" }]"#,
    lower: |b, values, inputs| conv(b, values, inputs, 2),
};

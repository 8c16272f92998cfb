//! Convolution over a series.

use crate::layers::LayerEntry;
use crate::layers::convolution::{KEYS_1D, conv};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "conv1d",
    doc: "Each output is a weighted sum of the steps under its kernel, the same weights everywhere; tensors weight \
          [out, in/groups, k] and bias [out]. A row of a ragged series that is shorter than the kernel keeps one step. \
          Waibel et al. 1989.",
    keys: KEYS_1D,
    example: r#"[{ type = "conv1d", input = "series", out_channels = 4, kernel_size = 3, stride = 2, padding = 1, activation = "tanh" }, { type = "conv1d", groups = "depthwise", kernel_size = 3, padding = "same" }, { type = "mean" }]"#,
    lower: |b, values, inputs| conv(b, values, inputs, 1),
};

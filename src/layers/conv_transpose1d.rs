//! Transposed convolution over a series.

use crate::layers::LayerEntry;
use crate::layers::convolution::{TRANSPOSE_KEYS_1D, conv_transpose};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "conv_transpose1d",
    doc: "Each input adds its kernel to the output, stride steps apart: the adjoint of conv1d, which makes a series larger; \
          tensors weight [in, out/groups, k] and bias [out]. Zeiler et al. 2010.",
    keys: TRANSPOSE_KEYS_1D,
    example: r#"[{ type = "conv_transpose1d", input = "series", out_channels = 4, kernel_size = 3, stride = 2, padding = 1, output_padding = 1, activation = "tanh" }, { type = "mean" }]"#,
    lower: |b, values, inputs| conv_transpose(b, values, inputs, 1),
};

//! Transposed convolution over an image.

use crate::layers::LayerEntry;
use crate::layers::convolution::{TRANSPOSE_KEYS_2D, conv_transpose};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "conv_transpose2d",
    doc: "Each input adds its kernel to the output, stride places apart: the adjoint of conv2d, which makes an image larger; \
          tensors weight [in, out/groups, kh, kw] and bias [out]. Zeiler et al. 2010.",
    keys: TRANSPOSE_KEYS_2D,
    example: r#"[{ type = "conv_transpose2d", input = "image", out_channels = 3, kernel_size = [3, 2], stride = 2, padding = [1, 0], activation = "tanh" }, { type = "flatten" }]"#,
    lower: |b, values, inputs| conv_transpose(b, values, inputs, 2),
};

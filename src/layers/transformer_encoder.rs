//! Transformer blocks one after the other.

use crate::layers::LayerEntry;
use crate::layers::attention::CAUSAL;
use crate::layers::transformer::{stack, stack_keys};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "transformer_encoder",
    doc: "num_layers blocks over a sequence [T, C], each as transformer_block, and a norm behind the last unless norm_first = false; \
          tensors as PyTorch's TransformerEncoder: layers.0, layers.1 and so on, norm. With causal = true it is the decoder of a \
          language model. Vaswani et al. 2017.",
    keys: &stack_keys(CAUSAL),
    example: r#"[{ type = "linear", input = "series", out_features = 4, activation = "tanh" }, { type = "transformer_encoder", num_layers = 2, num_heads = 2, dim_feedforward = 3, eps = 1.0 }, { type = "mean" }]"#,
    lower: |b, values, inputs| {
        let x = b.one(inputs)?;
        let x = b.channels_last(x, 1)?;
        stack(b, values, x, None)
    },
};

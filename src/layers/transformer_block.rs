//! Attention and two linear layers, each added to what it reads.

use crate::layers::LayerEntry;
use crate::layers::attention::{CAUSAL, sequences};
use crate::layers::transformer::{block, block_keys};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "transformer_block",
    doc: "Attention of the steps of a sequence [T, C] to each other and two linear layers, each with a norm and a sum around it; with \
          input = [\"x\", \"memory\"] also attention to the steps of a second sequence. Tensors as PyTorch's TransformerEncoderLayer \
          and TransformerDecoderLayer: self_attn, multihead_attn, linear1, linear2, norm1, norm2, norm3. Vaswani et al. 2017.",
    keys: &block_keys(CAUSAL),
    example: r#"[{ type = "linear", name = "a", input = "series", out_features = 4, activation = "tanh" }, { type = "transformer_block", num_heads = 2, num_kv_heads = 1, causal = true, activation = "swiglu", dim_feedforward = 2, norm = "rms_norm", eps = 1.0, rotary = true, norm_first = false }, { type = "linear", name = "b", out_features = 4 }, { type = "transformer_block", input = ["b", "a"], num_heads = 1, dim_feedforward = 3, dropout = 0.1, activation = "tanh", bias = false, eps = 1.0 }, { type = "mean" }]"#,
    lower: |b, values, inputs| {
        let (x, memory) = sequences(b, inputs)?;
        block(b, values, x, memory)
    },
};

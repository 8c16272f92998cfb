//! Transformer blocks one after the other, which look at a second sequence.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::attention::{CAUSAL, sequences};
use crate::layers::transformer::{stack, stack_keys};
use crate::layers::{LayerEntry, Lowering};
use crate::ops::ShapeError;
use crate::spec::{Key, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "transformer_decoder",
    doc: "num_layers blocks over a sequence, input = [\"x\", \"memory\"], each as transformer_block: its steps look at those before \
          them and at all of the second sequence. A norm behind the last unless norm_first = false; tensors as PyTorch's \
          TransformerDecoder: layers.0, layers.1 and so on, norm. Vaswani et al. 2017.",
    keys: &stack_keys(Key { default: Preset::Bool(true), ..CAUSAL }),
    example: r#"[{ type = "linear", name = "a", input = "series", out_features = 4, activation = "tanh" }, { type = "linear", name = "b", input = "series", out_features = 4, activation = "tanh" }, { type = "transformer_decoder", input = ["a", "b"], num_layers = 2, num_heads = 2, dim_feedforward = 3, eps = 1.0 }, { type = "mean" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let (x, memory) = sequences(b, inputs)?;
    if memory.is_none() {
        let problem = b.problem(&ShapeError::new("two sequences: input = [\"x\", \"memory\"]", "one"));
        return Err(problem.help("transformer_encoder with causal = true is for one"));
    }
    stack(b, values, x, memory)
}

//! Each step of a sequence as a mean of steps, weighed by how well they fit it.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::attention::{Attending, BIAS, CAUSAL, NUM_HEADS, NUM_KV_HEADS, ROTARY, dropped, sequences};
use crate::layers::{LayerEntry, Lowering};
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "multi_head_attention",
    doc: "Attention of the steps of a sequence [T, C] to each other, or with input = [\"query\", \"memory\"] to those of another \
          sequence of the same width; tensors as PyTorch's MultiheadAttention: in_proj_weight, in_proj_bias, out_proj.weight, \
          out_proj.bias. Where a sequence ends early, to the steps that are there. Vaswani et al. 2017.",
    keys: &[
        NUM_HEADS,
        NUM_KV_HEADS,
        CAUSAL,
        Key {
            name: "dropout",
            kind: Kind::below(0.0, 1.0),
            default: Preset::Float(0.0),
            doc: "probability that a number of the output is dropped in training; PyTorch drops weights of the attention instead",
        },
        BIAS,
        ROTARY,
        Key {
            name: "init",
            kind: Kind::Choice(Family::Initializer),
            default: Preset::Absent,
            doc: "initial weights; PyTorch's default if left out: xavier_uniform before the attention, pytorch behind it",
        },
    ],
    example: r#"[{ type = "linear", name = "a", input = "series", out_features = 4, activation = "tanh" }, { type = "multi_head_attention", num_heads = 2, num_kv_heads = 1, causal = true, rotary = true }, { type = "linear", name = "b", out_features = 4, activation = "tanh" }, { type = "multi_head_attention", input = ["b", "a"], num_heads = 1, dropout = 0.2, bias = false }, { type = "mean" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let (x, memory) = sequences(b, inputs)?;
    let attending = Attending::of(values);
    if values.bool("rotary") && memory.is_some() {
        let problem = Problem::new(b.place(), "rotary positions are for a sequence that looks at itself");
        return Err(problem.help("leave rotary out"));
    }
    let y = attending.lower(b, x, memory)?;
    dropped(b, values.f64("dropout"), y)
}

//! The steps of a series weighed by how well they answer a learned query.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::linear::affine;
use crate::layers::{LayerEntry, Lowering, activation};
use crate::ops::attention_pool::AttentionPool;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "attention_pool",
    doc: "A series [T, C] as C numbers: the steps weighed by a softmax of their scores u·tanh(W x + b), u being a learned query \
          (tensors NAME.hidden.weight, NAME.hidden.bias, NAME.query.weight). Where a series ends early, the steps that are there. \
          Yang et al. 2016.",
    keys: &[Key {
        name: "hidden_size",
        kind: Kind::int(1, 1_000_000),
        default: Preset::Absent,
        doc: "length of the query; as many as the series has channels if left out",
    }],
    example: r#"[{ type = "linear", input = "series", out_features = 4 }, { type = "attention_pool", hidden_size = 3 }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_last(x, 1)?;
    let hidden =
        if values.has("hidden_size") { values.usize("hidden_size") } else { b.shape(x).last() };
    let scores = b.part("hidden", |b| {
        let scores = affine(b, &Values::default(), x, hidden, true)?;
        activation::lower(b, "tanh", &Values::default(), &[scores])
    })?;
    let scores = b.part("query", |b| affine(b, &Values::default(), scores, 1, false))?;
    let lengths = b.lengths_of(x);
    b.node(AttentionPool, &[&[x, scores][..], lengths.as_slice()].concat())
}

//! Causal attention while a sequence is generated, a few steps a pass: their keys and values join those of the steps before in a
//! cache, and each query sees all up to its own. For what it computes see [`super::attention`].
//!
//! It reads `qkv [T, (Hq + 2 Hkv) D]`, the cache `[S, 2 Hkv D]`, which is carried from pass to pass, and for each row the number of
//! steps before this pass. No gradient passes: nothing is trained while it is generated.

use crate::backend::{Attended, AttentionSpec, Backend, Form, Heads};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "cached_attention", cases };

fn cases() -> Vec<Case> {
    let case = |batch: usize, steps: usize, context: usize, (queries, keys, width): (usize, usize, usize)| {
        let heads = Heads { queries, keys, width };
        let columns = heads.query_columns() + 2 * heads.key_columns();
        let inputs = vec![
            CaseInput::data([steps, columns], Content::Normal { avoid: Vec::new() }),
            CaseInput::state([context, 2 * heads.key_columns()]),
            CaseInput::data([], Content::Labels(context - steps + 1)),
        ];
        Case::new(CachedAttention { heads }, inputs, batch)
    };
    vec![
        case(1, 1, 1, (1, 1, 1)),
        case(2, 1, 9, (2, 1, 3)),
        case(3, 4, 7, (4, 2, 2)),
        case(1, 2, 150, (2, 2, 5)),
        case(5, 3, 40, (1, 1, 8)),
    ]
}

/// The op; inputs are qkv, cache and position.
#[derive(Clone, Copy, Debug)]
pub struct CachedAttention {
    /// Its heads.
    pub heads: Heads,
}

impl CachedAttention {
    /// The sizes for shapes of qkv and cache.
    fn spec(&self, qkv: &Shape, cache: &Shape) -> AttentionSpec {
        let [queries, keys] = [qkv, cache].map(Shape::outer);
        AttentionSpec { heads: self.heads, queries, keys, causal: true }
    }
}

impl Op for CachedAttention {
    fn name(&self) -> &'static str {
        "cached_attention"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 3)?;
        let (queries, keys) = (self.heads.query_columns(), self.heads.key_columns());
        let steps = match inputs[0].axes() {
            &[steps, width] if width == queries + 2 * keys => steps,
            _ => {
                let expected = format!("steps of {} numbers", queries + 2 * keys);
                return Err(ShapeError::new(expected, inputs[0].to_string()));
            }
        };
        match inputs[1].axes() {
            &[context, width] if width == 2 * keys && context >= steps => {}
            _ => {
                let expected = format!("a cache of at least [{steps}, {}]", 2 * keys);
                return Err(ShapeError::new(expected, inputs[1].to_string()));
            }
        }
        if !inputs[2].axes().is_empty() {
            return Err(ShapeError::new("one position a row", inputs[2].to_string()));
        }
        Ok(Shape::from([steps, queries]))
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::from([inputs[0].outer(), self.heads.queries]), rows: true }]
    }

    fn scratch(&self, inputs: &[Shape]) -> Option<Form> {
        Some(Form::Attention(self.spec(&inputs[0], &inputs[1])))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let (queries, keys) = (self.heads.query_columns(), self.heads.key_columns());
        let (qkv, cache) = (io.inputs[0].matrix(), io.inputs[1].matrix());
        be.remember(&qkv.clone().columns(queries..queries + 2 * keys), io.x(1), io.x(2));
        let x = Attended {
            query: qkv.columns(0..queries),
            key: cache.clone().columns(0..keys),
            value: cache.columns(keys..2 * keys),
            query_lengths: None,
            key_lengths: None,
            position: Some(io.x(2)),
        };
        let a = self.spec(&io.inputs[0].shape, &io.inputs[1].shape);
        be.attention(&a, &x, io.output, io.saved[0]);
    }

    fn backward(&self, _be: &mut dyn Backend, _io: &Io) {}

    fn cost(&self, inputs: &[Shape]) -> f64 {
        let a = self.spec(&inputs[0], &inputs[1]);
        (2 * a.queries * a.keys * self.heads.query_columns()) as f64
    }
}

//! Scaled dot-product attention, `y = softmax(q kᵀ / √D) v` head by head (Vaswani et al. 2017), tile by tile with a running
//! softmax: the scores of two tiles at most exist at a time, and backward makes them again (Dao et al. 2022).
//!
//! Over its own sequence it reads `qkv [T, (Hq + 2 Hkv) D]`: columns of all heads of queries, then of keys, then of values. Over
//! another sequence it reads `q [T, Hq D]` and `kv [S, 2 Hkv D]`. Each head of keys serves Hq / Hkv neighbouring heads of queries
//! (grouped queries, Ainslie et al. 2023). y is `[T, Hq D]`; behind the end of its row it is 0, as it is where there is no key.

use crate::backend::{Attended, AttentionSpec, Backend, Form, Heads, Matrix};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "attention", cases };

fn cases() -> Vec<Case> {
    let heads = |queries, keys, width| Heads { queries, keys, width };
    let lengths = |steps: usize| CaseInput::data([], Content::Labels(steps + 1));
    let own = |batch: usize, steps: usize, heads: Heads, causal: bool, ragged: bool| {
        let columns = heads.query_columns() + 2 * heads.key_columns();
        let mut inputs = vec![CaseInput::rows([steps, columns])];
        inputs.extend(ragged.then(|| lengths(steps)));
        Case::new(Attention { heads, causal, over: Over::Own }, inputs, batch)
    };
    let cross = |batch: usize, steps: [usize; 2], heads: Heads, ends: [bool; 2]| {
        let mut inputs = vec![
            CaseInput::rows([steps[0], heads.query_columns()]),
            CaseInput::rows([steps[1], 2 * heads.key_columns()]),
        ];
        inputs.extend(steps.iter().zip(ends).filter(|(_, ends)| *ends).map(|(&n, _)| lengths(n)));
        let over = Over::Other { query_lengths: ends[0], key_lengths: ends[1] };
        Case::new(Attention { heads, causal: false, over }, inputs, batch)
    };
    let mut cases = Vec::new();
    for causal in [false, true] {
        cases.extend([
            own(1, 1, heads(1, 1, 1), causal, false),
            own(2, 5, heads(2, 2, 3), causal, false),
            own(3, 6, heads(4, 2, 2), causal, true),
            own(1, 37, heads(2, 1, 4), causal, false),
            own(2, 139, heads(1, 1, 2), causal, false),
        ]);
    }
    cases.extend([
        cross(1, [1, 1], heads(1, 1, 2), [false, false]),
        cross(3, [4, 7], heads(2, 1, 3), [false, true]),
        cross(3, [5, 3], heads(2, 2, 2), [true, true]),
        cross(2, [35, 2], heads(1, 1, 3), [true, false]),
        cross(1, [2, 135], heads(2, 2, 1), [false, false]),
    ]);
    cases
}

/// What the keys and values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The queries' own sequence; inputs are qkv and perhaps lengths.
    Own,
    /// Another sequence; inputs are q, kv and the lengths that are there.
    Other {
        /// Whether there are lengths of q.
        query_lengths: bool,
        /// Whether there are lengths of kv, behind those.
        key_lengths: bool,
    },
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Its heads.
    pub heads: Heads,
    /// Whether a step sees none that comes after it.
    pub causal: bool,
    /// What it looks at.
    pub over: Over,
}

impl Attention {
    /// The sizes for the shapes that `shape` gives of each input.
    fn spec<'s>(&self, shape: impl Fn(usize) -> &'s Shape) -> AttentionSpec {
        let keys = usize::from(self.over != Over::Own);
        let steps = |input: usize| shape(input).axes()[0];
        AttentionSpec { heads: self.heads, queries: steps(0), keys: steps(keys), causal: self.causal }
    }

    fn planned(&self, io: &Io) -> AttentionSpec {
        self.spec(|input| &io.inputs[input].shape)
    }

    fn attended(&self, io: &Io) -> Attended {
        let (queries, keys) = (self.heads.query_columns(), self.heads.key_columns());
        let lengths = |at: usize| io.inputs.get(at).map(|lengths| lengths.view);
        let columns = |input: usize, from: usize, count: usize| {
            Matrix::new(io.x(input), io.inputs[input].shape.last()).columns(from..from + count)
        };
        match self.over {
            Over::Own => Attended {
                query: columns(0, 0, queries),
                key: columns(0, queries, keys),
                value: columns(0, queries + keys, keys),
                query_lengths: lengths(1),
                key_lengths: lengths(1),
                position: None,
            },
            Over::Other { query_lengths, key_lengths } => Attended {
                query: columns(0, 0, queries),
                key: columns(1, 0, keys),
                value: columns(1, keys, keys),
                query_lengths: lengths(2).filter(|_| query_lengths),
                key_lengths: lengths(2 + usize::from(query_lengths)).filter(|_| key_lengths),
                position: None,
            },
        }
    }
}

/// Checks that `x` has steps of `columns` numbers.
fn steps_of(x: &Shape, columns: usize) -> Result<usize, ShapeError> {
    match x.axes() {
        &[steps, width] if width == columns => Ok(steps),
        _ => Err(ShapeError::new(format!("steps of {columns} numbers"), x.to_string())),
    }
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn may_look_ahead(&self, _: &[Shape]) -> bool {
        !self.causal || self.over != Over::Own
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (queries, keys) = (self.heads.query_columns(), self.heads.key_columns());
        if keys == 0 || !self.heads.queries.is_multiple_of(self.heads.keys) {
            let expected = format!("a number of heads that {} heads of keys share out", self.heads.keys);
            return Err(ShapeError::new(expected, self.heads.queries.to_string()));
        }
        let (steps, least, most) = match (self.over, inputs) {
            (Over::Own, [x, ..]) => (steps_of(x, queries + 2 * keys)?, 1, 2),
            (Over::Other { query_lengths, key_lengths }, [q, kv, ..]) => {
                steps_of(kv, 2 * keys)?;
                let count = 2 + usize::from(query_lengths) + usize::from(key_lengths);
                (steps_of(q, queries)?, count, count)
            }
            _ => return Err(ShapeError::new("queries, keys and values", format!("{} inputs", inputs.len()))),
        };
        let lengths = if self.over == Over::Own { 1 } else { 2 };
        if inputs.len() < least || inputs.len() > most {
            return Err(ShapeError::new(format!("{most} inputs"), format!("{} inputs", inputs.len())));
        }
        if let Some(odd) = inputs[lengths..].iter().find(|s| !s.axes().is_empty()) {
            return Err(ShapeError::new("one length a row", odd.to_string()));
        }
        Ok(Shape::from([steps, queries]))
    }

    /// ln Σ exp of the scores of each query and head.
    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::from([inputs[0].outer(), self.heads.queries]), rows: true }]
    }

    fn scratch(&self, inputs: &[Shape]) -> Option<Form> {
        Some(Form::Attention(self.spec(|input| &inputs[input])))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: true }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.attention(&self.planned(io), &self.attended(io), io.output, io.saved[0]);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        let (dquery, dkey) = match self.over {
            Over::Own => (io.dx(0), io.dx(0)),
            Over::Other { .. } => (io.dx(0), io.dx(1)),
        };
        let forward = (io.output, io.saved[0]);
        be.attention_grad(&self.planned(io), &self.attended(io), forward, io.dy(), dquery, dkey);
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        let a = self.spec(|input| &inputs[input]);
        let scores = (a.queries * a.keys) as f64 * if self.causal { 0.5 } else { 1.0 };
        2.0 * scores * self.heads.query_columns() as f64
    }
}

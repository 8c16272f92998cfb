//! The steps of a series weighed by a softmax of their scores: x `[T, C]`, scores `[T, 1]`, y `[C]`. Of a series that ends early
//! only the steps before the end count; y is 0 where there is none.

use crate::backend::{Backend, Steps};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "attention_pool", cases };

fn cases() -> Vec<Case> {
    let shapes = [(1, 1, 1), (1, 4, 3), (2, 5, 1), (7, 3, 4), (33, 2, 17), (5, 39, 2)];
    let inputs = |t: usize, c: usize| vec![CaseInput::rows([t, c]), CaseInput::rows([t, 1])];
    let whole = shapes.iter().map(move |&(b, t, c)| Case::new(AttentionPool, inputs(t, c), b));
    let ragged = shapes.iter().map(move |&(b, t, c)| {
        let lengths = CaseInput::data([], Content::Labels(t + 1));
        Case::new(AttentionPool, [inputs(t, c), vec![lengths]].concat(), b)
    });
    whole.chain(ragged).collect()
}

/// The op; inputs are x, scores and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct AttentionPool;

fn steps(io: &Io) -> Steps {
    let x = &io.inputs[0].shape;
    Steps { count: x.outer(), width: x.last() }
}

fn lengths(io: &Io) -> Option<View> {
    io.inputs.get(2).map(|lengths| lengths.view)
}

impl Op for AttentionPool {
    fn name(&self) -> &'static str {
        "attention_pool"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, scores, lengths @ ..] = inputs else {
            return Err(ShapeError::new("a series and its scores", format!("{} inputs", inputs.len())));
        };
        let &[count, width] = x.axes() else {
            return Err(ShapeError::new("a series [T, C]", x.to_string()));
        };
        if scores.axes() != [count, 1] {
            return Err(ShapeError::new(format!("scores [{count}, 1]"), scores.to_string()));
        }
        if let Some(odd) = lengths.iter().find(|l| !l.axes().is_empty()) {
            return Err(ShapeError::new("one length a row", odd.to_string()));
        }
        Ok(Shape::from([width]))
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::from([inputs[0].outer()]), rows: true }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.weigh_steps(io.x(0), io.x(1), lengths(io), io.saved[0], io.output, steps(io));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        let forward = (io.x(0), io.saved[0]);
        be.weigh_steps_grad(forward, lengths(io), io.dy(), io.dx(0), io.dx(1), steps(io));
    }
}

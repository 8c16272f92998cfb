//! In training each element is 0 with probability p, the others are divided by 1 − p; otherwise nothing changes.
//! Srivastava et al. 2014, in the inverted form.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "dropout", cases };

fn cases() -> Vec<Case> {
    [(1, 1, 0.5), (1, 9, 0.1), (2, 33, 0.9), (7, 5, 0.0), (33, 17, 0.3)]
        .iter()
        .map(|&(b, c, p)| Case::new(Dropout { p }, vec![CaseInput::rows([c])], b))
        .collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Probability of a zero, in `[0, 1)`.
    pub p: f64,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let y = Dest::store(io.output);
        if io.training {
            let key = be.key().part(io.node);
            be.dropout(io.x(0), y, self.p, key);
        } else {
            be.axpy(1.0, io.x(0), y);
        }
    }

    /// The mask is made again from its key: the gradient goes through the same elements.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let key = be.key().part(io.node);
            be.dropout(io.dy(), dx, self.p, key);
        }
    }
}

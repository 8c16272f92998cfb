//! In training each channel of a row is 0 with probability p, in all of its places, and the others are divided by 1 − p;
//! otherwise nothing changes. x `[B, …, C]`. Tompson et al. 2015.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, Saved, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "dropout2d", cases };

fn cases() -> Vec<Case> {
    let sizes: [(usize, &[usize], f64); 5] =
        [(1, &[2, 3], 0.5), (2, &[3, 3, 17], 0.9), (7, &[5, 4], 0.0), (33, &[2, 2, 3], 0.3), (3, &[70, 2], 0.2)];
    sizes
        .iter()
        .map(|&(b, s, p)| Case::new(Dropout2d { p }, vec![CaseInput::rows(Shape::new(s))], b))
        .collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Dropout2d {
    /// Probability of a zero, in `[0, 1)`.
    pub p: f64,
}

impl Op for Dropout2d {
    fn name(&self) -> &'static str {
        "dropout2d"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        if inputs[0].axes().is_empty() {
            return Err(ShapeError::new("a channel axis", inputs[0].to_string()));
        }
        Ok(inputs[0].clone())
    }

    /// In training the factor of each channel of a row.
    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let gate = Saved { shape: Shape::from([inputs[0].last()]), rows: true };
        if training { vec![gate] } else { Vec::new() }
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let y = Dest::store(io.output);
        if io.training {
            let key = be.key().part(io.node);
            be.dropout_gate(io.saved[0], self.p, key);
            be.gate(io.x(0), io.saved[0], y);
        } else {
            be.axpy(1.0, io.x(0), y);
        }
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.gate(io.dy(), io.saved[0], dx);
        }
    }
}

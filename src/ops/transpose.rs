//! The two axes of each row exchanged: x `[B, R, C]` to y `[B, C, R]`; channels first to channels last and back.
//!
//! More axes are two groups: the first `split` of them, and the rest.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "transpose", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, &[usize], usize); 5] =
        [(1, &[1, 1], 1), (2, &[3, 5], 1), (3, &[2, 4, 3], 1), (2, &[2, 4, 3], 2), (5, &[17, 33], 1)];
    shapes.iter().map(|&(b, s, split)| Case::new(Transpose { split }, vec![CaseInput::rows(Shape::new(s))], b)).collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Transpose {
    /// How many axes make up the first group.
    pub split: usize,
}

impl Transpose {
    fn groups(self, x: &Shape) -> (usize, usize) {
        let (first, rest) = x.axes().split_at(self.split);
        (first.iter().product(), rest.iter().product())
    }
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        let axes = inputs[0].axes();
        if self.split == 0 || axes.len() <= self.split {
            return Err(ShapeError::new(format!("more than {} axes", self.split), inputs[0].to_string()));
        }
        let (first, rest) = axes.split_at(self.split);
        Ok(Shape::new([rest, first].concat()))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let (rows, columns) = self.groups(&io.inputs[0].shape);
        be.transpose(io.x(0), Dest::store(io.output), rows, columns);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let (rows, columns) = self.groups(&io.inputs[0].shape);
            be.transpose(io.dy(), dx, columns, rows);
        }
    }
}

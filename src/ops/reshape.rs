//! The same numbers in the same order under another shape.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "reshape", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, &[usize], &[usize]); 5] =
        [(1, &[1], &[1, 1]), (2, &[3, 5], &[15]), (3, &[12], &[2, 3, 2]), (2, &[2, 4, 3], &[6, 4]), (17, &[33], &[3, 11])];
    let case = |&(b, from, to): &(usize, &[usize], &[usize])| {
        Case::new(Reshape { shape: Shape::new(to) }, vec![CaseInput::rows(Shape::new(from))], b)
    };
    shapes.iter().map(case).collect()
}

/// The op.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// Shape of a row of the output.
    pub shape: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        if inputs[0].len() == self.shape.len() {
            return Ok(self.shape.clone());
        }
        let (found, wanted) = (inputs[0].len(), self.shape.len());
        Err(ShapeError::new(format!("{wanted} numbers for {}", self.shape), format!("{found} in {}", inputs[0])))
    }

    fn renames(&self) -> bool {
        true
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.axpy(1.0, io.x(0), Dest::store(io.output));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.axpy(1.0, io.dy(), dx);
        }
    }

    fn cost(&self, _inputs: &[Shape]) -> f64 {
        0.0
    }
}

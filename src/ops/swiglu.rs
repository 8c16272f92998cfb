//! `y = silu(a) ⊙ b` for the halves a and b of the last axis: x `[…, 2F]`, y `[…, F]`. Shazeer 2020.

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "swiglu", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, &[usize]); 5] = [(1, &[2]), (1, &[14]), (2, &[3, 10]), (17, &[66]), (9, &[4])];
    shapes.iter().map(|&(b, s)| Case::new(Swiglu, vec![CaseInput::rows(Shape::new(s))], b)).collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Swiglu;

impl Op for Swiglu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        let x = &inputs[0];
        if x.axes().is_empty() || !x.last().is_multiple_of(2) {
            return Err(ShapeError::new("two halves", x.to_string()));
        }
        Ok(x.with_last(x.last() / 2))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.swiglu(io.x(0), io.output, io.output_shape.last());
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.swiglu_grad(io.x(0), io.dy(), dx, io.output_shape.last());
        }
    }
}

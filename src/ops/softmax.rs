//! `yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)` over the last axis.

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "softmax", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, &[usize]); 5] = [(1, &[1]), (1, &[7]), (2, &[3, 5]), (17, &[33]), (9, &[2])];
    shapes.iter().map(|&(b, s)| Case::new(Softmax, vec![CaseInput::rows(Shape::new(s))], b)).collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: true }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.softmax(io.x(0), io.output, io.output_shape.last());
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.softmax_grad(io.output, io.dy(), dx, io.output_shape.last());
        }
    }
}

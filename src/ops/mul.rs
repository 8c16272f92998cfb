//! The product of two inputs of one shape, element by element: `y = a ⊙ b`. Gates are made of it.

use crate::backend::Backend;
use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity, same};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "mul", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, Vec<usize>); 5] =
        [(1, vec![1]), (2, vec![5]), (3, vec![2, 7]), (17, vec![33]), (5, vec![4, 3, 2])];
    shapes.into_iter().map(|(b, shape)| Case::new(Mul, vec![CaseInput::rows(Shape::new(shape)); 2], b)).collect()
}

/// The op; two inputs.
#[derive(Clone, Copy, Debug)]
pub struct Mul;

/// a · b and its derivatives.
#[derive(Clone, Copy, Debug)]
struct Product;

impl Binary for Product {
    #[inline(always)]
    fn f<S: Scalar>(self, a: S, b: S) -> S {
        a * b
    }

    #[inline(always)]
    fn da<S: Scalar>(self, _a: S, b: S) -> S {
        b
    }

    #[inline(always)]
    fn db<S: Scalar>(self, a: S, _b: S) -> S {
        a
    }
}

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        same(&inputs[0], &inputs[1])?;
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.zip(&Product, io.x(0), io.x(1), io.output);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(da) = io.dx(0) {
            be.zip_grad_a(&Product, io.x(0), io.x(1), io.dy(), da);
        }
        if let Some(db) = io.dx(1) {
            be.zip_grad_b(&Product, io.x(0), io.x(1), io.dy(), db);
        }
    }
}

//! The product of two inputs, element by element: `y = a ⊙ b`. Gates are made of it.
//!
//! Both have one shape, or one of them is a gate `[B, C]` or `[B, 1, …, C]` for the channels of the other, `[B, …, C]`.

use std::cmp::Ordering;

use crate::backend::{Backend, Dest};
use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, arity, same};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "mul", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, Vec<usize>); 5] =
        [(1, vec![1]), (2, vec![5]), (3, vec![2, 7]), (17, vec![33]), (5, vec![4, 3, 2])];
    let same = shapes.into_iter().map(|(b, shape)| (b, shape.clone(), shape));
    let gates = [
        (1, vec![2, 3], vec![3]),
        (3, vec![2, 2, 5], vec![5]),
        (5, vec![1, 1, 4], vec![70, 1, 4]),
        (9, vec![17], vec![3, 17]),
    ];
    let input = |shape: Vec<usize>| CaseInput::rows(Shape::new(shape));
    same.chain(gates).map(|(b, left, right)| Case::new(Mul, vec![input(left), input(right)], b)).collect()
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

/// Which of two inputs is a gate for the channels of the other.
fn gate_of(inputs: &[Shape]) -> Option<usize> {
    let gates = |gate: &Shape, x: &Shape| {
        let one_place = gate.outer() == 1 && gate.last() == x.last() && x.outer() > 1;
        one_place && (gate.axes().len() == 1 || gate.axes().len() == x.axes().len())
    };
    match inputs {
        [a, b] if gates(b, a) => Some(1),
        [a, b] if gates(a, b) => Some(0),
        _ => None,
    }
}

/// The gate among the inputs, as they were planned.
fn planned_gate(io: &Io) -> Option<usize> {
    let [a, b] = &io.inputs[..] else { return None };
    // The inputs fit each other: the shorter one is the gate.
    match a.shape.len().cmp(&b.shape.len()) {
        Ordering::Less => Some(0),
        Ordering::Equal => None,
        Ordering::Greater => Some(1),
    }
}

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        if let Some(gate) = gate_of(inputs) {
            return Ok(inputs[1 - gate].clone());
        }
        same(&inputs[0], &inputs[1])?;
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(gate) = planned_gate(io) {
            return be.gate(io.x(1 - gate), io.x(gate), Dest::store(io.output));
        }
        be.zip(&Product, io.x(0), io.x(1), io.output);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(gate) = planned_gate(io) {
            if let Some(dx) = io.dx(1 - gate) {
                be.gate(io.dy(), io.x(gate), dx);
            }
            if let Some(dgate) = io.dx(gate) {
                be.gate_grad(io.x(1 - gate), io.dy(), dgate);
            }
            return;
        }
        if let Some(da) = io.dx(0) {
            be.zip_grad_a(&Product, io.x(0), io.x(1), io.dy(), da);
        }
        if let Some(db) = io.dx(1) {
            be.zip_grad_b(&Product, io.x(0), io.x(1), io.dy(), db);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_place_of_all_channels_is_a_gate() {
        let output = |a: &[usize], b: &[usize]| Mul.output(&[Shape::new(a), Shape::new(b)]);
        assert_eq!(output(&[4, 5, 3], &[3]), Ok(Shape::from([4, 5, 3])));
        assert_eq!(output(&[1, 1, 3], &[4, 5, 3]), Ok(Shape::from([4, 5, 3])));
        assert_eq!(output(&[1, 3], &[3]), Err(ShapeError::new("[1, 3]", "[3]")));
        assert_eq!(output(&[4, 3], &[4]), Err(ShapeError::new("[4, 3]", "[4]")));
        assert_eq!(output(&[4, 5, 3], &[5, 3]), Err(ShapeError::new("[4, 5, 3]", "[5, 3]")));
    }
}

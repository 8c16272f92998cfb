//! The sum of inputs of one shape: `y = Σ xᵢ`.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError, same};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "add", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, Vec<usize>, usize); 5] =
        [(1, vec![1], 2), (2, vec![5], 2), (3, vec![2, 7], 3), (17, vec![33], 2), (5, vec![4, 3, 2], 4)];
    shapes
        .into_iter()
        .map(|(b, shape, n)| Case::new(Add, vec![CaseInput::rows(Shape::new(shape)); n], b))
        .collect()
}

/// The op; two inputs or more.
#[derive(Clone, Copy, Debug)]
pub struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [first, rest @ ..] = inputs else {
            return Err(ShapeError::new("at least one input", "none"));
        };
        rest.iter().try_for_each(|s| same(first, s))?;
        Ok(first.clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        for (i, x) in io.inputs.iter().enumerate() {
            be.axpy(1.0, x.view, Dest { view: io.output, add: i > 0 });
        }
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        io.d_inputs.iter().flatten().for_each(|&dx| be.axpy(1.0, io.dy(), dx));
    }
}

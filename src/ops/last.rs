//! The last step of a series: x `[B, T, …, C]`, y `[B, …, C]`; the step before the end where there are lengths `[B]`. A row
//! without steps gives 0.

use crate::backend::Backend;
use crate::ops::{Case, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "last", cases };

fn cases() -> Vec<Case> {
    series::cases(Last, false)
}

/// The op; inputs are x and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct Last;

impl Op for Last {
    fn name(&self) -> &'static str {
        "last"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        series::without_steps(inputs)
    }

    /// The step that each number came from.
    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::new(&inputs[0].axes()[1..]), rows: true }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.steps_last(io.x(0), series::lengths(io), io.output, io.saved[0], series::planned(io));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.steps_pick_grad(io.saved[0], io.dy(), dx, series::planned(io));
        }
    }
}

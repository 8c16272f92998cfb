//! The mean over the steps of a series: x `[B, T, …, C]`, y `[B, …, C]`; over the steps before the end where there are lengths
//! `[B]`. A row without steps gives 0.

use crate::backend::Backend;
use crate::ops::{Case, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "mean", cases };

fn cases() -> Vec<Case> {
    series::cases(Mean, false)
}

/// The op; inputs are x and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct Mean;

impl Op for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        series::without_steps(inputs)
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        series::saved(inputs)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        series::save(be, io);
        be.steps_mean(io.x(0), series::lengths(io), io.output, series::planned(io));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.steps_mean_grad(io.saved.first().copied(), io.dy(), dx, series::planned(io));
        }
    }
}

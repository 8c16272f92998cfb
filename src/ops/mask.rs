//! Zero behind the end of each row: x `[B, T, …, C]`, lengths `[B]`.

use crate::backend::{Backend, Dest};
use crate::ops::{Case, Io, Op, OpEntry, Reads, Saved, ShapeError, arity, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "mask", cases };

fn cases() -> Vec<Case> {
    series::cases(Mask, true)
}

/// The op; inputs are x and lengths.
#[derive(Clone, Copy, Debug)]
pub struct Mask;

impl Op for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        series::steps(inputs)?;
        Ok(inputs[0].clone())
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        series::saved(inputs)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        series::save(be, io);
        be.mask(io.x(0), io.x(1), Dest::store(io.output), series::planned(io));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.mask(io.dy(), io.saved[0], dx, series::planned(io));
        }
    }
}

//! Losses that are a mean over the columns of one function of prediction and target.

use crate::backend::pointwise::{Binary, BinaryLoops};
use crate::backend::{Backend, Dest};
use crate::ops::{Io, Op, Reads, ShapeError, arity, same};
use crate::tensor::Shape;

/// `loss[r] = 1/C · Σ_c f(p[r, c], t[r, c])`: prediction and target `[R, C]`, loss `[R]`.
///
/// Averaged over the rows this is PyTorch's `reduction="mean"`.
#[derive(Clone, Copy, Debug)]
pub struct RowLoss<F> {
    /// The file's name.
    pub name: &'static str,
    /// The function; its derivative by the first argument is used.
    pub function: F,
}

impl<F: Binary + BinaryLoops> Op for RowLoss<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        same(&inputs[0], &inputs[1])?;
        Ok(Shape::default())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let columns = io.inputs[0].shape.len();
        let (p, t) = (io.inputs[0].flat(), io.inputs[1].flat());
        be.row_loss(&self.function, &p, &t, 1.0 / columns as f64, Dest::store(io.output));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dp) = io.dx(0) {
            let columns = io.inputs[0].shape.len();
            let (p, t) = (io.inputs[0].flat(), io.inputs[1].flat());
            be.row_loss_grad(&self.function, &p, &t, 1.0 / columns as f64, io.dy(), dp);
        }
    }
}

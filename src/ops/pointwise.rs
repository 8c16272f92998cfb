//! The op of a function of one number: `y = f(x)`, `dx += dy · f'(x)`.

use crate::backend::Backend;
use crate::backend::pointwise::{Unary, UnaryLoops};
use crate::ops::{Io, Op, Reads, ShapeError, arity};
use crate::tensor::Shape;

/// A [`Unary`] as an op.
#[derive(Clone, Copy, Debug)]
pub struct Map<U> {
    /// The file's name.
    pub name: &'static str,
    /// The function.
    pub function: U,
    /// Whether the derivative needs `x`, or `y` alone.
    pub reads: Reads,
}

impl<U: Unary> Map<U> {
    /// A function whose derivative is computed from `x` and perhaps `y`.
    pub fn new(name: &'static str, function: U) -> Self {
        Map { name, function, reads: Reads { inputs: true, output: true } }
    }

    /// A function whose derivative is computed from `y` alone; its input's memory is free after forward.
    pub fn from_output(name: &'static str, function: U) -> Self {
        Map { name, function, reads: Reads { inputs: false, output: true } }
    }
}

impl<U: Unary + UnaryLoops> Op for Map<U> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        self.reads
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.map(&self.function, io.x(0), io.output);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            // With only y alive the backend is given y twice: f' then ignores x.
            let x = if self.reads.inputs { io.x(0) } else { io.output };
            be.map_grad(&self.function, x, io.output, io.dy(), dx);
        }
    }
}

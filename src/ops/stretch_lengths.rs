//! Lengths of series behind a transposed convolution: x `[B]`, y `[B]`.
//!
//! `y = max(0, (x − 1) · stride + reach)`, as PyTorch's transposed convolutions count; a row without steps stays without.

use crate::backend::Backend;
use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "stretch_lengths", cases };

fn cases() -> Vec<Case> {
    let ops = [(1, 1, 3.0), (2, 2, 1.0), (7, 3, -4.0), (33, 2, 0.0), (5, 4, 9.0)];
    let case = |(batch, stride, reach)| {
        let op = StretchLengths { stride, reach };
        Case::new(op, vec![CaseInput::data([], Content::Labels(6))], batch)
    };
    ops.into_iter().map(case).collect()
}

/// The op; it has no gradient.
#[derive(Clone, Copy, Debug)]
pub struct StretchLengths {
    /// Steps of the output from one input to the next.
    pub stride: usize,
    /// Steps of the output that one input makes: less than none where more are cut off.
    pub reach: f64,
}

impl Unary for StretchLengths {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        let steps = (x - S::ONE) * S::from_f64(self.stride as f64) + S::from_f64(self.reach);
        S::select(x > S::ZERO, steps.max(S::ZERO), S::ZERO)
    }

    #[inline(always)]
    fn df<S: Scalar>(self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

impl Op for StretchLengths {
    fn name(&self) -> &'static str {
        "stretch_lengths"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        if !inputs[0].axes().is_empty() {
            return Err(ShapeError::new("one length a row", inputs[0].to_string()));
        }
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.map(self, io.x(0), io.output);
    }

    fn backward(&self, _be: &mut dyn Backend, _io: &Io) {}
}

//! Lengths of series whose steps are scaled: `y = ⌊factor · x⌋`, x and y `[B]`.

use crate::backend::Backend;
use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "scale_lengths", cases };

fn cases() -> Vec<Case> {
    let factors = [(1, 2.0), (2, 1.5), (7, 0.5), (33, 3.0), (5, 1.1)];
    let lengths = || vec![CaseInput::data(Shape::default(), Content::Labels(12))];
    factors.iter().map(|&(b, factor)| Case::new(ScaleLengths { factor }, lengths(), b)).collect()
}

/// The op; it has no gradient.
#[derive(Clone, Copy, Debug)]
pub struct ScaleLengths {
    /// What the lengths are multiplied by.
    pub factor: f64,
}

impl Unary for ScaleLengths {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        S::from_f64((x.to_f64() * self.factor).floor())
    }

    #[inline(always)]
    fn df<S: Scalar>(self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

impl Op for ScaleLengths {
    fn name(&self) -> &'static str {
        "scale_lengths"
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

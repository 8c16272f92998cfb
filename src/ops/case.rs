//! What the conformance test runs an op on.

use crate::ops::Op;
use crate::tensor::Shape;

/// What an input of a [`Case`] is filled with.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Normal numbers, moved away from the kinks.
    Normal {
        /// Places to stay 0.05 away from.
        avoid: Vec<f64>,
    },
    /// Numbers in `[low, high]`.
    Uniform(f64, f64),
    /// Class indices `0..n`.
    Labels(usize),
    /// 0 or 1.
    Bits,
    /// Counts 0 to 4.
    Counts,
}

/// One input.
#[derive(Clone, Debug)]
pub struct CaseInput {
    /// Shape; of one row with `rows`.
    pub shape: Shape,
    /// Whether it has one for each row of the batch; if not, it is a parameter.
    pub rows: bool,
    /// What is in it.
    pub content: Content,
    /// Whether the op has a gradient by it.
    pub differentiable: bool,
    /// Whether it is carried from pass to pass.
    pub state: bool,
}

impl CaseInput {
    /// An activation of normal numbers.
    pub fn rows(shape: impl Into<Shape>) -> Self {
        CaseInput {
            shape: shape.into(),
            rows: true,
            content: Content::Normal { avoid: Vec::new() },
            differentiable: true,
            state: false,
        }
    }

    /// A parameter of normal numbers.
    pub fn param(shape: impl Into<Shape>) -> Self {
        CaseInput { rows: false, ..CaseInput::rows(shape) }
    }

    /// An input without gradient: labels, targets.
    pub fn data(shape: impl Into<Shape>, content: Content) -> Self {
        CaseInput { content, differentiable: false, ..CaseInput::rows(shape) }
    }

    /// A constant that all rows share: class weights.
    pub fn constant(shape: impl Into<Shape>, content: Content) -> Self {
        CaseInput { rows: false, ..CaseInput::data(shape, content) }
    }

    /// What rows carry from pass to pass; each pass of the test begins with the same numbers.
    pub fn state(shape: impl Into<Shape>) -> Self {
        CaseInput { state: true, differentiable: false, ..CaseInput::rows(shape) }
    }

    /// With other contents.
    pub fn of(mut self, content: Content) -> Self {
        self.content = content;
        self
    }
}

/// An op with the inputs to run it on.
#[derive(Debug)]
pub struct Case {
    /// The op.
    pub op: Box<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<CaseInput>,
    /// Rows of the batch.
    pub batch: usize,
}

impl Case {
    /// A case.
    pub fn new(op: impl Op + 'static, inputs: Vec<CaseInput>, batch: usize) -> Self {
        Case { op: Box::new(op), inputs, batch }
    }
}

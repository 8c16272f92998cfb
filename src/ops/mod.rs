//! Ops: one file each, with its shapes, its forward pass and its gradients.
//!
//! An op holds the maths and no loops: it speaks to a [`Backend`] through views. Its work comes in up to five pieces,
//! which the plan groups and the device splits:
//!
//! | piece | split over | example |
//! | --- | --- | --- |
//! | [`Op::forward_reduce`] | units (channels) | batch statistics |
//! | [`Op::forward`] | rows of the batch | everything |
//! | [`Op::backward_reduce`] | units | sums that the input gradient needs |
//! | [`Op::backward`] | rows | gradients of the inputs |
//! | [`Op::backward_params`] | units (rows of a weight) | gradients of the parameters |
//!
//! Work is split over outputs, never over a dimension that is summed, so any number of threads gives the same bits.
//!
//! The list below is the registry: a file that is not in it is not compiled, and a file in it without an `ENTRY` fails
//! the build. Every entry brings the cases that the conformance test runs (shapes, gradients, batch 1 and N, threads).

use std::fmt::Debug;
use std::ops::Range;

use crate::backend::{Backend, Dest, Form, Matrix};
use crate::spec::{Key, Values};
use crate::tensor::{Shape, View};

mod case;
mod pointwise;
mod pooling;
mod row_loss;
mod series;

pub use case::{Case, CaseInput, Content};
pub use pointwise::Map;
pub use pooling::Pooling;
pub use row_loss::RowLoss;

/// Declares the files of ops and lists their entries.
macro_rules! registry {
    ($(#[$doc:meta])* $list:ident: $entry:ty = [$($file:ident),* $(,)?]) => {
        $(#[allow(missing_docs)] pub mod $file;)*
        $(#[$doc])*
        pub const $list: &[$entry] = &[$($file::ENTRY),*];
    };
}

registry! {
    /// Ops that are neither activations nor losses.
    OPS: OpEntry = [
        add, add_positions, attention, attention_pool, avg_pool, batch_norm, cached_attention, concat, conv, conv_transpose, dropout, dropout2d, embedding, group_norm, last, layer_norm, linear, linear_rows, mask, max, max_pool, mean, mul, pad, recur, reshape, resize_lengths, rms_norm, rope, scale_lengths, softmax, stretch_lengths, swiglu, transpose, upsample
    ]
}

registry! {
    /// Functions of one number that a config may name as `activation` or as a layer.
    ACTIVATIONS: ActivationEntry = [
        elu, gelu, gelu_tanh, hardswish, leaky_relu, mish, relu, selu, sigmoid, silu, softplus, tanh
    ]
}

registry! {
    /// Losses, each an op from prediction and target to one number a row.
    LOSSES: LossEntry = [
        bce_with_logits, cross_entropy, hinge, huber, l1, mse, pinball, poisson_nll, smooth_l1
    ]
}

/// A row of [`OPS`].
#[derive(Clone, Copy, Debug)]
pub struct OpEntry {
    /// The file's name.
    pub name: &'static str,
    /// What the conformance test runs; at least five shapes.
    pub cases: fn() -> Vec<Case>,
}

/// A row of [`ACTIVATIONS`].
#[derive(Clone, Copy, Debug)]
pub struct ActivationEntry {
    /// The file's name and the word in a config.
    pub name: &'static str,
    /// Formula and source.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// The op for checked keys.
    pub build: fn(&Values) -> Box<dyn Op>,
    /// Places where it has a kink, which numerical gradients must avoid.
    pub kinks: &'static [f64],
}

/// What a loss expects as its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class index a row; the prediction has one column a class.
    Class,
    /// Numbers 0 or 1, one for each column of the prediction.
    Binary,
    /// Numbers, one for each column of the prediction.
    Number,
    /// One number a row; the prediction has a column for each quantile.
    Quantiles,
}

/// A row of [`LOSSES`].
#[derive(Clone, Copy, Debug)]
pub struct LossEntry {
    /// The file's name and the word in a config.
    pub name: &'static str,
    /// Formula and source.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What it expects.
    pub target: TargetKind,
    /// The op for checked keys; inputs are prediction and target, then class weights where the loss takes them.
    pub build: fn(&Values) -> Box<dyn Op>,
    /// Columns of the prediction for `outputs` target columns or classes.
    pub columns: fn(&Values, usize) -> usize,
    /// What the conformance test runs.
    pub cases: fn() -> Vec<Case>,
}

/// Shapes that do not fit an op.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct ShapeError {
    /// What would fit.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl ShapeError {
    /// A mismatch.
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        ShapeError { expected: expected.into(), got: got.into() }
    }
}

/// One input of an op, as the plan placed it.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The place.
    pub view: View,
    /// The shape; of one row where the view has rows.
    pub shape: Shape,
    /// The packed form, for an input that [`Op::packs`] names, or [`Op::packs_back`] in backward.
    pub packed: Option<View>,
}

impl Operand {
    /// The input as rows of its last axis.
    pub fn matrix(&self) -> Matrix {
        Matrix::new(self.view, self.shape.last()).with_packed(self.packed)
    }

    /// The input as one run of elements for each row of the batch.
    pub fn flat(&self) -> Matrix {
        Matrix::new(self.view, self.shape.len())
    }
}

/// The places that an op reads and writes.
#[derive(Clone, Debug)]
pub struct Io {
    /// A number that no other node of the graph has: names its random numbers.
    pub node: u64,
    /// Whether this is a training pass (dropout, batch statistics).
    pub training: bool,
    /// The inputs, in the op's order.
    pub inputs: Vec<Operand>,
    /// The output.
    pub output: View,
    /// Shape of the output, of one row.
    pub output_shape: Shape,
    /// Gradient by the output; only in backward pieces.
    pub d_output: Option<View>,
    /// Gradients by the inputs, where wanted; only in backward pieces.
    pub d_inputs: Vec<Option<Dest>>,
    /// What [`Op::saved`] asked for.
    pub saved: Vec<View>,
}

impl Io {
    /// The view of input `i`.
    pub fn x(&self, i: usize) -> View {
        self.inputs[i].view
    }

    /// The gradient by the output. Only backward pieces may ask.
    pub fn dy(&self) -> View {
        self.d_output.expect("a backward piece has the gradient of its output")
    }

    /// The gradient by input `i`, where wanted.
    pub fn dx(&self, i: usize) -> Option<Dest> {
        self.d_inputs.get(i).copied().flatten()
    }
}

/// Memory that an op keeps from forward to backward.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Shape; of one row with `rows`.
    pub shape: Shape,
    /// Whether there is one for each row of the batch.
    pub rows: bool,
}

/// What an op reads again in its backward pieces; the plan keeps only that alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Its inputs.
    pub inputs: bool,
    /// Its output.
    pub output: bool,
}

/// One operation: shapes, forward, backward. See the module's documentation for its pieces.
pub trait Op: Debug + Send + Sync {
    /// The file's name.
    fn name(&self) -> &'static str;

    /// The shape of the output (of one row) for these inputs.
    ///
    /// # Errors
    /// A [`ShapeError`] that says what would fit.
    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError>;

    /// Whether the output is the one input under another shape: then the plan gives both one place and runs nothing, where
    /// the input has rows.
    fn renames(&self) -> bool {
        false
    }

    /// Whether each step of the output, along the first axis of `[T, …]`, follows from the same step of the inputs and from states
    /// alone: then steps that come one at a time give what all give together. `inputs` are as for [`Op::output`].
    fn keeps_steps_apart(&self, _inputs: &[Shape]) -> bool {
        false
    }

    /// Whether a step of the output may depend on later steps of the inputs; `false` is a promise that none does.
    fn may_look_ahead(&self, inputs: &[Shape]) -> bool {
        !self.keeps_steps_apart(inputs)
    }

    /// Computes the output for the lane's rows.
    fn forward(&self, be: &mut dyn Backend, io: &Io);

    /// Adds to the gradients of the inputs that have rows, for the lane's rows.
    fn backward(&self, be: &mut dyn Backend, io: &Io);

    /// Whether [`Op::backward`] makes what [`Op::backward_params`] reads, and so runs even where no input with rows wants a
    /// gradient.
    fn backward_first(&self) -> bool {
        false
    }

    /// Memory to keep from forward to backward.
    fn saved(&self, _inputs: &[Shape], _training: bool) -> Vec<Saved> {
        Vec::new()
    }

    /// What backward reads besides the output's gradient.
    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: true }
    }

    /// Units of [`Op::forward_reduce`]; 0: it has none.
    fn forward_units(&self, _inputs: &[Shape]) -> usize {
        0
    }

    /// Work over all rows that must be done before forward, for some units.
    fn forward_reduce(&self, _be: &mut dyn Backend, _io: &Io, _units: Range<usize>) {}

    /// Units of [`Op::backward_reduce`]; 0: it has none.
    fn backward_units(&self, _inputs: &[Shape]) -> usize {
        0
    }

    /// Work over all rows that must be done before backward, for some units.
    fn backward_reduce(&self, _be: &mut dyn Backend, _io: &Io, _units: Range<usize>) {}

    /// Units of [`Op::backward_params`]; 0: it has none.
    fn param_units(&self, _inputs: &[Shape]) -> usize {
        0
    }

    /// Adds to the gradients of the parameters, for some units.
    fn backward_params(&self, _be: &mut dyn Backend, _io: &Io, _units: Range<usize>) {}

    /// Units of [`Op::backward_params`] that a task has at least, so that none runs on a sliver: two tiles of a product.
    fn units_together(&self, _inputs: &[Shape]) -> usize {
        28
    }

    /// The inputs that are weights which the plan keeps packed for forward, and what they are read for.
    fn packs(&self, _inputs: &[Shape]) -> Vec<(usize, Form)> {
        Vec::new()
    }

    /// The same for backward.
    fn packs_back(&self, _inputs: &[Shape]) -> Vec<(usize, Form)> {
        Vec::new()
    }

    /// Work whose scratch every lane needs.
    fn scratch(&self, _inputs: &[Shape]) -> Option<Form> {
        None
    }

    /// Rows of the batch that a lane should carry at once: few rows do not pay for the weights that they make it read.
    fn rows_wanted(&self, _inputs: &[Shape]) -> usize {
        1
    }

    /// Multiply-adds of forward for one row of the batch.
    fn cost(&self, inputs: &[Shape]) -> f64 {
        inputs.first().map_or(0.0, |s| s.len() as f64)
    }
}

/// Rows of a product that pay for the weights it reads.
const PRODUCT_ROWS: usize = 64;

/// Checks that there are as many inputs as the op takes.
fn arity(inputs: &[Shape], expected: usize) -> Result<(), ShapeError> {
    if inputs.len() == expected {
        return Ok(());
    }
    Err(ShapeError::new(format!("{expected} inputs"), format!("{} inputs", inputs.len())))
}

/// Checks that two inputs have one shape.
fn same(a: &Shape, b: &Shape) -> Result<(), ShapeError> {
    if a == b {
        return Ok(());
    }
    Err(ShapeError::new(a.to_string(), b.to_string()))
}

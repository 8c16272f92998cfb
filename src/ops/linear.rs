//! `y = x · Wᵀ + b` over the last axis: x `[B, …, I]`, W `[O, I]`, b `[O]`, y `[B, …, O]`.

use std::ops::Range;

use crate::backend::{Backend, Dest, Form, Matrix};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, PRODUCT_ROWS, Reads, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "linear", cases };

fn cases() -> Vec<Case> {
    let sizes = [(1, 1, 1), (1, 3, 5), (2, 17, 33), (7, 4, 2), (33, 31, 19), (65, 8, 40)];
    let plain = sizes.iter().map(|&(b, i, o)| {
        let inputs = vec![CaseInput::rows([i]), CaseInput::param([o, i]), CaseInput::param([o])];
        Case::new(Linear, inputs, b)
    });
    let without_bias =
        [(3, 5, 4)].iter().map(|&(b, i, o)| Case::new(Linear, vec![CaseInput::rows([i]), CaseInput::param([o, i])], b));
    let inner_axes = [(3, 4, 5, 2)].iter().map(|&(b, t, i, o)| {
        let inputs = vec![CaseInput::rows([t, i]), CaseInput::param([o, i]), CaseInput::param([o])];
        Case::new(Linear, inputs, b)
    });
    plain.chain(without_bias).chain(inner_axes).collect()
}

/// Steps of a row from which on it counts as long.
const STEPS: usize = 16;
/// Rows of W in two tiles of a product, which a task has at least.
const TILES: usize = 28;
/// Tasks that the gradient of W is shared out to, where x is long.
const TASKS: usize = 8;
/// Elements of W from which on its tasks copy what they read of x.
const LARGE: usize = 1 << 17;
/// Rows of such a W that a task has at most: enough to pay for the copy.
const LARGE_ROWS: usize = 384;

/// The op; inputs are x, W and, if there is one, b.
#[derive(Clone, Copy, Debug)]
pub struct Linear;

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, w, rest @ ..] = inputs else {
            return Err(ShapeError::new("input and weight", format!("{} inputs", inputs.len())));
        };
        let &[outputs, width] = w.axes() else {
            return Err(ShapeError::new("a weight [O, I]", w.to_string()));
        };
        if x.axes().is_empty() || x.last() != width {
            return Err(ShapeError::new(format!("input width {width}"), x.to_string()));
        }
        if let Some(b) = rest.first().filter(|b| b.axes() != [outputs]) {
            return Err(ShapeError::new(format!("a bias [{outputs}]"), b.to_string()));
        }
        Ok(x.with_last(outputs))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn packs(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        let w = &inputs[1];
        vec![(1, Form::Transposed { outputs: w.outer(), inputs: w.last() })]
    }

    /// Rows of many steps read the weight often enough to pay for packing it once more.
    fn packs_back(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        let w = &inputs[1];
        let form = Form::Straight { outputs: w.outer(), inputs: w.last() };
        if inputs[0].outer() < STEPS { Vec::new() } else { vec![(1, form)] }
    }

    /// A task reads all of x: where that is long, fewer tasks read less.
    fn units_together(&self, inputs: &[Shape]) -> usize {
        let outputs = inputs[1].outer();
        if inputs[0].outer() < STEPS {
            TILES
        } else if inputs[1].len() < LARGE {
            outputs.div_ceil(TASKS).next_multiple_of(TILES)
        } else {
            outputs.div_ceil(outputs.div_ceil(LARGE_ROWS))
        }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let bias = io.inputs.get(2).map(|b| b.view);
        let outputs = io.output_shape.last();
        be.matmul(&io.inputs[0].matrix(), &io.inputs[1].matrix().t(), Dest::store(io.output), outputs, None, bias);
    }

    /// dx += dy · W.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let dy = Matrix::new(io.dy(), io.output_shape.last());
            be.matmul(&dy, &io.inputs[1].matrix(), dx, io.inputs[0].shape.last(), None, None);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].outer()
    }

    /// dW += dyᵀ · x and db += Σ dy, for some rows of W.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let dy = Matrix::new(io.dy(), io.output_shape.last()).columns(units.clone());
        if let Some(db) = io.dx(2) {
            be.column_sums(&dy, db);
        }
        if let Some(dw) = io.dx(1) {
            be.matmul(&dy.t(), &io.inputs[0].matrix(), dw, io.inputs[0].shape.last(), Some(units), None);
        }
    }

    fn rows_wanted(&self, inputs: &[Shape]) -> usize {
        PRODUCT_ROWS.div_ceil(inputs[0].outer().max(1))
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        (inputs[0].outer() * inputs[1].len()) as f64
    }
}

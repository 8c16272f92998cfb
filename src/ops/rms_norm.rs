//! `y = x / √(mean(x²) + ε) ⊙ gain` over the last axis. Zhang & Sennrich 2019.

use std::ops::Range;

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, Saved, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "rms_norm", cases };

fn cases() -> Vec<Case> {
    let sizes: [(usize, &[usize]); 5] = [(1, &[3]), (2, &[5]), (7, &[2, 9]), (33, &[17]), (3, &[70])];
    let cases = sizes.iter().map(|&(b, s)| {
        let x = Shape::new(s);
        let gain = CaseInput::param([x.last()]);
        Case::new(RmsNorm { eps: 1e-5 }, vec![CaseInput::rows(x), gain], b)
    });
    cases.collect()
}

/// The op; inputs are x and gain.
#[derive(Clone, Copy, Debug)]
pub struct RmsNorm {
    /// ε below the root.
    pub eps: f64,
}

impl Op for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        let x = &inputs[0];
        if x.axes().is_empty() || inputs[1].axes() != [x.last()] {
            return Err(ShapeError::new(format!("a gain [{}]", x.last()), inputs[1].to_string()));
        }
        Ok(x.clone())
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::from([inputs[0].outer()]), rows: true }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.rms_norm(io.x(0), io.x(1), io.output, io.saved[0], self.eps);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.rms_norm_grad(io.x(0), io.x(1), io.saved[0], io.dy(), dx);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].len()
    }

    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        if let Some(dgain) = io.dx(1) {
            be.rms_norm_gain_grad(io.x(0), io.saved[0], io.dy(), dgain, units);
        }
    }
}

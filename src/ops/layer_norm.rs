//! `y = (x − mean) / √(var + ε) ⊙ gain + bias` over the last axis. Ba et al. 2016.

use std::ops::Range;

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "layer_norm", cases };

fn cases() -> Vec<Case> {
    let op = LayerNorm { eps: 1e-5 };
    let sizes: [(usize, &[usize]); 5] = [(1, &[3]), (2, &[5]), (7, &[2, 9]), (33, &[17]), (3, &[64])];
    let cases = sizes.iter().map(|&(b, s)| {
        let x = Shape::new(s);
        let c = x.last();
        Case::new(op, vec![CaseInput::rows(x), CaseInput::param([c]), CaseInput::param([c])], b)
    });
    // A gain alone learns.
    let fixed = CaseInput::constant([6], Content::Uniform(-1.0, 1.0));
    let gain = Case::new(op, vec![CaseInput::rows([6]), CaseInput::param([6]), fixed], 5);
    cases.chain([gain]).collect()
}

/// The op; inputs are x, gain and bias.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    /// ε below the root.
    pub eps: f64,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 3)?;
        let x = &inputs[0];
        if let Some(odd) = inputs[1..].iter().find(|s| s.axes() != [x.last()]) {
            return Err(ShapeError::new(format!("gain and bias [{}]", x.last()), odd.to_string()));
        }
        Ok(x.clone())
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        let shape = Shape::from([inputs[0].outer()]);
        vec![Saved { shape, rows: true }; 2]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.layer_norm(io.x(0), (io.x(1), io.x(2)), io.output, (io.saved[0], io.saved[1]), self.eps);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.layer_norm_grad(io.x(0), io.x(1), (io.saved[0], io.saved[1]), io.dy(), dx);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].len()
    }

    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let affine = (io.dx(1), io.dx(2));
        if affine != (None, None) {
            be.layer_norm_affine_grad(io.x(0), (io.saved[0], io.saved[1]), io.dy(), affine, units);
        }
    }
}

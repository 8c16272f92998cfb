//! `y = (x − mean) / √(var + ε) ⊙ gain + bias` over the last axis. Ba et al. 2016.

use std::ops::Range;

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, Saved, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "layer_norm", cases };

fn cases() -> Vec<Case> {
    let op = LayerNorm { eps: 1e-5 };
    let sizes: [(usize, &[usize]); 5] = [(1, &[3]), (2, &[5]), (7, &[2, 9]), (33, &[17]), (3, &[64])];
    let affine = sizes.iter().map(|&(b, s)| {
        let x = Shape::new(s);
        let c = x.last();
        Case::new(op, vec![CaseInput::rows(x), CaseInput::param([c]), CaseInput::param([c])], b)
    });
    let plain = [Case::new(op, vec![CaseInput::rows([6])], 4)];
    affine.chain(plain).collect()
}

/// The op; inputs are x and, if it has them, gain and bias.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    /// ε below the root.
    pub eps: f64,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let Some((x, affine)) = inputs.split_first() else {
            return Err(ShapeError::new("one input", "none"));
        };
        if let Some(odd) = affine.iter().find(|s| s.axes() != [x.last()]) {
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
        let affine = (io.inputs.len() == 3).then(|| (io.x(1), io.x(2)));
        be.layer_norm(io.x(0), affine, io.output, (io.saved[0], io.saved[1]), io.output_shape.last(), self.eps);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let gain = io.inputs.get(1).map(|g| g.view);
            let stats = (io.saved[0], io.saved[1]);
            be.layer_norm_grad(io.x(0), gain, stats, io.dy(), dx, io.output_shape.last());
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs.get(1).map_or(0, Shape::len)
    }

    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        if let (Some(dgain), Some(dbias)) = (io.dx(1), io.dx(2)) {
            let stats = (io.saved[0], io.saved[1]);
            be.layer_norm_affine_grad(io.x(0), stats, io.dy(), dgain, dbias, io.output_shape.last(), units);
        }
    }
}

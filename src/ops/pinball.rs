//! Quantile loss: `τ·(t − p)` where the target lies above, `(1 − τ)·(p − t)` where below. Koenker & Bassett 1978.
//!
//! Prediction `[B, Q]`, one column a quantile; target `[B, 1]`; loss `[B]`, the mean over the quantiles.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::backend::{Backend, Dest, Matrix};
use crate::ops::{Case, CaseInput, Content, Io, LossEntry, Op, Reads, ShapeError, TargetKind, arity};
use crate::spec::{Key, Kind, Preset};
use crate::tensor::Shape;

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "pinball",
    doc: "τ·max(t − p, 0) + (1 − τ)·max(p − t, 0): the network gives quantiles. Koenker & Bassett 1978.",
    keys: KEYS,
    target: TargetKind::Quantiles,
    build: |v| Box::new(Pinball { quantiles: v.f64s("quantiles") }),
    columns: |v, _| v.f64s("quantiles").len(),
    cases,
};

const KEYS: &[Key] = &[Key {
    name: "quantiles",
    kind: Kind::List(&Kind::Float { min: 0.0, max: 1.0, min_in: false, max_in: false }),
    default: Preset::Floats(&[0.05, 0.5, 0.95]),
    doc: "the quantiles τ to estimate, one output column each",
}];

fn cases() -> Vec<Case> {
    let sizes: [(usize, &[f64]); 5] =
        [(1, &[0.5]), (1, &[0.1, 0.9]), (2, &[0.05, 0.5, 0.95]), (33, &[0.25]), (17, &[0.1, 0.2, 0.3, 0.4])];
    sizes
        .iter()
        .map(|&(b, q)| {
            let inputs = vec![CaseInput::rows([q.len()]), CaseInput::data([1], Content::Uniform(-3.0, 3.0))];
            Case::new(Pinball { quantiles: q.to_vec() }, inputs, b)
        })
        .collect()
}

/// The op.
#[derive(Clone, Debug)]
pub struct Pinball {
    /// τ of each column.
    pub quantiles: Vec<f64>,
}

/// The loss of one quantile.
#[derive(Clone, Copy, Debug)]
struct Quantile(f64);

impl Binary for Quantile {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        (S::from_f64(self.0) * (t - p)).max(S::from_f64(self.0 - 1.0) * (t - p))
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        S::select(t > p, S::from_f64(-self.0), S::select(t < p, S::from_f64(1.0 - self.0), S::ZERO))
    }
}

impl Pinball {
    /// Each quantile with its column of the prediction and the target.
    fn columns(&self, io: &Io) -> impl Iterator<Item = (usize, Quantile, Matrix, Matrix)> {
        self.quantiles.iter().enumerate().map(|(i, &q)| {
            let p = io.inputs[0].matrix().columns(i..i + 1);
            (i, Quantile(q), p, Matrix::new(io.x(1), 1))
        })
    }
}

impl Op for Pinball {
    fn name(&self) -> &'static str {
        "pinball"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        if inputs[0].axes() != [self.quantiles.len()] {
            return Err(ShapeError::new(format!("[{}]", self.quantiles.len()), inputs[0].to_string()));
        }
        if inputs[1].len() != 1 {
            return Err(ShapeError::new("one target column", inputs[1].to_string()));
        }
        Ok(Shape::default())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let scale = 1.0 / self.quantiles.len() as f64;
        for (i, q, p, t) in self.columns(io) {
            be.row_loss(&q, &p, &t, scale, Dest { view: io.output, add: i > 0 });
        }
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        let scale = 1.0 / self.quantiles.len() as f64;
        if let Some(dp) = io.dx(0) {
            self.columns(io).for_each(|(_, q, p, t)| be.row_loss_grad(&q, &p, &t, scale, io.dy(), dp));
        }
    }
}

//! ½(p − t)²/β where |p − t| < β, |p − t| − β/2 beyond. Girshick 2015.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, LossEntry, RowLoss, TargetKind};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "smooth_l1",
    doc: "½(p − t)²/β where |p − t| < β, |p − t| − β/2 beyond. Girshick 2015.",
    keys: KEYS,
    target: TargetKind::Number,
    build: |v| Box::new(new(v)),
    columns: |_, outputs| outputs,
    cases,
};

const KEYS: &[Key] = &[Key { name: "beta", kind: Kind::above(0.0), default: Preset::Float(1.0), doc: "β, where the square turns into a line" }];

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], crate::ops::Content::Uniform(-3.0, 3.0))];
    shapes.iter().map(|&(b, c)| Case::new(new(&Values::defaults(KEYS)), inputs(c), b)).collect()
}

fn new(v: &Values) -> RowLoss<SmoothL1> {
    RowLoss { name: "smooth_l1", function: SmoothL1 { beta: v.f64("beta") } }
}

#[derive(Clone, Copy, Debug)]
struct SmoothL1 {
    beta: f64,
}

impl Binary for SmoothL1 {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        let (d, beta) = ((p - t).abs(), S::from_f64(self.beta));
        S::select(d < beta, S::from_f64(0.5) * d * d / beta, d - S::from_f64(0.5) * beta)
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        ((p - t) / S::from_f64(self.beta)).max(-S::ONE).min(S::ONE)
    }
}

//! ½(p − t)² where |p − t| < δ, δ·(|p − t| − δ/2) beyond. Huber 1964.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, LossEntry, RowLoss, TargetKind};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "huber",
    doc: "½(p − t)² where |p − t| < δ, δ·(|p − t| − δ/2) beyond. Huber 1964.",
    keys: KEYS,
    target: TargetKind::Number,
    build: |v| Box::new(new(v)),
    columns: |_, outputs| outputs,
    cases,
};

const KEYS: &[Key] = &[Key { name: "delta", kind: Kind::above(0.0), default: Preset::Float(1.0), doc: "δ, where the square turns into a line" }];

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], crate::ops::Content::Uniform(-3.0, 3.0))];
    shapes.iter().map(|&(b, c)| Case::new(new(&Values::defaults(KEYS)), inputs(c), b)).collect()
}

fn new(v: &Values) -> RowLoss<Huber> {
    RowLoss { name: "huber", function: Huber { delta: v.f64("delta") } }
}

#[derive(Clone, Copy, Debug)]
struct Huber {
    delta: f64,
}

impl Binary for Huber {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        let (d, delta) = ((p - t).abs(), S::from_f64(self.delta));
        S::select(d < delta, S::from_f64(0.5) * d * d, delta * (d - S::from_f64(0.5) * delta))
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        let delta = S::from_f64(self.delta);
        (p - t).max(-delta).min(delta)
    }
}

//! max(0, margin − s·p), s = ±1 for t = 1 or 0; each column is a label of its own (one against the rest). Cortes & Vapnik 1995.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Content, LossEntry, RowLoss, TargetKind};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "hinge",
    doc: "max(0, margin − s·p), s = ±1 for t = 1 or 0; each column is a label of its own (one against the rest). Cortes & Vapnik 1995.",
    keys: KEYS,
    target: TargetKind::Binary,
    build: |v| Box::new(new(v)),
    columns: |_, outputs| outputs,
    cases,
};

const KEYS: &[Key] = &[Key { name: "margin", kind: Kind::above(0.0), default: Preset::Float(1.0), doc: "distance from the border below which a prediction costs" }];

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]).of(Content::Normal { avoid: vec![-1.0, 1.0] }), CaseInput::data([c], Content::Bits)];
    shapes.iter().map(|&(b, c)| Case::new(new(&Values::defaults(KEYS)), inputs(c), b)).collect()
}

fn new(v: &Values) -> RowLoss<Hinge> {
    RowLoss { name: "hinge", function: Hinge { margin: v.f64("margin") } }
}

#[derive(Clone, Copy, Debug)]
struct Hinge {
    margin: f64,
}

impl Binary for Hinge {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        let s = t + t - S::ONE;
        (S::from_f64(self.margin) - s * p).max(S::ZERO)
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        let s = t + t - S::ONE;
        S::select(s * p < S::from_f64(self.margin), -s, S::ZERO)
    }
}

//! Poisson deviance without its constant: eᵖ − t·p, or p − t·ln(p + ε) without log_input; with full, Stirling's term for t > 1 is added.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Content, LossEntry, RowLoss, TargetKind};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "poisson_nll",
    doc: "Poisson deviance without its constant: eᵖ − t·p, or p − t·ln(p + ε) without log_input; with full, Stirling's term for t > 1 is added.",
    keys: KEYS,
    target: TargetKind::Number,
    build: |v| Box::new(new(v)),
    columns: |_, outputs| outputs,
    cases,
};

const KEYS: &[Key] = &[Key { name: "log_input", kind: Kind::Bool, default: Preset::Bool(true), doc: "whether the network gives the logarithm of the rate" }, Key { name: "full", kind: Kind::Bool, default: Preset::Bool(false), doc: "whether to add Stirling's approximation of ln t!" }, Key { name: "eps", kind: Kind::above(0.0), default: Preset::Float(1e-8), doc: "ε inside the logarithm without log_input" }];

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], Content::Counts)];
    shapes.iter().map(|&(b, c)| Case::new(new(&Values::defaults(KEYS)), inputs(c), b)).collect()
}

fn new(v: &Values) -> RowLoss<PoissonNll> {
    RowLoss { name: "poisson_nll", function: PoissonNll { log_input: v.bool("log_input"), full: v.bool("full"), eps: v.f64("eps") } }
}

#[derive(Clone, Copy, Debug)]
struct PoissonNll {
    log_input: bool,
    full: bool,
    eps: f64,
}

impl Binary for PoissonNll {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        let base = if self.log_input { p.exp() - t * p } else { p - t * (p + S::from_f64(self.eps)).ln() };
        if !self.full {
            return base;
        }
        let safe = t.max(S::ONE);
        let stirling = safe * safe.ln() - safe + S::from_f64(0.5) * (S::from_f64(std::f64::consts::TAU) * safe).ln();
        base + S::select(t > S::ONE, stirling, S::ZERO)
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        if self.log_input { p.exp() - t } else { S::ONE - t / (p + S::from_f64(self.eps)) }
    }
}

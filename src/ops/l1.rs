//! Mean absolute error, |p − t|.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, LossEntry, RowLoss, TargetKind};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "l1",
    doc: "Mean absolute error, |p − t|.",
    keys: &[],
    target: TargetKind::Number,
    build: |_| Box::new(RowLoss { name: "l1", function: L1 }),
    columns: |_, outputs| outputs,
    cases,
};

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], crate::ops::Content::Uniform(-3.0, 3.0))];
    shapes.iter().map(|&(b, c)| Case::new(RowLoss { name: "l1", function: L1 }, inputs(c), b)).collect()
}

#[derive(Clone, Copy, Debug)]
struct L1;

impl Binary for L1 {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        (p - t).abs()
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        sign(p - t)
    }
}

/// −1, 0 or 1.
#[inline(always)]
fn sign<S: Scalar>(x: S) -> S {
    S::select(x > S::ZERO, S::ONE, S::select(x < S::ZERO, -S::ONE, S::ZERO))
}

//! Mean squared error, (p − t)².

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, LossEntry, RowLoss, TargetKind};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "mse",
    doc: "Mean squared error, (p − t)².",
    keys: &[],
    target: TargetKind::Number,
    build: |_| Box::new(RowLoss { name: "mse", function: Mse }),
    columns: |_, outputs| outputs,
    cases,
};

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], crate::ops::Content::Uniform(-3.0, 3.0))];
    shapes.iter().map(|&(b, c)| Case::new(RowLoss { name: "mse", function: Mse }, inputs(c), b)).collect()
}

#[derive(Clone, Copy, Debug)]
struct Mse;

impl Binary for Mse {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        (p - t) * (p - t)
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        S::from_f64(2.0) * (p - t)
    }
}

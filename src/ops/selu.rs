//! λ·x for x > 0, λα·(eˣ − 1) below, λ = 1.0507…, α = 1.6733…. Klambauer et al. 2017.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "selu",
    doc: "λ·x for x > 0, λα·(eˣ − 1) below, λ = 1.0507…, α = 1.6733…. Klambauer et al. 2017.",
    keys: &[],
    build: |_| Box::new(Map::new("selu", Selu)),
    kinks: &[0.0],
};

/// λ of the paper, to the last digit of f64.
const LAMBDA: f64 = 1.050_700_987_355_480_5;
/// α of the paper.
const ALPHA: f64 = 1.673_263_242_354_377_2;

#[derive(Clone, Copy, Debug)]
struct Selu;

impl Unary for Selu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        S::from_f64(LAMBDA) * S::select(x > S::ZERO, x, S::from_f64(ALPHA) * x.min(S::ZERO).exp_m1())
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, y: S) -> S {
        S::select(x > S::ZERO, S::from_f64(LAMBDA), y + S::from_f64(LAMBDA * ALPHA))
    }
}

//! x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))): the approximation of gelu that GPT-2 uses. Hendrycks & Gimpel 2016.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "gelu_tanh",
    doc: "x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))): the approximation of gelu that GPT-2 uses. Hendrycks & Gimpel 2016.",
    keys: &[],
    build: |_| Box::new(Map::new("gelu_tanh", GeluTanh)),
    kinks: &[],
};

/// √(2/π).
const ROOT: f64 = 0.797_884_560_802_865_4;
/// The cubic term's factor.
const CUBE: f64 = 0.044_715;

#[derive(Clone, Copy, Debug)]
struct GeluTanh;

impl Unary for GeluTanh {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        S::from_f64(0.5) * x * (S::ONE + inner(x).tanh())
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        let t = inner(x).tanh();
        let slope = S::from_f64(ROOT) * (S::ONE + S::from_f64(3.0 * CUBE) * x * x);
        S::from_f64(0.5) * (S::ONE + t) + S::from_f64(0.5) * x * (S::ONE - t * t) * slope
    }
}

#[inline(always)]
fn inner<S: Scalar>(x: S) -> S {
    S::from_f64(ROOT) * (x + S::from_f64(CUBE) * x * x * x)
}

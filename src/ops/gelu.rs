//! x · Φ(x), Φ the normal distribution function (exact, by erf). Hendrycks & Gimpel 2016.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "gelu",
    doc: "x · Φ(x), Φ the normal distribution function (exact, by erf). Hendrycks & Gimpel 2016.",
    keys: &[],
    build: |_| Box::new(Map::new("gelu", Gelu)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Gelu;

impl Unary for Gelu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x * phi_upper(x)
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        let density = S::from_f64(0.398_942_280_401_432_7) * (S::from_f64(-0.5) * x * x).exp();
        phi_upper(x) + x * density
    }
}

/// Φ(x) = (1 + erf(x / √2)) / 2.
#[inline(always)]
fn phi_upper<S: Scalar>(x: S) -> S {
    S::from_f64(0.5) * (S::ONE + (x * S::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

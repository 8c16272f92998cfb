//! 1 / (1 + e⁻ˣ).

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "sigmoid",
    doc: "1 / (1 + e⁻ˣ).",
    keys: &[],
    build: |_| Box::new(Map::from_output("sigmoid", Sigmoid)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Sigmoid;

impl Unary for Sigmoid {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x.sigmoid()
    }

    #[inline(always)]
    fn df<S: Scalar>(self, _x: S, y: S) -> S {
        y * (S::ONE - y)
    }
}

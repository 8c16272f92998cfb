//! x · tanh(softplus(x)). Misra 2020.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "mish",
    doc: "x · tanh(softplus(x)). Misra 2020.",
    keys: &[],
    build: |_| Box::new(Map::new("mish", Mish)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Mish;

impl Unary for Mish {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x * x.softplus().tanh()
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        let t = x.softplus().tanh();
        t + x * (S::ONE - t * t) * x.sigmoid()
    }
}

//! x · σ(x), also known as swish. Elfwing et al. 2018.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "silu",
    doc: "x · σ(x), also known as swish. Elfwing et al. 2018.",
    keys: &[],
    build: |_| Box::new(Map::new("silu", Silu)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Silu;

impl Unary for Silu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x * x.sigmoid()
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        let s = x.sigmoid();
        s * (S::ONE + x * (S::ONE - s))
    }
}

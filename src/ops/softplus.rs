//! ln(1 + eˣ), a smooth relu. Dugas et al. 2001; PyTorch's with β = 1.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "softplus",
    doc: "ln(1 + eˣ), a smooth relu. Dugas et al. 2001; PyTorch's with β = 1.",
    keys: &[],
    build: |_| Box::new(Map::new("softplus", Softplus)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Softplus;

impl Unary for Softplus {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x.softplus()
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        x.sigmoid()
    }
}

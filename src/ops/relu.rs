//! max(0, x). Nair & Hinton 2010.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "relu",
    doc: "max(0, x). Nair & Hinton 2010.",
    keys: &[],
    build: |_| Box::new(Map::from_output("relu", Relu)),
    kinks: &[0.0],
};

#[derive(Clone, Copy, Debug)]
struct Relu;

impl Unary for Relu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x.max(S::ZERO)
    }

    #[inline(always)]
    fn df<S: Scalar>(self, _x: S, y: S) -> S {
        S::select(y > S::ZERO, S::ONE, S::ZERO)
    }
}

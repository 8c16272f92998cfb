//! tanh(x).

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "tanh",
    doc: "tanh(x).",
    keys: &[],
    build: |_| Box::new(Map::from_output("tanh", Tanh)),
    kinks: &[],
};

#[derive(Clone, Copy, Debug)]
struct Tanh;

impl Unary for Tanh {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x.tanh()
    }

    #[inline(always)]
    fn df<S: Scalar>(self, _x: S, y: S) -> S {
        S::ONE - y * y
    }
}

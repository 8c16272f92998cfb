//! x · min(max(x + 3, 0), 6) / 6. Howard et al. 2019.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "hardswish",
    doc: "x · min(max(x + 3, 0), 6) / 6. Howard et al. 2019.",
    keys: &[],
    build: |_| Box::new(Map::new("hardswish", Hardswish)),
    kinks: &[-3.0, 3.0],
};

#[derive(Clone, Copy, Debug)]
struct Hardswish;

impl Unary for Hardswish {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        x * (x + S::from_f64(3.0)).max(S::ZERO).min(S::from_f64(6.0)) * S::from_f64(1.0 / 6.0)
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        let inside = (x * S::from_f64(2.0) + S::from_f64(3.0)) * S::from_f64(1.0 / 6.0);
        let above = S::select(x < S::from_f64(3.0), inside, S::ONE);
        S::select(x > S::from_f64(-3.0), above, S::ZERO)
    }
}

//! x for x > 0, α·(eˣ − 1) below. Clevert et al. 2016.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "elu",
    doc: "x for x > 0, α·(eˣ − 1) below. Clevert et al. 2016.",
    keys: KEYS,
    build: |v| Box::new(Map::new("elu", Elu { alpha: v.f64("alpha") })),
    kinks: &[0.0],
};

const KEYS: &[Key] = &[Key { name: "alpha", kind: Kind::non_negative(), default: Preset::Float(1.0), doc: "α, the limit for x → −∞ with its sign turned" }];

#[derive(Clone, Copy, Debug)]
struct Elu {
    alpha: f64,
}

impl Unary for Elu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        S::select(x > S::ZERO, x, S::from_f64(self.alpha) * x.min(S::ZERO).exp_m1())
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, y: S) -> S {
        S::select(x > S::ZERO, S::ONE, y + S::from_f64(self.alpha))
    }
}

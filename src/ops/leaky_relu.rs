//! x for x > 0, negative_slope · x below. Maas et al. 2013.

use crate::backend::pointwise::Unary;
use crate::backend::scalar::Scalar;
use crate::ops::{ActivationEntry, Map};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: ActivationEntry = ActivationEntry {
    name: "leaky_relu",
    doc: "x for x > 0, negative_slope · x below. Maas et al. 2013.",
    keys: KEYS,
    build: |v| Box::new(Map::new("leaky_relu", LeakyRelu { negative_slope: v.f64("negative_slope") })),
    kinks: &[0.0],
};

const KEYS: &[Key] = &[Key { name: "negative_slope", kind: Kind::non_negative(), default: Preset::Float(0.01), doc: "slope for x < 0" }];

#[derive(Clone, Copy, Debug)]
struct LeakyRelu {
    negative_slope: f64,
}

impl Unary for LeakyRelu {
    #[inline(always)]
    fn f<S: Scalar>(self, x: S) -> S {
        S::select(x > S::ZERO, x, x * S::from_f64(self.negative_slope))
    }

    #[inline(always)]
    fn df<S: Scalar>(self, x: S, _y: S) -> S {
        S::select(x > S::ZERO, S::ONE, S::from_f64(self.negative_slope))
    }
}

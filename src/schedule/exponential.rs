//! A rate that falls by the same factor in every unit.

use super::{Entry, Schedule, keys};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "exponential",
    doc: "rate = learning_rate · gammaᵗ. As PyTorch's ExponentialLR.",
    keys: &[
        Key {
            name: "gamma",
            kind: Kind::float(0.0, 1.0),
            default: Preset::Required,
            doc: "What the rate is multiplied with in every unit.",
        },
        keys::unit("epoch"),
        keys::WARMUP_STEPS,
    ],
    build: |values| Box::new(Exponential { gamma: values.f64("gamma") }),
};

#[derive(Debug)]
struct Exponential {
    gamma: f64,
}

impl Schedule for Exponential {
    fn rate(&self, t: u64, _total: u64, base: f64) -> f64 {
        base * self.gamma.powf(t as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_by_gamma_each_time() {
        let schedule = Exponential { gamma: 0.5 };
        assert_eq!([0, 1, 2, 3].map(|t| schedule.rate(t, 10, 0.8)), [0.8, 0.4, 0.2, 0.1]);
    }
}

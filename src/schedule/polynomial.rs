//! A rate that falls to 0 along a power of the time left.

use super::{Entry, Schedule, keys};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "polynomial",
    doc: "rate = learning_rate · (1 − min(t, T)/T)^power, T = total_iters. As PyTorch's PolynomialLR, but T is the length of training \
          unless given.",
    keys: &[
        keys::length("total_iters"),
        Key {
            name: "power",
            kind: Kind::non_negative(),
            default: Preset::Float(1.0),
            doc: "1 falls along a line, 2 along a parabola.",
        },
        keys::unit("step"),
        keys::WARMUP_STEPS,
    ],
    build: |values| {
        let length = values.has("total_iters").then(|| values.usize("total_iters") as u64);
        Box::new(Polynomial { length, power: values.f64("power") })
    },
};

#[derive(Debug)]
struct Polynomial {
    length: Option<u64>,
    power: f64,
}

impl Schedule for Polynomial {
    fn rate(&self, t: u64, total: u64, base: f64) -> f64 {
        let length = self.length.unwrap_or(total).max(1);
        base * ((length - t.min(length)) as f64 / length as f64).powf(self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_along_the_power_and_stays_at_0() {
        let line = Polynomial { length: None, power: 1.0 };
        assert_eq!([0, 5, 10, 11].map(|t| line.rate(t, 10, 0.8)), [0.8, 0.4, 0.0, 0.0]);
        let parabola = Polynomial { length: Some(4), power: 2.0 };
        assert_eq!([0, 2, 3, 4, 9].map(|t| parabola.rate(t, 10, 0.8)), [0.8, 0.2, 0.05, 0.0, 0.0]);
    }
}

//! A rate that falls along half a cosine.

use std::f64::consts::PI;

use super::{Entry, Schedule, keys};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "cosine",
    doc: "rate = eta_min + ½(learning_rate − eta_min)(1 + cos(π·min(t, T)/T)), T = t_max. Loshchilov & Hutter 2017, \"SGDR\", without restarts. As \
          PyTorch's CosineAnnealingLR up to T, where it stays at eta_min; T is the length of training unless given. For a language model \
          warmup_steps are 100 unless they are set.",
    keys: &[
        keys::length("t_max"),
        Key {
            name: "eta_min",
            kind: Kind::non_negative(),
            default: Preset::Float(0.0),
            doc: "The rate at the end.",
        },
        keys::unit("step"),
        keys::WARMUP_STEPS,
    ],
    build: |values| {
        let length = values.has("t_max").then(|| values.usize("t_max") as u64);
        Box::new(Cosine { length, eta_min: values.f64("eta_min") })
    },
};

#[derive(Debug)]
struct Cosine {
    length: Option<u64>,
    eta_min: f64,
}

impl Schedule for Cosine {
    fn rate(&self, t: u64, total: u64, base: f64) -> f64 {
        let length = self.length.unwrap_or(total).max(1);
        let part = t.min(length) as f64 / length as f64;
        self.eta_min + 0.5 * (base - self.eta_min) * (1.0 + (PI * part).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_pytorch_and_stays_at_the_end() {
        // CosineAnnealingLR(optimizer with lr=0.1, T_max=10, eta_min=0.01), PyTorch 2.15.0, after 0, 1, 3, 5, 9, 10 steps
        let torch =
            [0.1, 0.09779754323328192, 0.08145033635316129, 0.05500000000000001, 0.012202456766718092, 0.01];
        let schedule = Cosine { length: Some(10), eta_min: 0.01 };
        for (t, expected) in [0, 1, 3, 5, 9, 10].into_iter().zip(torch) {
            assert!((schedule.rate(t, 99, 0.1) - expected).abs() < 1e-12, "{t}");
        }
        assert!((schedule.rate(50, 99, 0.1) - 0.01).abs() < 1e-12);
    }
}

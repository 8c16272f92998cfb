//! One rise and one fall.

use std::f64::consts::PI;

use super::{Entry, Schedule, keys};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "one_cycle",
    doc: "From learning_rate/div_factor up to learning_rate in the first pct_start of the time, then down to \
          learning_rate/(div_factor·final_div_factor). Smith & Topin 2018, \"Super-convergence\". As PyTorch's OneCycleLR with \
          max_lr = learning_rate and without cycling the momentum.",
    keys: &[
        keys::length("total_steps"),
        Key {
            name: "pct_start",
            kind: Kind::float(0.0, 1.0),
            default: Preset::Float(0.3),
            doc: "The part of the time in which the rate rises.",
        },
        Key {
            name: "anneal_strategy",
            kind: Kind::OneOf(&["cos", "linear"]),
            default: Preset::Str("cos"),
            doc: "The curve of both parts.",
        },
        Key {
            name: "div_factor",
            kind: Kind::float(1.0, f64::MAX),
            default: Preset::Float(25.0),
            doc: "learning_rate over the first rate.",
        },
        Key {
            name: "final_div_factor",
            kind: Kind::float(1.0, f64::MAX),
            default: Preset::Float(1e4),
            doc: "The first rate over the last one.",
        },
        keys::unit("step"),
        keys::WARMUP_STEPS,
    ],
    build: |values| {
        Box::new(OneCycle {
            length: values.has("total_steps").then(|| values.usize("total_steps") as u64),
            pct_start: values.f64("pct_start"),
            linear: values.str("anneal_strategy") == "linear",
            div_factor: values.f64("div_factor"),
            final_div_factor: values.f64("final_div_factor"),
        })
    },
};

#[derive(Debug)]
struct OneCycle {
    length: Option<u64>,
    pct_start: f64,
    linear: bool,
    div_factor: f64,
    final_div_factor: f64,
}

impl OneCycle {
    /// From `start` to `end` as `part` goes from 0 to 1.
    fn between(&self, start: f64, end: f64, part: f64) -> f64 {
        if self.linear {
            start + (end - start) * part
        } else {
            end + (start - end) / 2.0 * (1.0 + (PI * part).cos())
        }
    }
}

impl Schedule for OneCycle {
    fn rate(&self, t: u64, total: u64, base: f64) -> f64 {
        // PyTorch's ticks: the top is at pct_start·total − 1, the end at total − 1.
        let length = self.length.unwrap_or(total).max(1) as f64;
        let (top, end) = ((self.pct_start * length - 1.0).max(0.0), length - 1.0);
        let first = base / self.div_factor;
        let t = (t as f64).min(end);
        if t < top {
            self.between(first, base, t / top)
        } else {
            let part = if end > top { (t - top) / (end - top) } else { 0.0 };
            self.between(base, first / self.final_div_factor, part)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_cycle(linear: bool) -> OneCycle {
        OneCycle { length: None, pct_start: 0.3, linear, div_factor: 25.0, final_div_factor: 1e4 }
    }

    // OneCycleLR(optimizer, max_lr=0.1, total_steps=20, anneal_strategy=...), PyTorch 2.15.0, after 0, 1, 4, 5, 6, 12, 19 steps
    const TICKS: [u64; 7] = [0, 1, 4, 5, 6, 12, 19];
    const COS: [f64; 7] = [
        0.0040000000000000036,
        0.013167184270002533,
        0.09083281572999748,
        0.1,
        0.09874640062350874,
        0.0500002,
        4e-07,
    ];
    const LINEAR: [f64; 7] = [
        0.004,
        0.023200000000000002,
        0.08080000000000001,
        0.1,
        0.09285717142857143,
        0.0500002,
        3.999999999976245e-07,
    ];

    #[test]
    fn both_curves_match_pytorch() {
        for (linear, torch) in [(false, COS), (true, LINEAR)] {
            for (t, expected) in TICKS.into_iter().zip(torch) {
                let found = one_cycle(linear).rate(t, 20, 0.1);
                assert!((found - expected).abs() < 1e-12, "{t}: {found} {expected}");
            }
        }
    }

    #[test]
    fn after_the_end_it_stays_there() {
        let schedule = one_cycle(false);
        assert_eq!(schedule.rate(30, 20, 0.1), schedule.rate(19, 20, 0.1));
    }
}

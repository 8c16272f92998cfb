//! A rate that falls in steps.

use super::{Entry, Schedule, keys};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "step",
    doc: "rate = learning_rate · gamma^⌊t/step_size⌋. As PyTorch's StepLR.",
    keys: &[
        Key {
            name: "step_size",
            kind: Kind::int(1, i64::MAX),
            default: Preset::Required,
            doc: "Units between two falls.",
        },
        Key {
            name: "gamma",
            kind: Kind::float(0.0, 1.0),
            default: Preset::Float(0.1),
            doc: "What the rate is multiplied with at each fall.",
        },
        keys::unit("epoch"),
        keys::WARMUP_STEPS,
    ],
    build: |values| {
        Box::new(Step { step_size: values.usize("step_size") as u64, gamma: values.f64("gamma") })
    },
};

#[derive(Debug)]
struct Step {
    step_size: u64,
    gamma: f64,
}

impl Schedule for Step {
    fn rate(&self, t: u64, _total: u64, base: f64) -> f64 {
        base * self.gamma.powf((t / self.step_size) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_once_every_step_size() {
        let schedule = Step { step_size: 3, gamma: 0.5 };
        let rates = [0, 1, 2, 3, 5, 6, 9].map(|t| schedule.rate(t, 10, 0.8));
        assert_eq!(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.1]);
    }
}

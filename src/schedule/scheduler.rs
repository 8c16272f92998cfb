//! A schedule with its warm-up, counting what it should.

use super::{Entry, Schedule};
use crate::error::Result;
use crate::spec::Values;

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps of the optimizer made before this one, over all epochs.
    pub step: u64,
    /// Epochs completed before this one.
    pub epoch: u64,
    /// Steps that the whole training will take.
    pub total_steps: u64,
    /// Epochs that the whole training will take.
    pub total_epochs: u64,
}

/// A schedule at work: warm-up, unit and base rate.
#[derive(Debug)]
pub struct Scheduler {
    schedule: Box<dyn Schedule>,
    base: f64,
    warmup_steps: u64,
    by_epoch: bool,
}

impl Scheduler {
    /// The schedule of `entry` with the keys `values`, for an optimizer with the learning rate `base`.
    pub fn new(entry: &Entry, values: &Values, base: f64) -> Self {
        Scheduler {
            schedule: (entry.build)(values),
            base,
            warmup_steps: values.usize("warmup_steps") as u64,
            by_epoch: values.has("unit") && values.str("unit") == "epoch",
        }
    }

    /// The learning rate of the step that comes next.
    pub fn rate(&self, at: Progress) -> f64 {
        let (t, total) = if self.by_epoch {
            (at.epoch, at.total_epochs)
        } else {
            (at.step.saturating_sub(self.warmup_steps), at.total_steps.saturating_sub(self.warmup_steps))
        };
        let rate = self.schedule.rate(t, total, self.base);
        if at.step < self.warmup_steps {
            rate * (at.step + 1) as f64 / self.warmup_steps as f64
        } else {
            rate
        }
    }

    /// Takes note of the validation loss of an epoch; the training loss where there is no validation.
    pub fn observe(&mut self, loss: f64) {
        self.schedule.observe(loss);
    }

    /// What a checkpoint must keep, if anything.
    pub fn state(&self) -> Option<serde_json::Value> {
        self.schedule.state()
    }

    /// Continues from what [`Scheduler::state`] gave.
    ///
    /// # Errors
    ///
    /// Code 4 if it is the state of another schedule.
    pub fn restore(&mut self, state: &serde_json::Value) -> Result<()> {
        self.schedule.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;
    use crate::spec::Value;

    fn scheduler(name: &str, warmup: i64, unit: Option<&str>) -> Scheduler {
        let entry = find(name).unwrap();
        let mut values = Values::defaults(entry.keys)
            .with("gamma", Value::Float(0.5))
            .with("warmup_steps", Value::Int(warmup));
        if let Some(unit) = unit {
            values.set("unit", Value::Str(unit.into()));
        }
        Scheduler::new(entry, &values, 0.8)
    }

    fn at(step: u64) -> Progress {
        Progress { step, epoch: step / 10, total_steps: 100, total_epochs: 10 }
    }

    #[test]
    fn the_rate_rises_along_a_line_and_then_follows_the_schedule() {
        let constant = scheduler("constant", 4, None);
        let rates: Vec<f64> = (0..6).map(|step| constant.rate(at(step))).collect();
        for (found, expected) in rates.iter().zip([0.2, 0.4, 0.6, 0.8, 0.8, 0.8]) {
            assert!((found - expected).abs() < 1e-12, "{rates:?}");
        }
    }

    #[test]
    fn a_schedule_of_steps_starts_after_the_warm_up_and_ends_with_training() {
        let cosine = scheduler("cosine", 20, None);
        assert!((cosine.rate(at(19)) - 0.8).abs() < 1e-12);
        assert!((cosine.rate(at(20)) - 0.8).abs() < 1e-12);
        assert!((cosine.rate(at(60)) - 0.4).abs() < 1e-12);
        assert!(cosine.rate(at(100)).abs() < 1e-12);
    }

    #[test]
    fn a_schedule_of_epochs_holds_still_within_one() {
        let cosine = scheduler("cosine", 0, Some("epoch"));
        assert_eq!(cosine.rate(at(50)), cosine.rate(at(59)));
        assert!((cosine.rate(at(50)) - 0.4).abs() < 1e-12);
        let exponential = scheduler("exponential", 0, None);
        assert!(exponential.rate(at(9)) == 0.8 && exponential.rate(at(10)) < 0.8);
    }
}

//! Learning-rate schedules: the rate of a step as a function of how far training has come.
//!
//! A [`Schedule`] sees a clock `t` of `total` ticks. A tick is a step of the optimizer or an epoch, as the key `unit` says; PyTorch's
//! users know both as the place where they call `scheduler.step()`. `step` and `exponential` tick with epochs unless told
//! otherwise, `polynomial`, `cosine` and `one_cycle` with steps, and `reduce_on_plateau` looks at epochs only.
//!
//! Before any of them, `warmup_steps` (always steps) raises the rate along a line: step `i`, counted from 1, gets `i / warmup_steps` of the
//! schedule's rate. A schedule that ticks with steps starts after the warm-up and has the remaining steps for itself; one
//! that ticks with epochs counts from the first epoch on, warm-up or not.
//!
//! # Adding one
//!
//! Write `schedule/NAME.rs` with a [`Schedule`] and an [`Entry`], add the entry to [`SCHEDULES`].

mod constant;
mod cosine;
mod exponential;
mod keys;
mod one_cycle;
mod polynomial;
mod reduce_on_plateau;
mod scheduler;
mod step;

pub use scheduler::{Progress, Scheduler};

use std::fmt;

use crate::error::Result;
use crate::spec::{Key, Values};

/// A learning rate over time.
pub trait Schedule: fmt::Debug + Send {
    /// The rate at tick `t` of `total`, counted from 0, where `base` is the optimizer's `learning_rate`.
    fn rate(&self, t: u64, total: u64, base: f64) -> f64;

    /// Takes note of the validation loss of an epoch.
    fn observe(&mut self, _loss: f64) {}

    /// What [`Schedule::observe`] has gathered, for a checkpoint; nothing for a function of time alone.
    fn state(&self) -> Option<serde_json::Value> {
        None
    }

    /// Continues from what [`Schedule::state`] gave.
    ///
    /// # Errors
    ///
    /// Code 4 if it is the state of another schedule.
    fn restore(&mut self, _state: &serde_json::Value) -> Result<()> {
        Ok(())
    }
}

/// One schedule that a config may name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As a config names it.
    pub name: &'static str,
    /// Formula, source and deviations, for the reference.
    pub doc: &'static str,
    /// Its keys; `warmup_steps` is among them, and `unit` where there is a choice.
    pub keys: &'static [Key],
    /// The schedule alone, without warm-up; [`Scheduler::new`] adds that.
    pub build: fn(&Values) -> Box<dyn Schedule>,
}

/// Every schedule, in the order of the reference.
pub const SCHEDULES: &[Entry] = &[
    constant::ENTRY,
    step::ENTRY,
    exponential::ENTRY,
    polynomial::ENTRY,
    cosine::ENTRY,
    one_cycle::ENTRY,
    reduce_on_plateau::ENTRY,
];

/// The schedule called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    SCHEDULES.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Value;

    #[test]
    fn every_schedule_gives_a_finite_rate_at_any_time() {
        for entry in SCHEDULES {
            let values = Values::defaults(entry.keys)
                .with("step_size", Value::Int(2))
                .with("gamma", Value::Float(0.5));
            let schedule = (entry.build)(&values);
            for total in [0, 1, 2, 3, 100] {
                for t in (0..=total).chain([total + 5, u64::MAX]) {
                    let rate = schedule.rate(t, total, 0.1);
                    assert!(
                        rate.is_finite() && (0.0..=0.1 + 1e-12).contains(&rate),
                        "{} {t}/{total}: {rate}",
                        entry.name
                    );
                }
            }
            assert!(entry.keys.iter().any(|key| key.name == "warmup_steps"), "{}", entry.name);
        }
    }
}

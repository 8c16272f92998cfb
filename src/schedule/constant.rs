//! The same rate at all times.

use super::{Entry, Schedule, keys};

pub(super) const ENTRY: Entry = Entry {
    name: "constant",
    doc: "rate = learning_rate.",
    keys: &[keys::WARMUP_STEPS],
    build: |_| Box::new(Constant),
};

#[derive(Debug)]
struct Constant;

impl Schedule for Constant {
    fn rate(&self, _t: u64, _total: u64, base: f64) -> f64 {
        base
    }
}

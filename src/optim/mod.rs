//! Optimizers: chains of elementwise rules over flat buffers.
//!
//! Parameters, their gradients and every moment are flat buffers of one length. An optimizer is a [`Chain`]: the gradient
//! goes in as `u`, each [`Rule`] turns `(u, w, moments)` of an element into a new `u` and new moments, and the last thing that
//! happens is always `w ← w − learning_rate · u`, with decoupled decay beside it. So `adamw` is `adam`'s rule with another
//! decay, and clipping single elements is a rule before all others.
//!
//! [`Optimizer`] owns a chain, its moments and its step count, and makes one pass over memory without allocating. Every rule is
//! elementwise, so results do not depend on where the buffers are cut or on how many threads work.
//!
//! # Adding one
//!
//! Write `optim/NAME.rs` with a [`Rule`] and an [`Entry`], add the entry to [`OPTIMIZERS`]. Its keys, checks and reference
//! follow from the entry.
//!
//! # Penalties
//!
//! Three penalties are kept apart, for every optimizer:
//!
//! | key | what it does |
//! | --- | --- |
//! | `l1` | adds `l1 · sign(w)` to the gradient: the penalty `l1 · Σ\|w\|` |
//! | `l2` | adds `l2 · w` to the gradient: the penalty `l2/2 · Σw²` |
//! | `weight_decay` | PyTorch's: the same as `l2`, or, decoupled, `w ← w − learning_rate · weight_decay · w` beside the step |
//!
//! `weight_decay` is decoupled in `adamw` and `lion`, and elsewhere with `decoupled_weight_decay = true`.

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod chain;
mod clip_grad_norm;
mod clip_grad_value;
mod decay;
mod keys;
mod lion;
mod momentum;
mod nadam;
mod nesterov;
mod optimizer;
mod part;
mod rmsprop;
mod segment;
mod sgd;

#[cfg(test)]
mod check;

pub use chain::{Chain, Rule};
pub use optimizer::{Optimizer, StepOptions};
pub use part::{Part, Update};
pub use segment::Segment;

use crate::error::Result;
use crate::spec::{Key, Values};

/// One optimizer that a config may name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As a config names it.
    pub name: &'static str,
    /// Formula, source and deviations, for the reference.
    pub doc: &'static str,
    /// Its keys; `learning_rate` and `decay_bias_and_norm` are among them, and are read by the trainer.
    pub keys: &'static [Key],
    /// Its chain. Fails with code 2 where two keys contradict each other.
    pub build: fn(&Values) -> Result<Chain>,
}

/// Every optimizer, in the order of the reference.
pub const OPTIMIZERS: &[Entry] = &[
    sgd::ENTRY,
    momentum::ENTRY,
    nesterov::ENTRY,
    adagrad::ENTRY,
    adadelta::ENTRY,
    rmsprop::ENTRY,
    adam::ENTRY,
    adamw::ENTRY,
    nadam::ENTRY,
    lion::ENTRY,
];

/// The optimizer called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    OPTIMIZERS.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_builds_from_its_defaults_and_has_the_common_keys() {
        for entry in OPTIMIZERS {
            let values = Values::defaults(entry.keys);
            (entry.build)(&values).unwrap();
            for key in ["learning_rate", "weight_decay", "l1", "l2", "decay_bias_and_norm"] {
                assert!(values.has(key), "{} lacks {key}", entry.name);
            }
            assert!(!entry.doc.is_empty());
        }
    }

    #[test]
    fn names_and_keys_are_unique() {
        for (i, entry) in OPTIMIZERS.iter().enumerate() {
            assert!(OPTIMIZERS[..i].iter().all(|other| other.name != entry.name), "{}", entry.name);
            for (k, key) in entry.keys.iter().enumerate() {
                assert!(entry.keys[..k].iter().all(|other| other.name != key.name), "{}", key.name);
            }
        }
    }
}

//! Noise on every step.

use super::{AugmentEntry, Augmentation, Changes, DEVIATION, Sample, key, normal};
use crate::spec::Preset;
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "jitter",
    doc: "Adds normal noise to every number of a series (Um et al. 2017).",
    keys: &[key(
        "std",
        DEVIATION,
        Preset::Float(0.03),
        "Standard deviation of the noise, in deviations of the channel.",
    )],
    changes: Changes::Series,
    build: |values| Box::new(Jitter { std: values.f64("std") }),
};

#[derive(Debug)]
struct Jitter {
    std: f64,
}

impl Augmentation for Jitter {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        sample.numbers.iter_mut().for_each(|x| *x += (self.std * normal(random)) as f32);
    }
}

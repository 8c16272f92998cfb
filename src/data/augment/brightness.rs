//! More light or less.

use super::{AugmentEntry, Augmentation, Changes, Sample, deviation, key};
use crate::spec::{Kind, Preset};
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "brightness",
    doc: "Multiplies all pixels of an image by a random number around 1; black stays black, and white is no limit.",
    keys: &[key(
        "factor",
        Kind::float(0.0, 1.0),
        Preset::Float(0.2),
        "How far from 1 the number is at most: 0.2 gives 0.8 to 1.2.",
    )],
    changes: Changes::Images,
    build: |values| Box::new(Brightness { factor: values.f64("factor") }),
};

#[derive(Debug)]
struct Brightness {
    factor: f64,
}

impl Augmentation for Brightness {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let factor = 1.0 + deviation(self.factor, random) as f32;
        for (x, zero) in sample.numbers.iter_mut().zip(sample.zeros) {
            *x = zero + factor * (*x - zero);
        }
    }
}

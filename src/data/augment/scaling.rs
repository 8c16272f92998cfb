//! A stronger or a weaker signal.

use super::{AugmentEntry, Augmentation, Changes, DEVIATION, Sample, key, normal};
use crate::spec::Preset;
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "scaling",
    doc: "Multiplies each channel of a series by a normal random number around 1, about the channel's mean (Um et al. 2017).",
    keys: &[key("std", DEVIATION, Preset::Float(0.1), "Standard deviation of the number.")],
    changes: Changes::Series,
    build: |values| Box::new(Scaling { std: values.f64("std") }),
};

#[derive(Debug)]
struct Scaling {
    std: f64,
}

impl Augmentation for Scaling {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let grid = sample.grid;
        for plane in sample.numbers.chunks_exact_mut(grid.line() * grid.height) {
            for channel in 0..grid.pixel {
                let factor = (1.0 + self.std * normal(random)) as f32;
                plane.iter_mut().skip(channel).step_by(grid.pixel).for_each(|x| *x *= factor);
            }
        }
    }
}

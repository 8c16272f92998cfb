//! Left for right.

use super::{AugmentEntry, Augmentation, Changes, Sample, key};
use crate::spec::{Kind, Preset};
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "horizontal_flip",
    doc: "Turns left to right, for some of the images.",
    keys: &[key("p", Kind::float(0.0, 1.0), Preset::Float(0.5), "The part of the images that is turned.")],
    changes: Changes::Images,
    build: |values| Box::new(HorizontalFlip { p: values.f64("p") }),
};

#[derive(Debug)]
struct HorizontalFlip {
    p: f64,
}

impl Augmentation for HorizontalFlip {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        if random.uniform() >= self.p {
            return;
        }
        let grid = sample.grid;
        for line in sample.numbers.chunks_exact_mut(grid.line()) {
            line.reverse();
            // The channels of each pixel stand in their order again.
            line.chunks_exact_mut(grid.pixel).for_each(<[f32]>::reverse);
        }
    }
}

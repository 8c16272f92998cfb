//! A part of a series in place of the whole.

use super::{AugmentEntry, Augmentation, Changes, Sample, key};
use crate::spec::{Kind, Preset};
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "crop",
    doc: "Takes a random part of a series and stretches it to the length of the whole (window slicing, Le Guennec et al. 2016).",
    keys: &[key("size", Kind::float(0.0, 1.0), Preset::Float(0.9), "The part of the steps that is taken.")],
    changes: Changes::Series,
    build: |values| Box::new(Crop { size: values.f64("size") }),
};

#[derive(Debug)]
struct Crop {
    size: f64,
}

impl Augmentation for Crop {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let (grid, steps) = (sample.grid, sample.steps);
        let part = ((steps as f64 * self.size).round() as usize).max(1);
        let first = random.below((steps - part.min(steps)) as u64 + 1) as usize;
        if part >= steps {
            return;
        }
        sample.spare.copy_from_slice(sample.numbers);
        for plane in 0..grid.planes {
            let start = grid.start(plane, 0);
            for step in 0..steps {
                // Linear between the two steps around the place.
                let place = (step * (part - 1)) as f64 / (steps - 1) as f64;
                let (left, share) = (place as usize, place.fract() as f32);
                let right = (left + 1).min(part - 1);
                for c in 0..grid.pixel {
                    let at = |step: usize| sample.spare[start + (first + step) * grid.pixel + c];
                    sample.numbers[start + step * grid.pixel + c] = at(left) + share * (at(right) - at(left));
                }
            }
        }
    }
}

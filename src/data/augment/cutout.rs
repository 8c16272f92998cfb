//! A square that is not seen.

use super::{AugmentEntry, Augmentation, Changes, Sample, key};
use crate::spec::{Kind, Preset};
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "cutout",
    doc: "Sets a square around a random pixel to 0, the mean of a standardised image; it may reach over the edge (DeVries & Taylor 2017).",
    keys: &[key("size", Kind::int(1, 1 << 20), Preset::Int(8), "Pixels of the square's side.")],
    changes: Changes::Images,
    build: |values| Box::new(Cutout { size: values.usize("size") }),
};

#[derive(Debug)]
struct Cutout {
    size: usize,
}

impl Augmentation for Cutout {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let grid = sample.grid;
        let mut range = |length: usize| {
            let middle = random.below(length as u64) as usize;
            let start = middle.saturating_sub(self.size / 2);
            start..(middle + self.size - self.size / 2).min(length)
        };
        let (across, down) = (range(grid.width), range(grid.height));
        for plane in 0..grid.planes {
            for y in down.clone() {
                let start = grid.start(plane, y);
                sample.numbers[start + across.start * grid.pixel..start + across.end * grid.pixel].fill(0.0);
            }
        }
    }
}

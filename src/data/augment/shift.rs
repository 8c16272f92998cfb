//! A step to the side.

use super::{AugmentEntry, Augmentation, Changes, PIXELS, Sample, key, offset};
use crate::spec::Preset;
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "shift",
    doc: "Moves the image by a random number of whole pixels; black comes in behind it.",
    keys: &[
        key("max_x", PIXELS, Preset::Int(2), "The most pixels to the left or to the right."),
        key("max_y", PIXELS, Preset::Int(2), "The most pixels up or down."),
    ],
    changes: Changes::Images,
    build: |values| Box::new(Shift { max_x: values.usize("max_x"), max_y: values.usize("max_y") }),
};

#[derive(Debug)]
pub(super) struct Shift {
    pub(super) max_x: usize,
    pub(super) max_y: usize,
}

impl Augmentation for Shift {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let (across, down) = (offset(self.max_x, random), offset(self.max_y, random));
        shift(sample, across, down);
    }
}

/// Moves by `across` pixels to the right and `down` pixels down.
fn shift(sample: &mut Sample<'_>, across: isize, down: isize) {
    let grid = sample.grid;
    let (left, right) = (across.max(0) as usize, across.min(0).unsigned_abs());
    let (left, right) = (left.min(grid.width) * grid.pixel, right.min(grid.width) * grid.pixel);
    let kept = grid.line() - left - right;
    for plane in 0..grid.planes {
        for step in 0..grid.height {
            // Against the direction of the move: a line is read before it is written.
            let y = if down > 0 { grid.height - 1 - step } else { step };
            let to = grid.start(plane, y);
            let line = to..to + grid.line();
            match y.checked_add_signed(-down).filter(|&from| from < grid.height) {
                Some(from) => {
                    let from = grid.start(plane, from) + right;
                    sample.numbers.copy_within(from..from + kept, to + left);
                    for empty in [to..to + left, line.end - right..line.end] {
                        sample.numbers[empty.clone()].copy_from_slice(&sample.zeros[empty]);
                    }
                }
                None => sample.numbers[line.clone()].copy_from_slice(&sample.zeros[line]),
            }
        }
    }
}

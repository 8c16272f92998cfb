//! A turn about the middle.

use super::{AugmentEntry, Augmentation, Changes, Sample, deviation, key};
use crate::spec::{Kind, Preset};
use crate::tensor::Stream;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "rotation",
    doc: "Turns the image about its middle by a random angle; its pixels are interpolated linearly, and the corners are black.",
    keys: &[key(
        "degrees",
        Kind::float(0.0, 180.0),
        Preset::Float(15.0),
        "The largest angle, to either side.",
    )],
    changes: Changes::Images,
    build: |values| Box::new(Rotation { degrees: values.f64("degrees") }),
};

#[derive(Debug)]
struct Rotation {
    degrees: f64,
}

impl Augmentation for Rotation {
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream) {
        let (sin, cos) = deviation(self.degrees, random).to_radians().sin_cos();
        turn(sample, sin as f32, cos as f32);
    }
}

/// Turns clockwise.
pub(super) fn turn(sample: &mut Sample<'_>, sin: f32, cos: f32) {
    let grid = sample.grid;
    sample.spare.copy_from_slice(sample.numbers);
    let (middle_x, middle_y) = ((grid.width as f32 - 1.0) / 2.0, (grid.height as f32 - 1.0) / 2.0);
    for y in 0..grid.height {
        for x in 0..grid.width {
            let (dx, dy) = (x as f32 - middle_x, y as f32 - middle_y);
            let (from_x, from_y) = (middle_x + cos * dx + sin * dy, middle_y - sin * dx + cos * dy);
            let (left, top) = (from_x.floor(), from_y.floor());
            let (right_part, lower_part) = (from_x - left, from_y - top);
            // The four pixels around the place that this one comes from, and their parts.
            let corners = [
                (left, top, (1.0 - right_part) * (1.0 - lower_part)),
                (left + 1.0, top, right_part * (1.0 - lower_part)),
                (left, top + 1.0, (1.0 - right_part) * lower_part),
                (left + 1.0, top + 1.0, right_part * lower_part),
            ];
            for plane in 0..grid.planes {
                let to = grid.start(plane, y) + x * grid.pixel;
                sample.numbers[to..to + grid.pixel].fill(0.0);
                for (x, y, part) in corners {
                    let inside = x >= 0.0 && y >= 0.0 && x < grid.width as f32 && y < grid.height as f32;
                    let from =
                        if inside { grid.start(plane, y as usize) + x as usize * grid.pixel } else { to };
                    let source = if inside { &*sample.spare } else { sample.zeros };
                    for c in 0..grid.pixel {
                        sample.numbers[to + c] += part * source[from + c];
                    }
                }
            }
        }
    }
}

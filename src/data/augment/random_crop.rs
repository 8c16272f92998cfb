//! A piece of the padded image.

use super::shift::Shift;
use super::{AugmentEntry, Changes, PIXELS, key};
use crate::spec::Preset;

pub(super) const ENTRY: AugmentEntry = AugmentEntry {
    name: "random_crop",
    doc: "Puts black around the image and takes a piece of its size at a random place (He et al. 2016).",
    keys: &[key("padding", PIXELS, Preset::Int(4), "Black pixels on each side.")],
    changes: Changes::Images,
    // Such a piece is the image, moved.
    build: |values| Box::new(Shift { max_x: values.usize("padding"), max_y: values.usize("padding") }),
};

//! Keys that several initializers share.

use crate::spec::{Key, Kind, Preset};

pub(super) const GAIN: Key = Key {
    name: "gain",
    kind: Kind::non_negative(),
    default: Preset::Float(1.0),
    doc: "What every weight is multiplied with.",
};

//! Keys that several schedules share.

use crate::spec::{Key, Kind, Preset};

pub(super) const WARMUP_STEPS: Key = Key {
    name: "warmup_steps",
    kind: Kind::int(0, i64::MAX),
    default: Preset::Int(0),
    doc: "Steps in which the rate rises along a line, from 1/warmup_steps of the schedule's rate to all of it.",
};

pub(super) const fn unit(default: &'static str) -> Key {
    Key {
        name: "unit",
        kind: Kind::OneOf(&["step", "epoch"]),
        default: Preset::Str(default),
        doc: "What the schedule counts: steps of the optimizer, or epochs.",
    }
}

/// How long a schedule takes, where that is not the whole training.
pub(super) const fn length(name: &'static str) -> Key {
    Key {
        name,
        kind: Kind::int(1, i64::MAX),
        default: Preset::Absent,
        doc: "Length of the schedule in units; left out, the whole training after the warm-up.",
    }
}

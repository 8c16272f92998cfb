//! What a config may name, gathered from the floors below.

use std::sync::LazyLock;

use crate::data::AUGMENTATIONS;
use crate::init::INITIALIZERS;
use crate::layers::{ACTIVATION_CHOICES, COMMON_KEYS, LAYERS};
use crate::ops::LOSSES;
use crate::optim::OPTIMIZERS;
use crate::schedule::SCHEDULES;
use crate::spec::{Described, Registries};

/// The rows of one registry as a config sees them.
macro_rules! described {
    ($($name:ident = $rows:ident);* $(;)?) => {
        $(static $name: LazyLock<Vec<Described>> = LazyLock::new(|| {
            $rows.iter().map(|e| Described { name: e.name, doc: e.doc, keys: e.keys }).collect()
        });)*
    };
}

described! {
    OPTIMIZER_ROWS = OPTIMIZERS;
    SCHEDULE_ROWS = SCHEDULES;
    LOSS_ROWS = LOSSES;
    INITIALIZER_ROWS = INITIALIZERS;
    AUGMENTATION_ROWS = AUGMENTATIONS;
}

/// Every registry of the crate.
pub fn registries() -> Registries<'static> {
    Registries {
        optimizers: &OPTIMIZER_ROWS,
        schedules: &SCHEDULE_ROWS,
        losses: &LOSS_ROWS,
        layers: &LAYERS,
        layer_keys: COMMON_KEYS,
        activations: &ACTIVATION_CHOICES,
        initializers: &INITIALIZER_ROWS,
        augmentations: &AUGMENTATION_ROWS,
    }
}

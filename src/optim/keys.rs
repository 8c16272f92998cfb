//! Keys that several optimizers share.

use crate::spec::{Key, Kind, Preset};

const UNIT: Kind = Kind::below(0.0, 1.0);

pub(super) const fn learning_rate(default: f64) -> Key {
    Key {
        name: "learning_rate",
        kind: Kind::non_negative(),
        default: Preset::Float(default),
        doc: "Length of a step; the schedule starts from it.",
    }
}

pub(super) const WEIGHT_DECAY: Key = Key {
    name: "weight_decay",
    kind: Kind::non_negative(),
    default: Preset::Float(0.0),
    doc: "λ. Adds λ·w to the gradient; with decoupled_weight_decay it takes learning_rate·λ·w off the weights instead.",
};

pub(super) const fn decoupled_decay(default: f64) -> Key {
    Key {
        name: "weight_decay",
        kind: Kind::non_negative(),
        default: Preset::Float(default),
        doc: "λ. Takes learning_rate·λ·w off the weights, beside the step (decoupled).",
    }
}

pub(super) const DECOUPLED: Key = Key {
    name: "decoupled_weight_decay",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "Whether weight_decay acts on the weights beside the step, not through the gradient.",
};

pub(super) const L1: Key = Key {
    name: "l1",
    kind: Kind::non_negative(),
    default: Preset::Float(0.0),
    doc: "Adds l1·sign(w) to the gradient: the penalty l1·Σ|w|.",
};

pub(super) const L2: Key = Key {
    name: "l2",
    kind: Kind::non_negative(),
    default: Preset::Float(0.0),
    doc: "Adds l2·w to the gradient: the penalty l2/2·Σw². Added to weight_decay where that goes through the gradient too.",
};

pub(super) const DECAY_BIAS_AND_NORM: Key = Key {
    name: "decay_bias_and_norm",
    kind: Kind::Bool,
    default: Preset::Bool(true),
    doc: "Whether l1, l2 and weight_decay act on biases and on the parameters of norms too (PyTorch's way).",
};

pub(super) const fn momentum(default: f64) -> Key {
    Key {
        name: "momentum",
        kind: UNIT,
        default: Preset::Float(default),
        doc: "μ, the part of the last step that is kept.",
    }
}

pub(super) const DAMPENING: Key = Key {
    name: "dampening",
    kind: Kind::float(0.0, 1.0),
    default: Preset::Float(0.0),
    doc: "Takes this part off the gradient before it enters the momentum, from the second step on.",
};

pub(super) const fn betas(default: &'static [f64]) -> Key {
    Key {
        name: "betas",
        kind: Kind::Tuple(2, &UNIT),
        default: Preset::Floats(default),
        doc: "β₁ and β₂, the decay of the two running means.",
    }
}

pub(super) const fn eps(default: f64) -> Key {
    Key {
        name: "eps",
        kind: Kind::non_negative(),
        default: Preset::Float(default),
        doc: "ε, keeps the divisor away from 0.",
    }
}

pub(super) const AMSGRAD: Key = Key {
    name: "amsgrad",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "Divides by the largest second moment so far (Reddi, Kale, Kumar 2018).",
};

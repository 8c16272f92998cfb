//! What a config may name: optimizers, schedules, losses, layers and first weights, each with its keys.

use super::{Key, Value, Values};

/// One row of a registry, as a config sees it.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// As it is typed: `type = "adam"`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// Its keys, `type` aside.
    pub keys: &'static [Key],
}

/// The registries that a config is checked against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registries<'a> {
    /// Update rules.
    pub optimizers: &'a [Described],
    /// Learning rates over time.
    pub schedules: &'a [Described],
    /// Losses.
    pub losses: &'a [Described],
    /// Layers.
    pub layers: &'a [Described],
    /// Keys that every layer may carry beside its own, such as `name` and `input`.
    pub layer_keys: &'static [Key],
    /// Activations, as a key of a layer.
    pub activations: &'a [Described],
    /// First weights.
    pub initializers: &'a [Described],
    /// Random changes of images and series.
    pub augmentations: &'a [Described],
}

/// One of the [`Registries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// An update rule.
    Optimizer,
    /// A learning rate over time.
    Schedule,
    /// A loss.
    Loss,
    /// A layer.
    Layer,
    /// An activation.
    Activation,
    /// First weights.
    Initializer,
    /// A random change of images or series.
    Augmentation,
}

impl Family {
    /// All of them, in the order of the reference.
    pub const ALL: [Family; 7] = [
        Family::Layer,
        Family::Activation,
        Family::Initializer,
        Family::Loss,
        Family::Optimizer,
        Family::Schedule,
        Family::Augmentation,
    ];

    /// `optimizer`
    pub fn noun(self) -> &'static str {
        match self {
            Family::Optimizer => "optimizer",
            Family::Schedule => "schedule",
            Family::Loss => "loss",
            Family::Layer => "layer",
            Family::Activation => "activation",
            Family::Initializer => "initializer",
            Family::Augmentation => "augmentation",
        }
    }

    /// What a table without `type` stands for: `optimizer = { learning_rate = 0.1 }`.
    pub fn preset(self) -> Option<&'static str> {
        match self {
            Family::Optimizer => Some("adam"),
            Family::Schedule => Some("constant"),
            _ => None,
        }
    }

    /// `an optimizer`
    pub fn article(self) -> String {
        let noun = self.noun();
        let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
        format!("{} {noun}", if vowel { "an" } else { "a" })
    }
}

impl<'a> Registries<'a> {
    /// The rows of `family`.
    pub fn rows(&self, family: Family) -> &'a [Described] {
        match family {
            Family::Optimizer => self.optimizers,
            Family::Schedule => self.schedules,
            Family::Loss => self.losses,
            Family::Layer => self.layers,
            Family::Activation => self.activations,
            Family::Initializer => self.initializers,
            Family::Augmentation => self.augmentations,
        }
    }

    /// The keys that every member of `family` may carry beside its own.
    pub fn common_keys(&self, family: Family) -> &'static [Key] {
        if family == Family::Layer { self.layer_keys } else { &[] }
    }
}

/// One row of a registry, chosen, with its checked keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The number of the row in its registry.
    pub index: usize,
    /// Its name.
    pub name: &'static str,
    /// Its keys and the common ones, defaults filled in.
    pub values: Values,
}

impl Choice {
    /// As a table: `type` first, then the keys by name.
    pub fn to_value(&self) -> Value {
        let own = std::iter::once(("type".to_owned(), Value::Str(self.name.to_owned())));
        Value::Table(
            own.chain(self.values.iter().map(|(key, value)| (key.to_owned(), value.clone()))).collect(),
        )
    }

    /// Reads back what [`Choice::to_value`] wrote; `None` if it is no row of `family`.
    pub fn from_value(value: &Value, family: Family, registries: &Registries<'_>) -> Option<Self> {
        let Value::Table(entries) = value else { return None };
        let name = entries.iter().find_map(|(key, value)| match value {
            Value::Str(name) if key == "type" => Some(name),
            _ => None,
        })?;
        let rows = registries.rows(family);
        let index = rows.iter().position(|row| row.name == name)?;
        let values = Values::from_table(value, &[rows[index].keys, registries.common_keys(family)])?;
        Some(Choice { index, name: rows[index].name, values })
    }
}

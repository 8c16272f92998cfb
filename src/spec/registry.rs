//! What a config may name: optimizers, schedules, losses, layers and first weights, each with its keys.

use std::collections::BTreeSet;

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

    /// The type that the program takes where a config names none: `optimizer = { learning_rate = 0.1 }`.
    pub fn preset(self) -> Option<&'static str> {
        match self {
            Family::Optimizer => Some("adamw"),
            Family::Schedule => Some("cosine"),
            _ => None,
        }
    }

    /// Whether keys that a config leaves open follow from the data and the network ([`Choice::completed`]). Those of other families
    /// have one default each.
    pub fn is_completed(self) -> bool {
        matches!(self, Family::Optimizer | Family::Schedule | Family::Loss)
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

    /// The row that a table without `type` is checked against: the family's preset; of losses, whose type follows from the target, the
    /// first with all of `keys`.
    pub(super) fn untyped<'k>(
        &self,
        family: Family,
        keys: impl Iterator<Item = &'k str> + Clone,
    ) -> Option<usize> {
        let rows = self.rows(family);
        if let Some(name) = family.preset() {
            return rows.iter().position(|row| row.name == name);
        }
        let has_all = |row: &Described| keys.clone().all(|name| row.keys.iter().any(|key| key.name == name));
        (family == Family::Loss).then(|| rows.iter().position(has_all)).flatten()
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
    /// What the config left open: keys that have their default, and [`TYPE`].
    open: BTreeSet<&'static str>,
}

/// The key that names the row.
const TYPE: &str = "type";

impl Choice {
    /// A row with all that is given about it.
    pub fn new(index: usize, name: &'static str, values: Values) -> Self {
        Choice { index, name, values, open: BTreeSet::new() }
    }

    /// The row `name` of `family` with its documented defaults; the first row if there is none of that name.
    pub fn of_defaults(family: Family, name: &str, registries: &Registries<'_>) -> Self {
        let rows = registries.rows(family);
        let index = rows.iter().position(|row| row.name == name).unwrap_or(0);
        Choice::new(index, rows[index].name, Values::defaults(rows[index].keys))
    }

    /// The same choice as a config gives it that has the keys `given` alone; [`TYPE`] is one of them.
    pub(super) fn given_in_part<'k>(mut self, given: impl Iterator<Item = &'k str> + Clone) -> Self {
        let keys = std::iter::once(TYPE).chain(self.values.iter().map(|(key, _)| key));
        self.open = keys.filter(|key| given.clone().all(|name| name != *key)).collect();
        self
    }

    /// Whether the config names the type.
    pub fn names_type(&self) -> bool {
        !self.open.contains(TYPE)
    }

    /// Whether the config gives `key`.
    pub fn gives(&self, key: &str) -> bool {
        self.values.has(key) && !self.open.contains(key)
    }

    /// The keys that the config gives, by name.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().filter(|(key, _)| !self.open.contains(key))
    }

    /// The choice with everything settled. The program's choice `own` gives the type where the config names none. Keys that are left
    /// open are those of `own` if the type is the same, and else the documented defaults of the type.
    pub fn completed(&self, own: &Choice) -> Choice {
        if self.names_type() && self.name != own.name {
            return Choice::new(self.index, self.name, self.values.clone());
        }
        let values = self.given().fold(own.values.clone(), |all, (key, value)| all.with(key, value.clone()));
        Choice::new(own.index, own.name, values)
    }

    /// As a table with everything: `type` first, then the keys by name.
    pub fn to_value(&self) -> Value {
        self.table(|_| true)
    }

    /// As the table that a config gives: without what it left open.
    pub fn to_given(&self) -> Value {
        self.table(|key| !self.open.contains(key))
    }

    fn table(&self, has: impl Fn(&str) -> bool) -> Value {
        let own = std::iter::once((TYPE, Value::Str(self.name.to_owned())));
        let all = own.chain(self.values.iter().map(|(key, value)| (key, value.clone())));
        Value::Table(all.filter(|(key, _)| has(key)).map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Reads back what [`Choice::to_value`] or [`Choice::to_given`] wrote; `None` if it is no row of `family`.
    pub fn from_value(value: &Value, family: Family, registries: &Registries<'_>) -> Option<Self> {
        let Value::Table(entries) = value else { return None };
        let rows = registries.rows(family);
        let given = entries.iter().map(|(key, _)| key.as_str());
        let index = match entries.iter().find(|(key, _)| key == TYPE) {
            Some((_, Value::Str(name))) => rows.iter().position(|row| row.name == name)?,
            Some(_) => return None,
            None => registries.untyped(family, given.clone())?,
        };
        let given_values = Values::from_table(value, &[rows[index].keys, registries.common_keys(family)])?;
        let defaults = Values::defaults(rows[index].keys);
        let values = given_values.iter().fold(defaults, |all, (key, value)| all.with(key, value.clone()));
        Some(Choice::new(index, rows[index].name, values).given_in_part(given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Kind, Preset};

    const fn key(name: &'static str, default: f64) -> Key {
        Key { name, kind: Kind::non_negative(), default: Preset::Float(default), doc: "" }
    }

    static OPTIMIZERS: [Described; 2] = [
        Described { name: "sgd", doc: "", keys: &[key("learning_rate", 0.1), key("momentum", 0.0)] },
        Described { name: "adamw", doc: "", keys: &[key("learning_rate", 1e-3), key("weight_decay", 0.01)] },
    ];
    static LOSSES: [Described; 2] = [
        Described { name: "mse", doc: "", keys: &[] },
        Described { name: "huber", doc: "", keys: &[key("delta", 1.0)] },
    ];

    fn registries() -> Registries<'static> {
        Registries { optimizers: &OPTIMIZERS, losses: &LOSSES, ..Registries::default() }
    }

    fn given(entries: &[(&str, Value)]) -> Choice {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Choice::from_value(&Value::Table(entries), Family::Optimizer, &registries()).expect("it is one")
    }

    #[test]
    fn what_a_config_leaves_open_is_the_programs_and_the_rest_stays() {
        let own = Choice::of_defaults(Family::Optimizer, "adamw", &registries());
        let own = Choice { values: own.values.with("learning_rate", Value::Float(3e-3)), ..own };
        let (text, float) = (|text: &str| Value::Str(text.into()), Value::Float);
        for (entries, name, values) in [
            (vec![], "adamw", [("learning_rate", 3e-3), ("weight_decay", 0.01)]),
            (vec![("weight_decay", float(0.5))], "adamw", [("learning_rate", 3e-3), ("weight_decay", 0.5)]),
            (vec![("type", text("adamw"))], "adamw", [("learning_rate", 3e-3), ("weight_decay", 0.01)]),
            (vec![("type", text("sgd"))], "sgd", [("learning_rate", 0.1), ("momentum", 0.0)]),
            (
                vec![("type", text("sgd")), ("momentum", float(0.9))],
                "sgd",
                [("learning_rate", 0.1), ("momentum", 0.9)],
            ),
        ] {
            let choice = given(&entries);
            assert_eq!(choice.to_given(), given(&entries).to_given());
            let all = choice.completed(&own);
            assert_eq!(all.name, name, "{entries:?}");
            values
                .iter()
                .for_each(|&(key, value)| assert_eq!(all.values.f64(key), value, "{entries:?} {key}"));
            // What is complete stays as it is, whatever the program would choose.
            assert_eq!(all.completed(&own), all);
            let back = Choice::from_value(&all.to_given(), Family::Optimizer, &registries());
            assert_eq!(back, Some(all));
        }
    }

    #[test]
    fn a_loss_without_a_type_is_one_that_has_its_keys() {
        let untyped = |keys: &[&str]| registries().untyped(Family::Loss, keys.iter().copied());
        assert_eq!([untyped(&[]), untyped(&["delta"]), untyped(&["p"])], [Some(0), Some(1), None]);
        assert_eq!(registries().untyped(Family::Activation, ["p"].into_iter()), None);
    }
}

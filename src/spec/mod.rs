//! Keys of a config: what each may hold, its default and its meaning, in one table.
//!
//! A layer, an optimizer, a schedule, a loss or a section of the config declares its keys as a `&[Key]`. From
//! that one table come the checks (type, range, unknown keys with "did you mean"), the defaults, the resolved config
//! and the printed reference. Code reads the checked result through [`Values`].
//!
//! A config travels from [`SourceText`] through [`Tree`] (every key and value with its place) and [`Setting`]s of the
//! command line to a [`Report`], which checks tables against keys and collects every [`Problem`](crate::error::Problem).

mod check;
mod registry;
mod setting;
mod source;
mod suggest;
mod tree;
mod write;

use std::collections::BTreeMap;
use std::fmt;

pub use check::Report;
pub use registry::{Choice, Described, Family, Registries};
pub use setting::Setting;
pub use source::{DEPTH_LIMIT, Format, SIZE_LIMIT, SourceText, Sources, Span};
pub use tree::{Name, Node, Tree, parse};
pub use write::{toml_key, toml_value};

/// One key of a table in a config.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is typed.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What it holds when left out.
    pub default: Preset,
    /// One sentence for the reference: meaning, formula, unit, source.
    pub doc: &'static str,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within both bounds.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A finite number in a range.
    Float {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
        /// Whether the lower bound itself is allowed.
        min_in: bool,
        /// Whether the upper bound itself is allowed.
        max_in: bool,
    },
    /// Any text.
    Str,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list whose items are all of one kind.
    List(&'static Kind),
    /// A list of exactly this many items.
    Tuple(usize, &'static Kind),
    /// The first kind that fits.
    Any(&'static [Kind]),
    /// A table of one kind of value under names of the user's.
    Table(&'static Kind),
    /// A table with these keys. Directly under a key it is a section: left out, it counts as empty.
    Keys(&'static [Key]),
    /// One of a registry: its name, or a table `{ type = "name", ... }` with its keys.
    Choice(Family),
    /// A table or list that another part of the program checks.
    Raw,
}

/// Shorthands for [`Kind::Float`] and [`Kind::Int`].
impl Kind {
    /// A number in `[min, max]`.
    pub const fn float(min: f64, max: f64) -> Kind {
        Kind::Float { min, max, min_in: true, max_in: true }
    }
    /// A number in `[min, max)`.
    pub const fn below(min: f64, max: f64) -> Kind {
        Kind::Float { min, max, min_in: true, max_in: false }
    }
    /// A number in `(min, ∞)`.
    pub const fn above(min: f64) -> Kind {
        Kind::Float { min, max: f64::MAX, min_in: false, max_in: true }
    }
    /// A number in `[0, ∞)`.
    pub const fn non_negative() -> Kind {
        Kind::Float { min: 0.0, max: f64::MAX, min_in: true, max_in: true }
    }
    /// A whole number in `min..=max`.
    pub const fn int(min: i64, max: i64) -> Kind {
        Kind::Int { min, max }
    }
}

/// As a message says it under "expected": `a whole number from 1 to 10`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::Bool => f.write_str("true or false"),
            Kind::Int { min: i64::MIN, max: i64::MAX } => f.write_str("a whole number"),
            Kind::Int { min, max: i64::MAX } => write!(f, "a whole number of at least {min}"),
            Kind::Int { min, max } => write!(f, "a whole number from {min} to {max}"),
            Kind::Float { min, max, min_in, max_in } => {
                let lower =
                    (min > f64::MIN).then(|| format!("{} {min}", if min_in { "at least" } else { "above" }));
                let upper =
                    (max < f64::MAX).then(|| format!("{} {max}", if max_in { "at most" } else { "below" }));
                match (lower, upper) {
                    (None, None) => f.write_str("a number"),
                    (Some(bound), None) | (None, Some(bound)) => write!(f, "a number {bound}"),
                    (Some(_), Some(_)) if min_in && max_in => write!(f, "a number from {min} to {max}"),
                    (Some(lower), Some(upper)) => write!(f, "a number {lower} and {upper}"),
                }
            }
            Kind::Str => f.write_str("text"),
            Kind::OneOf(words) => {
                for (i, word) in words.iter().enumerate() {
                    let before = match i {
                        0 => "",
                        _ if i + 1 == words.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}\"{word}\"")?;
                }
                Ok(())
            }
            Kind::List(Kind::Str) => f.write_str("a list of texts"),
            Kind::List(item) => write!(f, "a list ({item} each)"),
            Kind::Tuple(len, item) => write!(f, "a list of {len} ({item} each)"),
            Kind::Any(kinds) => {
                for (i, kind) in kinds.iter().enumerate() {
                    write!(f, "{}{kind}", if i > 0 { ", or " } else { "" })?;
                }
                Ok(())
            }
            Kind::Choice(family) => write!(f, "{} by name or as {{ type = \"...\", ... }}", family.article()),
            Kind::Table(value) => write!(f, "a table ({value} each)"),
            Kind::Keys(_) => f.write_str("a table"),
            Kind::Raw => f.write_str("a table or a list"),
        }
    }
}

/// The value of a key that was left out.
#[derive(Clone, Copy, Debug)]
pub enum Preset {
    /// The key must be there.
    Required,
    /// The key stays absent: [`Values::has`] is false.
    Absent,
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Str(&'static str),
    /// A list of numbers.
    Floats(&'static [f64]),
    /// A list of texts.
    Strs(&'static [&'static str]),
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    List(Vec<Value>),
    /// A table, in the order it was written.
    Table(Vec<(String, Value)>),
}

impl From<Preset> for Option<Value> {
    fn from(preset: Preset) -> Self {
        Some(match preset {
            Preset::Required | Preset::Absent => return None,
            Preset::Bool(b) => Value::Bool(b),
            Preset::Int(i) => Value::Int(i),
            Preset::Float(x) => Value::Float(x),
            Preset::Str(s) => Value::Str(s.into()),
            Preset::Floats(xs) => Value::List(xs.iter().map(|&x| Value::Float(x)).collect()),
            Preset::Strs(xs) => Value::List(xs.iter().map(|&x| Value::Str(x.into())).collect()),
        })
    }
}

/// The checked keys of one table, defaults filled in.
///
/// The getters panic where the key was not declared with that kind: that is a defect of the caller, not of a config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// The defaults of `keys`; keys without one stay absent.
    pub fn defaults(keys: &[Key]) -> Self {
        Values(keys.iter().filter_map(|k| Option::<Value>::from(k.default).map(|v| (k.name, v))).collect())
    }

    /// The keys of a checked table among `keys`; `None` if it is no table.
    pub fn from_table(table: &Value, keys: &[&[Key]]) -> Option<Self> {
        let Value::Table(entries) = table else { return None };
        let mut values = Values::default();
        for key in keys.iter().copied().flatten() {
            if let Some((_, value)) = entries.iter().find(|(name, _)| name == key.name) {
                values.set(key.name, value.clone());
            }
        }
        Some(values)
    }

    /// As a table, by name.
    pub fn into_table(self) -> Value {
        Value::Table(self.0.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Sets `key`.
    pub fn set(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }

    /// The same values with `key` set; for tests and code that builds values by hand.
    pub fn with(mut self, key: &'static str, value: Value) -> Self {
        self.set(key, value);
        self
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Whether `key` is there.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All keys and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(&k, v)| (k, v))
    }

    /// A number; whole numbers count.
    pub fn f64(&self, key: &str) -> f64 {
        match self.expect(key) {
            Value::Float(x) => *x,
            Value::Int(i) => *i as f64,
            other => panic!("{key} is {other:?}, not a number"),
        }
    }

    /// A whole number.
    pub fn i64(&self, key: &str) -> i64 {
        match self.expect(key) {
            Value::Int(i) => *i,
            other => panic!("{key} is {other:?}, not a whole number"),
        }
    }

    /// A whole number that is not negative.
    pub fn usize(&self, key: &str) -> usize {
        usize::try_from(self.i64(key)).unwrap_or_else(|_| panic!("{key} is negative"))
    }

    /// A flag.
    pub fn bool(&self, key: &str) -> bool {
        match self.expect(key) {
            Value::Bool(b) => *b,
            other => panic!("{key} is {other:?}, not a flag"),
        }
    }

    /// A text.
    pub fn str(&self, key: &str) -> &str {
        match self.expect(key) {
            Value::Str(s) => s,
            other => panic!("{key} is {other:?}, not a text"),
        }
    }

    /// A list of numbers.
    pub fn f64s(&self, key: &str) -> Vec<f64> {
        match self.expect(key) {
            Value::List(items) => items
                .iter()
                .map(|v| match v {
                    Value::Float(x) => *x,
                    Value::Int(i) => *i as f64,
                    other => panic!("{key} holds {other:?}, not a number"),
                })
                .collect(),
            other => panic!("{key} is {other:?}, not a list"),
        }
    }

    /// A list of texts; one text counts as a list of one.
    pub fn strs(&self, key: &str) -> Vec<String> {
        match self.expect(key) {
            Value::Str(s) => vec![s.clone()],
            Value::List(items) => items
                .iter()
                .map(|v| match v {
                    Value::Str(s) => s.clone(),
                    other => panic!("{key} holds {other:?}, not a text"),
                })
                .collect(),
            other => panic!("{key} is {other:?}, not a list"),
        }
    }

    fn expect(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or_else(|| panic!("the key {key} was not declared or has no value"))
    }
}

//! Keys of a config: what each may hold, its default and its meaning, in one table.
//!
//! A layer, an optimizer, a schedule, a loss or a section of the config declares its keys as a `&[Key]`. From
//! that one table come the checks (type, range, unknown keys with "did you mean"), the defaults, the resolved config
//! and the printed reference. Code reads the checked result through [`Values`].

use std::collections::BTreeMap;

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

    /// Sets `key`.
    pub fn set(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }

    /// The same values with `key` set; for tests and code that builds values by hand.
    pub fn with(mut self, key: &'static str, value: Value) -> Self {
        self.set(key, value);
        self
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

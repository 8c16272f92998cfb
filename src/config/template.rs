//! A commented config to start from.

use super::keys;
use super::reference::default_of;
use crate::spec::{Key, Kind, Preset, Value, toml_key, toml_value};

/// What is known of a table before any training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// The path of the table, as it goes into the config.
    pub data: String,
    /// The columns to predict.
    pub target: Vec<String>,
    /// What follows from them, for people: `classification, 3 classes`.
    pub task: String,
    /// Every column of the table.
    pub columns: Vec<ColumnNote>,
}

/// One column of a [`Template`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnNote {
    /// Its name.
    pub name: String,
    /// Its type as `data.columns.NAME.type` spells it.
    pub kind: String,
    /// What was seen, for people: `3 values, 2 missing`.
    pub note: String,
}

impl Template {
    /// A config that trains as no config would: what is needed is set, everything else is there as a comment with its
    /// default and its meaning.
    pub fn to_toml(&self) -> String {
        let target = match self.target.as_slice() {
            [one] => Value::Str(one.clone()),
            many => Value::List(many.iter().cloned().map(Value::Str).collect()),
        };
        let given = [("train", Value::Str(self.data.clone())), ("target", target)];
        let mut out = format!("# {}: {}\n", one_line(&self.data), one_line(&self.task));
        out.push_str(
            "# A line that begins with # is a default or an example: take the # away to change it.\n\n",
        );
        section(&mut out, keys::ROOT, &[]);
        out.push_str("\n[data]\n");
        section(&mut out, keys::DATA, &given);
        out.push_str("\n# The columns as they look; take a # away to pin one.\n");
        for column in &self.columns {
            let name = toml_key(&column.name);
            let kind = toml_value(&Value::Str(column.kind.clone()));
            let comment = if self.target.contains(&column.name) { "target; " } else { "" };
            out.push_str(&format!("# columns.{name}.type = {kind}  # {comment}{}\n", one_line(&column.note)));
        }
        out.push_str("\n[model]\n");
        section(&mut out, keys::MODEL, &[]);
        out.push_str("# layers = [\n#   { type = \"linear\", out_features = 64, activation = \"relu\" },\n#   { type = \"dropout\", p = 0.1 },\n# ]\n");
        if let [_, _, ..] = self.target[..] {
            out.push_str("# What each target's loss counts: all of these lines or none.\n");
            for target in &self.target {
                out.push_str(&format!("# outputs.{}.weight = 1.0\n", toml_key(target)));
            }
        }
        out.push_str("\n[train]\n");
        section(&mut out, keys::TRAIN, &[]);
        out
    }
}

/// The keys of a section with their meanings: `given` ones set, the others as comments.
fn section(out: &mut String, keys: &[Key], given: &[(&str, Value)]) {
    for key in keys.iter().filter(|key| !matches!(key.kind, Kind::Keys(_) | Kind::Table(_))) {
        out.push_str(&format!("# {}\n", key.doc));
        if let Some((_, value)) = given.iter().find(|(name, _)| *name == key.name) {
            out.push_str(&format!("{} = {}\n", key.name, toml_value(value)));
        } else if !matches!(key.default, Preset::Absent | Preset::Required) {
            out.push_str(&format!("# {} = {}\n", key.name, default_of(key)));
        } else {
            out.push_str(&format!("# {} = <{}>\n", key.name, key.kind));
        }
    }
}

/// `text` without line ends: it goes into a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

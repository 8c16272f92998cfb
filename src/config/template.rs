//! A commented config to start from.

use super::keys;
use super::reference::default_of;
use super::text::{NOT_OF_TEXTS, Text};
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
        let mut out = header(&self.data, &self.task);
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

/// What is known of a text before any training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextTemplate {
    /// The paths of the text, as they go into the config.
    pub text: Vec<String>,
    /// What it holds, for people: `1,115,394 characters, 65 of them different`.
    pub note: String,
    /// How many characters that is: a short text gets a shorter context.
    pub characters: u64,
}

impl TextTemplate {
    /// A config that trains as `train --text` would, if the text is as long as its context; the network and its optimizer are
    /// written out, ready to be changed.
    pub fn to_toml(&self) -> String {
        let text = match self.text.as_slice() {
            [one] => Value::Str(one.clone()),
            many => Value::List(many.iter().cloned().map(Value::Str).collect()),
        };
        let data = [
            ("text", text),
            ("tokenizer", Value::Str("char".into())),
            ("context", Value::Int(self.context())),
        ];
        let mut out = header(&self.text.join(", "), &format!("a language model of {}", self.note));
        section(&mut out, keys::TEXT_ROOT, &[]);
        out.push_str("\n[data]\n");
        section(&mut out, keys::TEXT_DATA, &data);
        out.push_str("\n[model]\n");
        section(&mut out, keys::MODEL, &[("layers", Value::List(text_layers()))]);
        out.push_str("\n[train]\n");
        let optimizer = [
            ("type", Value::Str("adamw".into())),
            ("learning_rate", Value::Float(1e-3)),
            ("weight_decay", Value::Float(0.1)),
        ];
        let schedule = [("type", Value::Str("cosine".into())), ("warmup_steps", Value::Int(100))];
        let train = [("optimizer", table(&optimizer)), ("schedule", table(&schedule))];
        let is_about_texts = |key: &&Key| key.name != "sample" && !NOT_OF_TEXTS.contains(&key.name);
        let keys: Vec<Key> = keys::TRAIN.iter().filter(is_about_texts).copied().collect();
        section(&mut out, &keys, &train);
        out.push_str(
            "# Shows a text that the model generates after each epoch.\n\
             # sample = { max_tokens = 200, temperature = 0.8 }\n\n\
             # Once it is trained, RUN being its run directory:\n\
             #   backprop generate RUN --prompt TEXT --max-tokens 300 --seed 1\n\
             # --temperature 0.8 divides the logits: below 1 the text is safer and repeats itself more, 0 always takes the most likely\n\
             # token; --top-k and --top-p leave out unlikely tokens.\n",
        );
        out
    }

    /// The default, or as much of it as leaves a short text some rows to train on: a row is followed by one more token, and a
    /// tenth of the text validates.
    fn context(&self) -> i64 {
        let room = (self.characters / 4).max(1);
        (Text::CONTEXT as i64).min(1 << room.ilog2().min(62))
    }
}

/// The network of `train --text`: a small transformer.
fn text_layers() -> Vec<Value> {
    let kind = |name: &str| ("type", Value::Str(name.into()));
    vec![
        table(&[kind("embedding"), ("embedding_dim", Value::Int(128))]),
        table(&[kind("positional_embedding")]),
        table(&[
            kind("transformer_encoder"),
            ("num_layers", Value::Int(4)),
            ("num_heads", Value::Int(4)),
            ("causal", Value::Bool(true)),
        ]),
    ]
}

fn table(entries: &[(&str, Value)]) -> Value {
    Value::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// The first lines: what the config is about, and how to read it.
fn header(data: &str, about: &str) -> String {
    format!(
        "# {}: {}\n# A line that begins with # is a default or an example: take the # away to change it.\n\n",
        one_line(data),
        one_line(about)
    )
}

/// The keys of a section with their meanings: `given` ones set, the others as comments.
fn section(out: &mut String, keys: &[Key], given: &[(&str, Value)]) {
    for key in keys.iter().filter(|key| !matches!(key.kind, Kind::Keys(_) | Kind::Table(_))) {
        out.push_str(&format!("# {}\n", key.doc));
        if let Some((_, value)) = given.iter().find(|(name, _)| *name == key.name) {
            match value {
                Value::List(items) if items.iter().any(|item| matches!(item, Value::Table(_))) => {
                    out.push_str(&format!("{} = [\n", key.name));
                    items.iter().for_each(|item| out.push_str(&format!("  {},\n", toml_value(item))));
                    out.push_str("]\n");
                }
                _ => out.push_str(&format!("{} = {}\n", key.name, toml_value(value))),
            }
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

//! `[model.outputs.NAME]`: what each output of a network predicts, with its loss.

use std::collections::BTreeMap;

use super::keys;
use crate::data::{closest, list};
use crate::error::{Problem, quote};
use crate::spec::{Choice, Family, Registries, Report, Span, Tree, Value, Values, toml_key};

/// One output of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// What files and figures call it.
    pub name: String,
    /// The columns that it predicts.
    pub target: Vec<String>,
    /// The layer or input that its output layer reads; `None`: the last layer.
    pub input: Option<String>,
    /// Its loss; `None`: follows from the target.
    pub loss: Option<Choice>,
    /// What its loss counts in the total, not negative.
    pub weight: f64,
}

impl Output {
    /// The output that predicts one column and is named after it.
    pub fn of_column(column: &str) -> Self {
        Output {
            name: column.to_owned(),
            target: vec![column.to_owned()],
            input: None,
            loss: None,
            weight: 1.0,
        }
    }

    /// What messages call one of its keys: `model.outputs.NAME.loss`.
    pub fn key(&self, key: &str) -> String {
        format!("model.outputs.{}.{key}", toml_key(&self.name))
    }

    /// From the checked keys of `[model]`.
    pub(super) fn all(model: &Values, registries: &Registries<'_>) -> Vec<Self> {
        let one = |(name, values): (String, Values)| Output {
            target: target(&name, &values),
            input: values.has("input").then(|| values.str("input").to_owned()),
            loss: values.get("loss").and_then(|v| Choice::from_value(v, Family::Loss, registries)),
            weight: values.f64("weight"),
            name,
        };
        super::sections::tables(model, "outputs", keys::OUTPUT).into_iter().map(one).collect()
    }

    pub(super) fn to_value(&self) -> Value {
        let text = |text: &String| Value::Str(text.clone());
        let target = match &self.target[..] {
            [one] => text(one),
            many => Value::List(many.iter().map(text).collect()),
        };
        let mut entries = vec![("target".to_owned(), target)];
        entries.extend(self.input.as_ref().map(|input| ("input".to_owned(), text(input))));
        let loss = self.loss.as_ref().map_or_else(|| Value::Str("auto".into()), Choice::to_given);
        entries.push(("loss".to_owned(), loss));
        entries.push(("weight".to_owned(), Value::Float(self.weight)));
        Value::Table(entries)
    }
}

/// The mistake of one loss for several outputs.
pub fn one_loss_for_several(outputs: &[String]) -> Problem {
    let key = |name: &String| format!("model.outputs.{}.loss", toml_key(name));
    Problem::new("", "one loss cannot serve several outputs")
        .found(format!("the outputs {}", list(outputs)))
        .help(format!("take it out, or set {}", outputs.iter().map(key).collect::<Vec<_>>().join(", ")))
}

/// The columns of an output: those that it names, or the one that it is named after.
fn target(name: &str, values: &Values) -> Vec<String> {
    if values.has("target") { values.strs("target") } else { vec![name.to_owned()] }
}

/// Checks that the outputs have each of `targets`, the columns of `data.target`, once between them, and one loss each.
pub(super) fn check(
    targets: &[String],
    model: &Values,
    train: &Values,
    tree: &Tree,
    report: &mut Report<'_>,
) {
    let outputs = super::sections::tables(model, "outputs", keys::OUTPUT);
    if outputs.is_empty() {
        return;
    }
    let section = tree.get("model").and_then(|model| model.get("outputs"));
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for (name, values) in &outputs {
        let written = section.and_then(|s| s.entries().iter().find(|(key, _)| key.text == *name));
        let named = written.and_then(|(_, output)| output.get("target"));
        let here = written.map_or(Span::NONE, |(key, _)| key.span);
        let path = format!("model.outputs.{}", toml_key(name));
        let columns = target(name, values);
        if columns.is_empty() {
            let problem = Problem::new("", format!("{path}.target is empty"));
            report.add(named.map_or(here, |t| t.span), problem.help("name the columns that it predicts"));
        }
        for (i, column) in columns.iter().enumerate() {
            let span = named.map_or(here, |t| super::item_span(Some(t), i));
            if !targets.contains(column) {
                let what = match named {
                    Some(_) => format!("{path}.target names {}, which is not in data.target", quote(column)),
                    None => format!("{path} names no target, and {} is not in data.target", quote(column)),
                };
                let problem = Problem::new("", what).expected(format!("one of {}", list(targets)));
                report.add(
                    span,
                    match closest(column, targets) {
                        Some(close) => problem.help(format!("did you mean {}?", quote(close))),
                        None => problem.help("name a column of data.target, or add this one to it"),
                    },
                );
            } else if let Some(owner) = owners.insert(column.clone(), name.clone()) {
                let what = format!("the target {} is given to two outputs", quote(column));
                let problem = Problem::new("", what).found(format!("{} and {}", quote(&owner), quote(name)));
                report.add(span, problem.help("leave it to one of them"));
            }
        }
    }
    let span = section.map_or(Span::NONE, |s| s.entries().first().map_or(s.span, |(key, _)| key.span));
    for column in targets.iter().filter(|column| !owners.contains_key(*column)) {
        let problem = Problem::new("", format!("no output has the target {}", quote(column)));
        let help = format!("add [model.outputs.{}], or take it out of data.target", toml_key(column));
        report.add(span, problem.help(help));
    }
    let chosen = |value: Option<&Value>| matches!(value, Some(Value::Table(_)));
    let Some(loss) = tree.get("train").and_then(|train| train.get("loss")) else { return };
    if !chosen(train.get("loss")) {
        return;
    }
    match &outputs[..] {
        [(name, values)] if chosen(values.get("loss")) => {
            let what =
                format!("train.loss and model.outputs.{}.loss are two losses of one output", toml_key(name));
            report.add(loss.span, Problem::new("", what).help("take one of them out"));
        }
        [_] => {}
        several => {
            let names: Vec<String> = several.iter().map(|(name, _)| name.clone()).collect();
            report.add(loss.span, one_loss_for_several(&names));
        }
    }
}

//! Where a preprocessing differs from that of a model whose weights it is to be used with.

use std::collections::HashSet;

use super::column::{CategoryCell, CategoryFill, Cell, Column, Fill};
use super::field::{self, pin_key};
use super::preprocess::{InputColumns, Preprocessing};
use super::prior::kind_of;
use super::target::{NumberTarget, Targets};
use crate::error::{Problem, quote};
use crate::spec::{Value, toml_value};

/// Names that a message shows one by one.
const SHOWN: usize = 20;

impl Preprocessing {
    /// What keeps the weights of `model` from meaning here what they mean there, although what can be taken over from it was: other
    /// targets or inputs, columns that are missing, and what a config wants otherwise (classes, kinds, encodings, fills that add a
    /// number). Sizes may differ. Each problem stands at `place`.
    pub fn differences(&self, model: &Preprocessing, place: &str) -> Vec<Problem> {
        let kind = |p: &Preprocessing| if p.language.is_some() { "a text" } else { "a table" };
        if kind(self) != kind(model) {
            let what = format!("the model is one of {}, and the data are {}", kind(model), kind(self));
            let problem = Problem::new(place, what);
            return vec![problem.help("name a model of this kind of data, or take train.init_from out")];
        }
        let mut problems = self.other_targets(model);
        let names = |p: &Preprocessing| p.inputs.iter().map(|input| input.name.clone()).collect::<Vec<_>>();
        let (own, other) = (names(self), names(model));
        if own == other {
            let inputs = self.inputs.iter().zip(&model.inputs);
            problems.extend(inputs.flat_map(|(own, other)| self.other_columns(own, model, other)));
        } else {
            let problem = unlike("the inputs are not those of the model", &other, &own);
            problems.push(problem.help("name them in data.inputs as the model has them"));
        }
        problems.into_iter().map(|problem| Problem { place: place.to_owned(), ..problem }).collect()
    }

    /// Targets that are not those of `model`.
    fn other_targets(&self, model: &Preprocessing) -> Vec<Problem> {
        let names = |p: &Preprocessing| p.targets.names().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let (own, other) = (names(self), names(model));
        if own != other {
            let problem = unlike("the targets are not those of the model", &other, &own);
            return vec![
                problem.help("set data.target, and of forecasts data.windows.horizon, as the model had them"),
            ];
        }
        if self.targets.len() != model.targets.len() {
            let outputs = |p: &Preprocessing| format!("{} outputs", p.targets.len());
            let what = "the targets are divided into other outputs than those of the model";
            let problem = Problem::new("", what).expected(outputs(model)).found(outputs(self));
            return vec![problem.help("name the outputs in model.outputs as the model has them")];
        }
        let pairs = self.targets.iter().zip(model.targets.iter());
        pairs.flat_map(|((own, _), (other, _))| other_target(&own.targets, &other.targets)).collect()
    }

    /// Columns of an input that are not those of `model`.
    fn other_columns(&self, own: &InputColumns, model: &Preprocessing, other: &InputColumns) -> Vec<Problem> {
        // An image or a series of another size, in columns: whether the layers take it, their weights say.
        if own.shape.is_some() && other.shape.is_some() && own.shape != other.shape {
            return Vec::new();
        }
        let columns = |p: &Preprocessing, input: &InputColumns| -> Vec<Column> {
            input.columns.iter().map(|&c| p.columns[c].clone()).collect()
        };
        let names = |columns: &[Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let (own_columns, other_columns) = (columns(self, own), columns(model, other));
        let (own_names, other_names) = (names(&own_columns), names(&other_columns));
        if own_names != other_names {
            let what = format!("the columns of the input {} are not those of the model", quote(&own.name));
            let help = self.columns_help(&own_names, &other_names);
            return vec![unlike(&what, &other_names, &own_names).help(help)];
        }
        own_columns.iter().zip(&other_columns).filter_map(|(own, other)| other_column(own, other)).collect()
    }

    /// How to come from the columns `own` to those of a model.
    fn columns_help(&self, own: &[String], model: &[String]) -> String {
        let missing = without(model, own);
        if missing.is_empty() {
            return "name them in data.inputs as the model has them".into();
        }
        match missing.iter().find(|name| self.ignored.contains(name)) {
            Some(left_out) => format!(
                "{} is in the data but left out: data.features, data.exclude or another use of it says so",
                quote(left_out)
            ),
            None => "give the columns the names that the model has for them".into(),
        }
    }
}

/// Targets of the same columns that are not the same.
fn other_target(own: &Targets, model: &Targets) -> Vec<Problem> {
    match (own, model) {
        (
            Targets::Classes { column, classes, .. } | Targets::StepClasses { column, classes },
            Targets::Classes { classes: known, .. } | Targets::StepClasses { classes: known, .. },
        ) if of_kind(own) == of_kind(model) => other_classes(column, classes, known).into_iter().collect(),
        (Targets::Labels { columns }, Targets::Labels { columns: known }) => columns
            .iter()
            .zip(known)
            .filter_map(|(own, known)| other_classes(&own.name, &own.classes, &known.classes))
            .collect(),
        (Targets::Numbers { columns }, Targets::Numbers { columns: known }) => {
            let plain = |targets: &[NumberTarget]| targets.iter().all(|c| (c.mean, c.std) == (0.0, 1.0));
            if plain(columns) == plain(known) {
                return Vec::new();
            }
            let told = |targets| if plain(targets) { "in its own unit" } else { "standardised" };
            let what =
                format!("the target {} has not the scale that it has in the model", quote(own.name(0)));
            let problem = Problem::new("", what).expected(told(known)).found(told(columns));
            vec![problem.help(
                "set data.standardise_target = true, and a train.loss that is not about counts or rates",
            )]
        }
        _ if of_kind(own) == of_kind(model) => Vec::new(),
        _ => {
            let what = format!("the target {} is not what it is in the model", quote(own.name(0)));
            let ((expected, pin), (found, _)) = (of_kind(model), of_kind(own));
            let help = format!("set {}.type = \"{pin}\"", pin_key(own.name(0)));
            vec![Problem::new("", what).expected(expected).found(found).help(help)]
        }
    }
}

/// What a target is, and the type that a pin of its column has then.
fn of_kind(targets: &Targets) -> (&'static str, &'static str) {
    match targets {
        Targets::Classes { .. } => ("a class", "category"),
        Targets::StepClasses { .. } => ("a class for each step", "labels"),
        Targets::Labels { .. } => ("yes or no", "category"),
        Targets::Numbers { .. } => ("a number", "number"),
        Targets::NextToken { .. } => ("the next token", "text"),
    }
}

/// Classes that are others than `known`, those of a model, or stand in another order.
fn other_classes(column: &str, own: &[String], known: &[String]) -> Option<Problem> {
    if own == known {
        return None;
    }
    let pin = |classes: Vec<String>| {
        let list = Value::List(classes.into_iter().map(Value::Str).collect());
        format!("{}.classes = {}", pin_key(column), toml_value(&list))
    };
    let new = without(own, known);
    let problem = unlike(&format!("the classes of {} are not those of the model", quote(column)), known, own);
    Some(problem.help(if new.is_empty() {
        format!("set {}", pin(known.to_vec()))
    } else {
        format!(
            "give the labels the names that the model has for them; weights of other classes are not there: leave train.init_from out, or \
             train the first model with {}",
            pin([known, &new].concat())
        )
    }))
}

/// Columns of the same name that the network gets as something else.
fn other_column(own: &Column, model: &Column) -> Option<Problem> {
    let (name, key) = (quote(&own.name), pin_key(&own.name));
    let missing = |own_has: bool, model_has: bool| {
        let both = format!("{name}, {}", quote(&format!("{} is missing", own.name)));
        let inputs = |has: bool| if has { both.clone() } else { name.clone() };
        let what = format!("the column {name} has not the numbers that it has in the model");
        let problem = Problem::new("", what).expected(inputs(model_has)).found(inputs(own_has));
        let policy = if model_has { "indicator" } else { "mean" };
        (own_has != model_has).then(|| problem.help(format!("set {key}.missing = \"{policy}\"")))
    };
    match (&own.cell, &model.cell) {
        (Cell::Number(own), Cell::Number(model)) => {
            let has = |fill: &Fill| matches!(fill, Fill::Indicator(_));
            missing(has(&own.missing), has(&model.missing))
        }
        (Cell::Date(own), Cell::Date(model)) => missing(own.indicator, model.indicator),
        (Cell::Category(own), Cell::Category(model)) => other_category(&name, &key, own, model),
        (Cell::Image(own), Cell::Image(model)) => {
            let channels = |shape: [usize; 3]| format!("{} channels", shape[2]);
            let what = format!("the images of {name} have other channels than those of the model");
            let problem = Problem::new("", what).expected(channels(model.shape)).found(channels(own.shape));
            let help = "set the shape of their input in data.inputs";
            (own.shape[2] != model.shape[2]).then(|| problem.help(help))
        }
        (Cell::Series(own), Cell::Series(model)) => {
            let what = format!("the channels of {name} are not those of the model");
            let help = "name the columns as the model has them, in its order";
            (own.channels != model.channels).then(|| unlike(&what, &model.channels, &own.channels).help(help))
        }
        // The tokenizer is the model's.
        (Cell::Text(_), Cell::Text(_)) => None,
        (own, model) => {
            let what = format!("the column {name} is not what it is in the model");
            let (expected, found) = (kind_of(model).name(), kind_of(own).name());
            let help = format!("set {key}.type = \"{expected}\"");
            Some(Problem::new("", what).expected(expected).found(found).help(help))
        }
    }
}

fn other_category(name: &str, key: &str, own: &CategoryCell, model: &CategoryCell) -> Option<Problem> {
    if own.encoding != model.encoding {
        let what = format!("the categories of {name} do not reach the network as in the model");
        let (expected, found) = (model.encoding.name(), own.encoding.name());
        let help = format!("set {key}.encoding = \"{expected}\"");
        return Some(Problem::new("", what).expected(expected).found(found).help(help));
    }
    let of_its_own = |cell: &CategoryCell| cell.missing == CategoryFill::Own;
    if of_its_own(own) == of_its_own(model) {
        return None;
    }
    let told = |cell| if of_its_own(cell) { "a category of its own" } else { "none" };
    let help = match of_its_own(model) {
        true => format!("set {key}.missing = \"indicator\""),
        false => format!("set {key}.missing = \"drop_row\", or \"constant\" and a fill_value"),
    };
    let what = format!("a missing value of {name} is not the category that it is in the model");
    Some(Problem::new("", what).expected(told(model)).found(told(own)).help(help))
}

/// The names of `all` that are not among `others`.
fn without(all: &[String], others: &[String]) -> Vec<String> {
    let others: HashSet<&String> = others.iter().collect();
    all.iter().filter(|name| !others.contains(name)).cloned().collect()
}

/// Two lists that differ: of long ones the names that only one of them has, or, of the same names, the first place where they differ.
fn unlike(what: &str, expected: &[String], found: &[String]) -> Problem {
    let (missing, new) = (without(expected, found), without(found, expected));
    let differs = expected.iter().zip(found).position(|(a, b)| a != b);
    let told = |all: &[String], only: &[String]| match differs.and_then(|at| Some((at, all.get(at)?))) {
        _ if all.is_empty() => "none".into(),
        _ if expected.len().max(found.len()) <= SHOWN => field::list(all),
        _ if !only.is_empty() => format!("{} of them, among them {}", all.len(), field::list(only)),
        Some((at, name)) if missing.is_empty() && new.is_empty() => {
            format!("{} at place {} of {}", quote(name), at + 1, all.len())
        }
        _ => format!("{} of them", all.len()),
    };
    Problem::new("", what).expected(told(expected, &missing)).found(told(found, &new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::LabelTarget;
    use crate::error::{Code, Error};

    fn told(problem: Problem) -> String {
        Error::new(Code::Model, Problem { place: "KEY".into(), ..problem }).to_string()
    }

    fn names(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|i| format!("n{i}")).collect()
    }

    #[test]
    fn of_long_lists_what_differs_is_told() {
        assert_eq!(
            told(unlike("other", &names(0..30), &names(2..31))),
            "error[4]: KEY: other\n  expected: 30 of them, among them \"n0\", \"n1\"\n  \
             found: 29 of them, among them \"n30\""
        );
        assert_eq!(
            told(unlike("other", &names(0..30), &names(1..30))),
            "error[4]: KEY: other\n  expected: 30 of them, among them \"n0\"\n  found: 29 of them"
        );
        let mut turned = names(0..30);
        turned.swap(4, 7);
        assert_eq!(
            told(unlike("other", &names(0..30), &turned)),
            "error[4]: KEY: other\n  expected: \"n4\" at place 5 of 30\n  found: \"n7\" at place 5 of 30"
        );
    }

    #[test]
    fn each_of_several_yes_no_targets_has_its_classes() {
        let labels = |b: [&str; 2]| Targets::Labels {
            columns: [("a", ["0", "1"]), ("b", b)]
                .map(|(name, classes)| LabelTarget { name: name.into(), classes: classes.map(str::to_owned) })
                .to_vec(),
        };
        assert!(other_target(&labels(["f", "t"]), &labels(["f", "t"])).is_empty());
        let problems = other_target(&labels(["f", "t"]), &labels(["t", "f"]));
        assert_eq!(
            problems.into_iter().map(told).collect::<Vec<_>>(),
            ["error[4]: KEY: the classes of \"b\" are not those of the model\n  expected: \"t\", \"f\"\n  \
              found: \"f\", \"t\"\n  help: set data.columns.b.classes = [\"t\", \"f\"]"]
        );
    }
}

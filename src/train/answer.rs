//! What the numbers of a prediction mean.

use std::fmt::Write as _;

use serde::ser::{Serialize, Serializer};

use crate::data::{Kept, NumberTarget, Targets};
use crate::error::{Error, Result, quote};
use crate::metrics::Task;
use crate::train::{Model, Output};

/// What is predicted for one target of a row.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    /// All that 32 bits can tell.
    Single(f32),
    Double(f64),
    /// One for each step: in CSV with blanks between them.
    Steps(Vec<Cell<'a>>),
    /// None: in CSV an empty field, in JSON `null`.
    Nothing,
}

impl Cell<'_> {
    /// As a field of CSV.
    pub(super) fn spell(&self, out: &mut String) {
        // Writing to a text cannot fail.
        let _ = match self {
            Cell::Text(text) => out.write_str(text),
            Cell::Single(x) => write!(out, "{x:?}"),
            Cell::Double(x) => write!(out, "{x:?}"),
            Cell::Steps(steps) => {
                for (i, step) in steps.iter().enumerate() {
                    if i > 0 {
                        out.push(' ');
                    }
                    step.spell(out);
                }
                Ok(())
            }
            Cell::Nothing => Ok(()),
        };
    }
}

/// What a block's rows were predicted to be by one output.
#[derive(Clone, Debug, Default)]
pub(super) struct Predicted {
    /// `[predicted_width]` of each row, or of each of its steps: row after row.
    pub(super) numbers: Vec<f64>,
    /// Where the numbers of each row end.
    pub(super) ends: Vec<usize>,
}

impl Predicted {
    /// The numbers of a row.
    pub(super) fn row(&self, at: usize) -> &[f64] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.numbers[start..self.ends[at]]
    }
}

/// The way from a model's numbers to answers.
pub(super) struct Answer {
    /// One for each output.
    pub(super) parts: Vec<Part>,
    /// Names of the target columns, output after output.
    pub(super) names: Vec<String>,
}

/// The way from the numbers of one output to its answers.
pub(super) struct Part {
    pub(super) targets: Targets,
    /// Decimals of each target; `None` where a number has the digits of its 32 bits.
    decimals: Vec<Option<i32>>,
    /// Numbers of a row, or of a step.
    width: usize,
    /// The number that stands for the target, where several are predicted for one.
    central: usize,
    /// What each number is, where all of them are written after the predictions: a class, a label, a quantile.
    details: Vec<String>,
    /// What CSV puts before these names.
    prefix: &'static str,
    /// The key of the object that holds them in JSON.
    pub(super) key: &'static str,
}

impl Answer {
    /// The answers of `model`; with probabilities if `proba`.
    ///
    /// # Errors
    /// `Code::Usage` for probabilities of a model that has none.
    pub(super) fn new(model: &Model, proba: bool) -> Result<Answer> {
        let help = "leave --proba out";
        if proba && model.outputs.iter().all(|o| o.head.task == Task::Numbers) {
            let what = "the model predicts numbers: there are no probabilities";
            return Err(Error::usage("--proba", what).help(help));
        }
        let scores = |o: &&Output| o.head.task != Task::Numbers && !o.head.has_probabilities();
        if let Some(output) = model.outputs.iter().find(scores).filter(|_| proba) {
            let what = match model.outputs.len() {
                1 => "the loss of this model gives scores, not probabilities".to_owned(),
                _ => {
                    format!("the loss of the output {} gives scores, not probabilities", quote(&output.name))
                }
            };
            let error =
                Error::usage("--proba", what).found(format!("the loss {}", quote(output.head.loss.name)));
            return Err(error.help(format!("{help}, or train with another loss")));
        }
        let parts: Vec<Part> = model.outputs.iter().map(|output| Part::new(output, proba)).collect();
        let names = parts.iter().flat_map(|part| part.targets.names()).map(str::to_owned).collect();
        Ok(Answer { parts, names })
    }

    /// Names of the columns of a CSV, without the kept ones.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = match &self.names[..] {
            [_] => vec!["prediction".into()],
            names => names.iter().map(|name| format!("prediction_{name}")).collect(),
        };
        let several = self.parts.len() > 1;
        columns.extend(self.parts.iter().flat_map(|part| part.detail_columns(several)));
        columns
    }

    /// Keys of a JSON object, without the kept ones.
    pub(super) fn keys(&self) -> Vec<String> {
        ["prediction"].into_iter().chain(self.detail_keys()).map(str::to_owned).collect()
    }

    /// Keys of what is written after the predictions, each once.
    pub(super) fn detail_keys(&self) -> impl Iterator<Item = &'static str> {
        let has = |key: &&str| self.parts.iter().any(|p| p.key == *key && !p.details.is_empty());
        ["probabilities", "quantiles"].into_iter().filter(move |key| has(key))
    }

    /// What each output says of a line.
    pub(super) fn said<'a>(&'a self, line: Line<'a>) -> impl Iterator<Item = (&'a Part, Said<'a>)> + Clone {
        self.parts.iter().enumerate().map(move |(i, part)| (part, part.said(&line.predicted[i], line)))
    }

    /// The predictions of a line, output after output.
    pub(super) fn cells<'a>(&'a self, line: Line<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        self.said(line).flat_map(|(part, said)| part.cells(said))
    }

    /// What is written after the predictions of a line.
    pub(super) fn detail_cells<'a>(&'a self, line: Line<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        self.said(line).flat_map(|(part, said)| part.detail_cells(said))
    }
}

/// Where a line comes from.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// The fields that are kept, and the number of the line's row among them.
    pub(super) kept: (&'a Kept, usize),
    /// What each output predicts for the rows of a block, and the number of the line's row among them.
    pub(super) predicted: &'a [Predicted],
    pub(super) at: usize,
    pub(super) step: Step,
}

/// What a line is about.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// A row with all its steps.
    All,
    /// A step of a series.
    One(usize),
    /// A step of a series that the network does not see.
    Unseen,
}

/// What an output says of a line.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    /// Of a row as a whole, or of one step.
    Once(&'a [f64]),
    /// Of each step.
    Steps(&'a [f64]),
    /// Of a step that the network does not see.
    Nothing,
}

impl Part {
    fn new(output: &Output, proba: bool) -> Part {
        let (targets, head) = (output.targets.clone(), &output.head);
        let (details, prefix, key) = match (&targets, head.quantiles()) {
            (_, Some(quantiles)) => (quantiles.iter().map(f64::to_string).collect(), "quantile", "quantiles"),
            (Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. }, _) if proba => {
                (classes.clone(), "probability", "probabilities")
            }
            (Targets::Labels { .. }, _) if proba => {
                let names = targets.names().into_iter().map(str::to_owned);
                (names.collect(), "probability", "probabilities")
            }
            _ => (Vec::new(), "", ""),
        };
        let (width, central) = (head.predicted_width(), head.central_column());
        let decimals = match &targets {
            Targets::Numbers { columns } => columns.iter().map(decimals).collect(),
            _ => vec![None; targets.width()],
        };
        Part { targets, decimals, width, central, details, prefix, key }
    }

    /// Names of the columns of a CSV behind the predictions; with the target's name where `several` outputs have some.
    fn detail_columns(&self, several: bool) -> impl Iterator<Item = String> {
        let of = match &self.targets {
            // Labels are named by their own columns.
            Targets::Labels { .. } => String::new(),
            targets if several => format!("{}_", targets.names()[0]),
            _ => String::new(),
        };
        self.details.iter().map(move |name| format!("{}_{of}{name}", self.prefix))
    }

    fn said<'a>(&self, predicted: &'a Predicted, line: Line<'_>) -> Said<'a> {
        let numbers = predicted.row(line.at);
        match (&self.targets, line.step) {
            (Targets::StepClasses { .. }, Step::All) => Said::Steps(numbers),
            // A step behind the last one that the network sees has none.
            (Targets::StepClasses { .. }, Step::One(step)) => {
                numbers.chunks_exact(self.width).nth(step).map_or(Said::Nothing, Said::Once)
            }
            (Targets::StepClasses { .. }, Step::Unseen) => Said::Nothing,
            _ => Said::Once(numbers),
        }
    }

    /// `cell` of the numbers of a row, or of those of each step.
    fn each<'a>(&self, said: Said<'_>, cell: impl Fn(&[f64]) -> Cell<'a>) -> Cell<'a> {
        match said {
            Said::Once(numbers) => cell(numbers),
            Said::Steps(numbers) => Cell::Steps(numbers.chunks_exact(self.width).map(cell).collect()),
            Said::Nothing => Cell::Nothing,
        }
    }

    /// The prediction of target `i`.
    pub(super) fn cell<'a>(&'a self, i: usize, said: Said<'_>) -> Cell<'a> {
        self.each(said, |numbers| self.prediction(i, numbers))
    }

    /// What these numbers of a row, or of a step, say of target `i`.
    fn prediction(&self, i: usize, numbers: &[f64]) -> Cell<'_> {
        match &self.targets {
            Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. } => {
                likeliest(classes, numbers)
            }
            Targets::Labels { columns } => {
                Cell::Text(&columns[i].classes[usize::from(numbers[i] as f32 > 0.5)])
            }
            Targets::Numbers { columns } if columns.len() == 1 => self.number(0, numbers[self.central]),
            Targets::Numbers { .. } | Targets::NextToken { .. } => self.number(i, numbers[i]),
        }
    }

    fn cells<'a>(&'a self, said: Said<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        (0..self.targets.width()).map(move |i| self.cell(i, said))
    }

    /// What is written after the predictions.
    fn detail_cells<'a>(&'a self, said: Said<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        // Probabilities, or the quantiles of the one target.
        (0..self.details.len()).map(move |i| self.each(said, |numbers| self.number(0, numbers[i])))
    }

    /// What is written after the predictions, by name.
    pub(super) fn details<'a>(
        &'a self,
        said: Said<'a>,
    ) -> Pairs<impl Iterator<Item = (&'a String, Cell<'a>)> + Clone> {
        Pairs(self.details.iter().zip(self.detail_cells(said)))
    }

    /// A number of target `i` with the digits that mean something.
    fn number(&self, i: usize, x: f64) -> Cell<'_> {
        match self.decimals[i] {
            Some(decimals) => Cell::Double(round(x, decimals)),
            None if x.is_finite() && (x as f32).is_infinite() => Cell::Double(x),
            None => Cell::Single(x as f32),
        }
    }
}

/// The class with the largest number.
fn likeliest<'a>(classes: &'a [String], numbers: &[f64]) -> Cell<'a> {
    // The first of the largest of 32 bits, as in the metrics.
    let larger = |best, c: usize| if numbers[c] as f32 > numbers[best] as f32 { c } else { best };
    Cell::Text(&classes[(1..numbers.len()).fold(0, larger)])
}

/// Decimals that tell seven digits of the deviation, about what the network's 32 bits hold; `None` if it learned the
/// numbers as they are.
fn decimals(column: &NumberTarget) -> Option<i32> {
    let standardised = (column.mean, column.std) != (0.0, 1.0);
    standardised.then(|| (6 - column.std.log10().floor() as i32).max(0))
}

/// `x` to `decimals`; unchanged where a double has no more of them.
fn round(x: f64, decimals: i32) -> f64 {
    // Ten to the 22nd is the last exact power: the quotient is then the double nearest to the decimal number, which is
    // what makes its shortest spelling end there.
    let power = 10f64.powi(decimals);
    let whole = (x * power).round();
    if decimals > 22 || whole.abs() >= f64::EPSILON.recip() { x } else { whole / power + 0.0 }
}

/// Names and values as a JSON object.
pub(super) struct Pairs<I>(pub(super) I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Pairs<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_follow_the_deviation() {
        let column = |mean, std| NumberTarget { name: "y".into(), offset: 0.0, mean, std };
        let written = |mean, std, x: f64| format!("{:?}", round(x, decimals(&column(mean, std)).unwrap()));
        assert_eq!(written(1.7e9, 288.7, 1_700_000_497.123_456_7), "1700000497.1235");
        assert_eq!(written(1.7e9, 288.7, 1_700_000_497.500_01), "1700000497.5");
        assert_eq!(written(5.0, 1e9, 1_700_000_497.6), "1700000498.0");
        assert_eq!(written(5.0, 0.001, -1e-12), "0.0");
        assert_eq!(written(0.1, 1e-30, 0.123_456_789_012_345_6), "0.1234567890123456");
        assert_eq!(written(1e15, 1e-3, 1e15 + 0.125), "1000000000000000.1");
        assert!(round(f64::NAN, 3).is_nan() && round(f64::INFINITY, 3).is_infinite());
        assert_eq!(decimals(&column(0.0, 1.0)), None);
    }
}

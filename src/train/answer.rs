//! What the numbers of a prediction mean, and how they are written.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::data::{NumberTarget, Targets};
use crate::error::{Error, Result, quote};
use crate::metrics::Task;
use crate::train::blocks::Block;
use crate::train::{Format, Model, Output};

/// What is predicted for one target of a row.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Cell<'a> {
    Text(&'a str),
    /// All that 32 bits can tell.
    Single(f32),
    Double(f64),
    /// One for each step: in CSV with blanks between them.
    Steps(Vec<Cell<'a>>),
}

impl Cell<'_> {
    /// As a field of CSV.
    fn spell(&self, out: &mut String) {
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
    parts: Vec<Part>,
    /// Names of the target columns, output after output.
    names: Vec<String>,
}

/// The way from the numbers of one output to its answers.
struct Part {
    targets: Targets,
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
    key: &'static str,
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
    fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = match &self.names[..] {
            [_] => vec!["prediction".into()],
            names => names.iter().map(|name| format!("prediction_{name}")).collect(),
        };
        let several = self.parts.len() > 1;
        columns.extend(self.parts.iter().flat_map(|part| part.detail_columns(several)));
        columns
    }

    /// Keys of a JSON object, without the kept ones.
    fn keys(&self) -> Vec<String> {
        ["prediction"].into_iter().chain(self.detail_keys()).map(str::to_owned).collect()
    }

    /// Keys of what is written after the predictions, each once.
    fn detail_keys(&self) -> impl Iterator<Item = &'static str> {
        let has = |key: &&str| self.parts.iter().any(|p| p.key == *key && !p.details.is_empty());
        ["probabilities", "quantiles"].into_iter().filter(move |key| has(key))
    }

    /// The predictions of a row, output after output.
    fn cells<'a>(&'a self, row: Row<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        self.parts.iter().enumerate().flat_map(move |(i, part)| part.cells(row.of(i)))
    }

    /// What is written after the predictions of a row.
    fn detail_cells<'a>(&'a self, row: Row<'a>) -> impl Iterator<Item = Cell<'a>> + Clone {
        self.parts.iter().enumerate().flat_map(move |(i, part)| part.detail_cells(row.of(i)))
    }
}

/// What a row was predicted to be: number `at` of what each output says.
#[derive(Clone, Copy)]
struct Row<'a> {
    predicted: &'a [Predicted],
    at: usize,
}

impl<'a> Row<'a> {
    fn of(self, output: usize) -> &'a [f64] {
        self.predicted[output].row(self.at)
    }
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

    /// The prediction of target `i`.
    fn cell(&self, i: usize, numbers: &[f64]) -> Cell<'_> {
        match &self.targets {
            Targets::Classes { classes, .. } => likeliest(classes, numbers),
            Targets::StepClasses { classes, .. } => {
                Cell::Steps(numbers.chunks_exact(self.width).map(|step| likeliest(classes, step)).collect())
            }
            Targets::Labels { columns } => {
                Cell::Text(&columns[i].classes[usize::from(numbers[i] as f32 > 0.5)])
            }
            Targets::Numbers { columns } if columns.len() == 1 => self.number(0, numbers[self.central]),
            Targets::Numbers { .. } | Targets::NextToken { .. } => self.number(i, numbers[i]),
        }
    }

    fn cells<'a>(&'a self, numbers: &'a [f64]) -> impl Iterator<Item = Cell<'a>> + Clone {
        (0..self.targets.width()).map(|i| self.cell(i, numbers))
    }

    /// What is written after the predictions.
    fn detail_cells<'a>(&'a self, numbers: &'a [f64]) -> impl Iterator<Item = Cell<'a>> + Clone {
        // Probabilities, or the quantiles of the one target.
        let of_steps = matches!(self.targets, Targets::StepClasses { .. });
        (0..self.details.len()).map(move |i| match of_steps {
            true => {
                Cell::Steps(numbers.chunks_exact(self.width).map(|step| self.number(0, step[i])).collect())
            }
            false => self.number(0, numbers[i]),
        })
    }

    /// What is written after the predictions, by name.
    fn details<'a>(
        &'a self,
        numbers: &'a [f64],
    ) -> Pairs<impl Iterator<Item = (&'a String, Cell<'a>)> + Clone> {
        Pairs(self.details.iter().zip(self.detail_cells(numbers)))
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

/// Turns blocks into text.
pub(super) struct Writer {
    answer: Answer,
    /// Names of the kept columns.
    kept: Vec<String>,
    format: Format,
    text: Vec<u8>,
    header: bool,
}

impl Writer {
    /// # Errors
    /// `Code::Usage` for a kept column that has the name of an answer.
    pub(super) fn new(answer: Answer, kept: Vec<String>, format: Format) -> Result<Writer> {
        let own = if format == Format::Csv { answer.columns() } else { answer.keys() };
        if let Some(name) = kept.iter().find(|name| own.contains(name)) {
            let what = format!("the kept column {} has the name of a column of the output", quote(name));
            return Err(Error::usage("--keep", what)
                .help("rename it in the input, or name the columns to keep without it"));
        }
        Ok(Writer { answer, kept, format, text: Vec::new(), header: format == Format::Csv })
    }

    /// The lines of `block` and what each output predicts; before the first ones the header.
    ///
    /// # Errors
    /// None that the formats can have in memory.
    pub(super) fn write(&mut self, block: &Block, predicted: &[Predicted]) -> Result<&[u8]> {
        let defect = |e: &dyn std::fmt::Display| Error::environment("the output", e.to_string());
        self.text.clear();
        match self.format {
            Format::Csv => self.csv(block, predicted).map_err(|e| defect(&e))?,
            Format::Jsonl => self.jsonl(block, predicted).map_err(|e| defect(&e))?,
        }
        Ok(&self.text)
    }

    fn csv(&mut self, block: &Block, predicted: &[Predicted]) -> csv::Result<()> {
        let mut csv = csv::Writer::from_writer(&mut self.text);
        if std::mem::take(&mut self.header) {
            csv.write_record(self.kept.iter().chain(&self.answer.columns()))?;
        }
        let mut spelled = String::new();
        for at in 0..block.table.len() {
            block.kept.row(at).try_for_each(|field| csv.write_field(field))?;
            let row = Row { predicted, at };
            for cell in self.answer.cells(row).chain(self.answer.detail_cells(row)) {
                spelled.clear();
                cell.spell(&mut spelled);
                csv.write_field(&spelled)?;
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush().map_err(csv::Error::from)
    }

    fn jsonl(&mut self, block: &Block, predicted: &[Predicted]) -> serde_json::Result<()> {
        for at in 0..block.table.len() {
            let line = Line { answer: &self.answer, kept: &self.kept, block, row: Row { predicted, at } };
            serde_json::to_writer(&mut self.text, &line)?;
            self.text.push(b'\n');
        }
        Ok(())
    }
}

/// A row as a JSON object.
struct Line<'a> {
    answer: &'a Answer,
    kept: &'a [String],
    block: &'a Block,
    row: Row<'a>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, field) in self.kept.iter().zip(self.block.kept.row(self.row.at)) {
            map.serialize_entry(name, field)?;
        }
        let Answer { names, parts } = self.answer;
        match (&parts[..], names.len()) {
            ([only], 1) => map.serialize_entry("prediction", &only.cell(0, self.row.of(0)))?,
            _ => map.serialize_entry("prediction", &Pairs(names.iter().zip(self.answer.cells(self.row))))?,
        }
        for key in self.answer.detail_keys() {
            match &parts[..] {
                [only] => map.serialize_entry(key, &only.details(self.row.of(0)))?,
                _ => map.serialize_entry(key, &Details { key, line: self })?,
            }
        }
        map.end()
    }
}

/// The probabilities or the quantiles of several outputs: by target column, of a class target by class too.
struct Details<'a> {
    key: &'static str,
    line: &'a Line<'a>,
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let parts = self.line.answer.parts.iter().enumerate();
        for (i, part) in parts.filter(|(_, part)| part.key == self.key) {
            let numbers = self.line.row.of(i);
            match &part.targets {
                Targets::Labels { .. } => {
                    for (name, cell) in part.details(numbers).0 {
                        map.serialize_entry(name, &cell)?;
                    }
                }
                targets => map.serialize_entry(targets.names()[0], &part.details(numbers))?,
            }
        }
        map.end()
    }
}

/// Names and values as a JSON object.
struct Pairs<I>(I);

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

//! The fitted preprocessing: everything that turns rows of text into what the network was trained on.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::column::{CategoryFill, Cell, Column, Fill, NumberCell};
use super::encode::Encoder;
use super::field;
use super::inputs::Inputs;
use super::language::Language;
use super::long::STEPS;
use super::picture::Form;
use super::report::Report;
use super::rows::Rows;
use super::stored::TextCell;
use super::table::Table;
use super::target_groups::TargetGroups;
use crate::error::{Code, Error, Problem, Result, quote};

/// Columns that make up one input of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputColumns {
    /// As layers refer to it.
    pub name: String,
    /// Positions in [`Preprocessing::columns`], ascending.
    pub columns: Vec<usize>,
    /// Sizes without the batch axis, where a config gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
}

/// Fitted on the training part, saved in the model, used by training, evaluation and prediction alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Fields that stand for "no value".
    pub missing_values: Vec<String>,
    /// Input columns in the order of the training data; found by name in other data.
    pub columns: Vec<Column>,
    /// Inputs of the network; each column is in one of them.
    pub inputs: Vec<InputColumns>,
    /// What is predicted.
    pub targets: TargetGroups,
    /// The column of row weights.
    pub weight: Option<String>,
    /// Other columns of the training data; no note is made when new data has them as well.
    pub ignored: Vec<String>,
    /// How a text becomes tokens, for a language model: then there are no columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// Where the columns of a [`Preprocessing`] stand in some table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Columns of the table that the model knows nothing of, in their order: worth one note.
    pub extra: Vec<String>,
    pub(super) columns: Vec<usize>,
    /// Empty where targets are not read.
    pub(super) targets: Vec<usize>,
    pub(super) weight: Option<usize>,
}

impl Preprocessing {
    /// Columns of images, series and texts before column `c`.
    pub(super) fn stored_before(&self, c: usize) -> usize {
        self.columns[..c].iter().filter(|column| column.cell.stored().is_some()).count()
    }

    /// The channels of the series in column `name`.
    pub(super) fn channels(&self, name: &str) -> &[String] {
        let cell = self.columns.iter().find(|column| column.name == name).map(|column| &column.cell);
        if let Some(Cell::Series(cell)) = cell { &cell.channels } else { &[] }
    }

    /// What a missing number of a step becomes in the channel `name`.
    pub(super) fn step_fill(&self, name: &str) -> Option<f64> {
        let cell = self.columns.iter().find_map(|column| match &column.cell {
            Cell::Series(cell) if column.name == STEPS => Some(cell),
            _ => None,
        })?;
        cell.fill.get(cell.channels.iter().position(|channel| channel == name)?).copied()
    }

    /// Where the steps of a table hold a channel: the store, and the number in a step.
    pub fn step_channel(&self, name: &str) -> Option<(usize, usize)> {
        let column = self.columns.iter().position(|column| column.name == STEPS)?;
        let channel = self.channels(STEPS).iter().position(|channel| channel == name)?;
        Some((self.stored_before(column), channel))
    }

    /// Whether a column holds the words of the rows of a long table.
    pub(super) fn has_words_of_steps(&self, name: &str) -> bool {
        let cell = self.columns.iter().find(|column| column.name == name).map(|column| &column.cell);
        matches!(cell, Some(Cell::Text(text)) if text.of_steps)
    }

    /// Whether a column is read: an input, or with targets a target or the weight.
    pub(super) fn needs(&self, name: &String, with_targets: bool) -> bool {
        let own = |target: &&str| *target == name;
        self.columns.iter().any(|column| column.name == *name)
            || (with_targets && (self.targets.names().iter().any(own) || self.weight.as_ref() == Some(name)))
    }

    /// The most steps that a series of a long table may have; 0 where there are none.
    pub fn steps(&self) -> usize {
        let cells = self.columns.iter().filter(|column| column.name == STEPS);
        cells.map(|column| if let Cell::Series(cell) = &column.cell { cell.length } else { 0 }).sum()
    }

    /// The tokens that the network takes of a text at most, where there is one.
    pub(super) fn longest_text(&self) -> Option<usize> {
        self.columns.iter().find_map(|column| match &column.cell {
            Cell::Text(text) => Some(text.length),
            _ => None,
        })
    }

    /// Makes room for texts of `longest` tokens; whether that changed anything.
    pub fn cover_texts(&mut self, longest: usize) -> bool {
        let mut changed = false;
        for column in &mut self.columns {
            if let Cell::Text(cell) = &mut column.cell {
                changed |= cell.length < longest;
                cell.length = cell.length.max(longest);
            }
        }
        changed
    }

    /// Its columns of texts by their names.
    pub fn texts(&self) -> BTreeMap<String, TextCell> {
        let texts = self.columns.iter().filter_map(|column| match &column.cell {
            Cell::Text(text) => Some((column.name.clone(), text.clone())),
            _ => None,
        });
        texts.collect()
    }

    /// Makes room for series of `longest` steps, and for those of `shortest`; whether that changed anything. Only inputs of
    /// the column that long tables have are about such series.
    pub fn cover(&mut self, longest: usize, shortest: usize) -> bool {
        let column = self.columns.iter_mut().find(|column| column.name == STEPS);
        let Some(Cell::Series(cell)) = column.map(|column| &mut column.cell) else { return false };
        let before = (cell.length, cell.ragged);
        cell.length = cell.length.max(longest);
        cell.ragged |= shortest < cell.length;
        before != (cell.length, cell.ragged)
    }

    /// Names of image columns, and what their images become.
    pub(super) fn images(&self) -> impl Iterator<Item = (&str, Form)> {
        self.columns.iter().filter_map(|column| match &column.cell {
            Cell::Image(cell) => {
                Some((column.name.as_str(), Form { shape: Some(cell.shape), resize: cell.resize }))
            }
            _ => None,
        })
    }

    /// What the network gets.
    pub fn inputs(&self) -> Inputs {
        Inputs::new(self)
    }

    /// Finds the columns of the model in a table's header, in any order. `source` names the table in messages; targets
    /// and weights are looked for only `with_targets`.
    ///
    /// # Errors
    /// [`Code::Model`] that names all columns that are missing, an input among them; [`Code::Data`] where targets alone are.
    pub fn bind(&self, columns: &[String], source: &str, with_targets: bool) -> Result<Binding> {
        let place: HashMap<&str, usize> = columns.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
        let find = |name: &str| place.get(name).copied();
        let mut missing: Vec<&str> =
            self.columns.iter().map(|c| &c.name[..]).filter(|name| find(name).is_none()).collect();
        let names = self.targets.names();
        if !missing.is_empty() {
            missing.extend(names.iter().filter(|name| with_targets && find(name).is_none()));
            return Err(absent(&missing, columns, source));
        }
        let targets: Vec<usize> = if with_targets {
            let missing = names.iter().filter(|name| find(name).is_none());
            let problems: Vec<Problem> = missing.map(|name| absent_target(name, columns, source)).collect();
            if !problems.is_empty() {
                return Err(Error::all(Code::Data, problems));
            }
            names.iter().filter_map(|name| find(name)).collect()
        } else {
            Vec::new()
        };
        let known: HashSet<&str> = self
            .columns
            .iter()
            .map(|c| &c.name)
            .chain(&self.ignored)
            .chain(&self.weight)
            .map(String::as_str)
            .chain(names)
            .collect();
        Ok(Binding {
            extra: columns.iter().filter(|c| !known.contains(c.as_str())).cloned().collect(),
            columns: self.columns.iter().filter_map(|c| find(&c.name)).collect(),
            targets,
            weight: self.weight.as_deref().filter(|_| with_targets).and_then(find),
        })
    }

    /// Encodes a whole table with targets: a validation or test file.
    ///
    /// # Errors
    /// Those of [`Preprocessing::bind`] and [`Encoder::fill`]; [`Code::Data`] for a table without rows.
    pub fn read<R: Rows>(&self, rows: &mut R) -> Result<(Table, Report)> {
        let mut encoder = Encoder::new(self, rows.columns(), rows.source(), true)?;
        let mut table = Table::empty(&self.inputs(), self.targets.width());
        encoder.fill(rows, &mut table, usize::MAX, &mut |_| Ok(()))?;
        if table.is_empty() {
            return Err(Error::data(rows.source(), "0 rows").expected("a header and at least one row"));
        }
        Ok((table, encoder.report()))
    }

    /// As JSON text; the same preprocessing gives the same bytes.
    pub fn to_json(&self) -> String {
        // no map with keys that are not texts and no failing writer is involved
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// Reads what [`Preprocessing::to_json`] wrote, to the same bits.
    ///
    /// # Errors
    /// [`Code::Model`] for text that is not a preprocessing or whose parts do not fit each other.
    pub fn from_json(text: &str) -> Result<Self> {
        let damaged = |what: String| {
            Error::model("the model's preprocessing", what)
                .help("train the model again, or take another copy of it")
        };
        let preprocessing: Preprocessing =
            serde_json::from_str(text).map_err(|e| damaged(format!("cannot be read: {e}")))?;
        match preprocessing.flaw() {
            Some(flaw) => Err(damaged(flaw)),
            None => Ok(preprocessing),
        }
    }

    /// The first thing that no fit would have written.
    fn flaw(&self) -> Option<String> {
        let number_ok =
            |n: &NumberCell| n.offset.is_finite() && n.missing.value().is_finite() && n.scaler.is_valid();
        let cell_ok = |cell: &Cell| match cell {
            Cell::Number(number) => number_ok(number),
            Cell::Date(date) => !date.parts.is_empty() && date.parts.iter().all(|(_, n)| number_ok(n)),
            Cell::Category(c) => {
                c.cardinality() > 0
                    && !matches!(c.missing, CategoryFill::Category(i) if i >= c.categories.len())
            }
            Cell::Image(_) | Cell::Series(_) | Cell::Text(_) => {
                cell.stored().is_some_and(|stored| stored.is_valid())
            }
        };
        if let Some(column) = self.columns.iter().find(|c| !cell_ok(&c.cell)) {
            return Some(format!("the parameters of column {} are not valid", quote(&column.name)));
        }
        if self.language.as_ref().is_some_and(|language| !language.is_valid()) {
            return Some("the parameters of the text are not valid".into());
        }
        if !self.targets.is_valid() || self.targets.is_next_token() != self.language.is_some() {
            return Some("the targets are not valid".into());
        }
        let mut uses = vec![0; self.columns.len()];
        for input in &self.inputs {
            for &c in &input.columns {
                match uses.get_mut(c) {
                    Some(n) => *n += 1,
                    None => {
                        return Some(format!(
                            "input {} names a column that is not there",
                            quote(&input.name)
                        ));
                    }
                }
            }
            let plain = |c: &usize| matches!(&self.columns[*c].cell, Cell::Number(n) if !matches!(n.missing, Fill::Indicator(_)));
            let fits = |shape: &Vec<usize>| {
                let len = shape.iter().try_fold(1usize, |n, &a| n.checked_mul(a));
                len == Some(input.columns.len()) && input.columns.iter().all(plain)
            };
            if !input.shape.as_ref().is_none_or(fits) {
                return Some(format!("the shape of input {} does not fit its columns", quote(&input.name)));
            }
        }
        uses.iter().any(|&n| n != 1).then(|| "a column is not in exactly one input".into())
    }
}

pub(super) fn absent(missing: &[&str], columns: &[String], source: &str) -> Error {
    let what = match missing {
        [name] => format!("the column {} that the model needs is missing", quote(name)),
        _ => {
            let names: Vec<String> = missing.iter().map(|n| quote(n)).collect();
            format!("{} columns that the model needs are missing: {}", missing.len(), names.join(", "))
        }
    };
    let error = Error::model(source, what).found(format!("the columns {}", field::list(columns)));
    let close = missing.iter().filter_map(|name| Some((name, field::closest(name, columns)?)));
    let hints: Vec<String> = close.map(|(name, c)| format!("{} may be {}", quote(name), quote(c))).collect();
    match hints.is_empty() {
        true => error,
        false => error.help(format!("{}; rename in the header", hints.join(", "))),
    }
}

fn absent_target(name: &str, columns: &[String], source: &str) -> Problem {
    let problem = Problem::new(source, format!("there is no target column {}", quote(name)))
        .expected(format!("one of {}", field::list(columns)));
    match field::closest(name, columns) {
        Some(close) => problem.help(format!("did you mean {}? Rename it in the header", quote(close))),
        None => problem,
    }
}

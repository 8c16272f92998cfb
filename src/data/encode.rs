//! Rows of new data through a fitted preprocessing, in blocks of any size.

use std::collections::BTreeMap;

use super::category_index::CategoryIndex;
use super::column::{CategoryFill, Cell, Fill, NumberCell};
use super::field::{self, Markers, Stage};
use super::options::Unknown;
use super::preprocess::{Binding, Preprocessing};
use super::raw::{grow, missing_values, push_payload, read_date, read_number, weight};
use super::raw_target::{missing_target, read_number_target, unknown_label};
use super::report::Report;
use super::rows::{Fields, Rows};
use super::step_targets;
use super::stored::{TextCell, TextFill, TokenStore};
use super::table::Table;
use super::target::Targets;
use super::tokenizer::UnknownText;
use crate::error::{Code, Error, Problem, Result, quote};

/// Unknown categories that one error shows.
const SHOWN: usize = 5;

/// Unknown categories of a column that are compared with the known ones letter by letter.
const CASES: u64 = 100;

/// Encodes rows of one table.
#[derive(Debug)]
pub struct Encoder<'p> {
    preprocessing: &'p Preprocessing,
    binding: Binding,
    source: String,
    markers: Markers,
    /// For each column: its categories.
    categories: Vec<CategoryIndex>,
    /// For each number of the target: its labels.
    labels: Vec<CategoryIndex>,
    /// Whether some targets are numbers.
    exact: bool,
    /// Steps of the row that is being read, those that are cut among them.
    steps: usize,
    report: Report,
    /// For each column: its missing values.
    missing: Vec<u64>,
    unknown: Vec<Problem>,
    /// For each column whose policy is `error`: how many are missing, and the first.
    forbidden: BTreeMap<usize, (u64, String, u64)>,
}

impl<'p> Encoder<'p> {
    /// An encoder for a table with these columns; see [`Preprocessing::bind`].
    ///
    /// # Errors
    /// Those of [`Preprocessing::bind`].
    pub fn new(
        preprocessing: &'p Preprocessing,
        columns: &[String],
        source: &str,
        with_targets: bool,
    ) -> Result<Self> {
        let binding = preprocessing.bind(columns, source, with_targets)?;
        let categories = preprocessing.columns.iter().map(|column| match &column.cell {
            Cell::Category(category) => category.index(),
            _ => CategoryIndex::default(),
        });
        let targets = &preprocessing.targets;
        let labels = (0..targets.width()).map(|i| {
            let labels = targets.of(i).and_then(|(targets, i)| targets.labels(i));
            labels.map_or_else(CategoryIndex::default, CategoryIndex::new)
        });
        Ok(Encoder {
            preprocessing,
            binding,
            source: source.into(),
            markers: Markers::new(&preprocessing.missing_values),
            categories: categories.collect(),
            labels: labels.collect(),
            exact: targets.iter().any(|(group, _)| matches!(group.targets, Targets::Numbers { .. })),
            steps: 0,
            report: Report::default(),
            missing: vec![0; preprocessing.columns.len()],
            unknown: Vec::new(),
            forbidden: BTreeMap::new(),
        })
    }

    /// Where the columns stand, and which are extra.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// What has been met so far.
    pub fn report(&self) -> Report {
        let columns = self.preprocessing.columns.iter().zip(&self.missing);
        let missing = columns.filter(|(_, count)| **count > 0);
        Report {
            missing: missing.map(|(c, &count)| (c.name.clone(), count)).collect(),
            ..self.report.clone()
        }
    }

    /// Replaces the rows of `table` by the next rows of `rows`, at most `limit`; how many there are now. Fewer than
    /// `limit` means that the end was reached. `kept` sees every row that went into the table, in order.
    ///
    /// # Errors
    /// [`Code::Data`] for fields that do not fit; what `kept` returns; what reading returns.
    pub fn fill<R: Rows>(
        &mut self,
        rows: &mut R,
        table: &mut Table,
        limit: usize,
        kept: &mut dyn FnMut(&dyn Fields) -> Result<()>,
    ) -> Result<usize> {
        table.clear();
        table
            .step_classes
            .resize_with(self.preprocessing.targets.names_of_steps().count(), TokenStore::default);
        while table.rows < limit {
            let Some(row) = rows.next_row()? else { break };
            if self.push(&row, table)? {
                kept(&row)?;
            }
        }
        self.check()?;
        Ok(table.rows)
    }

    /// Puts one row at the end of `table`; false if a missing value drops it.
    fn push<R: Fields>(&mut self, row: &R, table: &mut Table) -> Result<bool> {
        let start = table.cells.len();
        self.steps = 0;
        grow(&mut table.cells, table.width)?;
        let mut stays = true;
        for c in 0..self.preprocessing.columns.len() {
            stays &= self.push_column(c, row, table)?;
        }
        self.report.rows += 1;
        if !stays {
            table.cells.truncate(start);
            table.stores.iter_mut().for_each(|store| store.truncate(table.rows));
            self.report.dropped += 1;
            return Ok(false);
        }
        let width = self.binding.targets.len();
        grow(&mut table.targets, width)?;
        if self.exact {
            grow(&mut table.truths, width)?;
        }
        let mut step_classes = table.step_classes.iter_mut();
        for i in 0..self.binding.targets.len() {
            let (target, truth) = match self.preprocessing.targets.of(i) {
                Some((Targets::StepClasses { column, classes }, _)) => match step_classes.next() {
                    Some(store) => (self.step_classes(i, row, column, classes, store)?, 0.0),
                    None => (0.0, 0.0),
                },
                _ => self.target(i, row)?,
            };
            table.targets.push(target);
            table.truths.extend(self.exact.then_some(truth));
        }
        if let (Some(column), Some(name)) = (self.binding.weight, &self.preprocessing.weight) {
            grow(&mut table.weights, 1)?;
            table.weights.push(weight(row, column, name, &self.markers)?);
        }
        table.rows += 1;
        Ok(true)
    }

    fn push_column<R: Fields>(&mut self, c: usize, row: &R, table: &mut Table) -> Result<bool> {
        let column = &self.preprocessing.columns[c];
        if let Cell::Text(cell) = &column.cell {
            return self.push_text(c, cell, row, table);
        }
        if column.cell.stored().is_some() {
            let store = &mut table.stores[self.preprocessing.stored_before(c)];
            let droppable = matches!(&column.cell, Cell::Image(image) if image.drop_missing);
            let there = push_payload(store, row, self.binding.columns[c], &column.name, droppable)?;
            if matches!(column.cell, Cell::Series(_)) && there {
                self.steps = store.steps(table.rows as u32);
            }
            return Ok(there);
        }
        let cells = &mut table.cells;
        let text = row.get(self.binding.columns[c]).trim_ascii();
        let (missing, fill) = match &column.cell {
            Cell::Number(number) => {
                let raw = read_number(row, text, &column.name, &self.markers, number.offset, Stage::Model)?;
                cells.push(number.scale(raw));
                (raw.is_nan(), &number.missing)
            }
            Cell::Date(date) => {
                let value = read_date(row, text, &column.name, &self.markers, Stage::Model)?;
                for (part, number) in &date.parts {
                    cells.push(number.scale(value.map_or(f32::NAN, |d| part.of(d) as f32)));
                }
                (value.is_none(), date.parts.first().map_or(&Fill::Value(0.0), |(_, n)| &n.missing))
            }
            Cell::Category(category) if self.markers.has(text) => {
                cells.push(category.missing_code());
                let fill = match category.missing {
                    CategoryFill::DropRow => &Fill::DropRow,
                    CategoryFill::Error => &Fill::Error,
                    _ => &Fill::Value(0.0),
                };
                (true, fill)
            }
            Cell::Category(category) => {
                let found = self.categories[c].find(text);
                cells.push(found.map_or(0.0, |position| (position + 1) as f32));
                if found.is_none() {
                    self.note_unknown(c, category.unknown, row, text)?;
                }
                return Ok(true);
            }
            Cell::Image(_) | Cell::Series(_) | Cell::Text(_) => return Ok(true),
        };
        if missing {
            self.note_missing(c, row, *fill == Fill::Error);
        }
        Ok(!(missing && *fill == Fill::DropRow))
    }

    fn push_text<R: Fields>(
        &mut self,
        c: usize,
        cell: &TextCell,
        row: &R,
        table: &mut Table,
    ) -> Result<bool> {
        let name = &self.preprocessing.columns[c].name;
        let text = row.get(self.binding.columns[c]).trim_ascii();
        let missing = !cell.of_steps && self.markers.has_text(text);
        let store = &mut table.stores[self.preprocessing.stored_before(c)];
        match store.push_tokens(cell, if missing { "" } else { text }) {
            Ok(count) => {
                self.steps = count;
                let unknown = if count > 0 { store.unknown_in_last(cell) } else { 0 };
                self.note_tokens(c, unknown, count as u64);
                if count > cell.length {
                    *self.report.cut.entry(name.clone()).or_default() += 1;
                }
            }
            Err(unknown) => return Err(unknown_text(row, name, &unknown)),
        }
        if missing {
            self.note_missing(c, row, cell.missing == TextFill::Error);
        }
        Ok(!(missing && cell.missing == TextFill::DropRow))
    }

    /// Puts the classes of a row's steps, as far as the network sees them, at the end of `store`: how many there are.
    fn step_classes<R: Fields>(
        &self,
        i: usize,
        row: &R,
        name: &str,
        classes: &[String],
        store: &mut TokenStore,
    ) -> Result<f32> {
        let text = row.get(self.binding.targets[i]).trim_ascii();
        if self.markers.has_text(text) {
            return Err(missing_target(row, name, text));
        }
        let labels = step_targets::split(text);
        step_targets::check_count(row, name, labels.clone().count(), self.steps)?;
        let most = self.preprocessing.longest_text().unwrap_or(usize::MAX);
        let mut codes = Vec::with_capacity(self.steps.min(most));
        for label in labels {
            match self.labels[i].find(label) {
                Some(code) => codes.push(code),
                None => return Err(unknown_label(row, name, label, classes, "was not seen in training")),
            }
        }
        codes.truncate(most);
        let count = codes.len() as f32;
        store.push_ids(codes.into_iter());
        Ok(count)
    }

    fn note_tokens(&mut self, c: usize, unknown: u64, all: u64) {
        let name = &self.preprocessing.columns[c].name;
        let counted = match self.report.tokens.get_mut(name) {
            Some(counted) => counted,
            None => self.report.tokens.entry(name.clone()).or_default(),
        };
        counted.0 += unknown;
        counted.1 += all;
    }

    fn note_missing<R: Fields>(&mut self, c: usize, row: &R, forbidden: bool) {
        self.missing[c] += 1;
        if forbidden {
            let first = || (0, row.file().to_owned(), row.line());
            self.forbidden.entry(c).or_insert_with(first).0 += 1;
        }
    }

    fn note_unknown<R: Fields>(&mut self, c: usize, policy: Unknown, row: &R, text: &str) -> Result<()> {
        let column = &self.preprocessing.columns[c];
        let count = match self.report.unknown.get_mut(&column.name) {
            Some(count) => count,
            None => self.report.unknown.entry(column.name.clone()).or_default(),
        };
        *count += 1;
        if *count <= CASES
            && let Cell::Category(category) = &column.cell
            && let Some(known) = category.categories.iter().find(|known| same_letters(known, text))
        {
            let pair = || (text.to_owned(), known.clone());
            self.report.other_case.entry(column.name.clone()).or_insert_with(pair);
        }
        if policy == Unknown::Error {
            let place = field::place(row, &column.name);
            let problem = Problem::new(place, "a category unseen in training").found(quote(text));
            let known = match &column.cell {
                Cell::Category(category) => &category.categories[..],
                _ => &[],
            };
            let problem = problem.expected(format!("one of {}", field::list(known)));
            self.unknown.push(match field::closest(text, known) {
                Some(close) => problem.help(format!("did you mean {}?", quote(close))),
                None => problem,
            });
        }
        if self.unknown.len() >= SHOWN { self.check() } else { Ok(()) }
    }

    /// Fails if a row was pushed that the policies do not allow.
    fn check(&mut self) -> Result<()> {
        let mut problems = std::mem::take(&mut self.unknown);
        for (c, (count, file, line)) in std::mem::take(&mut self.forbidden) {
            let name = &self.preprocessing.columns[c].name;
            problems.push(missing_values(&self.source, name, count, &file, line));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::all(Code::Data, problems)) }
    }

    /// Number `i` of the target as the network learns it, and in 64 bits if it is a number of the data.
    fn target<R: Fields>(&self, i: usize, row: &R) -> Result<(f32, f64)> {
        let text = row.get(self.binding.targets[i]).trim_ascii();
        let Some((targets, own)) = self.preprocessing.targets.of(i) else { return Ok((0.0, 0.0)) };
        let name = targets.name(own);
        if self.markers.has(text) {
            return Err(missing_target(row, name, text));
        }
        match (targets, targets.labels(own)) {
            (Targets::Numbers { columns }, _) => {
                let column = &columns[own];
                let x = read_number_target(row, text, name, &self.markers, column.offset)?;
                Ok((column.scale(NumberCell::raw(column.offset, x)), x))
            }
            (_, Some(labels)) => match self.labels[i].find(text) {
                Some(code) => Ok((code as f32, 0.0)),
                None => Err(unknown_label(row, name, text, labels, "was not seen in training")),
            },
            (_, None) => Ok((0.0, 0.0)),
        }
    }
}

/// Whether two texts differ in upper and lower case alone.
fn same_letters(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// The error of a text that the tokenizer cannot encode.
fn unknown_text<R: Fields>(row: &R, column: &str, unknown: &UnknownText) -> Error {
    Error::data(field::place(row, column), unknown.to_string())
        .expected("characters of the training data")
        .help(format!("fix the field, or train with {}.unknown = \"other\"", field::pin_key(column)))
}

//! A table as it is read: 32-bit numbers, category codes in order of appearance, nothing fitted yet.

use super::column::{Dictionary, NumberCell};
use super::date::{self, DatePart};
use super::field::{self, Markers, Number, Stage, bad_number};
use super::options::{ColumnType, DataOptions, MissingPolicy};
use super::raw_target::RawTargets;
use super::rows::{Fields, RowBuffer, Rows};
use super::schema::{ColumnSchema, Role, Schema};
use super::spellings::LateCodes;
use super::split::{self, Split};
use super::stored::{Store, TokenStore};
use super::target::Targets;
use super::target_groups::TargetGroups;
use crate::error::{Code, Error, Problem, Result, quote};
use crate::tensor::Key;

/// The largest code that 32 bits hold exactly.
const MOST_CATEGORIES: usize = 1 << 24;

/// A table in memory before anything is fitted: one `f32` for each number or category, row after row, and the targets.
#[derive(Debug)]
pub struct RawTable {
    pub(super) schema: Schema,
    pub(super) options: DataOptions,
    pub(super) features: Vec<RawFeature>,
    /// Numbers in a row.
    pub(super) width: usize,
    /// `[rows, width]`; NaN where missing.
    pub(super) cells: Vec<f32>,
    /// Numbers are not standardised yet.
    pub(super) targets: TargetGroups,
    /// `[rows, targets]`
    pub(super) target_cells: Vec<f32>,
    /// Number targets in 64 bits, `[rows, targets]`; empty where no target is a number.
    pub(super) truths: Vec<f64>,
    /// One for each row; empty without a weight column.
    pub(super) weights: Vec<f32>,
    /// The code of each row's group; empty without a group column.
    groups: Vec<u32>,
    /// Images, series and texts, in the order of their columns.
    pub(super) stores: Vec<Store>,
    /// The classes of the steps, for each target that has some.
    pub(super) step_classes: Vec<TokenStore>,
    /// For the user.
    pub(super) notes: Vec<String>,
    rows: usize,
    dropped: u64,
}

/// An input column while it is read.
#[derive(Debug)]
pub(super) struct RawFeature {
    /// Position in the file and in the schema.
    pub(super) column: usize,
    /// Position of its first number in a row.
    pub(super) cell: usize,
    pub(super) kind: RawKind,
    policy: Option<MissingPolicy>,
    codes: Option<LateCodes>,
    missing: u64,
    first_missing: Option<(String, u64)>,
}

#[derive(Debug)]
pub(super) enum RawKind {
    Number {
        offset: f64,
    },
    Category(Dictionary),
    Date {
        parts: &'static [DatePart],
    },
    /// The position of its store.
    Stored(usize),
    /// Likewise; its texts may be missing, except those that are made of the words of steps.
    Text {
        position: usize,
        of_steps: bool,
    },
}

impl RawTable {
    /// Reads a whole table, its types inferred from its first rows.
    ///
    /// # Errors
    /// Those of [`Schema::infer`]; [`Code::Data`] for fields that do not fit their column, missing targets, a target of
    /// one class; [`Code::Environment`] where memory ends.
    pub fn read<R: Rows>(rows: &mut R, options: &DataOptions) -> Result<RawTable> {
        let sample = RowBuffer::sample(rows)?;
        let schema = Schema::infer(&sample, options)?;
        Self::read_rest(schema, options, sample, rows)
    }

    /// Reads a table whose first rows are in `sample` already.
    ///
    /// # Errors
    /// As [`RawTable::read`].
    pub fn read_rest<R: Rows>(
        schema: Schema,
        options: &DataOptions,
        mut sample: RowBuffer,
        rows: &mut R,
    ) -> Result<RawTable> {
        let mut reading = Reading::new(schema, options);
        for i in 0..sample.len() {
            reading.push(&sample.row(i))?;
            sample.release(i);
        }
        drop(sample);
        while let Some(row) = rows.next_row()? {
            reading.push(&row)?;
        }
        reading.finish()
    }

    /// What the columns were taken for; counts are complete.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The targets; means and deviations of numbers are not fitted yet.
    pub fn targets(&self) -> &TargetGroups {
        &self.targets
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row; never after a successful read.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Rows that were left out for a missing value (`missing = "drop_row"`).
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Divides the rows into a training part and a validation part, decided by the seed alone; see
    /// [`Split::by_fraction`]. The classes of the first target that has some keep their shares, unless a group column keeps rows
    /// together; see [`Split::by_group`].
    ///
    /// # Errors
    /// [`Code::Data`] where the validation part would be empty although the fraction is not 0.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<Split> {
        let all: Vec<u32> = (0..self.rows as u32).collect();
        self.divide(&all, fraction, seed, "validation")
    }

    /// Takes a test part out, then divides the rest as [`RawTable::split`] does: the split and the test part. Of windows the
    /// test part is the last in time, and the validation part the last before it.
    ///
    /// # Errors
    /// [`Code::Data`] where a part would be empty although its fraction is not 0.
    pub fn parts(&self, test: f64, validation: f64, seed: u64) -> Result<(Split, Vec<u32>)> {
        let all: Vec<u32> = (0..self.rows as u32).collect();
        let held = self.divide(&all, test, Key::new(seed).named("test").bits(0), "test")?;
        Ok((self.divide(&held.train, validation, seed, "validation")?, held.validation))
    }

    /// Steps of the row that was read last: of its series, or of its text.
    fn steps_of_last(&self) -> usize {
        let of = |feature: &RawFeature| match feature.kind {
            RawKind::Text { position, .. } => {
                let Store::Texts(texts) = &self.stores[position] else { return None };
                let spec = self.schema.columns[feature.column].pin.tokenizer_spec();
                spec.count(texts.row(self.rows as u32))
            }
            RawKind::Stored(position) if matches!(self.stores[position], Store::Series(_)) => {
                Some(self.stores[position].steps(self.rows as u32))
            }
            _ => None,
        };
        self.features.iter().find_map(of).unwrap_or(0)
    }

    /// Divides these rows; `part` is what messages call the smaller part.
    fn divide(&self, rows: &[u32], fraction: f64, seed: u64, part: &str) -> Result<Split> {
        let first = self.targets.first_classes().map(|(column, classes)| {
            let of = |&row: &u32| self.target_cells[row as usize * self.targets.width() + column];
            (rows.iter().map(of).collect::<Vec<f32>>(), classes.len())
        });
        let classes = first.as_ref().map(|(of, count)| split::Classes { of, count: *count });
        let split = match &self.options.steps.windows {
            Some(cut) => Split::by_time(rows.len(), fraction, cut.horizon.div_ceil(cut.stride)),
            None if !self.groups.is_empty() => {
                let groups: Vec<u32> = rows.iter().map(|&row| self.groups[row as usize]).collect();
                Split::by_group(&groups, fraction, seed)
            }
            None => Split::by_fraction(rows.len(), fraction, seed, classes),
        };
        let split = split.map_err(|what| {
            let help = match self.options.steps.windows {
                Some(_) => format!("add rows, choose a shorter data.windows.horizon, or set data.{part} = 0"),
                None => format!("set data.{part} = 0, or a larger part"),
            };
            Error::data(&self.schema.file, what.replace("validation", part)).help(help)
        })?;
        let places = |part: Vec<u32>| part.into_iter().map(|i| rows[i as usize]).collect();
        Ok(Split { train: places(split.train), validation: places(split.validation) })
    }
}

/// The state of a read.
struct Reading {
    table: RawTable,
    markers: Markers,
    targets: RawTargets,
    weight: Option<usize>,
    group: Option<usize>,
    groups: Dictionary,
}

impl Reading {
    fn new(schema: Schema, options: &DataOptions) -> Self {
        let mut features = Vec::new();
        let mut width = 0;
        let mut stores = Vec::new();
        let mut used: Vec<(usize, &ColumnSchema)> =
            schema.columns.iter().enumerate().filter(|(_, c)| c.role == Role::Feature).collect();
        if let Some(prior) = &options.prior {
            // Its weights expect its order.
            used.sort_by_key(|(_, column)| prior.place(&column.name));
        }
        for (i, column) in used {
            if let Some(store) = &column.stored {
                let kind = match store {
                    Store::Texts(_) => RawKind::Text {
                        position: stores.len(),
                        of_steps: options.steps.words.contains(&column.name),
                    },
                    _ => RawKind::Stored(stores.len()),
                };
                features.push(RawFeature::new(i, width, kind, column));
                stores.push(store.clone());
                continue;
            }
            let (kind, cells) = match column.kind {
                ColumnType::Category => (RawKind::Category(Dictionary::default()), 1),
                ColumnType::Date => {
                    let parts = DatePart::of_column(column.date_format, column.has_time);
                    (RawKind::Date { parts }, parts.len())
                }
                _ => (RawKind::Number { offset: column.offset }, 1),
            };
            features.push(RawFeature::new(i, width, kind, column));
            width += cells;
        }
        let targets = RawTargets::new(&schema, options);
        let weight = schema.columns.iter().position(|c| c.role == Role::Weight);
        let of_group = |c: &ColumnSchema| options.group.as_ref() == Some(&c.name);
        let group = schema.columns.iter().position(of_group);
        let table = RawTable {
            schema,
            options: options.clone(),
            features,
            width,
            cells: Vec::new(),
            targets: TargetGroups::new(Vec::new()),
            target_cells: Vec::new(),
            truths: Vec::new(),
            weights: Vec::new(),
            groups: Vec::new(),
            stores,
            step_classes: Vec::new(),
            notes: Vec::new(),
            rows: 0,
            dropped: 0,
        };
        let markers = Markers::new(&options.missing_values);
        Reading { table, markers, targets, weight, group, groups: Dictionary::default() }
    }

    fn push<R: Fields>(&mut self, row: &R) -> Result<()> {
        let table = &mut self.table;
        let start = table.cells.len();
        grow(&mut table.cells, table.width)?;
        let mut drop_row = false;
        for feature in &mut table.features {
            let name = &table.schema.columns[feature.column].name;
            let filled = match feature.kind {
                RawKind::Stored(position) => {
                    let droppable = feature.policy == Some(MissingPolicy::DropRow);
                    let store = &mut table.stores[position];
                    push_payload(store, row, feature.column, name, droppable)?
                }
                RawKind::Text { position, of_steps } => {
                    let text = row.get(feature.column).trim_ascii();
                    let filled = of_steps || !self.markers.has_text(text);
                    table.stores[position].push_text(if filled { text } else { "" });
                    filled
                }
                _ => feature.push(row, name, &self.markers, &mut table.cells)?,
            };
            if !filled {
                drop_row |= feature.note_missing(row);
            }
        }
        if drop_row {
            table.cells.truncate(start);
            table.stores.iter_mut().for_each(|store| store.truncate(table.rows));
            table.dropped += 1;
            return Ok(());
        }
        grow(&mut table.target_cells, self.targets.len())?;
        let steps = if self.targets.have_steps() { table.steps_of_last() } else { 0 };
        if self.targets.have_numbers() {
            grow(&mut table.truths, self.targets.len())?;
        }
        self.targets.push(row, &self.markers, steps, &mut table.target_cells, &mut table.truths)?;
        if let Some(column) = self.weight {
            grow(&mut table.weights, 1)?;
            table.weights.push(weight(row, column, &table.schema.columns[column].name, &self.markers)?);
        }
        if let Some(column) = self.group {
            let name = &table.schema.columns[column].name;
            let text = row.get(column).trim_ascii();
            if self.markers.has(text) {
                return Err(Error::data(field::place(row, name), "the group of the row is missing")
                    .found(quote(text))
                    .help("fill it in, or remove the row"));
            }
            table.groups.push(self.groups.code(text));
        }
        table.rows += 1;
        match u32::try_from(table.rows) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::data(row.file(), format!("more than {} rows", u32::MAX))),
        }
    }

    fn finish(self) -> Result<RawTable> {
        let Reading { mut table, targets, .. } = self;
        let problems: Vec<Problem> = table.features.iter().filter_map(|f| f.problem(&table.schema)).collect();
        if !problems.is_empty() {
            return Err(Error::all(Code::Data, problems));
        }
        if table.rows == 0 {
            let what = format!("no row is left: all {} miss a value under drop_row", table.dropped);
            return Err(Error::data(&table.schema.file, what));
        }
        if self.weight.is_some() && table.weights.iter().all(|&w| w == 0.0) {
            return Err(Error::data(&table.schema.file, "all row weights are 0"));
        }
        for feature in &table.features {
            let note = feature
                .codes
                .as_ref()
                .and_then(|codes| codes.note(&table.schema.columns[feature.column].name));
            table.notes.extend(note);
        }
        table.notes.extend(targets.notes());
        let RawTable { schema, target_cells, truths, step_classes, rows, .. } = &mut table;
        table.targets = targets.finish(schema, target_cells, truths, *rows, step_classes)?;
        let is_number = |targets: &Targets| matches!(targets, Targets::Numbers { .. });
        if !table.targets.iter().any(|(group, _)| is_number(&group.targets)) {
            table.truths = Vec::new();
        }
        for feature in &table.features {
            let column = &mut table.schema.columns[feature.column];
            column.missing = feature.missing;
            if let RawKind::Category(dictionary) = &feature.kind {
                column.values = dictionary.len();
            }
        }
        table.cells.shrink_to_fit();
        table.target_cells.shrink_to_fit();
        table.truths.shrink_to_fit();
        Ok(table)
    }
}

impl RawFeature {
    fn new(position: usize, cell: usize, kind: RawKind, column: &ColumnSchema) -> Self {
        let policy = column.pin.missing;
        let codes = LateCodes::watch(column);
        RawFeature { column: position, cell, kind, policy, codes, missing: 0, first_missing: None }
    }

    /// Puts the field's numbers at the end of `cells`; false if it is missing.
    #[inline]
    fn push<R: Fields>(
        &mut self,
        row: &R,
        name: &str,
        markers: &Markers,
        cells: &mut Vec<f32>,
    ) -> Result<bool> {
        let text = row.get(self.column).trim_ascii();
        match &mut self.kind {
            RawKind::Number { offset } => {
                let raw = read_number(row, text, name, markers, *offset, Stage::Train)?;
                if let Some(codes) = &mut self.codes {
                    codes.see(text);
                }
                cells.push(raw);
                Ok(!raw.is_nan())
            }
            RawKind::Category(_) if markers.has(text) => {
                cells.push(f32::NAN);
                Ok(false)
            }
            RawKind::Category(dictionary) => {
                let code = dictionary.code(text);
                if dictionary.len() >= MOST_CATEGORIES {
                    let what = format!("more than {MOST_CATEGORIES} different values in a category");
                    let help = format!("list {} in data.exclude", quote(name));
                    return Err(Error::data(field::place(row, name), what).help(help));
                }
                cells.push(code as f32);
                Ok(true)
            }
            RawKind::Date { parts } => {
                let date = read_date(row, text, name, markers, Stage::Train)?;
                cells.extend(parts.iter().map(|p| date.map_or(f32::NAN, |d| p.of(d) as f32)));
                Ok(date.is_some())
            }
            RawKind::Stored(_) | RawKind::Text { .. } => Ok(true),
        }
    }

    /// Counts a missing value; whether the row must go.
    fn note_missing<R: Fields>(&mut self, row: &R) -> bool {
        self.missing += 1;
        if self.first_missing.is_none() {
            self.first_missing = Some((row.file().into(), row.line()));
        }
        self.policy == Some(MissingPolicy::DropRow)
    }

    /// Missing values where there must be none.
    fn problem(&self, schema: &Schema) -> Option<Problem> {
        let (file, line) =
            self.first_missing.as_ref().filter(|_| self.policy == Some(MissingPolicy::Error))?;
        let name = &schema.columns[self.column].name;
        let key = field::pin_key(name);
        Some(missing_values(&schema.file, name, self.missing, file, *line).help(match self.kind {
            RawKind::Text { .. } => {
                format!("set {key}.missing = \"drop_row\", or leave it out: a missing text is an empty one")
            }
            _ => format!("set {key}.missing to another policy, such as \"indicator\" or \"drop_row\""),
        }))
    }
}

/// The problem of a column whose policy is `error`.
pub(super) fn missing_values(source: &str, column: &str, count: u64, file: &str, line: u64) -> Problem {
    let values = if count == 1 { "value" } else { "values" };
    let what = format!("{count} missing {values} where none is allowed");
    Problem::new(format!("{source}, column {}", quote(column)), what)
        .found(format!("first in {file}, line {line}"))
}

/// Puts the payload of a row's field into `store`; false if there is none and the row may go.
pub(super) fn push_payload<R: Fields>(
    store: &mut Store,
    row: &R,
    column: usize,
    name: &str,
    droppable: bool,
) -> Result<bool> {
    match row.payload(column) {
        Some(payload) => match store.push(&payload) {
            Ok(()) => Ok(true),
            Err(what) => Err(Error::data(field::place(row, name), what)),
        },
        None if droppable => Ok(false),
        None => {
            let key = field::pin_key(name);
            Err(Error::data(field::place(row, name), "the field is missing, and nothing can stand for it")
                .help(format!("remove the row, or train with {key}.missing = \"drop_row\"")))
        }
    }
}

/// The raw value of a number field; NaN if it is missing.
#[inline(always)]
pub(super) fn read_number<R: Fields>(
    row: &R,
    text: &str,
    name: &str,
    markers: &Markers,
    offset: f64,
    stage: Stage,
) -> Result<f32> {
    match markers.number(text) {
        Number::Value(x) => {
            let raw = NumberCell::raw(offset, x);
            if raw.is_finite() {
                return Ok(raw);
            }
        }
        Number::Missing => return Ok(f32::NAN),
        Number::Bad => {}
    }
    Err(bad_number(field::place(row, name), name, text, stage))
}

/// The date of a field; none if it is missing.
pub(super) fn read_date<R: Fields>(
    row: &R,
    text: &str,
    name: &str,
    markers: &Markers,
    stage: Stage,
) -> Result<Option<jiff::civil::DateTime>> {
    match date::parse(text) {
        _ if markers.has(text) => Ok(None),
        Some(parsed) => Ok(Some(parsed.date)),
        None => {
            let error = Error::data(field::place(row, name), "no date in a date column")
                .expected("a date such as 2024-01-31 or 2024-01-31 23:59:00")
                .found(quote(text));
            Err(match stage {
                Stage::Train => {
                    let key = field::pin_key(name);
                    error.help(format!("set {key}.type = \"category\", or list it in data.missing_values"))
                }
                Stage::Model => error.help("fix the field; the model takes this column as dates"),
            })
        }
    }
}

/// A row's weight.
pub(super) fn weight<R: Fields>(row: &R, column: usize, name: &str, markers: &Markers) -> Result<f32> {
    let text = row.get(column).trim_ascii();
    match markers.number(text) {
        Number::Value(x) if x >= 0.0 && (x as f32).is_finite() => Ok(x as f32),
        _ => Err(Error::data(field::place(row, name), "not a row weight")
            .expected("a finite number, 0 or more")
            .found(quote(text))),
    }
}

/// Makes room for `more` numbers. A quarter at a time: pages never written take no memory, and moving a large block is a
/// matter of page tables.
pub(super) fn grow<T>(numbers: &mut Vec<T>, more: usize) -> Result<()> {
    if numbers.capacity() - numbers.len() >= more {
        return Ok(());
    }
    let room = more.max(numbers.len() / 4).max(1 << 12);
    numbers.try_reserve_exact(room).map_err(|_| {
        let bytes = size_of::<T>() * (numbers.len() + room);
        Error::environment("memory", format!("the table does not fit: {bytes} bytes were refused"))
    })
}

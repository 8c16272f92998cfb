//! Fitting the preprocessing on the training part, and applying it to the table in place.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::category_index::CategoryIndex;
use super::column::{CategoryCell, CategoryFill, Cell, Column, DateCell, Dictionary, Fill, NumberCell};
use super::date::{self, DatePart};
use super::field;
use super::infer::MANY_VALUES;
use super::inputs::{DEFAULT_INPUT, Inputs};
use super::moments::{self, Moments};
use super::options::{Encoding, MissingPolicy, Resize, Scale, Unknown};
use super::preprocess::{InputColumns, Preprocessing};
use super::prior::NOT_IN_MODEL;
use super::raw::{RawFeature, RawKind, RawTable};
use super::resolution::{self, Merged};
use super::scaler::{self, Scaler, Summary};
use super::schema::{ColumnSchema, Role, Schema};
use super::spellings;
use super::stored::{ImageCell, SeriesCell, Store};
use super::table::Table;
use super::target::{NumberTarget, Targets};
use super::target_groups::TargetGroups;
use crate::error::{Error, Problem, Result, quote};

/// What [`RawTable::fit`] gives.
#[derive(Debug)]
pub struct Fitted {
    /// To be saved with the model.
    pub preprocessing: Preprocessing,
    /// What the network gets.
    pub inputs: Inputs,
    /// All rows, encoded.
    pub table: Table,
    /// What became of every column.
    pub schema: Schema,
    /// For the user: constant columns, classes without a row in the training part.
    pub warnings: Vec<String>,
    /// For the user: what the model that a run goes on from does not know.
    pub notes: Vec<String>,
}

/// How the raw number of a kept cell becomes the encoded one.
pub(super) enum Change {
    Scale(NumberCell),
    Recode { codes: Vec<f32>, missing: f32 },
}

/// A fitted column, and what to do with its raw cells, given by ascending cell.
pub(super) type FittedCell = (Cell, Vec<(usize, Change)>);

impl RawTable {
    /// Fits the preprocessing on the rows `train` (ascending, not empty) and applies it to all rows in place: no second
    /// copy of the table is made.
    ///
    /// # Errors
    /// [`crate::error::Code::Data`] if no input column varies; [`crate::error::Code::Usage`] if a shape does not fit.
    pub fn fit(mut self, train: &[u32]) -> Result<Fitted> {
        let moments = Moments::new(&self.cells, self.width, train);
        let mut fit = Fit {
            raw: &self,
            train,
            moments,
            warnings: Vec::new(),
            notes: Vec::new(),
            channels: BTreeMap::new(),
            stores: vec![None; self.stores.len()],
        };
        fit.pool_channels();
        let mut columns = Vec::new();
        let mut changes: Vec<(usize, Change)> = Vec::new();
        let mut schema = self.schema.clone();
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); schema.inputs.len() + 1];
        for feature in &self.features {
            let about = &mut schema.columns[feature.column];
            match fit.column(feature, about)? {
                Some((cell, more)) => {
                    about.numbers = cell.numbers();
                    about.embedded = cell.is_embedded();
                    changes.extend(more);
                    groups[about.input.unwrap_or(self.schema.inputs.len())].push(columns.len());
                    columns.push(Column { name: about.name.clone(), cell });
                }
                None => {
                    about.role = Role::LeftOut;
                    about.reason = "it does not vary in the training part".into();
                }
            }
        }
        if columns.is_empty() {
            return Err(Error::data(&schema.file, "no input column varies in the training part")
                .help("add rows, or check data.features and data.exclude"));
        }
        let targets = fit.targets();
        let Fit { warnings, mut notes, stores: fitted, .. } = fit;
        notes.extend(self.notes.iter().cloned());
        notes.extend(unused(&schema));
        let stores = std::mem::take(&mut self.stores).into_iter().zip(fitted);
        self.stores = stores.filter_map(|(raw, fitted)| fitted.map(|f| f.unwrap_or(raw))).collect();
        let preprocessing = Preprocessing {
            language: None,
            missing_values: self.options.missing_values.clone(),
            inputs: input_columns(&schema, &columns, groups)?,
            columns,
            targets,
            weight: self.options.weight.clone(),
            ignored: left_out(&schema),
        };
        // A text that is cut has no more labels than steps.
        preprocessing.longest_text().into_iter().for_each(|length| self.cut_step_classes(length));
        let inputs = preprocessing.inputs();
        let table = self.encode(&changes, &preprocessing.targets);
        Ok(Fitted { preprocessing, inputs, table, schema, warnings, notes })
    }

    /// Takes the classes of the steps behind the first `length` of each row out.
    fn cut_step_classes(&mut self, length: usize) {
        let width = self.targets.width();
        let with_steps =
            self.targets.iter().filter(|(g, _)| matches!(g.targets, Targets::StepClasses { .. }));
        for ((_, own), store) in with_steps.zip(&mut self.step_classes) {
            store.cut(length);
            for (row, cells) in self.target_cells.chunks_exact_mut(width).enumerate() {
                cells[own.start] = store.row(row as u32).len() as f32;
            }
        }
    }

    /// Applies `changes`, given by ascending cell, and takes the other cells out.
    fn encode(self, changes: &[(usize, Change)], targets: &TargetGroups) -> Table {
        let rows = self.len();
        let RawTable { mut cells, mut target_cells, truths, weights, stores, step_classes, width, .. } = self;
        let kept = changes.len();
        cells.par_chunks_mut((width * 1024).max(1)).for_each(|block| {
            for row in block.chunks_exact_mut(width) {
                for (to, (from, change)) in changes.iter().enumerate() {
                    // never to the right of what is still to be read
                    row[to] = change.apply(row[*from]);
                }
            }
        });
        if kept < width {
            for row in 1..rows {
                cells.copy_within(row * width..row * width + kept, row * kept);
            }
            cells.truncate(rows * kept);
            cells.shrink_to_fit();
        }
        let target_width = targets.width();
        for (group, own) in targets.iter() {
            let Targets::Numbers { columns } = &group.targets else { continue };
            for row in target_cells.chunks_exact_mut(target_width) {
                row[own.clone()].iter_mut().zip(columns).for_each(|(y, column)| *y = column.scale(*y));
            }
        }
        let targets = target_cells;
        Table {
            width: kept,
            cells,
            target_width,
            targets,
            truths,
            weights,
            stores,
            step_classes,
            rows,
            text: None,
        }
    }
}

impl Change {
    #[inline]
    fn apply(&self, raw: f32) -> f32 {
        match self {
            Change::Scale(number) => number.scale(raw),
            Change::Recode { missing, .. } if raw.is_nan() => *missing,
            Change::Recode { codes, .. } => codes[raw as usize],
        }
    }
}

/// Columns that new data may have without a note.
fn left_out(schema: &Schema) -> Vec<String> {
    let unused = |c: &&ColumnSchema| matches!(c.role, Role::LeftOut | Role::Step);
    schema.columns.iter().filter(unused).map(|c| c.name.clone()).collect()
}

/// A note on columns that the model that a run goes on from does without.
fn unused(schema: &Schema) -> Option<String> {
    let unused = schema.columns.iter().filter(|c| c.role == Role::LeftOut && c.reason == NOT_IN_MODEL);
    let names: Vec<String> = unused.map(|c| c.name.clone()).collect();
    let list = field::list(&names);
    match names.len() {
        0 => None,
        1 => Some(format!("column {list} is ignored: {NOT_IN_MODEL}")),
        n => Some(format!("{n} columns are ignored: the model of train.init_from does not have {list}")),
    }
}

/// The inputs that have columns, the default one last.
fn input_columns(schema: &Schema, fitted: &[Column], groups: Vec<Vec<usize>>) -> Result<Vec<InputColumns>> {
    let mut inputs = Vec::new();
    for (i, columns) in groups.into_iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        let (name, shape) = match schema.inputs.get(i) {
            Some(input) => (input.name.clone(), input.shape.clone()),
            None => (DEFAULT_INPUT.to_owned(), None),
        };
        // The shape of images and series is fitted: the config's went into it.
        let shape = shape.filter(|_| columns.iter().all(|&c| fitted[c].cell.stored().is_none()));
        if let Some(axes) = &shape
            && axes.iter().try_fold(1usize, |n, &a| n.checked_mul(a)) != Some(columns.len())
        {
            let problem = Problem::new(format!("data.inputs.{name}"), "the shape does not fit the columns")
                .expected(format!("{} numbers, as columns match", columns.len()))
                .found(format!("shape {axes:?}"));
            return Err(Error::new(crate::error::Code::Usage, problem));
        }
        inputs.push(InputColumns { name, columns, shape });
    }
    Ok(inputs)
}

/// The state of a fit.
pub(super) struct Fit<'a> {
    pub(super) raw: &'a RawTable,
    pub(super) train: &'a [u32],
    moments: Moments,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    /// By their cell, numbers that share their scale with all others of their channel: what those are together.
    channels: BTreeMap<usize, Summary>,
    /// For each store of a column that is not left out: what takes its place, if anything does.
    pub(super) stores: Vec<Option<Option<Store>>>,
}

impl Fit<'_> {
    /// In an input of two axes or three the first has the channels: their numbers are of one kind and standardised together,
    /// unless a column or the config wants another scale.
    fn pool_channels(&mut self) {
        let raw = self.raw;
        for (i, input) in
            raw.schema.inputs.iter().enumerate().filter(|_| raw.options.scale == Scale::Standard)
        {
            let Some(axes) = input.shape.as_ref().filter(|axes| (2..=3).contains(&axes.len())) else {
                continue;
            };
            let own = raw.features.iter().filter(|f| raw.schema.columns[f.column].input == Some(i));
            let numbers: Vec<(usize, f64, bool)> = own
                .filter_map(|feature| match feature.kind {
                    RawKind::Number { offset } => {
                        let pinned = raw.schema.columns[feature.column].pin.scale.is_some();
                        Some((feature.cell, offset, pinned))
                    }
                    _ => None,
                })
                .collect();
            // A shape that does not fit is told when the inputs are made.
            let place = numbers.len() / axes[0].max(1);
            for channel in numbers.chunks(place.max(1)) {
                let free = || channel.iter().filter(|(_, _, pinned)| !pinned);
                let all: Vec<Summary> =
                    free().map(|&(cell, offset, _)| self.moments.summary(cell, offset)).collect();
                let together = Summary::together(&all);
                self.channels.extend(free().map(|&(cell, _, _)| (cell, together.clone())));
            }
        }
    }

    /// The fitted column and what to do with its raw cells; none if it does not vary.
    fn column(&mut self, feature: &RawFeature, about: &mut ColumnSchema) -> Result<Option<FittedCell>> {
        if let Some(settled) = self.settled(feature, about)? {
            return Ok(Some(settled));
        }
        let shaped = about.input.is_some_and(|i| self.raw.schema.inputs[i].shape.is_some());
        let scale = about.pin.scale.unwrap_or(self.raw.options.scale);
        Ok(match &feature.kind {
            RawKind::Number { offset } => {
                let summary = self.summary(feature.cell, *offset, scale, about);
                let fixed = about.pin.fill_value.as_deref().and_then(field::parse_number);
                let mut number = self.number(&summary, scale, about, fixed, shaped);
                if let Some(channel) = self.channels.get(&feature.cell) {
                    number.scaler = Scaler::fit(scale, channel);
                }
                if !shaped && self.is_constant(&number, &summary) {
                    self.warn_constant(about, &summary);
                    return Ok(None);
                }
                self.check_resolution(&number, about);
                let change = Change::Scale(number.clone());
                Some((Cell::Number(number), vec![(feature.cell, change)]))
            }
            RawKind::Date { parts } => self.date(feature, parts, scale, about),
            RawKind::Category(dictionary) => self.category(feature, dictionary, about),
            RawKind::Stored(position) => {
                self.stores[*position] = Some(None);
                self.stored(&self.raw.stores[*position], scale, about).map(|cell| (cell, Vec::new()))
            }
            RawKind::Text { position, .. } => self.text(*position, about)?.map(|cell| (cell, Vec::new())),
        })
    }

    fn stored(&self, store: &Store, scale: Scale, about: &ColumnSchema) -> Option<Cell> {
        Some(match store {
            Store::Images(images) => {
                let (mean, unit) = images.summaries(self.train).iter().map(|s| s.scaling(scale)).unzip();
                let group = about.input.map(|i| &self.raw.schema.inputs[i]);
                let sized = group.filter(|group| group.shape.is_some());
                let mut cell = ImageCell {
                    shape: images.shape(),
                    mean,
                    std: unit,
                    resize: sized.map(|group| group.resize.unwrap_or(Resize::Stretch)),
                    drop_missing: about.pin.missing == Some(MissingPolicy::DropRow),
                };
                self.settled_image(&mut cell, about);
                Cell::Image(cell)
            }
            Store::Series(series) => {
                let (mean, std) = series.moments(self.train);
                let fill = mean.clone();
                let (mean, std) = match scale {
                    Scale::None => (vec![0.0; fill.len()], vec![1.0; fill.len()]),
                    _ => (mean, std),
                };
                let (longest, shortest) = series.longest();
                let length = self.raw.options.steps.length.unwrap_or(longest);
                let channels = series.channels().to_vec();
                let mut cell = SeriesCell { channels, length, ragged: shortest < length, mean, std, fill };
                self.settled_series(&mut cell, about);
                Cell::Series(cell)
            }
            Store::Texts(_) | Store::Tokens(_) => return None,
        })
    }

    pub(super) fn summary(&self, cell: usize, offset: f64, scale: Scale, about: &ColumnSchema) -> Summary {
        let mut summary = self.moments.summary(cell, offset);
        if scaler::needs_order(scale) || about.pin.missing == Some(MissingPolicy::Median) {
            summary.sorted = moments::sorted(&self.raw.cells, self.raw.width, cell, self.train);
        }
        summary
    }

    /// Rows of the training part that miss this number.
    fn missing(&self, summary: &Summary) -> u64 {
        self.train.len() as u64 - summary.count
    }

    pub(super) fn number(
        &self,
        summary: &Summary,
        scale: Scale,
        about: &ColumnSchema,
        fixed: Option<f64>,
        shaped: bool,
    ) -> NumberCell {
        let mean = if summary.count > 0 { summary.mean } else { 0.0 };
        let missing = match about.pin.missing {
            None if self.missing(summary) > 0 && !shaped => Fill::Indicator(mean),
            None | Some(MissingPolicy::Mean) => Fill::Value(mean),
            Some(MissingPolicy::Median) if summary.count > 0 => Fill::Value(summary.quantile(1, 2)),
            Some(MissingPolicy::Median) => Fill::Value(mean),
            Some(MissingPolicy::Constant) => Fill::Value(fixed.unwrap_or(0.0)),
            Some(MissingPolicy::Indicator) => Fill::Indicator(mean),
            Some(MissingPolicy::DropRow) => Fill::DropRow,
            Some(MissingPolicy::Error) => Fill::Error,
        };
        NumberCell { offset: summary.offset, scaler: Scaler::fit(scale, summary), missing }
    }

    /// Whether the network would learn nothing from a number.
    fn is_constant(&self, number: &NumberCell, summary: &Summary) -> bool {
        let indicator = matches!(number.missing, Fill::Indicator(_));
        let indicates = indicator && summary.count > 0 && self.missing(summary) > 0;
        summary.is_constant() && !indicates
    }

    fn warn_constant(&mut self, about: &ColumnSchema, summary: &Summary) {
        let name = quote(&about.name);
        self.warnings.push(match summary.count {
            0 => format!("column {name} has no value in the training part: left out of the inputs"),
            _ => format!(
                "column {name} is always {} in the training part: left out of the inputs",
                summary.min
            ),
        });
    }

    fn date(
        &mut self,
        feature: &RawFeature,
        parts: &[DatePart],
        scale: Scale,
        about: &ColumnSchema,
    ) -> Option<FittedCell> {
        let fixed = about.pin.fill_value.as_deref().and_then(date::parse).map(|p| p.date);
        let mut cell = DateCell { parts: Vec::new(), indicator: false };
        let mut changes = Vec::new();
        for (i, &part) in parts.iter().enumerate() {
            let scale = if part.is_phase() { Scale::None } else { scale };
            let summary = self.summary(feature.cell + i, 0.0, scale, about);
            if !summary.is_constant() {
                let number = self.number(&summary, scale, about, fixed.map(|d| part.of(d)), false);
                cell.indicator = matches!(number.missing, Fill::Indicator(_));
                changes.push((feature.cell + i, Change::Scale(number.clone())));
                cell.parts.push((part, number));
            }
        }
        if cell.parts.is_empty() {
            let name = quote(&about.name);
            self.warnings.push(format!("column {name} holds one date only: left out of the inputs"));
            return None;
        }
        Some((Cell::Date(cell), changes))
    }

    fn category(
        &mut self,
        feature: &RawFeature,
        dictionary: &Dictionary,
        about: &ColumnSchema,
    ) -> Option<FittedCell> {
        let unknown = about.pin.unknown.unwrap_or(Unknown::Other);
        let mut present = vec![false; dictionary.len()];
        let mut any_missing = false;
        for &row in self.train {
            let raw = self.raw.cells[row as usize * self.raw.width + feature.cell];
            match raw.is_nan() {
                true => any_missing = true,
                false => present[raw as usize] = true,
            }
        }
        // where unknown values are errors, a value that chance put into the validation part alone is none
        let (mut categories, positions) = dictionary.sorted(|c| present[c] || unknown == Unknown::Error);
        let missing = match about.pin.missing {
            None | Some(MissingPolicy::Mean | MissingPolicy::Median) if !any_missing => CategoryFill::Unknown,
            None | Some(MissingPolicy::Mean | MissingPolicy::Median | MissingPolicy::Indicator) => {
                CategoryFill::Own
            }
            Some(MissingPolicy::Constant) => {
                let text = about.pin.fill_value.clone().unwrap_or_default();
                let at = CategoryIndex::new(&categories).find(&text).map(|at| at as usize);
                CategoryFill::Category(at.unwrap_or_else(|| {
                    categories.push(text);
                    categories.len() - 1
                }))
            }
            Some(MissingPolicy::DropRow) => CategoryFill::DropRow,
            Some(MissingPolicy::Error) => CategoryFill::Error,
        };
        let own = usize::from(missing == CategoryFill::Own);
        let many = categories.len() + own > MANY_VALUES;
        let default = if many { Encoding::Embedding } else { Encoding::OneHot };
        let encoding = about.pin.encoding.unwrap_or(default);
        let cell = CategoryCell { categories, missing, encoding, unknown };
        if cell.cardinality() < 2 {
            let name = quote(&about.name);
            self.warnings.push(match cell.categories.first() {
                Some(only) => {
                    let only = quote(only);
                    format!("column {name} is always {only} in the training part: left out of the inputs")
                }
                None => format!("column {name} has no value in the training part: left out of the inputs"),
            });
            return None;
        }
        self.notes.extend(spellings::notes(&about.name, &cell.categories));
        self.notes.extend(spellings::merged(&about.name, dictionary));
        let index = cell.index();
        let other = |code: usize| index.find(dictionary.name(code as u32)).map(|position| position as usize);
        let code = |(code, position): (usize, Option<usize>)| {
            position.or_else(|| other(code)).map_or(0.0, |position| (position + 1) as f32)
        };
        let codes = positions.into_iter().enumerate().map(code).collect();
        let change = Change::Recode { codes, missing: cell.missing_code() };
        Some((Cell::Category(cell), vec![(feature.cell, change)]))
    }

    /// A warning where 32 bits do not tell the values of number targets apart.
    fn check_resolution_of_targets(&mut self, groups: &TargetGroups) {
        let width = groups.width();
        for (group, own) in groups.iter() {
            let Targets::Numbers { columns } = &group.targets else { continue };
            for (column, i) in columns.iter().zip(own) {
                let rows = self.train.iter().take(resolution::LOOKED_AT);
                let values: Vec<f64> = rows.map(|&row| self.raw.truths[row as usize * width + i]).collect();
                let encode = |x: f64| column.scale(NumberCell::raw(column.offset, x));
                let Some(merged) = Merged::of(&values, encode) else { continue };
                let help = match (column.mean, column.std) == (0.0, 1.0) {
                    true => "set data.standardise_target = true, or subtract a constant from the column",
                    false => "a few values are far away from the others; check them",
                };
                let (name, told) = (quote(&column.name), merged.told());
                self.warnings.push(format!("target {name}: {told}; {help}"));
            }
        }
    }

    /// A warning where 32 bits do not tell the values of a number column apart.
    fn check_resolution(&mut self, number: &NumberCell, about: &ColumnSchema) {
        let Some(merged) = Merged::of(&about.sample, |x| number.scale(NumberCell::raw(number.offset, x)))
        else {
            return;
        };
        let key = field::pin_key(&about.name);
        let help = match number.scaler {
            Scaler::None => format!("set {key}.scale = \"standard\""),
            _ => "a few values are far away from the others; check them, or list them in data.missing_values"
                .into(),
        };
        self.warnings.push(format!("column {}: {}; {help}", quote(&about.name), merged.told()));
    }

    /// Means and deviations of number targets; a warning for each class without a row.
    fn targets(&mut self) -> TargetGroups {
        let mut groups = self.raw.targets.clone();
        let (cells, width) = (&self.raw.target_cells, groups.width());
        let mut step_classes = self.raw.step_classes.iter();
        let options = &self.raw.options;
        for (i, (targets, own)) in groups.iter_mut().enumerate() {
            let cell = |&row: &u32, i: usize| cells[row as usize * width + own.start + i];
            let of_steps = matches!(targets, Targets::StepClasses { .. });
            match targets {
                Targets::NextToken { .. } => {}
                Targets::Numbers { columns } => {
                    if !options.outputs.get(i).map_or(options.standardise_target, |o| o.standardise) {
                        continue;
                    }
                    let prior = |c: &NumberTarget| options.prior.as_ref()?.number_target(&c.name).cloned();
                    if let Some(settled) = columns.iter().map(prior).collect::<Option<Vec<_>>>() {
                        *columns = settled;
                        continue;
                    }
                    let moments = Moments::new(cells, width, self.train);
                    for (i, column) in columns.iter_mut().enumerate() {
                        let summary = moments.summary(own.start + i, column.offset);
                        column.mean = summary.mean;
                        column.std = if summary.is_constant() { 1.0 } else { summary.std };
                        if summary.is_constant() {
                            let (name, value) = (quote(&column.name), summary.mean);
                            let warning = format!("target {name} is always {value} in the training part");
                            self.warnings.push(warning);
                        }
                    }
                    if let Some(cut) = &options.steps.windows {
                        columns.chunks_mut(cut.horizon).for_each(share);
                    }
                }
                Targets::Classes { column, classes } | Targets::StepClasses { column, classes } => {
                    self.notes.extend(spellings::notes(column, classes));
                    let mut seen = vec![false; classes.len()];
                    let steps = if of_steps { step_classes.next() } else { None };
                    self.train.iter().for_each(|&row| match steps {
                        Some(steps) => steps.row(row).iter().for_each(|&class| seen[class as usize] = true),
                        None => seen[cell(&row, 0) as usize] = true,
                    });
                    for (class, _) in classes.iter().zip(seen).filter(|(_, seen)| !seen) {
                        let (class, column) = (quote(class), quote(column));
                        let unit = if of_steps { "step" } else { "row" };
                        let warning = format!("class {class} of {column} has no {unit} in the training part");
                        self.warnings.push(warning);
                    }
                }
                Targets::Labels { columns } => {
                    for (i, label) in columns.iter().enumerate() {
                        self.notes.extend(spellings::notes(&label.name, &label.classes));
                        let first = self.train.first().map(|row| cell(row, i));
                        if self.train.iter().all(|row| Some(cell(row, i)) == first) {
                            let name = quote(&label.name);
                            let warning = format!("target {name} has one value only in the training part");
                            self.warnings.push(warning);
                        }
                    }
                }
            }
        }
        self.check_resolution_of_targets(&groups);
        groups
    }
}

/// Gives forecasts of one column the same mean and deviation, however far ahead they are: those of all of them together.
fn share(columns: &mut [NumberTarget]) {
    let n = columns.len() as f64;
    let mean = columns.iter().map(|c| c.mean).sum::<f64>() / n;
    let spread = |c: &NumberTarget| c.std * c.std + (c.mean - mean) * (c.mean - mean);
    let std = (columns.iter().map(spread).sum::<f64>() / n).sqrt();
    columns.iter_mut().for_each(|c| (c.mean, c.std) = (mean, std));
}

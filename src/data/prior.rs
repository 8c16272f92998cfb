//! What the model that a run goes on from (`train.init_from`) has settled about the columns of a table.
//!
//! The weights fit the numbers that the model got, so new data are turned into numbers as its own were: as for `predict`, kinds,
//! categories, classes, scales and fills are the model's, whatever the new data would have suggested. Keras does the same (the mean
//! and the variance of a `Normalization` layer are weights), and so must a user of scikit-learn's `partial_fit`, whose scaler stays as
//! it was fitted.

use std::collections::{BTreeMap, BTreeSet};

use super::column::{CategoryFill, Cell, Fill};
use super::options::{ColumnType, InputGroup, MissingPolicy};
use super::preprocess::Preprocessing;
use super::schema::{ColumnSchema, Role};
use super::stored::TextFill;
use super::target::{LabelTarget, NumberTarget, Targets};
use super::tokenizer::TokenizerKind;

/// Why a column is taken for what it is.
pub(super) const AS_IN_MODEL: &str = "as in the model of train.init_from";

/// Why a column is no input.
pub(super) const NOT_IN_MODEL: &str = "the model of train.init_from does not have it";

/// The columns of a model, for a table that is to go through its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// By name: the place among the model's columns, and what was fitted there.
    columns: BTreeMap<String, (usize, Cell)>,
    targets: BTreeMap<String, PriorTarget>,
    /// Inputs of many columns that have another shape here: those columns have nothing in common with the model's but names.
    resized: BTreeSet<String>,
}

/// A target of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PriorTarget {
    /// Its labels in their order.
    Classes { kind: ColumnType, classes: Vec<String> },
    /// Its scale.
    Number(NumberTarget),
}

impl Prior {
    /// What `model` has settled for a table whose config names these inputs.
    pub fn new(model: &Preprocessing, inputs: &[InputGroup]) -> Prior {
        let group = |name: &String| inputs.iter().find(|group| group.name == *name);
        let mut columns = BTreeMap::new();
        let mut resized = BTreeSet::new();
        for input in &model.inputs {
            let shape = group(&input.name).and_then(|group| group.shape.as_ref());
            if input.shape.is_some() && shape.is_some() && input.shape.as_ref() != shape {
                resized.insert(input.name.clone());
                continue;
            }
            let own = input.columns.iter().map(|&place| (place, &model.columns[place]));
            columns.extend(own.map(|(place, column)| (column.name.clone(), (place, column.cell.clone()))));
        }
        let targets = model.targets.iter().flat_map(|(group, _)| PriorTarget::of(&group.targets)).collect();
        Prior { columns, targets, resized }
    }

    /// What was fitted for a column.
    pub(super) fn cell(&self, name: &str) -> Option<&Cell> {
        self.columns.get(name).map(|(_, cell)| cell)
    }

    /// Its place among the columns of the model; behind all of them for one that is not there.
    pub(super) fn place(&self, name: &str) -> usize {
        self.columns.get(name).map_or(usize::MAX, |(place, _)| *place)
    }

    /// The channels of the series in a column, if it holds some.
    pub(super) fn channels(&self, name: &str) -> Option<&[String]> {
        match self.cell(name) {
            Some(Cell::Series(cell)) => Some(&cell.channels),
            _ => None,
        }
    }

    /// Whether a column holds the words of the rows of a long table.
    pub(super) fn has_words_of_steps(&self, name: &str) -> bool {
        matches!(self.cell(name), Some(Cell::Text(text)) if text.of_steps)
    }

    /// The scale of a number target.
    pub(super) fn number_target(&self, name: &str) -> Option<&NumberTarget> {
        match self.targets.get(name) {
            Some(PriorTarget::Number(target)) => Some(target),
            _ => None,
        }
    }

    /// Whether the model does without a column that is no target; `input` is the named one that it belongs to.
    pub(super) fn does_without(&self, name: &str, input: Option<&InputGroup>) -> bool {
        !self.columns.contains_key(name) && !input.is_some_and(|input| self.resized.contains(&input.name))
    }

    /// What a column or a target holds in the model.
    pub(super) fn kind(&self, name: &str, is_target: bool) -> Option<ColumnType> {
        match (is_target, self.targets.get(name)) {
            (false, _) => self.cell(name).map(kind_of),
            (true, Some(PriorTarget::Classes { kind, .. })) => Some(*kind),
            (true, Some(PriorTarget::Number(_))) => Some(ColumnType::Number),
            (true, None) => None,
        }
    }

    /// Fills in what the model says about a column whose kind is known, where a pin does not say otherwise.
    pub(super) fn settle(&self, column: &mut ColumnSchema) {
        if self.kind(&column.name, column.role == Role::Target) != Some(column.kind) {
            return;
        }
        let pin = &mut column.pin;
        match (&column.role, self.targets.get(&column.name)) {
            (Role::Target, Some(PriorTarget::Classes { classes, .. })) if pin.classes.is_none() => {
                pin.classes = Some(classes.clone());
                column.of_model = true;
                return;
            }
            (Role::Target, Some(PriorTarget::Number(target))) => {
                pin.kind = Some(ColumnType::Number);
                column.offset = target.offset;
                column.of_model = true;
                return;
            }
            (Role::Feature, _) => {}
            _ => return,
        }
        let Some(cell) = self.cell(&column.name) else { return };
        pin.missing = pin.missing.or(row_policy(cell));
        match cell {
            Cell::Number(number) => column.offset = number.offset,
            Cell::Category(category) => {
                pin.encoding.get_or_insert(category.encoding);
                pin.unknown.get_or_insert(category.unknown);
            }
            // All parts are read; the model says which of them it takes.
            Cell::Date(_) => column.has_time = true,
            Cell::Text(text) => {
                pin.tokenizer = TokenizerKind::from_name(text.tokenizer.name());
                pin.lowercase = Some(text.tokenizer.lowercase());
            }
            Cell::Image(_) | Cell::Series(_) => {}
        }
        column.of_model = true;
    }
}

impl PriorTarget {
    /// By their columns.
    fn of(targets: &Targets) -> Vec<(String, PriorTarget)> {
        let classes = |kind, classes: &[String]| PriorTarget::Classes { kind, classes: classes.to_vec() };
        match targets {
            Targets::Classes { column, classes: labels } => {
                vec![(column.clone(), classes(ColumnType::Category, labels))]
            }
            Targets::StepClasses { column, classes: labels } => {
                vec![(column.clone(), classes(ColumnType::Labels, labels))]
            }
            Targets::Labels { columns } => {
                let label = |target: &LabelTarget| {
                    (target.name.clone(), classes(ColumnType::Category, &target.classes))
                };
                columns.iter().map(label).collect()
            }
            Targets::Numbers { columns } => {
                columns.iter().map(|c| (c.name.clone(), PriorTarget::Number(c.clone()))).collect()
            }
            Targets::NextToken { .. } => Vec::new(),
        }
    }
}

/// The fill of a number: that of the model, unless a pin wants another policy than the one that it was fitted by. `fitted` is what the
/// pin makes of the new data.
pub(super) fn fill(prior: &Fill, pin: Option<MissingPolicy>, fitted: impl FnOnce() -> Fill) -> Fill {
    match (pin, prior) {
        (None, _)
        | (Some(MissingPolicy::Mean | MissingPolicy::Median), Fill::Value(_))
        | (Some(MissingPolicy::Indicator), Fill::Indicator(_)) => prior.clone(),
        _ => fitted(),
    }
}

/// What a column holds, as a pin says it.
pub(super) fn kind_of(cell: &Cell) -> ColumnType {
    match cell {
        Cell::Number(_) => ColumnType::Number,
        Cell::Category(_) => ColumnType::Category,
        Cell::Date(_) => ColumnType::Date,
        Cell::Image(_) => ColumnType::Image,
        Cell::Series(_) => ColumnType::Series,
        Cell::Text(_) => ColumnType::Text,
    }
}

/// The policy for missing values where it is about whole rows: those are decided on while the table is read.
fn row_policy(cell: &Cell) -> Option<MissingPolicy> {
    let of_fill = |fill: &Fill| match fill {
        Fill::DropRow => Some(MissingPolicy::DropRow),
        Fill::Error => Some(MissingPolicy::Error),
        Fill::Value(_) | Fill::Indicator(_) => None,
    };
    match cell {
        Cell::Number(number) => of_fill(&number.missing),
        Cell::Date(date) => date.parts.first().and_then(|(_, number)| of_fill(&number.missing)),
        Cell::Category(category) => match category.missing {
            CategoryFill::DropRow => Some(MissingPolicy::DropRow),
            CategoryFill::Error => Some(MissingPolicy::Error),
            CategoryFill::Own | CategoryFill::Category(_) | CategoryFill::Unknown => None,
        },
        Cell::Text(text) => match text.missing {
            TextFill::DropRow => Some(MissingPolicy::DropRow),
            TextFill::Error => Some(MissingPolicy::Error),
            TextFill::Empty => None,
        },
        Cell::Image(image) => image.drop_missing.then_some(MissingPolicy::DropRow),
        Cell::Series(_) => None,
    }
}

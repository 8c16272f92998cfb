//! Signs that the validation part is not new to the training part: copies of rows, and columns that name what a row is about.

use std::collections::{HashMap, HashSet};

use super::note::Note;
use super::raw::{RawKind, RawTable};
use super::split::Split;
use super::table::Table;
use crate::error::{counted, quote};

/// Rows that are looked at, of each part.
const LOOKED_AT: usize = 10_000;

/// Rows from which the chance of equal rows is estimated.
const COMPARED: usize = 1_000;

/// There is a warning if this many times more rows than by chance have the inputs of a training row.
const ABOVE_CHANCE: f64 = 100.0;

/// A column that names what rows are about, such as patients, has at least this many values with several rows.
const FEWEST_VALUES: usize = 10;

/// Below this probability it is not chance that the values of a column determine the target.
const CHANCE: f64 = 1e-6;

impl Table {
    /// A warning if many of `rows` of `other`, a `part` that is scored, have the inputs of a row in `train` although chance would hardly
    /// give them.
    pub fn copies(&self, train: &[u32], (other, rows): (&Table, &[u32]), part: &str) -> Option<Note> {
        if self.width == 0 || !self.stores.is_empty() {
            return None;
        }
        let known: Vec<Box<[u32]>> = train.iter().take(LOOKED_AT).map(|&row| self.bits(row)).collect();
        let train: HashSet<&[u32]> = known.iter().map(|row| &row[..]).collect();
        let looked_at = || rows.iter().take(LOOKED_AT);
        let all = looked_at().count();
        let copies = looked_at().filter(|&&row| train.contains(&other.bits(row)[..])).count();
        // Of columns that have nothing to do with each other.
        let some = &known[..known.len().min(COMPARED)];
        let chance: f64 = (0..self.width).map(|cell| agreement(cell, some)).product();
        let expected = (chance * known.len() as f64).min(1.0) * all as f64;
        let many = 20 * copies >= all && copies >= 3 && copies as f64 > ABOVE_CHANCE * expected;
        many.then(|| {
            Note::warning(format!(
                "{copies} of {all} {part} rows have the same inputs as a training row, far more than by chance: their figures may be too \
                 good; remove copies of rows, or set data.group to a column that says which rows belong together"
            ))
        })
    }

    fn bits(&self, row: u32) -> Box<[u32]> {
        self.row(row).iter().map(|x| x.to_bits()).collect()
    }
}

impl RawTable {
    /// A note for each column whose values tell the target, as the names of patients do with several rows each.
    pub fn identities(&self, split: &Split) -> Vec<Note> {
        let of_steps = self.targets.names_of_steps().next().is_some();
        let divided = !split.validation.is_empty() && self.options.steps.windows.is_none();
        if !divided || self.options.group.is_some() || self.targets.width() != 1 || of_steps {
            return Vec::new();
        }
        let rows: Vec<u32> = split.train.iter().chain(&split.validation).take(LOOKED_AT).copied().collect();
        let features = self.features.iter().filter(|feature| match feature.kind {
            RawKind::Category(_) => true,
            RawKind::Number { .. } => rows.iter().all(|&row| {
                let x = self.cells[row as usize * self.width + feature.cell];
                x.is_nan() || x.fract() == 0.0
            }),
            _ => false,
        });
        let told = features.filter_map(|feature| {
            let values = self.telling_values(feature.cell, &rows)?;
            let name = quote(&self.schema.columns[feature.column].name);
            Some(Note::new(format!(
                "column {name}: rows with the same one of its {} always have the same target; if it names what a row is about, such as a \
                 patient, set data.group = {name}: then all rows of a value are in one part",
                counted(values as u64, "value")
            )))
        });
        told.collect()
    }

    /// How many values of a cell have several rows, if rows with the same value always have the same target and chance does not explain
    /// it.
    fn telling_values(&self, cell: usize, rows: &[u32]) -> Option<usize> {
        let target = |row: u32| self.target_cells[row as usize].to_bits();
        let mut shares: HashMap<u32, f64> = HashMap::new();
        let mut values: HashMap<u32, (usize, u32)> = HashMap::new();
        for &row in rows {
            *shares.entry(target(row)).or_default() += 1.0 / rows.len() as f64;
            let value = self.cells[row as usize * self.width + cell];
            if value.is_nan() {
                continue;
            }
            let (count, first) = values.entry(value.to_bits()).or_insert((0, target(row)));
            if *first != target(row) {
                return None;
            }
            *count += 1;
        }
        let several: Vec<usize> =
            values.values().map(|(count, _)| *count).filter(|&count| count > 1).collect();
        let covered: usize = several.iter().sum();
        let agreement: f64 = shares.values().map(|share| share * share).sum();
        let chance = agreement.powi((covered - several.len()).min(1 << 20) as i32);
        let of_classes = self.targets.first_classes().map_or(0, |(_, classes)| classes.len());
        let telling = several.len() >= FEWEST_VALUES.max(2 * of_classes)
            && 5 * covered >= 4 * rows.len()
            && chance < CHANCE;
        telling.then_some(values.len())
    }
}

/// The probability that two rows have the same number in `cell`, from all pairs of these.
fn agreement(cell: usize, rows: &[Box<[u32]>]) -> f64 {
    let mut counts: HashMap<u32, f64> = HashMap::new();
    rows.iter().for_each(|row| *counts.entry(row[cell]).or_default() += 1.0);
    let n = rows.len() as f64;
    let pairs: f64 = counts.values().map(|count| count * (count - 1.0)).sum();
    if n > 1.0 { pairs / (n * (n - 1.0)) } else { 1.0 }
}

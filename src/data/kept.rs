//! Fields of rows as they stand in the input, and the rows of a long table in the order of its file.

use std::collections::HashMap;
use std::ops::Range;

use super::rows::Fields;

/// Columns of the input whose fields are kept as they stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None.
    #[default]
    None,
    /// All, in their order.
    All,
    /// These, in this order.
    Columns(Vec<String>),
}

impl Keep {
    /// Positions of those that are among `columns`.
    pub(super) fn positions(&self, columns: &[String]) -> Vec<usize> {
        match self {
            Keep::None => Vec::new(),
            Keep::All => (0..columns.len()).collect(),
            Keep::Columns(names) => {
                names.iter().filter_map(|name| columns.iter().position(|column| column == name)).collect()
            }
        }
    }
}

/// Fields of rows, as text.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Positions of the columns in the input.
    columns: Vec<usize>,
    text: String,
    ends: Vec<usize>,
}

impl Kept {
    /// No row yet; of each the fields at these positions.
    pub fn new(columns: Vec<usize>) -> Self {
        Kept { columns, text: String::new(), ends: Vec::new() }
    }

    /// Takes all rows out, keeping the memory for the next ones.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds the fields of a row.
    pub fn push(&mut self, row: &(impl Fields + ?Sized)) {
        for &column in &self.columns {
            self.text.push_str(row.get(column));
            self.ends.push(self.text.len());
        }
    }

    /// The fields of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        let first = row * self.columns.len();
        (first..first + self.columns.len()).map(|i| {
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            &self.text[start..self.ends[i]]
        })
    }
}

/// The rows of a long table in the order of its file: the series that each belongs to, and the fields that are kept of it.
#[derive(Clone, Debug)]
pub struct FileRows {
    /// Names of all columns of the file.
    pub columns: Vec<String>,
    /// The fields of each row.
    pub kept: Kept,
    /// The number of each series by its id; they count in the order in which they appear.
    pub(super) ids: HashMap<Box<str>, u32>,
    /// For each row the number of its series.
    pub(super) series: Vec<u32>,
    /// The rows, series after series, each in the order of its steps.
    pub(super) order: Vec<u32>,
    /// The part of `order` that makes the sample of each series: it ends where the series ends.
    pub(super) spans: Vec<Range<usize>>,
}

impl FileRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series with this id.
    pub fn series_of_id(&self, id: &str) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// The series that a row belongs to.
    pub fn series_of_row(&self, row: usize) -> u32 {
        self.series[row]
    }

    /// The rows of a series in the order of its steps.
    pub fn rows_of(&self, series: u32) -> &[u32] {
        &self.order[self.start(series)..self.spans[series as usize].end]
    }

    /// How many of them stand before the first step of the sample.
    pub fn before_sample(&self, series: u32) -> usize {
        self.spans[series as usize].start - self.start(series)
    }

    /// Where a series begins in `order`.
    fn start(&self, series: u32) -> usize {
        (series as usize).checked_sub(1).map_or(0, |before| self.spans[before].end)
    }
}

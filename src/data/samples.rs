//! Rows of samples, whatever kind of file they come from.

use super::held::{Extent, HeldRow, HeldRows};
use super::long::{self, LongTable};
use super::options::DataOptions;
use super::preprocess::Preprocessing;
use super::reader::{ReadOptions, Row, TableReader};
use super::rows::{Fields, Rows};
use super::source::Source;
use super::stored::Payload;
use crate::error::Result;

/// How the files of a config become rows of samples.
#[derive(Clone, Debug, Default)]
pub struct SampleOptions {
    /// How tables are read.
    pub read: ReadOptions,
    /// Where a row is a step of a series.
    pub long: Option<LongTable>,
}

/// What rows are opened for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// To fit a preprocessing as these options say.
    Fit(&'a DataOptions),
    /// To go through a fitted one.
    Fitted {
        /// The fitted one.
        preprocessing: &'a Preprocessing,
        /// Whether targets and weights are read.
        with_targets: bool,
    },
}

impl<'a> Purpose<'a> {
    /// Fields that stand for "no value".
    pub(super) fn missing_values(self) -> &'a [String] {
        match self {
            Purpose::Fit(options) => &options.missing_values,
            Purpose::Fitted { preprocessing, .. } => &preprocessing.missing_values,
        }
    }
}

/// A table whose rows are samples: read row by row, or held in memory.
pub enum Samples {
    /// A table with a row for each sample.
    Table(Box<TableReader>),
    /// Samples that were made of a whole file, and notes about it.
    Held(HeldRows, Vec<String>),
}

impl Samples {
    /// Opens `source`.
    ///
    /// # Errors
    /// Those of the reader for this kind of file.
    pub fn open(source: &Source, options: &SampleOptions, purpose: Purpose<'_>) -> Result<Self> {
        let mut table = TableReader::open(source, &options.read)?;
        match &options.long {
            Some(long) => {
                let rows = long::read(&mut table, long, purpose)?;
                Ok(Samples::Held(rows, table.notes()))
            }
            None => Ok(Samples::Table(Box::new(table))),
        }
    }

    /// `options` for these rows, where they are about the table that the rows were made of.
    pub fn options(&self, options: DataOptions) -> DataOptions {
        match self {
            Samples::Table(_) => options,
            Samples::Held(rows, _) => options.for_samples(rows.columns(), rows.steps()),
        }
    }

    /// Whether a column's fields are texts: all but those that hold images or series.
    pub fn is_text(&self, column: usize) -> bool {
        match self {
            Samples::Table(_) => true,
            Samples::Held(rows, _) => rows.is_text(column),
        }
    }

    /// How long the series are, where each row holds one.
    pub fn extent(&self) -> Option<Extent> {
        match self {
            Samples::Table(_) => None,
            Samples::Held(rows, _) => rows.extent(),
        }
    }

    /// What a user should know once all rows are read.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Samples::Table(reader) => reader.notes(),
            Samples::Held(_, notes) => notes.clone(),
        }
    }

    /// Whether the first line, taken for the header, holds many numbers.
    pub fn header_looks_like_data(&self) -> bool {
        matches!(self, Samples::Table(reader) if reader.header_looks_like_data())
    }
}

/// A row of [`Samples`].
#[derive(Debug)]
pub enum Sample<'a> {
    /// Of a table.
    Table(Row<'a>),
    /// Of samples in memory.
    Held(HeldRow<'a>),
}

impl Fields for Sample<'_> {
    #[inline]
    fn width(&self) -> usize {
        match self {
            Sample::Table(row) => row.width(),
            Sample::Held(row) => row.width(),
        }
    }

    #[inline]
    fn get(&self, index: usize) -> &str {
        match self {
            Sample::Table(row) => row.get(index),
            Sample::Held(row) => row.get(index),
        }
    }

    fn line(&self) -> u64 {
        match self {
            Sample::Table(row) => row.line(),
            Sample::Held(row) => row.line(),
        }
    }

    fn file(&self) -> &str {
        match self {
            Sample::Table(row) => row.file(),
            Sample::Held(row) => row.file(),
        }
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        match self {
            Sample::Table(row) => row.payload(index),
            Sample::Held(row) => row.payload(index),
        }
    }
}

impl Rows for Samples {
    type Row<'a> = Sample<'a>;

    fn source(&self) -> &str {
        match self {
            Samples::Table(reader) => Rows::source(&**reader),
            Samples::Held(rows, _) => rows.source(),
        }
    }

    fn columns(&self) -> &[String] {
        match self {
            Samples::Table(reader) => Rows::columns(&**reader),
            Samples::Held(rows, _) => rows.columns(),
        }
    }

    fn next_row(&mut self) -> Result<Option<Sample<'_>>> {
        Ok(match self {
            Samples::Table(reader) => reader.next_row()?.map(Sample::Table),
            Samples::Held(rows, _) => rows.next_row()?.map(Sample::Held),
        })
    }
}

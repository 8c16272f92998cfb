//! Rows of samples, whatever kind of file they come from.

use super::held::{HeldRow, HeldRows};
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
}

/// A table whose rows are samples: read row by row, or held in memory.
pub enum Samples {
    /// A table with a row for each sample.
    Table(Box<TableReader>),
    /// Samples that were made of a whole file.
    Held(HeldRows),
}

impl Samples {
    /// Opens `source`.
    ///
    /// # Errors
    /// Those of the reader for this kind of file.
    pub fn open(source: &Source, options: &SampleOptions) -> Result<Self> {
        Ok(Samples::Table(Box::new(TableReader::open(source, &options.read)?)))
    }

    /// What a user should know once all rows are read.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Samples::Table(reader) => reader.notes(),
            Samples::Held(_) => Vec::new(),
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
            Samples::Held(rows) => rows.source(),
        }
    }

    fn columns(&self) -> &[String] {
        match self {
            Samples::Table(reader) => Rows::columns(&**reader),
            Samples::Held(rows) => rows.columns(),
        }
    }

    fn next_row(&mut self) -> Result<Option<Sample<'_>>> {
        Ok(match self {
            Samples::Table(reader) => reader.next_row()?.map(Sample::Table),
            Samples::Held(rows) => rows.next_row()?.map(Sample::Held),
        })
    }
}

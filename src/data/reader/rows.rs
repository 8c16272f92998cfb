//! A file's rows as the rest of `data` reads them.

use super::{Row, TableReader};
use crate::data::{Fields, Rows};
use crate::error::Result;

impl Fields for Row<'_> {
    fn width(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&self, index: usize) -> &str {
        Row::get(self, index)
    }

    fn line(&self) -> u64 {
        Row::line(self)
    }

    fn file(&self) -> &str {
        Row::file(self)
    }
}

impl Rows for TableReader {
    type Row<'a> = Row<'a>;

    fn source(&self) -> &str {
        &self.source
    }

    fn columns(&self) -> &[String] {
        TableReader::columns(self)
    }

    #[inline]
    fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        TableReader::next_row(self)
    }
}

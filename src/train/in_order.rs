//! Lines for the rows of a long table: made series after series, written in the order of the file.

use std::collections::BTreeMap;

use crate::data::FileRows;

/// Lines that wait until those of all rows before them are there.
///
/// Where the rows of a series are neighbours, only the lines of one block wait; where all series are told side by side, most
/// of them do.
pub(super) struct InOrder {
    rows: FileRows,
    /// The row that is written next.
    next: usize,
    /// Lines of later rows.
    waiting: BTreeMap<u32, Box<[u8]>>,
}

impl InOrder {
    /// No line yet.
    pub(super) fn new(rows: FileRows) -> Self {
        InOrder { rows, next: 0, waiting: BTreeMap::new() }
    }

    /// The rows.
    pub(super) fn rows(&self) -> &FileRows {
        &self.rows
    }

    /// Takes the lines of a series, one for each of its rows: `text`, and where each line ends in it.
    pub(super) fn put(&mut self, series: u32, text: &[u8], ends: &[usize]) {
        let mut start = 0;
        for (&row, &end) in self.rows.rows_of(series).iter().zip(ends) {
            self.waiting.insert(row, text[start..end].into());
            start = end;
        }
    }

    /// Moves to the end of `out` what need not wait any more: the lines of all series before number `series` are there. A
    /// row without a line belongs to a series that was left out.
    pub(super) fn release(&mut self, series: u32, out: &mut Vec<u8>) {
        while self.next < self.rows.len() && self.rows.series_of_row(self.next) < series {
            if let Some(line) = self.waiting.remove(&(self.next as u32)) {
                out.extend_from_slice(&line);
            }
            self.next += 1;
        }
    }
}

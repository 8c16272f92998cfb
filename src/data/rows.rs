//! Rows of text fields, wherever they come from, and a buffer that holds some of them.

use std::collections::BTreeMap;

use super::stored::Payload;
use crate::error::Result;

/// One row of a table: fields as they stand in the file, and where they stand.
pub trait Fields {
    /// Number of fields.
    fn width(&self) -> usize;
    /// The field at `index`, which must be below [`Fields::width`].
    fn get(&self, index: usize) -> &str;
    /// Line of the file on which the row starts, from 1.
    fn line(&self) -> u64;
    /// The file as messages name it.
    fn file(&self) -> &str;
    /// What [`Fields::line`] counts; empty where the file is the row.
    fn unit(&self) -> &'static str {
        "line"
    }
    /// What the field at `index` holds if it is not text.
    fn payload(&self, _index: usize) -> Option<Payload> {
        None
    }
}

/// A table that is read row by row. Every row has as many fields as there are columns.
pub trait Rows {
    /// A row; it lives until the next one is read.
    type Row<'a>: Fields
    where
        Self: 'a;
    /// The file or files, for messages that concern no single row.
    fn source(&self) -> &str;
    /// Names of the columns, all different.
    fn columns(&self) -> &[String];
    /// The next row, or `None` after the last.
    fn next_row(&mut self) -> Result<Option<Self::Row<'_>>>;
    /// What is known of a column before its fields are looked at.
    fn meaning(&self, _column: usize) -> Option<Meaning> {
        None
    }
}

/// What a column is for where the kind of file says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It says where a row comes from, and is never an input.
    Origin,
    /// Its fields name classes, also where they look like numbers.
    Class,
}

/// Rows at the head of a table from which column types are inferred.
pub const SAMPLE_ROWS: usize = 10_000;

/// The sample ends early when its texts take this many bytes.
const SAMPLE_BYTES: usize = 16 << 20;

/// The sample ends early when its images and series take this many bytes.
const SAMPLE_PAYLOAD_BYTES: usize = 64 << 20;

/// Rows kept in memory as text: the sample for inference, and tables made by hand.
#[derive(Clone, Debug, Default)]
pub struct RowBuffer {
    source: String,
    columns: Vec<String>,
    text: String,
    ends: Vec<u32>,
    lines: Vec<u64>,
    // (first row, name) for each run of rows from one file
    files: Vec<(usize, String)>,
    // by row and column
    payloads: BTreeMap<(usize, usize), Payload>,
    meanings: Vec<(usize, Meaning)>,
    unit: Option<&'static str>,
}

impl RowBuffer {
    /// An empty buffer.
    pub fn new(source: &str, columns: &[String]) -> Self {
        RowBuffer { source: source.into(), columns: columns.to_vec(), ..RowBuffer::default() }
    }

    /// A table made by hand: `text` holds one row a line, fields separated by `|`, the header first; lines count from 1.
    pub fn from_text(file: &str, text: &str) -> Self {
        let mut lines = text.lines();
        let columns: Vec<String> = lines.next().unwrap_or("").split('|').map(Into::into).collect();
        let mut buffer = RowBuffer::new(file, &columns);
        for (i, line) in lines.enumerate() {
            buffer.start_row(file, i as u64 + 2);
            line.split('|').for_each(|field| buffer.push_field(field));
        }
        buffer
    }

    /// The first rows of `rows`: at most [`SAMPLE_ROWS`], fewer if they are very wide.
    pub fn sample<R: Rows>(rows: &mut R) -> Result<Self> {
        let mut buffer = RowBuffer::new(rows.source(), rows.columns());
        let meanings = (0..rows.columns().len()).filter_map(|c| Some((c, rows.meaning(c)?)));
        buffer.meanings = meanings.collect();
        let mut held = 0;
        while buffer.len() < SAMPLE_ROWS
            && buffer.text.len() + 4 * buffer.ends.len() < SAMPLE_BYTES
            && held < SAMPLE_PAYLOAD_BYTES
        {
            let Some(row) = rows.next_row()? else { break };
            buffer.push(&row);
            for i in 0..row.width() {
                if let Some(payload) = row.payload(i) {
                    held += payload.bytes();
                    buffer.payloads.insert((buffer.len() - 1, i), payload);
                }
            }
        }
        Ok(buffer)
    }

    /// The same buffer, its columns having these meanings.
    pub(super) fn with_meanings(mut self, meanings: &[(usize, Meaning)]) -> Self {
        self.meanings = meanings.to_vec();
        self
    }

    /// The same buffer, its rows being called `unit` in messages instead of lines.
    pub(super) fn with_unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// What is known of a column before its fields are looked at.
    pub(super) fn meaning(&self, column: usize) -> Option<Meaning> {
        self.meanings.iter().find(|(c, _)| *c == column).map(|(_, meaning)| *meaning)
    }

    /// Bytes of all texts.
    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    /// What lines are called.
    pub(super) fn unit(&self) -> &'static str {
        self.unit.unwrap_or("line")
    }

    /// The first payload of a column.
    pub(super) fn first_payload(&self, column: usize) -> Option<&Payload> {
        self.payloads.iter().find(|((_, c), _)| *c == column).map(|(_, payload)| payload)
    }

    /// Drops the payloads of `row`.
    pub(super) fn release(&mut self, row: usize) {
        while self.payloads.first_key_value().is_some_and(|((r, _), _)| *r <= row) {
            self.payloads.pop_first();
        }
    }

    /// Takes all rows out, keeping the memory for the next ones.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.lines.clear();
        self.files.clear();
        self.payloads.clear();
    }

    /// Adds the texts of a row.
    pub(super) fn push(&mut self, row: &(impl Fields + ?Sized)) {
        self.start_row(row.file(), row.line());
        self.unit = Some(row.unit());
        for i in 0..row.width() {
            self.push_field(row.get(i));
        }
    }

    /// The file or files, for messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The row at `index`, which must be below [`RowBuffer::len`].
    pub fn row(&self, index: usize) -> BufferedRow<'_> {
        BufferedRow { buffer: self, index }
    }

    /// The field of `row` in `column`.
    pub(super) fn field(&self, row: usize, column: usize) -> &str {
        let i = row * self.columns.len() + column;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.text[start..self.ends[i] as usize]
    }

    /// The file that `row` is from.
    pub(super) fn file(&self, row: usize) -> &str {
        let run = self.files.partition_point(|(first, _)| *first <= row);
        &self.files[run - 1].1
    }

    /// Begins a row, whose fields [`RowBuffer::push_field`] then adds.
    pub(super) fn start_row(&mut self, file: &str, line: u64) {
        if self.files.last().is_none_or(|(_, name)| name != file) {
            self.files.push((self.lines.len(), file.into()));
        }
        self.lines.push(line);
    }

    /// Adds a field to the row that was begun last.
    pub(super) fn push_field(&mut self, field: &str) {
        self.text.push_str(field);
        self.ends.push(self.text.len() as u32);
    }
}

/// A row of a [`RowBuffer`].
#[derive(Clone, Copy, Debug)]
pub struct BufferedRow<'a> {
    buffer: &'a RowBuffer,
    index: usize,
}

impl Fields for BufferedRow<'_> {
    fn width(&self) -> usize {
        self.buffer.columns.len()
    }

    fn get(&self, index: usize) -> &str {
        self.buffer.field(self.index, index)
    }

    fn line(&self) -> u64 {
        self.buffer.lines[self.index]
    }

    fn file(&self) -> &str {
        self.buffer.file(self.index)
    }

    fn unit(&self) -> &'static str {
        self.buffer.unit()
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        self.buffer.payloads.get(&(self.index, index)).cloned()
    }
}

/// Reads a [`RowBuffer`] row by row.
#[derive(Clone, Debug)]
pub struct MemoryRows {
    buffer: RowBuffer,
    next: usize,
}

impl MemoryRows {
    /// Starts at the first row.
    pub fn new(buffer: RowBuffer) -> Self {
        MemoryRows { buffer, next: 0 }
    }

    /// [`RowBuffer::from_text`], read from its first row.
    pub fn from_text(file: &str, text: &str) -> Self {
        MemoryRows::new(RowBuffer::from_text(file, text))
    }
}

impl Rows for MemoryRows {
    type Row<'a> = BufferedRow<'a>;

    fn source(&self) -> &str {
        self.buffer.source()
    }

    fn columns(&self) -> &[String] {
        self.buffer.columns()
    }

    fn next_row(&mut self) -> Result<Option<BufferedRow<'_>>> {
        let index = self.next;
        self.next += 1;
        Ok((index < self.buffer.len()).then(|| self.buffer.row(index)))
    }

    fn meaning(&self, column: usize) -> Option<Meaning> {
        self.buffer.meaning(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_fields_lines_and_files() -> Result<()> {
        let mut rows = MemoryRows::from_text("t.csv", "a|b\n1|x\n|y z");
        let sample = RowBuffer::sample(&mut rows)?;
        assert_eq!(sample.len(), 2);
        let row = sample.row(1);
        assert_eq!((row.get(0), row.get(1), row.line(), row.file()), ("", "y z", 3, "t.csv"));
        Ok(())
    }
}

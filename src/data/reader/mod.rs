//! Delimited tables, row by row, strictly and in bounded memory.
//!
//! What is accepted: UTF-8 with or without a byte-order mark; LF, CRLF and CR, also mixed, and a last line without an
//! end; quoted fields with doubled quotes and line ends inside; gzip and zstd. Spaces and tabs around a field are
//! trimmed unless they stand inside quotes, also between a delimiter and a quote. Blank lines are skipped; but in a
//! file of one column a blank line is a row whose field is empty.
//!
//! What is refused, with file and line: a row of another length than the header, a quote that is never closed, a
//! field over 1 MiB, a row over 16 MiB, a NUL byte, bytes that are not UTF-8, other formats under the name of a table,
//! columns without a name or of the same name.
//!
//! Memory: a few blocks of 64 KiB and one row.

mod clean;
mod guard;
mod part;
mod rows;
mod skips;
mod sniff;
mod swallowed;

#[cfg(test)]
mod tests;

use std::vec;

use csv::StringRecord;

pub(super) use self::skips::Skips;
pub(super) use self::sniff::{Foreign, UNPACK, wide_encoding};

use self::part::{Part, Read, fields, first_line};
use self::swallowed::Swallowed;
use crate::data::source::{Input, Opened, Source, line_place};
use crate::error::{Error, Problem, Result, quote, thousands};

/// What to do with a row of another length than the header, with bytes that are not UTF-8, or with an image that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// Stop at the first.
    #[default]
    Fail,
    /// Leave them out and count them, up to [`ReadOptions::max_bad_fraction`].
    Skip,
}

/// How a table is written.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOptions {
    /// The byte between fields, any ASCII character but quotes, line ends and NUL; `None`: `,`, `;`, tab or `|`,
    /// whichever the first ten lines show.
    pub delimiter: Option<u8>,
    /// Whether the first row of every file names the columns.
    pub header: bool,
    /// Whether `"` quotes; without it a quote is an ordinary character.
    pub quoting: bool,
    /// What to do with bad rows.
    pub on_bad_row: BadRows,
    /// The part of all rows that may be skipped: 0.01 is one in a hundred. More is an error, at the end, or earlier
    /// once 10,000 rows are read.
    pub max_bad_fraction: f64,
    /// The names of the columns where `header` is false; `None`: `column_1`, `column_2` and so on.
    pub expected_columns: Option<Vec<String>>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            delimiter: None,
            header: true,
            quoting: true,
            on_bad_row: BadRows::Fail,
            max_bad_fraction: 0.01,
            expected_columns: None,
        }
    }
}

/// The rows of a [`Source`], one after the other.
///
/// Every file of the source has the columns of the first, matched by name; more are ignored, with a note.
pub struct TableReader {
    /// The files as a message names them all.
    source: String,
    options: ReadOptions,
    waiting: vec::IntoIter<Input>,
    columns: Vec<String>,
    delimiter: u8,
    header_looks_like_data: bool,
    part: Part,
    /// `None` only while a row is being read.
    record: Option<StringRecord>,
    /// The first row of a file without a header was read to learn its length.
    held: bool,
    skips: Skips,
    swallowed: Swallowed,
    notes: Vec<String>,
    failed: Option<Error>,
}

/// One row. Its fields stand in the order of [`TableReader::columns`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    record: &'a StringRecord,
    order: Option<&'a [usize]>,
    width: usize,
    end_line: u64,
    file: &'a str,
}

impl<'a> Row<'a> {
    /// The number of columns.
    pub fn len(&self) -> usize {
        self.width
    }

    /// Whether there are no columns: never, since every table has one.
    pub fn is_empty(&self) -> bool {
        self.width == 0
    }

    /// The field of column `i`, trimmed and without its quotes. Panics if `i` is not below [`Row::len`].
    #[inline]
    pub fn get(&self, i: usize) -> &'a str {
        &self.record[self.order.map_or(i, |order| order[i])]
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let row = *self;
        (0..row.width).map(move |i| row.get(i))
    }

    /// The 1-based line in which the row starts. Counts line ends inside quotes: meant for messages.
    pub fn line(&self) -> u64 {
        first_line(self.record.as_byte_record(), self.end_line)
    }

    /// What messages call the file of this row.
    pub fn file(&self) -> &'a str {
        self.file
    }
}

impl TableReader {
    /// Opens the first file of `source` and reads its header.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`](crate::error::Code::Usage): a file is missing or a directory, or `options` are out of range. [`Code::Environment`](crate::error::Code::Environment): a file may
    /// not be read. [`Code::Data`](crate::error::Code::Data): the first file is no table or its header is bad.
    pub fn open(source: &Source, options: &ReadOptions) -> Result<Self> {
        source.check()?;
        let first = source.inputs().first().ok_or_else(|| Error::usage("data", "no file is named"))?;
        Self::with_first(first.open()?, source, options)
    }

    /// The same where the first file is open already.
    ///
    /// # Errors
    ///
    /// As for [`TableReader::open`].
    pub fn with_first(first: Opened, source: &Source, options: &ReadOptions) -> Result<Self> {
        let mut waiting = source.inputs().to_vec().into_iter();
        waiting.next();
        Self::start(first, waiting, options)
    }

    /// The same for bytes that are already open.
    ///
    /// # Errors
    ///
    /// As for [`TableReader::open`].
    pub fn from_opened(opened: Opened, options: &ReadOptions) -> Result<Self> {
        Self::start(opened, Vec::new().into_iter(), options)
    }

    fn start(opened: Opened, waiting: vec::IntoIter<Input>, options: &ReadOptions) -> Result<Self> {
        check_options(options)?;
        let mut part = Part::open(opened, options)?;
        let (header, line) = part.first_row(options)?;
        let columns: Vec<String> = match (&options.expected_columns, options.header) {
            (_, true) => part.names.clone(),
            (None, false) => (0..header.len()).map(part::number_name).collect(),
            (Some(names), false) if names.len() == header.len() => names.clone(),
            (Some(names), false) => {
                let what = format!("{} names are given for {} columns", names.len(), header.len());
                return Err(Error::data(line_place(&part.file, line), what));
            }
        };
        part.names.clone_from(&columns);
        let source = match waiting.len() {
            0 => part.file.to_string(),
            more => format!("{} and {more} more", part.file),
        };
        Ok(TableReader {
            source,
            options: options.clone(),
            waiting,
            columns,
            delimiter: part.delimiter,
            header_looks_like_data: options.header && sniff::looks_like_data(header.iter()),
            part,
            held: !options.header,
            record: Some(header),
            skips: Skips::new(options),
            swallowed: Swallowed::default(),
            notes: Vec::new(),
            failed: None,
        })
    }

    /// The names of the columns, all different.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The delimiter of the first file, given or found.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Whether the header has so many numbers that it may be a row of data; worth a warning.
    pub fn header_looks_like_data(&self) -> bool {
        self.header_looks_like_data
    }

    /// The next good row, or `None` after the last one of the last file.
    ///
    /// # Errors
    ///
    /// [`Code::Data`](crate::error::Code::Data), [`Code::Environment`](crate::error::Code::Environment), and [`Code::Usage`](crate::error::Code::Usage) where a later file has gone; the same error
    /// again on every further call.
    #[inline]
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.advance() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        self.skips.rows += 1;
        Ok(self.record.as_ref().map(|record| Row {
            record,
            order: self.part.order.as_deref(),
            width: self.columns.len(),
            end_line: self.part.line(),
            file: &self.part.file,
        }))
    }

    /// The rows given so far.
    pub fn rows(&self) -> u64 {
        self.skips.rows
    }

    /// The bad rows left out so far; always 0 under [`BadRows::Fail`].
    pub fn skipped(&self) -> u64 {
        self.skips.skipped
    }

    /// What a user should know of the rows read so far, a sentence each: skipped rows, ignored columns, stray quotes.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.extend(self.skips.note());
        notes.extend(self.swallowed.note());
        notes
    }

    /// Makes `record` the next good row; false at the end.
    fn advance(&mut self) -> Result<bool> {
        if self.held {
            self.held = false;
            return Ok(true);
        }
        loop {
            let problem = match self.part.read(&mut self.record)? {
                Read::Row if self.part.fits(self.record.as_ref()) => {
                    if self.part.spans_lines() {
                        self.look_for_swallowed_rows();
                    }
                    return Ok(true);
                }
                Read::Row => self.part.wrong_length(self.record.as_ref(), self.options.header),
                Read::NotUtf8(bytes) => self.part.not_utf8(&bytes),
                Read::End => {
                    let Some(next) = self.waiting.next() else {
                        self.skips.check(&self.part.file)?;
                        return Ok(false);
                    };
                    self.start_part(&next)?;
                    if std::mem::take(&mut self.held) {
                        return Ok(true);
                    }
                    continue;
                }
            };
            self.skips.skip(&self.part.file, problem)?;
        }
    }

    fn look_for_swallowed_rows(&mut self) {
        let Some(record) = &self.record else { return };
        let end = self.part.line();
        let start = first_line(record.as_byte_record(), end);
        if end > start + 1 {
            self.swallowed.look(record, self.part.delimiter, &self.part.file, start, end - 1);
        }
    }

    /// Takes the row given last for a bad one: of a kind that only its fields show.
    pub(in crate::data) fn reject(&mut self, problem: Problem) -> Result<()> {
        self.skips.rows -= 1;
        self.skips.skip(&self.part.file, problem)
    }

    /// Fails if more rows were left out than may be.
    pub(in crate::data) fn check_skipped(&self) -> Result<()> {
        self.skips.check(&self.part.file)
    }

    /// Goes on with the next file.
    fn start_part(&mut self, input: &Input) -> Result<()> {
        let first = std::mem::take(&mut self.part.first_file);
        let mut part = Part::open(input.open()?, &self.options)?;
        let (header, line) = part.first_row(&self.options)?;
        if self.options.header {
            part.match_columns(&self.columns, &first, line, &mut self.notes)?;
        } else if header.len() != self.columns.len() {
            let what = format!(
                "{} where {first} has {}",
                fields(header.len()),
                thousands(self.columns.len() as u64)
            );
            return Err(Error::data(line_place(&part.file, line), what));
        } else {
            part.names.clone_from(&self.columns);
        }
        part.first_file = first;
        self.part = part;
        self.held = !self.options.header;
        self.record = Some(header);
        Ok(())
    }
}

fn check_options(options: &ReadOptions) -> Result<()> {
    match options.delimiter {
        Some(b) if !b.is_ascii() || matches!(b, 0 | b'"' | b'\n' | b'\r') => {
            let error = Error::usage("delimiter", "this character cannot separate fields");
            Err(error
                .expected("one ASCII character, no quote and no line end")
                .found(quote(&char::from(b).to_string())))
        }
        _ => Ok(()),
    }
}

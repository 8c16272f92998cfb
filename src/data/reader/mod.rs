//! Delimited tables, row by row, strictly and in bounded memory.
//!
//! What is accepted: UTF-8 with or without a byte-order mark; LF, CRLF and CR, also mixed, and a last line without an
//! end; quoted fields with doubled quotes and line ends inside; gzip and zstd. Spaces and tabs around a field are
//! trimmed unless they stand inside quotes, also between a delimiter and a quote. Blank lines are skipped.
//!
//! What is refused, with file and line: a row of another length than the header, a quote that is never closed, a
//! field over 1 MiB, a row over 16 MiB, a NUL byte, bytes that are not UTF-8, other formats under the name of a table,
//! columns without a name or of the same name.
//!
//! Memory: a few blocks of 64 KiB and one row.

mod guard;
mod sniff;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::vec;

use csv::{ByteRecord, ErrorKind, StringRecord, Terminator};

use self::guard::Guard;
use self::sniff::{Lines, SAMPLE, SAMPLE_LINES};
use crate::data::source::{Input, Opened, STANDARD_INPUT, Source, line_place, place, unwrap_error};
use crate::error::{Code, Error, Problem, Result, quote};

/// How many names a message lists.
const LISTED: usize = 10;

/// How many rows must have been seen before [`ReadOptions::max_bad_fraction`] is applied ahead of the end.
const SETTLED: u64 = 10_000;

/// What to do with a row of another length than the header, or with bytes that are not UTF-8.
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
    rows: u64,
    skipped: u64,
    /// The first skipped rows.
    bad: Vec<String>,
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
    /// [`Code::Usage`]: a file is missing or a directory, or `options` are out of range. [`Code::Environment`]: a file may
    /// not be read. [`Code::Data`]: the first file is no table or its header is bad.
    pub fn open(source: &Source, options: &ReadOptions) -> Result<Self> {
        source.check()?;
        let mut waiting = source.inputs().to_vec().into_iter();
        let first = waiting.next().ok_or_else(|| Error::usage("data", "no file is named"))?;
        Self::start(first.open()?, waiting, options)
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
        let (header, line) = part.header(options)?;
        let columns: Vec<String> = match (&options.expected_columns, options.header) {
            (_, true) => header.iter().map(str::to_owned).collect(),
            (None, false) => (1..=header.len()).map(|i| format!("column_{i}")).collect(),
            (Some(names), false) if names.len() == header.len() => names.clone(),
            (Some(names), false) => {
                let what = format!("{} names are given for {} columns", names.len(), header.len());
                return Err(Error::data(line_place(&part.file, line), what));
            }
        };
        Ok(TableReader {
            options: options.clone(),
            waiting,
            columns,
            delimiter: part.delimiter,
            header_looks_like_data: options.header && sniff::looks_like_data(header.iter()),
            part,
            held: !options.header,
            record: Some(header),
            rows: 0,
            skipped: 0,
            bad: Vec::new(),
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
    /// [`Code::Data`], [`Code::Environment`], and [`Code::Usage`] where a later file has gone; the same error
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
        self.rows += 1;
        Ok(self.record.as_ref().map(|record| Row {
            record,
            order: self.part.order.as_deref(),
            width: self.columns.len(),
            end_line: self.part.csv.position().line(),
            file: &self.part.file,
        }))
    }

    /// The rows given so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The bad rows left out so far; always 0 under [`BadRows::Fail`].
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// What a user should know of the rows read so far, a sentence each: skipped rows, ignored columns.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if self.skipped > 0 {
            notes.push(format!(
                "{} of {} rows skipped: {}{}",
                self.skipped,
                self.rows + self.skipped,
                self.bad.join("; "),
                if self.skipped > self.bad.len() as u64 { "; …" } else { "" }
            ));
        }
        notes
    }

    /// Makes `record` the next good row; false at the end.
    fn advance(&mut self) -> Result<bool> {
        if self.held {
            self.held = false;
            return Ok(true);
        }
        loop {
            let Some(record) = self.part.read(&mut self.record)? else {
                let Some(next) = self.waiting.next() else {
                    self.check_skipped()?;
                    return Ok(false);
                };
                self.start_part(&next)?;
                if std::mem::take(&mut self.held) {
                    return Ok(true);
                }
                continue;
            };
            let problem = match record {
                Ok(width) if width == self.part.width => return Ok(true),
                Ok(_) => self.part.wrong_length(self.record.as_ref(), self.options.header),
                Err(bytes) => {
                    let names = self.options.header.then_some(&self.part.names);
                    let problem = not_utf8(&self.part.file, self.part.first_line(&bytes), &bytes, |i| {
                        names.and_then(|n| n.get(i)).cloned().unwrap_or_else(|| format!("column_{}", i + 1))
                    });
                    self.record = Some(StringRecord::new());
                    problem
                }
            };
            self.skip(problem)?;
        }
    }

    fn skip(&mut self, problem: Problem) -> Result<()> {
        if self.options.on_bad_row == BadRows::Fail {
            let skipping = "mend this row, or leave bad rows out: --on-bad-row skip";
            let help = problem.help.clone().map_or(skipping.into(), |h| format!("{h}; or {skipping}"));
            return Err(Error::new(Code::Data, problem.help(help)));
        }
        self.skipped += 1;
        if self.bad.len() < 3 {
            self.bad.push(format!("{}: {}", problem.place, problem.what));
        }
        if self.rows + self.skipped >= SETTLED { self.check_skipped() } else { Ok(()) }
    }

    fn check_skipped(&self) -> Result<()> {
        let all = self.rows + self.skipped;
        if self.skipped as f64 <= self.options.max_bad_fraction * all as f64 {
            return Ok(());
        }
        let what = format!("{} of {all} rows are bad", self.skipped);
        Err(Error::data(&self.part.file, what)
            .expected(format!("at most {} %", (self.options.max_bad_fraction * 1e4).round() / 100.0))
            .found(self.bad.join("; ")))
    }

    /// Goes on with the next file.
    fn start_part(&mut self, input: &Input) -> Result<()> {
        let first = std::mem::take(&mut self.part.first_file);
        let mut part = Part::open(input.open()?, &self.options)?;
        let (header, line) = part.header(&self.options)?;
        if self.options.header {
            part.match_columns(&self.columns, &first, line, &mut self.notes)?;
        } else if header.len() != self.columns.len() {
            let what = format!("{} where {first} has {}", fields(header.len()), self.columns.len());
            return Err(Error::data(line_place(&part.file, line), what));
        }
        part.first_file = first;
        self.part = part;
        self.held = !self.options.header;
        self.record = Some(header);
        Ok(())
    }
}

/// One file of a table.
struct Part {
    file: String,
    /// The file whose columns count.
    first_file: String,
    csv: csv::Reader<Guard<Box<dyn Read + Send>>>,
    delimiter: u8,
    lines: Lines,
    /// The header, if the table has one.
    names: Vec<String>,
    /// Fields in every row of this file.
    width: usize,
    /// Where each column of the table stands in this file; `None`: in the same place.
    order: Option<Vec<usize>>,
}

impl Part {
    fn open(opened: Opened, options: &ReadOptions) -> Result<Self> {
        let Opened { name: file, mut bytes } = opened;
        let (mut sample, mut whole) = (Vec::new(), false);
        // A pipe gives what it has; a few lines are enough, and waiting for more could take for ever.
        while !whole && sample.len() < SAMPLE && line_ends(&sample) <= 2 * SAMPLE_LINES {
            let length = sample.len() + 1;
            whole = read_some(&mut bytes, &mut sample, length).map_err(|e| unwrap_error(&file, e))?;
        }
        sniff::check_format(&file, &sample)?;
        let mark = if sample.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let lines = Lines::count(&sample[mark..], whole, options.quoting);
        let delimiter = options.delimiter.or_else(|| lines.delimiter()).unwrap_or(b',');
        let mut sample = Cursor::new(sample);
        sample.set_position(mark as u64);
        let guard = Guard::new(
            Box::new(sample.chain(bytes)) as Box<dyn Read + Send>,
            &file,
            delimiter,
            options.quoting,
        );
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(options.quoting)
            .terminator(Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(SAMPLE)
            .from_reader(guard);
        let first_file = file.clone();
        Ok(Part { file, first_file, csv, delimiter, lines, names: Vec::new(), width: 0, order: None })
    }

    /// Reads the first row, which gives the number of columns, and checks it if it is a header. Also its line.
    fn header(&mut self, options: &ReadOptions) -> Result<(StringRecord, u64)> {
        let mut record = None;
        let line;
        match self.read(&mut record)? {
            None => {
                let lacking = if options.header { "no header" } else { "no rows" };
                let holds =
                    if self.csv.get_ref().saw_nothing() { "is empty" } else { "has blank lines only" };
                let what = match &*self.file {
                    STANDARD_INPUT => format!("{lacking}: {STANDARD_INPUT} {holds}"),
                    _ => format!("{lacking}: the file {holds}"),
                };
                return Err(Error::data(&self.file, what));
            }
            Some(Err(bytes)) => {
                line = self.first_line(&bytes);
                let problem = not_utf8(&self.file, line, &bytes, |i| format!("column_{}", i + 1));
                return Err(Error::new(Code::Data, problem));
            }
            Some(Ok(width)) => self.width = width,
        }
        let record = record.unwrap_or_default();
        line = self.first_line(record.as_byte_record());
        if self.width == 1
            && let Some(other) = self.lines.other_delimiter(self.delimiter)
        {
            let what = format!("1 column found; delimiter {other}?");
            let help = "set delimiter to the character between the fields, or leave it out and it is found";
            return Err(Error::data(&self.file, what).help(help));
        }
        if options.header {
            let names: Vec<&str> = record.iter().collect();
            sniff::check_header(&self.file, line, &names)?;
            self.names = names.into_iter().map(str::to_owned).collect();
        }
        Ok((record, line))
    }

    /// Reads a row into `record`: its number of fields, or its bytes if they are not UTF-8; `None` at the end.
    fn read(&mut self, record: &mut Option<StringRecord>) -> Result<Option<Result<usize, ByteRecord>>> {
        let mut bytes = record.take().unwrap_or_default().into_byte_record();
        match self.csv.read_byte_record(&mut bytes) {
            Ok(true) => {}
            Ok(false) => {
                bytes.clear();
                *record = StringRecord::from_byte_record(bytes).ok();
                return Ok(None);
            }
            Err(e) => {
                return Err(match e.into_kind() {
                    ErrorKind::Io(e) => unwrap_error(&self.file, e),
                    other => Error::data(&self.file, format!("cannot be read: {other:?}")),
                });
            }
        }
        Ok(Some(match StringRecord::from_byte_record(bytes) {
            Ok(text) => {
                let width = text.len();
                *record = Some(text);
                Ok(width)
            }
            Err(e) => Err(e.into_byte_record()),
        }))
    }

    fn first_line(&self, record: &ByteRecord) -> u64 {
        first_line(record, self.csv.position().line())
    }

    fn wrong_length(&self, record: Option<&StringRecord>, header: bool) -> Problem {
        let empty = StringRecord::new();
        let record = record.unwrap_or(&empty);
        let line = self.first_line(record.as_byte_record());
        let reference = if header { "the header" } else { "the first row" };
        let delimiter = char::from(self.delimiter).to_string();
        let start: Vec<&str> = record.iter().take(40).collect();
        let what = format!("{} where {reference} has {}", fields(record.len()), self.width);
        let problem = Problem::new(line_place(&self.file, line), what)
            .expected(fields(self.width))
            .found(format!("{}: {}", fields(record.len()), quote(&start.join(&delimiter))));
        if record.len() > self.width && self.csv_quotes() {
            return problem.help(format!("a field that holds {} needs quotes around it", quote(&delimiter)));
        }
        problem
    }

    fn csv_quotes(&self) -> bool {
        self.csv.get_ref().quotes()
    }

    /// Finds the columns of the table in this file.
    fn match_columns(
        &mut self,
        columns: &[String],
        first: &str,
        line: u64,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let place: BTreeMap<&str, usize> =
            self.names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        let missing: Vec<&str> =
            columns.iter().map(String::as_str).filter(|c| !place.contains_key(c)).collect();
        if !missing.is_empty() {
            let what =
                format!("{} of {first} {} not here", count(missing.len(), "column"), are(missing.len()));
            let error = Error::data(line_place(&self.file, line), what)
                .expected(list(&missing))
                .found(list(&self.names.iter().map(String::as_str).collect::<Vec<_>>()));
            return Err(if sniff::looks_like_data(self.names.iter().map(String::as_str)) {
                error.help("every file of a table needs the header row")
            } else {
                error
            });
        }
        let order: Vec<usize> = columns.iter().map(|c| place[c.as_str()]).collect();
        if self.names.len() > columns.len() {
            let mut known = order.clone();
            known.sort_unstable();
            let extra = self.names.iter().enumerate().filter(|(i, _)| known.binary_search(i).is_err());
            let extra: Vec<&str> = extra.map(|(_, name)| name.as_str()).collect();
            notes.push(format!(
                "{}: {} that {first} lacks {} ignored: {}",
                self.file,
                count(extra.len(), "column"),
                are(extra.len()),
                list(&extra)
            ));
        }
        self.order = (order.iter().enumerate().any(|(i, &o)| i != o)).then_some(order);
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

/// The line in which a record starts that is followed by the line `end_line`: the guard ends each with one LF.
fn first_line(record: &ByteRecord, end_line: u64) -> u64 {
    let inside = record.as_slice().iter().filter(|&&b| b == b'\n').count() as u64;
    end_line.saturating_sub(inside + 1)
}

fn not_utf8(file: &str, line: u64, record: &ByteRecord, name: impl Fn(usize) -> String) -> Problem {
    for (i, field) in record.iter().enumerate() {
        if let Err(e) = std::str::from_utf8(field) {
            let at = e.valid_up_to();
            let text = quote(&String::from_utf8_lossy(field));
            return Problem::new(place(file, line, &name(i)), "not UTF-8")
                .expected("text in UTF-8")
                .found(format!("byte 0x{:02x} at offset {at} of {text}", field[at]))
                .help("save the file as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW");
        }
    }
    Problem::new(line_place(file, line), "not UTF-8")
}

fn line_ends(sample: &[u8]) -> usize {
    sample.iter().filter(|&&b| b == b'\n' || b == b'\r').count()
}

/// One read of what there is, at least up to `length` bytes in all; whether the input ended.
fn read_some(from: &mut impl Read, sample: &mut Vec<u8>, length: usize) -> std::io::Result<bool> {
    let old = sample.len();
    sample.resize(SAMPLE, 0);
    let n = loop {
        match from.read(&mut sample[old..]) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            other => break other?,
        }
    };
    sample.truncate(old + n);
    Ok(sample.len() < length)
}

fn fields(n: usize) -> String {
    count(n, "field")
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|n| quote(n)).collect();
    let more =
        if names.len() > LISTED { format!(" and {} more", names.len() - LISTED) } else { String::new() };
    shown.join(", ") + &more
}

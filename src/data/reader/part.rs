//! One file of a table: its format, its columns, its rows.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read as _};

use csv::{ByteRecord, ErrorKind, StringRecord, Terminator};

use super::ReadOptions;
use super::guard::Guard;
use super::sniff::{self, Lines, SAMPLE, SAMPLE_LINES};
use crate::data::source::{Opened, STANDARD_INPUT, line_place, place, unwrap_error};
use crate::error::{Code, Error, Problem, Result, counted, quote, thousands};

/// How many names a message lists.
const LISTED: usize = 10;

/// What reading a row came to.
pub(super) enum Read {
    /// A row, of any length.
    Row,
    /// A row with bytes that are not UTF-8.
    NotUtf8(ByteRecord),
    /// There are no more rows.
    End,
}

/// One file of a table.
pub(super) struct Part {
    pub(super) file: String,
    /// The file whose columns count.
    pub(super) first_file: String,
    csv: csv::Reader<Guard<Box<dyn io::Read + Send>>>,
    pub(super) delimiter: u8,
    lines: Lines,
    /// The names of the columns in this file, as messages call them.
    pub(super) names: Vec<String>,
    /// Fields in every row of this file.
    width: usize,
    /// The line after the row that was given last, and whether it may have had several lines.
    next_line: u64,
    spans_lines: bool,
    /// A row, or the end, that is given after the blank lines before it, where these are rows too.
    behind_blank: Option<Waiting>,
    /// Where each column of the table stands in this file; `None`: in the same place.
    pub(super) order: Option<Vec<usize>>,
}

/// A row, or the end of the rows, that was read and is not given yet.
struct Waiting {
    /// The line in which it starts.
    start: u64,
    read: Read,
    record: Option<StringRecord>,
}

impl Part {
    pub(super) fn open(opened: Opened, options: &ReadOptions) -> Result<Self> {
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
            Box::new(sample.chain(bytes)) as Box<dyn io::Read + Send>,
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
        Ok(Part {
            file,
            first_file,
            csv,
            delimiter,
            lines,
            names: Vec::new(),
            width: 0,
            next_line: 1,
            spans_lines: false,
            behind_blank: None,
            order: None,
        })
    }

    /// Reads the first row, which gives the number of columns, and checks it if it is a header. Also its line.
    pub(super) fn first_row(&mut self, options: &ReadOptions) -> Result<(StringRecord, u64)> {
        let mut record = None;
        match self.read(&mut record)? {
            Read::Row => {}
            Read::NotUtf8(bytes) => return Err(Error::new(Code::Data, self.not_utf8(&bytes))),
            Read::End => {
                let lacking = if options.header { "no header" } else { "no rows" };
                let holds =
                    if self.csv.get_ref().saw_nothing() { "is empty" } else { "has blank lines only" };
                let what = if self.file == STANDARD_INPUT { STANDARD_INPUT } else { "the file" };
                return Err(Error::data(&self.file, format!("{lacking}: {what} {holds}")));
            }
        }
        let record = record.unwrap_or_default();
        self.width = record.len();
        if self.width == 1
            && let Some(other) = self.lines.other_delimiter(self.delimiter)
        {
            let what = format!("1 column found; delimiter {other}?");
            let help =
                "set data.delimiter to the character between the fields, or leave it out and it is found";
            return Err(Error::data(&self.file, what).help(help));
        }
        let line = self.first_line(record.as_byte_record());
        if options.header {
            let names: Vec<&str> = record.iter().collect();
            sniff::check_header(&self.file, line, &names)?;
            self.names = names.into_iter().map(str::to_owned).collect();
        }
        Ok((record, line))
    }

    /// Reads the next row into `record`, which is left empty unless the result is [`Read::Row`].
    ///
    /// A blank line is no row, as everywhere in CSV. But in a file of one column it is what many programs write for a row
    /// without a value, and is read as that: rows then stand where their lines stand. The line end that ends the file begins no line.
    pub(super) fn read(&mut self, record: &mut Option<StringRecord>) -> Result<Read> {
        if let Some(row) = self.behind_blank.take_if(|row| row.start == self.next_line) {
            self.next_line = self.csv.position().line();
            *record = row.record;
            return Ok(row.read);
        }
        if self.behind_blank.is_none() {
            let read = self.read_record(record)?;
            let end = self.csv.position().line();
            if self.width != 1 {
                self.spans_lines = end > self.next_line + 1;
                self.next_line = end;
                return Ok(read);
            }
            let start = match (&read, &*record) {
                (Read::Row, Some(record)) => first_line(record.as_byte_record(), end),
                (Read::NotUtf8(bytes), _) => first_line(bytes, end),
                _ => end,
            };
            if start <= self.next_line {
                self.next_line = end;
                return Ok(read);
            }
            self.behind_blank = Some(Waiting { start, read, record: record.take() });
        }
        self.next_line += 1;
        *record = Some(StringRecord::from([""].as_slice()));
        Ok(Read::Row)
    }

    fn read_record(&mut self, record: &mut Option<StringRecord>) -> Result<Read> {
        let mut bytes = record.take().unwrap_or_default().into_byte_record();
        match self.csv.read_byte_record(&mut bytes) {
            Ok(true) => {}
            Ok(false) => return Ok(Read::End),
            Err(e) => {
                return Err(match e.into_kind() {
                    ErrorKind::Io(e) => unwrap_error(&self.file, e),
                    other => Error::data(&self.file, format!("cannot be read: {other:?}")),
                });
            }
        }
        match StringRecord::from_byte_record(bytes) {
            Ok(text) => {
                *record = Some(text);
                Ok(Read::Row)
            }
            Err(e) => Ok(Read::NotUtf8(e.into_byte_record())),
        }
    }

    /// Whether a row has as many fields as the first.
    pub(super) fn fits(&self, record: Option<&StringRecord>) -> bool {
        record.is_some_and(|r| r.len() == self.width)
    }

    /// The line after the row that was given last.
    pub(super) fn line(&self) -> u64 {
        self.next_line
    }

    /// Whether the row that was given last had several lines, or blank ones before it. Of a table of one column: never.
    pub(super) fn spans_lines(&self) -> bool {
        self.spans_lines
    }

    fn first_line(&self, record: &ByteRecord) -> u64 {
        first_line(record, self.line())
    }

    pub(super) fn wrong_length(&self, record: Option<&StringRecord>, header: bool) -> Problem {
        let empty = StringRecord::new();
        let record = record.unwrap_or(&empty);
        let line = self.first_line(record.as_byte_record());
        let reference = if header { "the header" } else { "the first row" };
        let delimiter = char::from(self.delimiter).to_string();
        let start: Vec<&str> = record.iter().take(40).collect();
        let what = format!("{} where {reference} has {}", fields(record.len()), thousands(self.width as u64));
        let problem = Problem::new(line_place(&self.file, line), what)
            .expected(fields(self.width))
            .found(format!("{}: {}", fields(record.len()), quote(&start.join(&delimiter))));
        if record.len() > self.width && self.csv.get_ref().quotes() {
            return problem.help(format!("a field that holds {} needs quotes around it", quote(&delimiter)));
        }
        problem
    }

    pub(super) fn not_utf8(&self, record: &ByteRecord) -> Problem {
        let line = self.first_line(record);
        let bad =
            record.iter().enumerate().find_map(|(i, f)| std::str::from_utf8(f).err().map(|e| (i, f, e)));
        let Some((i, field, e)) = bad else { return Problem::new(line_place(&self.file, line), "not UTF-8") };
        let at = e.valid_up_to();
        let text = quote(&String::from_utf8_lossy(field));
        let name = self.names.get(i).cloned().unwrap_or_else(|| number_name(i));
        Problem::new(place(&self.file, line, &name), "not UTF-8")
            .expected("text in UTF-8")
            .found(format!("byte 0x{:02x} at offset {at} of {text}", field[at]))
            .help("save the file as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW")
    }

    /// Finds the columns of the table in this file.
    pub(super) fn match_columns(
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
            let what = format!(
                "{} of {first} {} not here",
                counted(missing.len() as u64, "column"),
                are(missing.len())
            );
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
                counted(extra.len() as u64, "column"),
                are(extra.len()),
                list(&extra)
            ));
        }
        self.order = (order.iter().enumerate().any(|(i, &o)| i != o)).then_some(order);
        Ok(())
    }
}

/// The line in which a record starts that is followed by the line `end_line`: the guard ends each with one LF.
pub(super) fn first_line(record: &ByteRecord, end_line: u64) -> u64 {
    // Bytes are counted in bytes: then one instruction looks at many of them.
    let ends = |block: &[u8]| u64::from(block.iter().map(|&b| u8::from(b == b'\n')).sum::<u8>());
    let inside: u64 = record.as_slice().chunks(255).map(ends).sum();
    end_line.saturating_sub(inside + 1)
}

/// The name of column `i`, counted from 0, where there is no header.
pub(super) fn number_name(i: usize) -> String {
    format!("column_{}", i + 1)
}

fn line_ends(sample: &[u8]) -> usize {
    sample.iter().filter(|&&b| b == b'\n' || b == b'\r').count()
}

/// One read of what there is, at least up to `length` bytes in all; whether the input ended.
fn read_some(from: &mut impl io::Read, sample: &mut Vec<u8>, length: usize) -> io::Result<bool> {
    let old = sample.len();
    sample.resize(SAMPLE, 0);
    let n = loop {
        match from.read(&mut sample[old..]) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            other => break other?,
        }
    };
    sample.truncate(old + n);
    Ok(sample.len() < length)
}

pub(super) fn fields(n: usize) -> String {
    counted(n as u64, "field")
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

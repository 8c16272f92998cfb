//! The bytes of a table, evened out and checked, block by block.
//!
//! Outside quotes the cleaner turns CR and CRLF into LF and takes away spaces (and tabs, unless they are the delimiter)
//! at both ends of a field; it puts an LF at the end if there is none. So every record ends with one LF and the csv
//! crate's line numbers are right for all kinds of line ends. Its quote rules are those of the csv crate: a quote opens
//! only at the start of a field, a doubled quote is one, and text after a closing quote belongs to the field.
//!
//! Most blocks of a numeric table need no change; one vectorised scan finds that out.

use crate::data::source::line_place;
use crate::error::Error;

/// The longest field, in bytes as they stand in the file.
pub(super) const MAX_FIELD: u64 = 1 << 20;

/// The longest row, in bytes: a row of nothing but delimiters takes eight times its length in memory.
pub(super) const MAX_ROW: u64 = 16 << 20;

/// Where the next byte stands. The csv crate's states, less those that differ only in what is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    InField,
    Quoted,
    QuoteInQuoted,
}

/// Bits of [`Cleaner::stops`]: the byte ends a run within a field, within quotes, anywhere.
const STOPS_FIELD: u8 = 1;
const STOPS_QUOTED: u8 = 2;
const STOPS_ALL: u8 = 4;

/// Turns blocks of a table into clean bytes.
pub(super) struct Cleaner {
    file: String,
    delimiter: u8,
    /// NUL where quoting is off: no field that comes this far holds one.
    quote: u8,
    /// The two bytes that count as blanks; equal where a tab or a space is the delimiter.
    blanks: [u8; 2],
    /// For each byte, what it may end.
    stops: [u8; 256],
    state: State,
    /// Blanks inside a field that are dropped if the field ends here.
    pending: Vec<u8>,
    /// A CR has ended the line, so an LF right after it is part of the same end.
    after_cr: bool,
    /// 1-based line of the next byte.
    line: u64,
    quote_line: u64,
    /// Bytes seen, and where the current line, field and row started.
    offset: u64,
    line_start: u64,
    field_start: u64,
    row_start: u64,
    field_line: u64,
    row_line: u64,
}

impl Cleaner {
    /// `quote`: whether `"` quotes. `file`: the name in messages.
    pub(super) fn new(file: &str, delimiter: u8, quote: bool) -> Self {
        let blanks = match delimiter {
            b'\t' => [b' ', b' '],
            b' ' => [b'\t', b'\t'],
            _ => [b' ', b'\t'],
        };
        let quote = if quote { b'"' } else { 0 };
        let mut stops = [STOPS_ALL; 256];
        for b in [0, b'\n', b'\r', delimiter, blanks[0], blanks[1]] {
            stops[usize::from(b)] |= STOPS_FIELD;
        }
        for b in [0, b'\n', quote] {
            stops[usize::from(b)] |= STOPS_QUOTED;
        }
        Cleaner {
            file: file.into(),
            delimiter,
            quote,
            blanks,
            stops,
            state: State::FieldStart,
            pending: Vec::new(),
            after_cr: false,
            line: 1,
            quote_line: 1,
            offset: 0,
            line_start: 0,
            field_start: 0,
            row_start: 0,
            field_line: 1,
            row_line: 1,
        }
    }

    /// How many bytes have been seen.
    pub(super) fn seen(&self) -> u64 {
        self.offset
    }

    /// Whether `"` quotes.
    pub(super) fn quotes(&self) -> bool {
        self.quote != 0
    }

    /// Appends the clean form of `block` to `out`; before an error, all of it that precedes the defect.
    pub(super) fn clean(&mut self, mut block: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if std::mem::take(&mut self.after_cr) && block.first() == Some(&b'\n') {
            self.start_row(self.offset + 1);
            self.offset += 1;
            block = &block[1..];
        }
        if block.is_empty() {
            return Ok(());
        }
        let survey = self.survey(block);
        if !matches!(survey, Survey::ByteByByte) {
            self.check_first_ends(block)?;
        }
        match survey {
            Survey::AsIs => out.extend_from_slice(block),
            Survey::DropCr => {
                for line in block.split_inclusive(|&b| b == b'\r') {
                    out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                }
                if block.ends_with(b"\r") {
                    out.push(b'\n');
                    self.after_cr = true;
                }
            }
            Survey::ByteByByte => {
                self.walk(block, out)?;
                return self.check_lengths(self.offset);
            }
        }
        self.pass(block)
    }

    /// What `block` needs, found without a branch a byte.
    fn survey(&self, block: &[u8]) -> Survey {
        let [blank_0, blank_1] = self.blanks;
        let is_blank = |b: u8| (b == blank_0) | (b == blank_1);
        let (first, last) = (block[0], block[block.len() - 1]);
        let edges = (self.state == State::FieldStart && is_blank(first)) || is_blank(last);
        if !matches!(self.state, State::FieldStart | State::InField) || !self.pending.is_empty() || edges {
            return Survey::ByteByByte;
        }
        let refuse = |b: u8| (b == self.quote) | (b == 0);
        let (mut odd, mut cr) = (refuse(first), first == b'\r');
        for (&a, &b) in block.iter().zip(&block[1..]) {
            odd |= refuse(b)
                | (self.is_end(a) & is_blank(b))
                | (is_blank(a) & self.is_end(b))
                | ((a == b'\r') & (b != b'\n'));
            cr |= b == b'\r';
        }
        match (odd, cr) {
            (true, _) => Survey::ByteByByte,
            (false, true) => Survey::DropCr,
            (false, false) => Survey::AsIs,
        }
    }

    /// Checks the field and the row that came in from the block before; no other can be too long within one block.
    fn check_first_ends(&self, block: &[u8]) -> Result<(), Error> {
        if let Some(first) = block.iter().position(|&b| self.is_end(b)) {
            self.check_field(self.offset + first as u64)?;
        }
        if let Some(first) = block.iter().position(|&b| is_line_end(b)) {
            self.check_row(self.offset + first as u64)?;
        }
        Ok(())
    }

    #[inline]
    fn is_end(&self, b: u8) -> bool {
        (b == self.delimiter) | is_line_end(b)
    }

    /// Moves the counters over a block without quotes and lone CRs.
    fn pass(&mut self, block: &[u8]) -> Result<(), Error> {
        let after = |i: usize| self.offset + i as u64 + 1;
        let last_end = block.iter().rposition(|&b| self.is_end(b)).map(after);
        let last_line = block.iter().rposition(|&b| is_line_end(b)).map(after);
        // A block that ends in CR counts that line here, and its LF nowhere.
        self.line += block.iter().filter(|&&b| b == b'\n').count() as u64 + u64::from(self.after_cr);
        if let Some(start) = last_line {
            (self.line_start, self.row_start, self.row_line) = (start, start, self.line);
        }
        self.offset += block.len() as u64;
        self.state = match last_end {
            Some(start) => {
                (self.field_start, self.field_line) = (start, self.line);
                if start == self.offset { State::FieldStart } else { State::InField }
            }
            None => State::InField,
        };
        self.check_lengths(self.offset)
    }

    /// The rules themselves: bytes that end a run decide one by one, the run between them is copied.
    fn walk(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        out.reserve(block.len() + self.pending.len());
        let mut rest = block;
        while let Some(&b) = rest.first() {
            let stop = match self.state {
                State::InField if self.pending.is_empty() => STOPS_FIELD,
                State::Quoted => STOPS_QUOTED,
                _ => STOPS_ALL,
            };
            if self.stops[usize::from(b)] & stop == 0 {
                let run =
                    rest.iter().position(|&b| self.stops[usize::from(b)] & stop != 0).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..run]);
                self.offset += run as u64;
                rest = &rest[run..];
            } else if self.step(b, out)? {
                self.offset += 1;
                rest = &rest[1..];
            }
        }
        Ok(())
    }

    /// Handles one byte; whether it is done with, or only the state has changed.
    fn step(&mut self, b: u8, out: &mut Vec<u8>) -> Result<bool, Error> {
        if b == 0 {
            return Err(self.nul());
        }
        if std::mem::take(&mut self.after_cr) && b == b'\n' {
            self.start_row(self.offset + 1);
            return Ok(true);
        }
        match self.state {
            State::Quoted => {
                out.push(b);
                if b == self.quote {
                    self.state = State::QuoteInQuoted;
                } else if b == b'\n' {
                    self.line += 1;
                    self.line_start = self.offset + 1;
                }
            }
            State::QuoteInQuoted if b == self.quote => {
                out.push(b);
                self.state = State::Quoted;
            }
            _ if b == self.delimiter => {
                self.check_field(self.offset)?;
                self.pending.clear();
                out.push(b);
                self.state = State::FieldStart;
                (self.field_start, self.field_line) = (self.offset + 1, self.line);
            }
            _ if b == b'\n' || b == b'\r' => {
                self.check_lengths(self.offset)?;
                self.pending.clear();
                out.push(b'\n');
                self.state = State::FieldStart;
                self.after_cr = b == b'\r';
                self.line += 1;
                self.start_row(self.offset + 1);
            }
            State::FieldStart if self.blanks.contains(&b) => {}
            State::FieldStart if b == self.quote => {
                self.quote_line = self.line;
                out.push(b);
                self.state = State::Quoted;
            }
            _ if self.blanks.contains(&b) => {
                self.pending.push(b);
                self.state = State::InField;
            }
            _ => {
                out.append(&mut self.pending);
                self.state = State::InField;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The end of the input.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.state == State::Quoted {
            return Err(Error::data(
                line_place(&self.file, self.quote_line),
                "the quote that opens in this line is never closed",
            )
            .expected("a closing \" before the end of the file")
            .help("close it, or, if quotes are plain text here, train with data.quoting = false"));
        }
        // A row that has begun gets its line end; a second LF would only be a blank line, which is skipped.
        if self.offset > self.row_start {
            out.push(b'\n');
        }
        Ok(())
    }

    fn start_row(&mut self, offset: u64) {
        (self.line_start, self.field_start, self.row_start) = (offset, offset, offset);
        (self.field_line, self.row_line) = (self.line, self.line);
    }

    fn check_lengths(&self, end: u64) -> Result<(), Error> {
        self.check_field(end)?;
        self.check_row(end)
    }

    fn check_field(&self, end: u64) -> Result<(), Error> {
        if end - self.field_start <= MAX_FIELD {
            return Ok(());
        }
        let place = line_place(&self.file, self.field_line);
        let quoted = matches!(self.state, State::Quoted | State::QuoteInQuoted);
        let help =
            if quoted { "is the quote that opens in this line closed?" } else { "is the delimiter right?" };
        Err(Error::data(place, "a field that starts in this line is longer than 1 MiB").help(help))
    }

    fn check_row(&self, end: u64) -> Result<(), Error> {
        if end - self.row_start <= MAX_ROW {
            return Ok(());
        }
        let place = line_place(&self.file, self.row_line);
        Err(Error::data(place, "the row that starts in this line is longer than 16 MiB")
            .help("does the file have line ends?"))
    }

    fn nul(&self) -> Error {
        let place = line_place(&self.file, self.line);
        Error::data(place, format!("a NUL byte at byte {} of the line", self.offset - self.line_start + 1))
            .expected("text")
            .help("the file is damaged or not a text file; tr -d '\\000' takes NUL bytes out")
    }
}

#[inline]
fn is_line_end(b: u8) -> bool {
    (b == b'\n') | (b == b'\r')
}

enum Survey {
    AsIs,
    DropCr,
    ByteByByte,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_way_gives_what_the_byte_by_byte_way_gives(text in "([ab,]|a b|\r\n|\n| ){0,40}") {
            let mut slow = Cleaner::new("t.csv", b',', true);
            let mut fast = Cleaner::new("t.csv", b',', true);
            let (mut slow_out, mut fast_out) = (Vec::new(), Vec::new());
            prop_assert!(slow.walk(text.as_bytes(), &mut slow_out).is_ok());
            if !text.is_empty() {
                prop_assert!(fast.clean(text.as_bytes(), &mut fast_out).is_ok());
            }
            let counters = |c: &Cleaner| {
                (c.line, c.offset, c.line_start, c.field_start, c.row_start, c.field_line, c.row_line, c.after_cr)
            };
            prop_assert_eq!(counters(&fast), counters(&slow));
            prop_assert_eq!(fast_out, slow_out);
        }
    }
}

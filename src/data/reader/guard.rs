//! Cleans the bytes of a table on their way to the csv crate, and stops at what that crate would swallow in silence.
//!
//! Outside quotes the guard turns CR and CRLF into LF and takes away spaces (and tabs, unless they are the delimiter)
//! at both ends of a field; it puts an LF at the end if there is none. So every record ends with one LF and the csv
//! crate's line numbers are right for all kinds of line ends. Its quote rules are those of the csv crate: a quote opens
//! only at the start of a field, a doubled quote is one, and text after a closing quote belongs to the field.
//!
//! Most blocks of a numeric table need no change; one vectorised scan finds that out.

use std::io::{self, Read};

use crate::data::source::line_place;
use crate::error::Error;

/// The longest field, in bytes as they stand in the file.
pub(super) const MAX_FIELD: u64 = 1 << 20;

/// The longest row, in bytes: a row of nothing but delimiters takes eight times its length in memory.
pub(super) const MAX_ROW: u64 = 16 << 20;

const BLOCK: usize = 64 << 10;

/// A reader of clean bytes; its errors wrap an [`Error`] and come after all bytes that precede the defect.
pub(super) struct Guard<R> {
    inner: R,
    block: Box<[u8]>,
    clean: Vec<u8>,
    given: usize,
    cleaner: Cleaner,
    failed: Option<Error>,
    ended: bool,
}

impl<R: Read> Guard<R> {
    /// `quote`: whether `"` quotes. `file`: the name in messages.
    pub(super) fn new(inner: R, file: &str, delimiter: u8, quote: bool) -> Self {
        Guard {
            inner,
            block: vec![0; BLOCK].into_boxed_slice(),
            clean: Vec::with_capacity(2 * BLOCK),
            given: 0,
            cleaner: Cleaner::new(file, delimiter, quote),
            failed: None,
            ended: false,
        }
    }

    /// Whether `"` quotes.
    pub(super) fn quotes(&self) -> bool {
        self.cleaner.quote != 0
    }

    /// Whether the input ended without a single byte.
    pub(super) fn saw_nothing(&self) -> bool {
        self.ended && self.cleaner.offset == 0
    }

    fn refill(&mut self) -> io::Result<()> {
        self.clean.clear();
        self.given = 0;
        while self.clean.is_empty() && !self.ended {
            if let Some(error) = &self.failed {
                return Err(io::Error::other(error.clone()));
            }
            let n = match self.inner.read(&mut self.block) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let outcome = if n == 0 {
                self.ended = true;
                self.cleaner.finish(&mut self.clean)
            } else {
                self.cleaner.clean(&self.block[..n], &mut self.clean)
            };
            if let Err(error) = outcome {
                self.ended = false;
                self.failed = Some(error);
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.clean.len() {
            self.refill()?;
        }
        let n = buffer.len().min(self.clean.len() - self.given);
        buffer[..n].copy_from_slice(&self.clean[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// Where the next byte stands. The csv crate's states, less those that differ only in what is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    InField,
    Quoted,
    QuoteInQuoted,
}

struct Cleaner {
    file: String,
    delimiter: u8,
    /// NUL where quoting is off: no field that comes this far holds one.
    quote: u8,
    /// The two bytes that count as blanks; equal where a tab or a space is the delimiter.
    blanks: [u8; 2],
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
    fn new(file: &str, delimiter: u8, quote: bool) -> Self {
        let blanks = match delimiter {
            b'\t' => [b' ', b' '],
            b' ' => [b'\t', b'\t'],
            _ => [b' ', b'\t'],
        };
        Cleaner {
            file: file.into(),
            delimiter,
            quote: if quote { b'"' } else { 0 },
            blanks,
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

    /// Appends the clean form of `block` to `out`; before an error, all of it that precedes the defect.
    fn clean(&mut self, mut block: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if self.after_cr && block[0] == b'\n' {
            self.offset += 1;
            self.line_start = self.offset;
            (self.field_start, self.row_start) = (self.offset, self.offset);
            block = &block[1..];
        }
        if block.is_empty() {
            self.after_cr = false;
            return Ok(());
        }
        self.after_cr = false;
        match self.survey(block) {
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
        let is_end = |b: u8| (b == self.delimiter) | (b == b'\n') | (b == b'\r');
        let (first, last) = (block[0], block[block.len() - 1]);
        let edges = (self.state == State::FieldStart && is_blank(first)) || is_blank(last);
        if !matches!(self.state, State::FieldStart | State::InField) || !self.pending.is_empty() || edges {
            return Survey::ByteByByte;
        }
        let refuse = |b: u8| (b == self.quote) | (b == 0);
        let (mut odd, mut cr) = (refuse(first), first == b'\r');
        for (&a, &b) in block.iter().zip(&block[1..]) {
            odd |= refuse(b)
                | (is_end(a) & is_blank(b))
                | (is_blank(a) & is_end(b))
                | ((a == b'\r') & (b != b'\n'));
            cr |= b == b'\r';
        }
        match (odd, cr) {
            (true, _) => Survey::ByteByByte,
            (false, true) => Survey::DropCr,
            (false, false) => Survey::AsIs,
        }
    }

    /// Moves the counters over a block without quotes and lone CRs.
    fn pass(&mut self, block: &[u8]) -> Result<(), Error> {
        let is_end = |b: &u8| (*b == self.delimiter) | (*b == b'\n') | (*b == b'\r');
        let after = |i: usize| self.offset + i as u64 + 1;
        if let Some(first) = block.iter().position(is_end) {
            self.check_field(self.offset + first as u64)?;
        }
        let last_end = block.iter().rposition(is_end).map(after);
        if let Some(first) = block.iter().position(|&b| b == b'\n' || b == b'\r') {
            self.check_row(self.offset + first as u64)?;
        }
        let last_line = block.iter().rposition(|&b| b == b'\n' || b == b'\r').map(after);
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

    /// The rules themselves, a byte at a time.
    fn walk(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        out.reserve(block.len() + self.pending.len());
        for &b in block {
            if b == 0 {
                return Err(self.nul());
            }
            if self.after_cr {
                self.after_cr = false;
                if b == b'\n' {
                    self.start_row(self.offset + 1);
                    self.offset += 1;
                    continue;
                }
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
                    self.check_field(self.offset)?;
                    self.check_row(self.offset)?;
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
                    out.push(b);
                    self.state = State::InField;
                }
            }
            self.offset += 1;
        }
        Ok(())
    }

    /// The end of the input.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.state == State::Quoted {
            return Err(Error::data(
                line_place(&self.file, self.quote_line),
                "the quote that opens in this line is never closed",
            )
            .expected("a closing \" before the end of the file")
            .help(
                "close it, or set quoting = false (--set data.quoting=false) if quotes are plain text here",
            ));
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

enum Survey {
    AsIs,
    DropCr,
    ByteByByte,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives its bytes in pieces of the given lengths.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.first_mut() else { return Ok(0) };
            let n = piece.len().min(buffer.len());
            buffer[..n].copy_from_slice(&piece[..n]);
            piece.drain(..n);
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(n)
        }
    }

    fn clean(pieces: Vec<Vec<u8>>, delimiter: u8, quote: bool) -> (String, Option<String>) {
        let pieces = pieces.into_iter().filter(|p| !p.is_empty()).collect();
        let mut guard = Guard::new(Pieces(pieces), "t.csv", delimiter, quote);
        let mut out = Vec::new();
        let failed = guard.read_to_end(&mut out).err().map(|e| e.to_string());
        (String::from_utf8(out).unwrap(), failed)
    }

    fn clean_text(text: &str) -> String {
        let (out, failed) = clean(vec![text.into()], b',', true);
        assert_eq!(failed, None);
        out
    }

    #[test]
    fn line_ends_become_lf_and_the_last_is_added() {
        for text in ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2\r", "a,b\r\n1,2", "a,b\r1,2\n", "a,b\n1,2"] {
            assert_eq!(clean_text(text), "a,b\n1,2\n", "{text:?}");
        }
        assert_eq!(clean_text("a\r\r\n\n\rb"), "a\n\n\n\nb\n");
        assert_eq!(clean_text(""), "");
    }

    #[test]
    fn blanks_go_outside_quotes_and_stay_within() {
        assert_eq!(clean_text(" a b ,\t c,d\t\n"), "a b,c,d\n");
        assert_eq!(clean_text("x, \" a, b \" ,y"), "x,\" a, b \",y\n");
        assert_eq!(clean_text("\"a\r\nb\r\", c \r\n"), "\"a\r\nb\r\",c\n");
        assert_eq!(clean(vec!["a \t b\t\n".into()], b'\t', true).0, "a\tb\t\n");
        assert_eq!(clean(vec![" \"a , b".into()], b',', false).0, "\"a,b\n");
    }

    #[test]
    fn a_defect_comes_after_the_rows_before_it() {
        let (out, failed) = clean(vec!["a,b\n1,2\n3,\0".into()], b',', true);
        assert_eq!(out, "a,b\n1,2\n3,");
        assert!(failed.is_some_and(|e| e.contains("line 3: a NUL byte at byte 3")));
        let (out, failed) = clean(vec!["a\r\nb\r\n\"c\r\nd\r\n".into()], b',', true);
        assert_eq!(out, "a\nb\n\"c\r\nd\r\n");
        assert!(failed.is_some_and(|e| e.contains("line 3: the quote")));
    }

    #[test]
    fn the_longest_field_and_row_are_exact_whatever_the_blocks() {
        let text = |field: usize, other: usize| format!("a\n{},{}\n", "x".repeat(field), "y ".repeat(other));
        let max = MAX_FIELD as usize;
        for other in [0, 1] {
            assert_eq!(clean(vec![text(max, other).into()], b',', true).1, None);
            let (_, failed) = clean(vec![text(max + 1, other).into()], b',', true);
            assert!(failed.is_some_and(|e| e.contains("line 2: a field that starts")));
        }
        let row = |n: u64| format!("a\n{}\nb\n", ",".repeat(n as usize));
        assert_eq!(clean(vec![row(MAX_ROW).into()], b',', true).1, None);
        let (_, failed) = clean(vec![row(MAX_ROW + 1).into()], b',', true);
        assert!(failed.is_some_and(|e| e.contains("line 2: the row that starts")));
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_result(
            pieces in prop::collection::vec("[ab,;\" \t\r\n\0]{0,9}", 0..9),
            tab in any::<bool>(),
            quote in any::<bool>(),
        ) {
            let delimiter = if tab { b'\t' } else { b',' };
            let whole = clean(vec![pieces.concat().into()], delimiter, quote);
            let bytes = pieces.concat().bytes().map(|b| vec![b]).collect();
            prop_assert_eq!(&clean(bytes, delimiter, quote), &whole);
            prop_assert_eq!(&clean(pieces.into_iter().map(Into::into).collect(), delimiter, quote), &whole);
        }

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

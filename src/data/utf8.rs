//! Files as text: UTF-8, given piece by piece.

use std::io::Read;

use super::reader::{Foreign, UNPACK, wide_encoding};
use super::source::{Opened, line_place, unwrap_error};
use crate::error::{Error, Result};

/// Bytes that are read at once.
pub(super) const PIECE: usize = 1 << 20;

/// An error if `sample`, the first bytes of `file`, are not those of a text in UTF-8.
pub(super) fn check_format(file: &str, sample: &[u8]) -> Result<()> {
    let (what, help) = if let Some(foreign) = Foreign::of(sample) {
        let help = match foreign {
            Foreign::Packed(_) => UNPACK,
            _ => "name a plain text; save a document as one first",
        };
        (format!("this is {}, not a text", foreign.name()), help.to_owned())
    } else if let Some(name) = wide_encoding(sample) {
        let help = format!("save it as UTF-8, or: iconv -f {} -t utf-8 FILE > NEW", name.to_lowercase());
        (format!("this file is {name}, not UTF-8"), help)
    } else {
        return Ok(());
    };
    Err(Error::data(file, what).expected("a text in UTF-8").help(help))
}

/// Bytes as text.
pub(super) struct Utf8 {
    opened: Opened,
    /// Bytes that were read, from the first that was not given yet.
    bytes: Vec<u8>,
    /// How many of them were given last.
    given: usize,
    /// Bytes and line feeds before them.
    before: (u64, u64),
    ended: bool,
}

impl Utf8 {
    pub(super) fn new(opened: Opened) -> Self {
        Utf8 { opened, bytes: Vec::new(), given: 0, before: (0, 0), ended: false }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Option<&str>> {
        let lines = self.bytes[..self.given].iter().filter(|&&b| b == b'\n').count();
        self.before = (self.before.0 + self.given as u64, self.before.1 + lines as u64);
        self.bytes.drain(..self.given);
        self.given = 0;
        while self.bytes.len() < PIECE && !self.ended {
            let room = (PIECE - self.bytes.len()) as u64;
            let read = (&mut self.opened.bytes).take(room).read_to_end(&mut self.bytes);
            self.ended = read.map_err(|e| unwrap_error(&self.opened.name, e))? == 0;
        }
        if self.before.0 == 0 && self.bytes.starts_with(b"\xef\xbb\xbf") {
            // A byte-order mark is no text.
            self.bytes.drain(..3);
        }
        let valid = match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.bytes.len(),
            Err(e) if e.error_len().is_none() && !self.ended => e.valid_up_to(),
            Err(e) => return Err(self.not_utf8(e.valid_up_to())),
        };
        let line = self.bytes[..valid].iter().rposition(|&b| b == b'\n').map(|at| at + 1);
        self.given = if self.ended { valid } else { line.unwrap_or(valid) };
        let piece = std::str::from_utf8(&self.bytes[..self.given]);
        let piece =
            piece.unwrap_or_else(|e| unreachable!("a part of valid text that ends with a character: {e}"));
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn not_utf8(&self, at: usize) -> Error {
        let line = self.before.1 + 1 + self.bytes[..at].iter().filter(|&&b| b == b'\n').count() as u64;
        let place = line_place(&self.opened.name, line);
        // No text has NUL bytes, in whatever encoding of single bytes.
        let help = match self.bytes.contains(&0) {
            true => "it is a binary file, as its NUL bytes say: name a plain text",
            false => "iconv -f LATIN1 -t UTF-8 makes it UTF-8, if it is Latin-1",
        };
        Error::data(place, "not UTF-8")
            .found(format!("byte 0x{:02X} at offset {}", self.bytes[at], self.before.0 + at as u64))
            .help(help)
    }
}

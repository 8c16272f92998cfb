//! Cleans the bytes of a table on their way to the csv crate, and stops at what that crate would swallow in silence.
//!
//! What it changes and refuses is in [`super::clean`]; here are the blocks, and the order of rows and errors.

use std::io::{self, Read};

use super::clean::Cleaner;
use crate::error::Error;

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
        self.cleaner.quotes()
    }

    /// Whether the input ended without a single byte.
    pub(super) fn saw_nothing(&self) -> bool {
        self.ended && self.cleaner.seen() == 0
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

#[cfg(test)]
mod tests {
    use super::super::clean::{MAX_FIELD, MAX_ROW};
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
            let (out, failed) = clean(vec![text(max + 1, other).into()], b',', true);
            assert!(out.starts_with("a\nx") && !out.contains(','));
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
        fn quotes_are_those_of_the_csv_crate(text in "[a,\"\n]{0,30}") {
            let parse = |text: &str| -> Vec<csv::ByteRecord> {
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
                reader.byte_records().map(|r| r.unwrap()).collect()
            };
            let closed = parse(&format!("{text}\nZ")).last().is_some_and(|r| r == ["Z"][..]);
            let (out, failed) = clean(vec![text.clone().into()], b',', true);
            prop_assert_eq!(failed.is_none(), closed);
            prop_assert!(!closed || parse(&out) == parse(&text));
        }
    }
}

//! The text of a config, with names and positions for messages.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Code, Error, Problem, Result};

/// The longest config that is read, in bytes; a real one has a few thousand.
pub const SIZE_LIMIT: usize = 1 << 20;

/// The deepest nesting of tables and lists; parsers and checks recurse that far and no further.
pub const DEPTH_LIMIT: usize = 64;

/// The longest excerpt of a line, in characters.
const EXCERPT_WIDTH: usize = 100;

/// How a config is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// JSON as in RFC 8259: no comments, no trailing commas.
    Json,
}

/// A place in one of the [`Sources`] of a config, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    source: usize,
    start: usize,
    end: usize,
}

impl Span {
    /// No place: a value that the program made.
    pub const NONE: Span = Span { source: usize::MAX, start: 0, end: 0 };

    /// The bytes `range` of the source with this number.
    pub fn new(source: usize, range: Range<usize>) -> Self {
        Span { source, start: range.start, end: range.end }
    }

    /// The source with this number as a whole.
    pub fn whole(source: usize) -> Self {
        Span::new(source, 0..usize::MAX)
    }

    /// The bytes within the source.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The number of the source.
    pub fn source(self) -> usize {
        self.source
    }
}

/// A config file, or one setting of the command line, as text.
#[derive(Clone, Debug)]
pub struct SourceText {
    name: String,
    text: String,
    format: Format,
    base: Option<PathBuf>,
    line_starts: Vec<usize>,
    shows_lines: bool,
}

impl SourceText {
    /// `text` under a name for messages. Paths in it are relative to the current directory.
    pub fn new(name: impl Into<String>, text: impl Into<String>, format: Format) -> Self {
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i + 1))
            .collect();
        SourceText { name: name.into(), text, format, base: None, line_starts, shows_lines: true }
    }

    /// One word of the command line, such as `--set a=1`: its name says it all, so no lines are shown.
    pub fn flag(name: impl Into<String>) -> Self {
        SourceText { shows_lines: false, ..SourceText::new(name, "", Format::Toml) }
    }

    /// Reads the config at `path`: JSON if it ends in `.json`, TOML otherwise. Paths in it are relative to its directory.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`] where the file is not there, is a directory, holds over [`SIZE_LIMIT`] bytes (no more than that
    /// is read) or is not UTF-8; [`Code::Environment`] where it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let failed = |e: std::io::Error| {
            match e.kind() {
            ErrorKind::NotFound => Error::usage(&name, "no such file")
                .help("`backprop init DATA --target COL` prints a config for a table, `backprop init --text FILE` one for a text"),
            ErrorKind::IsADirectory => Error::usage(&name, "a directory, not a config file"),
            _ => Error::environment(&name, format!("cannot be read: {e}")),
        }
        };
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(failed(ErrorKind::IsADirectory.into()));
        }
        // The length is a first hint; a pipe or a device has none, so the read itself stops too.
        let mut bytes = Vec::new();
        if about.len() <= SIZE_LIMIT as u64 {
            file.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        }
        if about.len() > SIZE_LIMIT as u64 || bytes.len() > SIZE_LIMIT {
            return Err(too_large(&name, about.len().max(bytes.len() as u64)));
        }
        let text = String::from_utf8(bytes)
            .map_err(|e| not_utf8(&name, e.as_bytes(), e.utf8_error().valid_up_to()))?;
        let format = if is_json { Format::Json } else { Format::Toml };
        let base = path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_path_buf);
        Ok(SourceText { base, ..SourceText::new(name, text, format) })
    }

    /// As messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The directory that paths in it are relative to; none for the current directory.
    pub fn base(&self) -> Option<&Path> {
        self.base.as_deref()
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = floor(&self.text, offset);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        (line, self.text[self.line_starts[line - 1]..offset].chars().count() + 1)
    }

    /// `problem` with its place, and below it the line with a caret.
    pub fn locate(&self, range: Range<usize>, problem: Problem) -> Problem {
        if !self.shows_lines || self.text.is_empty() || range.end == usize::MAX {
            return Problem { place: self.name.clone(), ..problem };
        }
        let (line, column) = self.line_column(range.start);
        let place = format!("{}:{line}:{column}", self.name);
        Problem { place, ..problem }.excerpt(self.excerpt(line, column, range))
    }

    /// Refuses what no parser should see: too long, or nested too deep.
    pub(super) fn guard(&self) -> Result<()> {
        if self.text.len() > SIZE_LIMIT {
            return Err(too_large(&self.name, self.text.len() as u64));
        }
        let too_deep = match self.format {
            Format::Toml => toml_too_deep(self.text.as_bytes()),
            Format::Json => json_too_deep(self.text.as_bytes()),
        };
        too_deep.map_or(Ok(()), |offset| {
            let problem = Problem::new("", format!("nested more than {DEPTH_LIMIT} deep"))
                .help("`{ type = \"repeat\", times = N, layers = [...] }` stacks layers without nesting");
            Err(Error::new(Code::Usage, self.locate(offset..offset + 1, problem)))
        })
    }

    fn excerpt(&self, line: usize, column: usize, range: Range<usize>) -> String {
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        let whole = self.text[start..end].trim_end_matches(['\n', '\r']);
        // A window around the spot: a config on one line of a megabyte is shown in part.
        let skip = column.saturating_sub(EXCERPT_WIDTH / 2);
        let skip = if whole.chars().nth(EXCERPT_WIDTH).is_none() { 0 } else { skip };
        let shown: String = whole.chars().skip(skip).take(EXCERPT_WIDTH).map(printable).collect();
        let lead = if skip > 0 { "…" } else { "" };
        let tail = if whole.chars().nth(skip + EXCERPT_WIDTH).is_some() { "…" } else { "" };
        let indent = column - 1 - skip + lead.chars().count();
        let end = floor(&self.text, range.end.min(start + whole.len()));
        let from = floor(&self.text, range.start).min(end);
        let width = self.text[from..end].chars().count().clamp(1, (EXCERPT_WIDTH + skip + 1 - column).max(1));
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let (pad, carets) = (" ".repeat(indent), "^".repeat(width));
        format!("  {number} | {lead}{shown}{tail}\n  {gutter} | {pad}{carets}")
    }
}

/// The texts that a config came from: the file, then each setting of the command line.
///
/// All are equal to one another: positions are no part of a config's meaning.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Vec<SourceText>>);

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, source: SourceText) -> usize {
        let all = Arc::make_mut(&mut self.0);
        all.push(source);
        all.len() - 1
    }

    /// The text that `span` lies in.
    pub fn get(&self, span: Span) -> Option<&SourceText> {
        self.0.get(span.source)
    }

    /// `problem` with the place of `span` and the line it is on.
    pub fn locate(&self, span: Span, problem: Problem) -> Problem {
        match self.get(span) {
            Some(source) => source.locate(span.range(), problem),
            None => problem,
        }
    }
}

impl PartialEq for Sources {
    fn eq(&self, _: &Sources) -> bool {
        true
    }
}

/// The last character boundary of `text` at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// What a terminal may show of a character: one column, no effect.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '·',
        c if c.is_control() => '·',
        c => c,
    }
}

fn too_large(name: &str, bytes: u64) -> Error {
    Error::usage(name, "too large for a config")
        .expected("at most 1 MiB")
        .found(if bytes > SIZE_LIMIT as u64 + 1 { format!("{bytes} bytes") } else { "more".to_owned() })
        .help("is this the data? then: backprop train --data FILE --target COL")
}

fn not_utf8(name: &str, bytes: &[u8], offset: usize) -> Error {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Error::usage(name, "UTF-16 text").expected("UTF-8").help("save the file as UTF-8");
    }
    let before = &bytes[..offset];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    Error::new(Code::Usage, Problem::new(format!("{name}:{line}:{column}"), "not UTF-8"))
        .found(format!("the byte 0x{:02x} at offset {offset}", bytes[offset]))
        .help("save the file as UTF-8")
}

/// The offset where a JSON text nests too deep.
fn json_too_deep(text: &[u8]) -> Option<usize> {
    let (mut depth, mut i) = (0_usize, 0);
    while i < text.len() {
        match text[i] {
            b'"' => i = end_of_string(text, i),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_LIMIT {
            return Some(i);
        }
        i += 1;
    }
    None
}

/// The offset where a TOML text nests too deep; each dot of a key nests once more, in a header for all lines below.
fn toml_too_deep(text: &[u8]) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    let (mut inside, mut header, mut dots) = (0, 0, 0);
    let (mut in_header, mut at_line_start) = (false, true);
    let mut i = 0;
    while i < text.len() {
        let byte = text[i];
        match byte {
            b'#' => i = text[i..].iter().position(|&b| b == b'\n').map_or(text.len(), |n| i + n - 1),
            b'"' | b'\'' => i = end_of_string(text, i),
            b'[' if open.is_empty() && at_line_start => (in_header, header, dots) = (true, 0, 0),
            b'[' | b'{' if !in_header => {
                open.push(1 + dots);
                inside += 1 + dots;
                dots = 0;
            }
            b']' | b'}' if !in_header => {
                inside -= open.pop().unwrap_or(0);
                dots = 0;
            }
            b'.' => dots += 1,
            b',' => dots = 0,
            b'\n' if open.is_empty() => {
                if in_header {
                    header = 1 + dots;
                }
                (in_header, dots) = (false, 0);
            }
            _ => {}
        }
        at_line_start = byte == b'\n' || (at_line_start && matches!(byte, b' ' | b'\t'));
        if header + inside + dots > DEPTH_LIMIT {
            return Some(i);
        }
        i += 1;
    }
    None
}

/// The last byte of the string that opens at `start`: its closing quotes, or where the line or the text ends.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let quote = text[start];
    let fence = [quote; 3];
    let long = text[start..].starts_with(&fence);
    let mut i = start + if long { 3 } else { 1 };
    while i < text.len() {
        match text[i] {
            b'\\' if quote == b'"' => i += 1,
            b'\n' if !long => return i - 1,
            b if b == quote && !long => return i,
            b if b == quote && text[i..].starts_with(&fence) => return i + 2,
            _ => {}
        }
        i += 1;
    }
    text.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_deep(text: &str) -> bool {
        let format = if text.starts_with('{') { Format::Json } else { Format::Toml };
        SourceText::new("t", text, format).guard().is_err()
    }

    #[test]
    fn nesting_counts_brackets_and_dots_but_not_texts_and_comments() {
        let open = "[".repeat(100);
        let dots = ".a".repeat(100);
        for shallow in [
            format!("a = \"{open}\"\nb = '{open}'\nc = '''\n{open}\n'''\n# {open}{dots}\n"),
            format!("a = \"\\\"{open}\"\nb = 1"),
            format!("{{\"a\": \"\\\"{open}\"}}"),
            "a = [[1], [2]]\n".repeat(100),
            "[a.b]\nc.d = 1.5\n".repeat(100),
            "[[a.b]]\nc = [1.5, 2.5, 3.5]\n".repeat(100),
            format!("a = {}{}", "[".repeat(60), "]".repeat(60)),
        ] {
            assert!(!too_deep(&shallow), "{shallow}");
        }
        for deep in [
            format!("a = {open}"),
            format!("{{\"a\": {open}"),
            format!("a{dots} = 1"),
            format!("[a{dots}]"),
            format!("[a{}]\nb{} = 1", ".a".repeat(40), ".b".repeat(40)),
            format!("x = {}", "{a.b.c.d = ".repeat(20)),
            format!("a = '{open}\nb = {open}"),
        ] {
            assert!(too_deep(&deep), "{deep}");
        }
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let source = SourceText::new("t", "\u{feff}é = 1\r\nü = 2", Format::Toml);
        assert_eq!(source.text().chars().next(), Some('é'));
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column("é = ".len()), (1, 5));
        assert_eq!(source.line_column("é = 1\r\nü".len()), (2, 2));
        assert_eq!(source.line_column(1000), (2, 6));
    }

    #[test]
    fn an_excerpt_shows_a_window_of_a_long_line_and_nothing_that_drives_a_terminal() {
        let line = format!("{}\u{1b}[31m\t\u{202e}{}", "x".repeat(500), "y".repeat(500));
        let source = SourceText::new("t", line, Format::Toml);
        let problem = source.locate(500..504, Problem::new("", "what"));
        let excerpt = problem.excerpt.unwrap();
        let (shown, carets) = excerpt.split_once('\n').unwrap();
        assert!(!excerpt.contains(['\u{1b}', '\t', '\u{202e}']));
        assert!(shown.chars().count() < 120);
        let caret = carets.chars().position(|c| c == '^').unwrap();
        assert_eq!(shown.chars().skip(caret).take(4).collect::<String>(), "·[31");
        assert_eq!(carets.matches('^').count(), 4);
    }
}

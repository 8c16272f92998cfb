//! Where a table comes from: files, globs, standard input, plain or compressed.
//!
//! A [`Source`] names one or more [`Input`]s, in a fixed order. [`Input::open`] gives plain bytes: gzip and zstd are
//! recognised by their first bytes, whatever the file is called. Every failure, also one in the middle of a
//! compressed stream, is an [`Error`] that names the file.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::folder::holds_images;
use crate::error::{Code, Error, Result, quote};

/// What messages call `-`.
pub const STANDARD_INPUT: &str = "standard input";

/// A line of a file as a message names it: `iris.csv, line 12`.
pub fn line_place(file: &str, line: u64) -> String {
    format!("{file}, line {line}")
}

/// A field of a file as a message names it: `iris.csv, line 12, column "petal_width"`.
pub fn place(file: &str, line: u64, column: &str) -> String {
    format!("{file}, line {line}, column {}", quote(column))
}

/// One file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file of any name; its content decides how it is read.
    File(PathBuf),
    /// Standard input, which can be read once.
    StandardInput,
}

/// The inputs of one table, in the order in which their rows are read; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    inputs: Vec<Input>,
}

/// A stream of plain bytes and the name that messages give it.
pub struct Opened {
    /// The path as it was given, or [`STANDARD_INPUT`]; control characters are escaped.
    pub name: String,
    /// The bytes, decompressed. Its errors wrap an [`Error`]: see [`unwrap_error`].
    pub bytes: Box<dyn Read + Send>,
}

impl Source {
    /// The inputs that `items` name: paths, globs (their files sorted by name) and `-`, in that order. Relative paths
    /// start at `base`; an empty `base` is the current directory.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`]: `items` is empty, `-` comes twice, a glob is malformed or no file matches it. Whether files
    /// exist is seen by [`Source::check`].
    pub fn parse<S: AsRef<str>>(items: &[S], base: &Path) -> Result<Self> {
        let mut inputs = Vec::new();
        for item in items.iter().map(AsRef::as_ref) {
            let path = base.join(item);
            if item.is_empty() {
                return Err(Error::usage("data", "the path of a file is empty").help("name a file"));
            }
            if item == "-" {
                inputs.push(Input::StandardInput);
            } else if item.contains(['*', '?', '[']) && !path.exists() {
                inputs.extend(matches(base, item)?);
            } else {
                inputs.push(Input::File(path));
            }
        }
        if inputs.is_empty() {
            return Err(Error::usage("data", "no file is named"));
        }
        if inputs.iter().filter(|i| **i == Input::StandardInput).count() > 1 {
            return Err(Error::usage("-", "standard input is named twice, and can be read once"));
        }
        Ok(Source { inputs })
    }

    /// What messages call all inputs together: `a.csv`, `a.csv and 2 more`.
    pub fn name(&self) -> String {
        match &self.inputs[..] {
            [one] => one.name(),
            [first, rest @ ..] => format!("{} and {} more", first.name(), rest.len()),
            [] => String::new(),
        }
    }

    /// One file, by its path as it is: no glob, no `-`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Source { inputs: vec![Input::File(path.into())] }
    }

    /// Standard input.
    pub fn standard_input() -> Self {
        Source { inputs: vec![Input::StandardInput] }
    }

    /// The inputs, in the order in which they are read.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Whether the table can be read a second time: no input is standard input.
    pub fn is_rereadable(&self) -> bool {
        !self.inputs.contains(&Input::StandardInput)
    }

    /// Whether the samples are images in folders.
    pub fn is_folder(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input, Input::File(path) if path.is_dir()))
    }

    /// Whether every input is an ordinary file, which can be read twice: no pipe.
    pub(super) fn is_ordinary(&self) -> bool {
        self.inputs.iter().all(|input| matches!(input, Input::File(path) if path.is_file()))
    }

    /// Checks, without reading, that every file is there, and that a directory has images.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`] with a problem for each bad path; [`Code::Environment`] if one may not be looked at.
    pub fn check(&self) -> Result<()> {
        let mut problems = Vec::new();
        for input in &self.inputs {
            match input.check() {
                Err(e) if e.code == Code::Usage => problems.extend(e.problems),
                other => other?,
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::all(Code::Usage, problems)) }
    }
}

impl Input {
    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Input::File(path) => printable(path),
            Input::StandardInput => STANDARD_INPUT.into(),
        }
    }

    /// Opens it and takes off gzip or zstd, if its first bytes say so.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`]: no such file, or a directory. [`Code::Environment`]: it may not be read, or reading failed.
    /// Damaged compressed data is a [`Code::Data`] that appears where it is read.
    pub fn open(&self) -> Result<Opened> {
        let name = self.name();
        let raw: Box<dyn Read + Send> = match self {
            Input::File(path) => {
                self.check()?;
                Box::new(File::open(path).map_err(|e| cannot_open(&name, &e))?)
            }
            Input::StandardInput => Box::new(io::stdin()),
        };
        Opened::new(name, raw)
    }

    fn check(&self) -> Result<()> {
        let Input::File(path) = self else { return Ok(()) };
        let meta = path.metadata().map_err(|e| cannot_open(&printable(path), &e))?;
        if meta.is_dir() && !holds_images(path) {
            return Err(Error::usage(printable(path), "this is a directory, not a file")
                .help("name the file in it, or a glob such as \"DIR/*.csv\""));
        }
        Ok(())
    }
}

impl Opened {
    /// Plain bytes from `raw`, which may be plain, gzip or zstd; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`Code::Environment`] if the first bytes cannot be read.
    pub fn new(name: impl Into<String>, raw: impl Read + Send + 'static) -> Result<Self> {
        let name = name.into();
        let mut raw = Named { inner: raw, name: name.clone(), packing: None };
        let mut head = Vec::new();
        fill_to(&mut raw, &mut head, 4).map_err(|e| unwrap_error(&name, e))?;
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let whole = Cursor::new(head).chain(raw);
        let bytes: Box<dyn Read + Send> = if gzip {
            let inner = flate2::read::MultiGzDecoder::new(whole);
            Box::new(Named { inner, name: name.clone(), packing: Some("gzip") })
        } else if zstd {
            let inner = zstd::Decoder::new(whole).map_err(|e| unwrap_error(&name, e))?;
            Box::new(Named { inner, name: name.clone(), packing: Some("zstd") })
        } else {
            Box::new(whole)
        };
        Ok(Opened { name, bytes })
    }

    /// The first bytes, at most `n`; they are read again afterwards.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn peek(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        fill_to(&mut self.bytes, &mut head, n).map_err(|e| unwrap_error(&self.name, e))?;
        let rest = std::mem::replace(&mut self.bytes, Box::new(io::empty()));
        self.bytes = Box::new(Cursor::new(head.clone()).chain(rest));
        Ok(head)
    }
}

/// The [`Error`] inside `e`, or one that says that reading `name` failed ([`Code::Environment`]).
pub fn unwrap_error(name: &str, e: io::Error) -> Error {
    match e.downcast::<Error>() {
        Ok(error) => error,
        Err(e) => Error::environment(name, format!("cannot be read: {e}")),
    }
}

/// Reads until `buffer` holds `length` bytes or the input ends; whether it ended.
fn fill_to(from: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> io::Result<bool> {
    let missing = length.saturating_sub(buffer.len());
    Ok(from.take(missing as u64).read_to_end(buffer)? < missing)
}

/// A reader whose errors say which file they are about, and what is wrong with its packing.
struct Named<R> {
    inner: R,
    name: String,
    packing: Option<&'static str>,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|e| {
            if e.kind() == ErrorKind::Interrupted {
                return e;
            }
            let error = match (e.downcast::<Error>(), self.packing) {
                // The layer below has already said it.
                (Ok(error), _) => error,
                (Err(e), Some(packing)) => damaged(&self.name, packing, &e),
                (Err(e), None) => Error::environment(&self.name, format!("cannot be read: {e}")),
            };
            io::Error::other(error)
        })
    }
}

fn damaged(name: &str, packing: &str, e: &io::Error) -> Error {
    let what = match e.kind() {
        ErrorKind::UnexpectedEof => format!("the {packing} data is cut short"),
        _ => format!("the {packing} data is damaged: {e}"),
    };
    Error::data(name, what).help("copy or download the file again")
}

pub(super) fn cannot_open(name: &str, e: &io::Error) -> Error {
    match e.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::usage(name, "no such file")
            .help("check the path: it starts at the current directory, or in a config at the config's own"),
        ErrorKind::PermissionDenied => {
            Error::environment(name, "no permission to read it").help("change its mode or its owner")
        }
        _ => Error::environment(name, format!("cannot be opened: {e}")),
    }
}

/// The files that `pattern` matches below `base`, whose own characters mean nothing special.
fn matches(base: &Path, pattern: &str) -> Result<Vec<Input>> {
    let place = printable(&base.join(pattern));
    let usage = |what: &str| Error::usage(&*place, what);
    let base = base.to_str().ok_or_else(|| usage("a glob needs a directory with a name in UTF-8"))?;
    let whole = Path::new(&glob::Pattern::escape(base)).join(pattern);
    let found = glob::glob(&whole.to_string_lossy()).map_err(|e| usage(&format!("bad glob: {}", e.msg)))?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.map_err(|e| cannot_open(&printable(e.path()), e.error()))?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(usage("no file matches this glob"));
    }
    paths.sort();
    Ok(paths.into_iter().map(Input::File).collect())
}

/// A path that cannot drive the terminal.
pub(super) fn printable(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_empty() {
        let e = Source::parse(&[""], Path::new("")).unwrap_err();
        assert_eq!(e.to_string(), "error[2]: data: the path of a file is empty\n  help: name a file");
    }

    #[test]
    fn input_36_files_that_are_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().display();
        let source = Source::parse(&["no.csv", ".", "-"], dir.path()).unwrap();
        let e = source.check().unwrap_err();
        assert_eq!(
            e.to_string(),
            format!(
                "error[2]: {base}/no.csv: no such file\n  \
                 help: check the path: it starts at the current directory, or in a config at the config's own\nerror[2]: {base}/.: this is a directory, not a file\n  \
                 help: name the file in it, or a glob such as \"DIR/*.csv\""
            )
        );
        let e = Source::parse(&["*.csv"], dir.path()).unwrap_err();
        assert_eq!(e.to_string(), format!("error[2]: {base}/*.csv: no file matches this glob"));
        let e = Source::parse(&["-", "-"], Path::new("")).unwrap_err();
        assert_eq!(e.to_string(), "error[2]: -: standard input is named twice, and can be read once");
    }

    #[test]
    fn a_glob_takes_nothing_special_from_its_base() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("[a]*");
        std::fs::create_dir(&base).unwrap();
        for name in ["p2.csv", "p1.csv", "q.csv", "p*"] {
            std::fs::write(base.join(name), "x").unwrap();
        }
        let names = |items: &[&str]| -> Vec<String> {
            let source = Source::parse(items, &base).unwrap();
            source
                .inputs()
                .iter()
                .map(|i| i.name().rsplit('/').next().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(names(&["q.csv", "p?.csv", "-"]), ["q.csv", "p1.csv", "p2.csv", "standard input"]);
        assert_eq!(names(&["p*"]), ["p*"]);
        assert!(!Source::parse(&["q.csv", "-"], &base).unwrap().is_rereadable());
    }
}

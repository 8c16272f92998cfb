//! Results: standard output, or a file that appears whole at the end.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::checkpoint::{AtomicFile, io_error, place};
use crate::data::source::{Input, Source};
use crate::error::{Error, Result};

const BUFFER: usize = 1 << 16;

/// A file that is being written; empty once it is done or given up.
pub(super) type Unfinished = Arc<Mutex<Option<AtomicFile>>>;

/// Where results go. The first write that fails is remembered: [`Results::finish`] tells what it means.
pub(super) struct Results {
    to: To,
    failed: Option<io::Error>,
}

enum To {
    StandardOutput(BufWriter<Stdout>),
    File(PathBuf, Unfinished),
}

impl Results {
    /// Standard output.
    pub(super) fn standard_output() -> Self {
        Results { to: To::StandardOutput(BufWriter::with_capacity(BUFFER, io::stdout())), failed: None }
    }

    /// A file beside `path` that takes its place at the end; `-` is standard output.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) where `path` is a directory, lies in none, or is one of `inputs`;
    /// [`Code::Environment`](crate::error::Code::Environment) where it cannot be written.
    pub(super) fn file(path: &Path, inputs: &[&Path]) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Results::standard_output());
        }
        if path.is_dir() {
            return Err(Error::usage(place(path), "this is a directory, not a file")
                .help("name a file in it: --output DIR/predictions.csv"));
        }
        if let Some(directory) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
            return Err(Error::usage(place(path), format!("there is no directory {}", place(directory))));
        }
        let same =
            |input: &&&Path| matches!((path.canonicalize(), input.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if inputs.iter().any(|input| same(&input)) {
            return Err(Error::usage(place(path), "the output is also an input")
                .help("write to another file, then rename it"));
        }
        let file = Arc::new(Mutex::new(Some(AtomicFile::create(path)?)));
        Ok(Results { to: To::File(path.into(), file), failed: None })
    }

    /// The file that is being written, to be given up by whoever ends the process early.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        match &self.to {
            To::StandardOutput(_) => None,
            To::File(_, file) => Some(Arc::clone(file)),
        }
    }

    /// Ends the output after the `work` that wrote it. A reader that went away is no failure; a write that failed
    /// explains whatever the work reports. After a failure no file is left, and standard output holds what was
    /// written before.
    pub(super) fn finish(mut self, work: Result<()>) -> Result<()> {
        if self.failed.is_none() && matches!(self.to, To::StandardOutput(_)) {
            // A failure is kept in `self`.
            let _ = self.flush();
        }
        let (place, file) = match self.to {
            To::StandardOutput(_) => (PathBuf::from("standard output"), None),
            // Taken out in any case: the thread that watches for signals holds on to it, too.
            To::File(path, file) => (path, take(&file)),
        };
        match (self.failed, file) {
            (Some(e), None) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            (Some(e), _) => Err(io_error(&place, "cannot write", &e)),
            (None, Some(file)) if work.is_ok() => file.commit(),
            (None, _) => work,
        }
    }

    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|e| {
            if self.failed.is_none() && e.kind() != ErrorKind::Interrupted {
                self.failed = Some(e.raw_os_error().map_or(e.kind().into(), io::Error::from_raw_os_error));
            }
        })
    }
}

/// Takes the file out, whoever had it last.
pub(super) fn take(file: &Unfinished) -> Option<AtomicFile> {
    file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            To::StandardOutput(out) => out.write(bytes),
            To::File(_, file) => on_file(file, |file| file.write(bytes)),
        };
        self.remember(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.to {
            To::StandardOutput(out) => out.flush(),
            To::File(_, file) => on_file(file, AtomicFile::flush),
        };
        self.remember(flushed)
    }
}

fn on_file<T>(file: &Unfinished, work: impl FnOnce(&mut AtomicFile) -> io::Result<T>) -> io::Result<T> {
    let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.as_mut().map_or_else(|| Err(io::Error::other("the output was given up")), work)
}

/// The paths of the files of `source`.
pub(super) fn paths(source: &Source) -> Vec<&Path> {
    let files = source.inputs().iter().filter_map(|input| match input {
        Input::File(path) => Some(path.as_path()),
        Input::StandardInput => None,
    });
    files.collect()
}

/// Prints `text` on standard output.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = Results::standard_output();
    // What fails is kept in `out`.
    let _ = out.write_all(text.as_bytes());
    out.finish(Ok(()))
}

/// Prints clap's text, in colour where that is wanted.
pub(super) fn print_styled(text: &clap::builder::StyledStr) -> Result<()> {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if io::stdout().is_terminal() && !no_colour && !dumb {
        print(&text.ansi().to_string())
    } else {
        print(&text.to_string())
    }
}

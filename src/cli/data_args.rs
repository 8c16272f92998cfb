//! The rows that `eval` and `predict` work on, and how they are read.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::progress::Reporter;
use super::values::threads;
use crate::data::reader::BadRows;
use crate::data::source::Source;
use crate::error::{Error, Result};

/// What a bad row does: it is left out and counted, or it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BadRow {
    Skip,
    Error,
}

impl BadRow {
    /// As a config spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            BadRow::Skip => "skip",
            BadRow::Error => "error",
        }
    }

    /// As the reader calls it.
    pub(super) fn action(self) -> BadRows {
        match self {
            BadRow::Skip => BadRows::Skip,
            BadRow::Error => BadRows::Fail,
        }
    }
}

/// Rows for a model.
#[derive(Clone, Debug, Args)]
pub(super) struct DataArgs {
    /// Table with the columns of the training data, in any order; .gz and .zst are read as they are
    /// [default: standard input, also -]
    data: Option<PathBuf>,
    /// What a row with too few or too many fields does: skip leaves out up to 1 % of the rows, and counts
    /// them [default: as in training]
    #[arg(long, value_name = "ACTION")]
    on_bad_row: Option<BadRow>,
    /// Threads to compute with; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<u16>,
}

impl DataArgs {
    /// The table; on a terminal it is said that rows are waited for.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) where no table is named and standard input is a terminal, or the file
    /// is not there.
    pub(super) fn source(&self, command: &str, reporter: &Reporter) -> Result<Source> {
        let terminal = io::stdin().is_terminal();
        match &self.data {
            None if terminal => Err(Error::usage("DATA", "no data is named")
                .expected("a file, or rows on standard input")
                .help(format!("backprop {command} MODEL FILE, or: … | backprop {command} MODEL"))),
            Some(path) if path.as_os_str() != "-" => named(path),
            _ => {
                if terminal {
                    reporter.say("waiting for rows on standard input: a header first, Ctrl-D at the end");
                }
                Ok(Source::standard_input())
            }
        }
    }

    /// What a bad row does, if the command line says so.
    pub(super) fn on_bad_row(&self) -> Option<BadRows> {
        self.on_bad_row.map(BadRow::action)
    }

    /// How many threads to compute with, if the command line says so.
    pub(super) fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }
}

/// The table at `path`: a file, or a glob.
pub(super) fn named(path: &Path) -> Result<Source> {
    let source = match path.to_str() {
        Some(text) => Source::parse(&[text], Path::new(""))?,
        None => Source::file(path),
    };
    source.check()?;
    Ok(source)
}

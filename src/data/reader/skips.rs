//! Rows that are left out, and how many may be.

use super::{BadRows, ReadOptions};
use crate::error::{Code, Error, Problem, Result};

/// How many rows must have been seen before [`ReadOptions::max_bad_fraction`] is applied ahead of the end.
const SETTLED: u64 = 10_000;

/// Counts good rows and bad ones.
#[derive(Clone, Debug)]
pub(in crate::data) struct Skips {
    policy: BadRows,
    max_bad_fraction: f64,
    pub(in crate::data) rows: u64,
    pub(in crate::data) skipped: u64,
    /// The first skipped rows.
    first: Vec<String>,
}

impl Skips {
    pub(in crate::data) fn new(options: &ReadOptions) -> Self {
        Skips {
            policy: options.on_bad_row,
            max_bad_fraction: options.max_bad_fraction,
            rows: 0,
            skipped: 0,
            first: Vec::new(),
        }
    }

    /// Leaves a row out for `problem`, as far as the options allow; `file` is the one being read.
    ///
    /// # Errors
    /// [`Code::Data`]: the problem itself, or too many.
    pub(in crate::data) fn skip(&mut self, file: &str, problem: Problem) -> Result<()> {
        if self.policy == BadRows::Fail {
            let skipping = "fix this row, or leave bad rows out: --on-bad-row skip";
            let help = problem.help.clone().map_or(skipping.into(), |h| format!("{h}; or {skipping}"));
            return Err(Error::new(Code::Data, problem.help(help)));
        }
        self.skipped += 1;
        if self.first.len() < 3 {
            self.first.push(format!("{}: {}", problem.place, problem.what));
        }
        if self.rows + self.skipped >= SETTLED { self.check(file) } else { Ok(()) }
    }

    /// Fails if more rows were left out than may be.
    ///
    /// # Errors
    /// [`Code::Data`].
    pub(in crate::data) fn check(&self, file: &str) -> Result<()> {
        let all = self.rows + self.skipped;
        if self.skipped as f64 <= self.max_bad_fraction * all as f64 {
            return Ok(());
        }
        let what = format!("{} of {all} rows are bad", self.skipped);
        Err(Error::data(file, what)
            .expected(format!("at most {} %", (self.max_bad_fraction * 1e4).round() / 100.0))
            .found(self.first.join("; "))
            .help("fix the rows, or raise data.max_bad_fraction"))
    }

    /// A sentence for the user, if a row was left out.
    pub(in crate::data) fn note(&self) -> Option<String> {
        let more = if self.skipped > self.first.len() as u64 { "; …" } else { "" };
        let (skipped, all) = (self.skipped, self.rows + self.skipped);
        (skipped > 0).then(|| format!("{skipped} of {all} rows skipped: {}{more}", self.first.join("; ")))
    }
}

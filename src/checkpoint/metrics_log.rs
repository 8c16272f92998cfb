//! `metrics.jsonl`: one flat JSON object a line, in a stable order of keys.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde_json::Value;

use super::append::AppendFile;
use super::atomic::{AtomicFile, io_error};
use crate::error::Result;

/// The longest line that is kept when a log is cut for a resumed run, in bytes.
const LINE_LIMIT: u64 = 1 << 20;

/// The part of the data that a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// `train`.
    Train,
    /// `val`.
    Validation,
    /// `test`.
    Test,
}

impl Split {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "val",
            Split::Test => "test",
        }
    }
}

/// One line: step, epoch, split, then numbers in the order in which they were added.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    text: String,
    non_finite: bool,
}

impl Row {
    /// A row that holds no number yet.
    pub fn new(step: u64, epoch: u64, split: Split) -> Row {
        let text = format!("{{\"step\":{step},\"epoch\":{epoch},\"split\":\"{}\"", split.name());
        Row { text, non_finite: false }
    }

    /// Adds a number, in the fewest digits that give it back; one that is not finite becomes `null`, and the row
    /// then ends with `"non_finite":true`. A name must not be added twice.
    pub fn number(mut self, name: &str, value: f64) -> Row {
        self.non_finite |= !value.is_finite();
        let name = Value::from(name);
        // Value::from makes null of a number that JSON cannot hold.
        let _ = write!(self.text, ",{name}:{}", Value::from(value));
        self
    }

    /// Adds a number that is not defined here: `null`, and no sign of anything that is not finite.
    pub fn undefined(mut self, name: &str) -> Row {
        let _ = write!(self.text, ",{}:null", Value::from(name));
        self
    }

    /// Adds a number that was computed in f32: in the fewest digits that give the f32 back.
    pub fn number_f32(self, name: &str, value: f32) -> Row {
        // Through text, so that 0.1f32 is 0.1 and not 0.10000000149011612.
        let exact = value.to_string().parse().unwrap_or(f64::from(value));
        self.number(name, exact)
    }

    /// The line, with its line feed.
    pub fn line(&self) -> String {
        let flag = if self.non_finite { ",\"non_finite\":true" } else { "" };
        format!("{}{flag}}}\n", self.text)
    }
}

/// The metrics file of a run, open for appending.
#[derive(Debug)]
pub struct MetricsLog {
    file: AppendFile,
    rows: u64,
}

impl MetricsLog {
    /// Opens a log for a new run.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn create(path: &Path) -> Result<MetricsLog> {
        super::write_bytes(path, b"")?;
        Ok(MetricsLog { file: AppendFile::open(path)?, rows: 0 })
    }

    /// Opens the log of a run that goes on from a checkpoint behind the first `rows` rows, or behind all where their number is
    /// not known: later rows and lines that are not whole are removed. So a run that is stopped and resumed has the same
    /// rows as one that was not.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn resume(path: &Path, rows: Option<u64>) -> Result<MetricsLog> {
        let kept = match File::open(path) {
            Ok(old) => {
                let mut new = AtomicFile::create(path)?;
                let most = rows.unwrap_or(u64::MAX);
                let kept = keep(&mut BufReader::new(old), &mut new, most).map_err(|e| new.failed(&e))?;
                new.commit()?;
                kept
            }
            Err(e) if e.kind() == ErrorKind::NotFound => 0,
            Err(e) => return Err(io_error(path, "cannot read", &e)),
        };
        Ok(MetricsLog { file: AppendFile::open(path)?, rows: kept })
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment); every earlier row stays whole.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        self.file.append(&row.line())?;
        self.rows += 1;
        Ok(())
    }

    /// Waits until every row is on the disk; called with each checkpoint.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }
}

/// Copies the first rows, `most` of them; how many there are.
fn keep(old: &mut impl BufRead, new: &mut impl io::Write, most: u64) -> io::Result<u64> {
    let mut line = Vec::new();
    let mut rows = 0;
    while rows < most {
        line.clear();
        let n = io::Read::take(&mut *old, LINE_LIMIT).read_until(b'\n', &mut line)?;
        if n == 0 {
            break;
        }
        let row: Option<Value> = serde_json::from_slice(&line).ok();
        if line.ends_with(b"\n") && row.is_some_and(|row| row.get("step").is_some_and(Value::is_u64)) {
            new.write_all(&line)?;
            rows += 1;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_as_the_interface_shows_them() {
        let row = Row::new(120, 1, Split::Train)
            .number_f32("loss", 0.61)
            .number("learning_rate", 0.001)
            .number("samples_per_second", 81234.0);
        assert_eq!(
            row.line(),
            "{\"step\":120,\"epoch\":1,\"split\":\"train\",\"loss\":0.61,\"learning_rate\":0.001,\
             \"samples_per_second\":81234.0}\n"
        );
    }

    #[test]
    fn numbers_that_are_not_finite_are_null_and_flagged_once() {
        let row = Row::new(1, 1, Split::Validation)
            .number("loss", f64::NAN)
            .number_f32("r2", f32::NEG_INFINITY)
            .number("mae", 1e300);
        assert_eq!(
            row.line(),
            "{\"step\":1,\"epoch\":1,\"split\":\"val\",\"loss\":null,\"r2\":null,\"mae\":1e+300,\
             \"non_finite\":true}\n"
        );
        serde_json::from_str::<Value>(&row.line()).unwrap();
    }

    #[test]
    fn numbers_that_are_not_defined_are_null() {
        let row = Row::new(1, 1, Split::Validation).number("loss", 0.5).undefined("roc_auc");
        assert_eq!(row.line(), "{\"step\":1,\"epoch\":1,\"split\":\"val\",\"loss\":0.5,\"roc_auc\":null}\n");
    }

    #[test]
    fn a_resumed_log_has_no_later_rows_and_no_broken_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let row = |step| Row::new(step, 1, Split::Train).line();
        let old = format!("{}{}\u{0}garbage\n{}{}{{\"step\":2,\"ep", row(1), row(2), row(2), row(3));
        std::fs::write(&path, &old).unwrap();
        assert_eq!(MetricsLog::resume(&path, None).unwrap().rows(), 4);
        std::fs::write(&path, old).unwrap();
        let mut log = MetricsLog::resume(&path, Some(2)).unwrap();
        log.append(&Row::new(3, 2, Split::Test)).unwrap();
        log.sync().unwrap();
        assert_eq!(log.rows(), 3);
        let expected = format!("{}{}{}", row(1), row(2), Row::new(3, 2, Split::Test).line());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(MetricsLog::create(&path).unwrap().rows(), 0);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}

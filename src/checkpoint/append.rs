//! A file that grows by complete lines.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::atomic::io_error;
use crate::error::Result;

/// What a growing file must be able to do; tests stand in a disk that fills up.
pub(super) trait Grow: Write {
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

impl Grow for File {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)?;
        self.seek(SeekFrom::Start(len)).map(drop)
    }
}

/// A text file to which whole lines are appended, each with one write.
///
/// Where an append fails half-way, the file is cut back to its last complete line.
#[derive(Debug)]
pub struct AppendFile<F = File> {
    path: PathBuf,
    file: F,
    good: u64,
}

impl AppendFile {
    /// Opens `path` for appending and creates it if need be. It must end with a complete line.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn open(path: &Path) -> Result<AppendFile> {
        let open = || {
            let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
            let good = file.seek(SeekFrom::End(0))?;
            Ok(AppendFile { path: path.into(), file, good })
        };
        open().map_err(|e: io::Error| io_error(path, "cannot write", &e))
    }

    /// Waits until every line is on the disk.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|e| io_error(&self.path, "cannot write", &e))
    }
}

#[expect(private_bounds, reason = "the bound is for the tests of this folder; callers use the default, File")]
impl<F: Grow> AppendFile<F> {
    /// Appends `line`, which must end with a line feed and hold no other.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment); nothing of the line is left in the file then.
    pub fn append(&mut self, line: &str) -> Result<()> {
        debug_assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "not one line: {line:?}");
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => {
                self.good += line.len() as u64;
                Ok(())
            }
            Err(e) => {
                let cut = self.file.set_len(self.good);
                Err(io_error(&self.path, "cannot write", cut.as_ref().err().unwrap_or(&e)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for a number of bytes.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.room - self.bytes.len());
            self.bytes.extend(&bytes[..n]);
            if n == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(n) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Grow for Disk {
        fn set_len(&mut self, len: u64) -> io::Result<()> {
            self.bytes.truncate(len as usize);
            Ok(())
        }
    }

    #[test]
    fn a_line_that_does_not_fit_leaves_no_trace() {
        let disk = Disk { bytes: vec![], room: 12 };
        let mut file = AppendFile { path: "metrics.jsonl".into(), file: disk, good: 0 };
        file.append("12345\n").unwrap();
        assert_eq!(
            file.append("1234567\n").unwrap_err().to_string(),
            "error[5]: metrics.jsonl: cannot write: the disk is full\n  help: free some space, then run it again"
        );
        assert_eq!(file.file.bytes, b"12345\n");
        file.append("abcde\n").unwrap();
        assert_eq!(file.file.bytes, b"12345\nabcde\n");
    }

    #[test]
    fn lines_are_added_to_those_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for line in ["a\n", "b\n"] {
            let mut file = AppendFile::open(&path).unwrap();
            file.append(line).unwrap();
            file.sync().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
    }
}

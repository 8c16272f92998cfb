//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Code, Error, Problem, Result};

/// The end of the name of a file that is not yet in its place.
pub(super) const TEMPORARY: &str = ".tmp";

const BUFFER: usize = 1 << 16;

/// `path` as a message shows it: control characters are escaped, a file's name must not drive the terminal.
pub fn place(path: &Path) -> String {
    path.display().to_string().chars().flat_map(escape).collect()
}

fn escape(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    escaped.is_none().then_some(c).into_iter().chain(escaped.into_iter().flatten())
}

/// An error of the file system, with [`Code::Environment`]: `doing` is `"cannot write"`, `"cannot read"`.
pub fn io_error(path: &Path, doing: &str, error: &io::Error) -> Error {
    let (why, help) = match error.kind() {
        ErrorKind::StorageFull => ("the disk is full", Some("free some space, then run it again")),
        ErrorKind::QuotaExceeded => ("the disk quota is used up", Some("free some space, then run it again")),
        ErrorKind::FileTooLarge => ("the file would grow over the size limit", Some("see: ulimit -f")),
        ErrorKind::PermissionDenied => ("permission denied", Some("choose a place that you may write to")),
        ErrorKind::ReadOnlyFilesystem => {
            ("the file system is read-only", Some("choose a place that you may write to"))
        }
        ErrorKind::NotFound => ("no such file or directory", None),
        ErrorKind::NotADirectory => ("a part of the path is not a directory", None),
        ErrorKind::IsADirectory => ("it is a directory", None),
        _ => ("", None),
    };
    let why = if why.is_empty() { error.to_string() } else { why.to_string() };
    let mut problem = Problem::new(place(path), format!("{doing}: {why}"));
    problem.help =
        help.map(|h| if doing == "cannot read" { h.replace("write to", "read") } else { h.into() });
    Error::new(Code::Environment, problem)
}

/// A file that is written beside its place and renamed into it by [`AtomicFile::commit`].
///
/// Dropped before that, it leaves nothing behind and the old file untouched. A symbolic link is followed. A place
/// that is no regular file (`/dev/null`, a named pipe) is written straight.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Beside { file: BufWriter<NamedTempFile>, place: PathBuf },
    Straight(BufWriter<File>),
}

impl AtomicFile {
    /// Starts a file for `path`; the directory must be there.
    ///
    /// # Errors
    /// [`Code::Usage`] where `path` is a directory, [`Code::Environment`] where its directory cannot be written.
    pub fn create(path: &Path) -> Result<AtomicFile> {
        let failed = |e: io::Error| io_error(path, "cannot write", &e);
        let old = fs::metadata(path).ok();
        if old.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Error::usage(place(path), "a directory stands where the file is to be written"));
        }
        let target = match old {
            Some(meta) if !meta.is_file() => {
                let file = File::options().write(true).open(path).map_err(failed)?;
                Target::Straight(BufWriter::with_capacity(BUFFER, file))
            }
            old => {
                let place = if old.is_some() { fs::canonicalize(path).map_err(failed)? } else { path.into() };
                let file = beside(&place, old).map_err(failed)?;
                Target::Beside { file: BufWriter::with_capacity(BUFFER, file), place }
            }
        };
        Ok(AtomicFile { path: path.into(), target })
    }

    /// Syncs what was written and renames it into its place; after this returns, a power cut leaves the new file.
    ///
    /// # Errors
    /// [`Code::Environment`]; the temporary file is removed then.
    pub fn commit(self) -> Result<()> {
        let AtomicFile { path, target } = self;
        finish(target).map_err(|e| io_error(&path, "cannot write", &e))
    }

    /// What to report where a write to this file failed.
    pub fn failed(&self, error: &io::Error) -> Error {
        io_error(&self.path, "cannot write", error)
    }
}

fn finish(target: Target) -> io::Result<()> {
    match target {
        Target::Straight(mut file) => file.flush(),
        Target::Beside { file, place } => {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&place).map_err(|e| e.error)?;
            sync_directory(directory_of(&place))
        }
    }
}

/// A temporary file in the directory of `place`, with the rights of the old file or those a new one would get.
fn beside(place: &Path, old: Option<fs::Metadata>) -> io::Result<NamedTempFile> {
    let name = place.file_name().ok_or(ErrorKind::IsADirectory)?.to_string_lossy().into_owned();
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(old.map_or_else(|| fs::Permissions::from_mode(0o666), |meta| meta.permissions()));
    }
    #[cfg(not(unix))]
    let _ = old;
    builder.tempfile_in(directory_of(place))
}

/// The directory that holds `path`.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename in `directory` outlast a power cut. Some file systems cannot, and say so: that is accepted.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(directory).and_then(|d| d.sync_all()) {
        Err(e) if !matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Beside { file, .. } => file.write(bytes),
            Target::Straight(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Beside { file, .. } => file.flush(),
            Target::Straight(file) => file.flush(),
        }
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.target {
            Target::Beside { file, .. } => file.seek(to),
            Target::Straight(file) => file.seek(to),
        }
    }
}

/// Writes `bytes` as the whole file at `path`, in one atomic step.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|e| file.failed(&e))?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_committed_leaves_the_old_one_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_bytes(&path, b"old").unwrap();
        let mut half = AtomicFile::create(&path).unwrap();
        half.write_all(b"half").unwrap();
        half.flush().unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        drop(half);
        assert_eq!(names(dir.path()), ["a.txt"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_bytes(&path, b"new").unwrap();
        assert_eq!((names(dir.path()), fs::read(&path).unwrap()), (vec!["a.txt".into()], b"new".to_vec()));
    }

    #[test]
    fn a_missing_directory_and_a_directory_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = |path: &Path| {
            let text = write_bytes(path, b"").unwrap_err().to_string();
            text.replace(&place(dir.path()), "DIR")
        };
        assert_eq!(message(dir.path()), "error[2]: DIR: a directory stands where the file is to be written");
        assert_eq!(
            message(&dir.path().join("no/file")),
            "error[5]: DIR/no/file: cannot write: no such file or directory"
        );
        write_bytes(&dir.path().join("file"), b"").unwrap();
        assert_eq!(
            message(&dir.path().join("file/x")),
            "error[5]: DIR/file/x: cannot write: a part of the path is not a directory"
        );
    }

    #[test]
    fn failures_of_the_disk_say_what_helps() {
        let message =
            |kind: ErrorKind| io_error(Path::new("a\u{1b}b"), "cannot write", &kind.into()).to_string();
        assert_eq!(
            message(ErrorKind::StorageFull),
            "error[5]: a\\u{1b}b: cannot write: the disk is full\n  help: free some space, then run it again"
        );
        assert_eq!(
            message(ErrorKind::PermissionDenied),
            "error[5]: a\\u{1b}b: cannot write: permission denied\n  \
             help: choose a place that you may write to"
        );
        assert_eq!(
            message(ErrorKind::ReadOnlyFilesystem),
            "error[5]: a\\u{1b}b: cannot write: the file system is read-only\n  \
             help: choose a place that you may write to"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_rights_kept_and_devices_not_replaced() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        write_bytes(&real, b"1").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();
        write_bytes(&link, b"2").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"2");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_bytes(Path::new("/dev/null"), b"3").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_so() {
        assert_eq!(
            write_bytes(Path::new("/dev/full"), b"x").unwrap_err().to_string(),
            "error[5]: /dev/full: cannot write: the disk is full\n  help: free some space, then run it again"
        );
    }
}

//! The directory of a run: what lies where, and that only one run writes there.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::atomic::{TEMPORARY, io_error, place};
use crate::error::{Error, Result};

/// The resolved config.
pub const CONFIG_FILE: &str = "config.toml";
/// The best weights so far, ready for use.
pub const MODEL_FILE: &str = "model.safetensors";
/// The folder of checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// Everything that is needed to go on exactly.
pub const LAST_CHECKPOINT: &str = "checkpoints/last.safetensors";
/// One JSON object a line.
pub const METRICS_FILE: &str = "metrics.jsonl";

const LOCK: &str = ".lock";
const FILES: [&str; 4] = [CONFIG_FILE, MODEL_FILE, LAST_CHECKPOINT, METRICS_FILE];

/// What to do with a directory that holds a run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and report an error.
    Refuse,
    /// Remove that run's files, and no others.
    Replace,
    /// Go on with that run; it must be there.
    Resume,
}

/// A run directory, locked for as long as this value lives.
///
/// A directory that was made for a run which then wrote nothing is removed again when the value is dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Directories that did not exist before, innermost first.
    created: Vec<PathBuf>,
    _lock: File,
}

impl RunDir {
    /// Makes and locks `ROOT/NAME-N`, N being one more than the largest that is there.
    ///
    /// Letters, digits, `-`, `_` and `.` of `name` are kept, anything else becomes `_`.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment).
    pub fn create(root: &Path, name: &str) -> Result<RunDir> {
        let keep = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name: String = name.chars().map(keep).collect();
        let name = name.trim_start_matches('.');
        let prefix = format!("{}-", if name.is_empty() { "run" } else { name });
        let mut created = create_all(root)?;
        let mut n = 1 + largest(root, &prefix).map_err(|e| io_error(root, "cannot read", &e))?;
        loop {
            let path = root.join(format!("{prefix}{n}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    created.insert(0, path.clone());
                    return RunDir::lock(path, created);
                }
                // Another run took the number in between.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(io_error(&path, "cannot make the run directory", &e)),
            }
        }
    }

    /// Locks `path` for a run, and makes it if need be.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) where it holds a run and `existing` is [`Existing::Refuse`], holds none to resume, or is a file;
    /// [`Code::Environment`](crate::error::Code::Environment) where another process runs there or it cannot be written.
    pub fn open(path: &Path, existing: Existing) -> Result<RunDir> {
        if path.exists() && !path.is_dir() {
            return Err(Error::usage(place(path), "the run directory is a file")
                .help("name a directory with --run-dir"));
        }
        if existing == Existing::Resume {
            for file in [CONFIG_FILE, LAST_CHECKPOINT] {
                if !path.join(file).is_file() {
                    return Err(Error::usage(place(path), "there is no run to resume")
                        .expected(place(&path.join(file)))
                        .help("leave out --resume to start a new run"));
                }
            }
        }
        let created = create_all(path)?;
        let run = RunDir::lock(path.into(), created)?;
        match existing {
            Existing::Refuse if run.holds_run() => {
                Err(Error::usage(place(path), "the directory holds another run").help(
                    "choose another --run-dir, go on with --resume, or give --force to replace that run",
                ))
            }
            Existing::Replace => {
                for file in FILES {
                    let file = path.join(file);
                    match fs::remove_file(&file) {
                        Err(e) if e.kind() != ErrorKind::NotFound => {
                            return Err(io_error(&file, "cannot remove", &e));
                        }
                        _ => {}
                    }
                }
                Ok(run)
            }
            _ => Ok(run),
        }
    }

    fn lock(path: PathBuf, created: Vec<PathBuf>) -> Result<RunDir> {
        let file = path.join(LOCK);
        let failed = |e: &io::Error| io_error(&path, "cannot write to the run directory", e);
        let lock =
            File::options().create(true).truncate(false).write(true).open(&file).map_err(|e| failed(&e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::environment(place(&path), "another run holds the directory")
                    .help("wait until it ends, or choose another --run-dir"));
            }
            // Some network file systems have no locks: a run there is not worth refusing.
            Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(failed(&e)),
        }
        // The lock may be left from before the directory became read-only, so that alone proves nothing.
        let checkpoints = path.join(CHECKPOINTS);
        fs::create_dir_all(&checkpoints).map_err(|e| failed(&e))?;
        tempfile::Builder::new().suffix(TEMPORARY).tempfile_in(&path).map_err(|e| failed(&e))?;
        for directory in [&path, &checkpoints] {
            remove_temporaries(directory).map_err(|e| io_error(directory, "cannot tidy", &e))?;
        }
        Ok(RunDir { path, created, _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// [`CONFIG_FILE`] in it.
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG_FILE)
    }

    /// [`MODEL_FILE`] in it.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL_FILE)
    }

    /// [`LAST_CHECKPOINT`] in it.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.path.join(LAST_CHECKPOINT)
    }

    /// [`METRICS_FILE`] in it.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS_FILE)
    }

    /// Whether any file of a run is there.
    pub fn holds_run(&self) -> bool {
        FILES.iter().any(|file| self.path.join(file).exists())
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if !self.created.is_empty() && !self.holds_run() {
            // Best effort: `remove_dir` refuses a directory that holds anything of somebody else's.
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(self.path.join(CHECKPOINTS));
            for directory in &self.created {
                let _ = fs::remove_dir(directory);
            }
        }
    }
}

/// Makes `path` and its parents; returns those that were not there, innermost first.
fn create_all(path: &Path) -> Result<Vec<PathBuf>> {
    let missing = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    fs::create_dir_all(path).map_err(|e| io_error(path, "cannot make the run directory", &e))?;
    Ok(missing)
}

/// The largest N of the entries `PREFIX` + N in `root`, or 0.
fn largest(root: &Path, prefix: &str) -> io::Result<u64> {
    let mut largest = 0;
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix(prefix)).and_then(|n| n.parse::<u32>().ok());
        largest = largest.max(u64::from(number.unwrap_or(0)));
    }
    Ok(largest)
}

/// Removes what a killed run was writing. Called with the lock held.
fn remove_temporaries(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = FILES.iter().any(|file| {
            let file = file.rsplit('/').next().unwrap_or(file);
            name.strip_prefix('.').and_then(|n| n.strip_prefix(file)).is_some_and(|n| n.starts_with('.'))
        });
        if ours && name.ends_with(TEMPORARY) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::write_bytes;

    fn message<T: std::fmt::Debug>(result: Result<T>, root: &Path) -> String {
        result.unwrap_err().to_string().replace(&place(root), "ROOT")
    }

    #[test]
    fn runs_are_numbered_after_the_largest() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("runs");
        let first = RunDir::create(&root, "iris").unwrap();
        assert_eq!(first.path(), root.join("iris-1"));
        fs::create_dir(root.join("iris-7")).unwrap();
        fs::create_dir(root.join("iris-x")).unwrap();
        assert_eq!(RunDir::create(&root, "iris").unwrap().path(), root.join("iris-8"));
        assert_eq!(RunDir::create(&root, "../a b").unwrap().path(), root.join("_a_b-1"));
    }

    #[test]
    fn a_run_that_wrote_nothing_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/runs");
        drop(RunDir::create(&root, "iris").unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let run = RunDir::create(&root, "iris").unwrap();
        write_bytes(&run.config(), b"seed = 0").unwrap();
        drop(run);
        assert!(root.join("iris-1/config.toml").is_file());
    }

    #[test]
    fn another_run_is_refused_replaced_or_resumed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let message = |existing| message(RunDir::open(&path, existing), dir.path());
        assert_eq!(
            message(Existing::Resume),
            "error[2]: ROOT/r: there is no run to resume\n  expected: ROOT/r/config.toml\n  \
             help: leave out --resume to start a new run"
        );
        let run = RunDir::open(&path, Existing::Refuse).unwrap();
        write_bytes(&run.config(), b"").unwrap();
        write_bytes(&run.last_checkpoint(), b"").unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert_eq!(
            message(Existing::Resume),
            "error[5]: ROOT/r: another run holds the directory\n  \
             help: wait until it ends, or choose another --run-dir"
        );
        drop(run);
        assert_eq!(
            message(Existing::Refuse),
            "error[2]: ROOT/r: the directory holds another run\n  \
             help: choose another --run-dir, go on with --resume, or give --force to replace that run"
        );
        assert!(RunDir::open(&path, Existing::Resume).unwrap().holds_run());
        assert!(!RunDir::open(&path, Existing::Replace).unwrap().holds_run());
        assert_eq!(fs::read(path.join("notes.txt")).unwrap(), b"mine");
    }

    #[test]
    fn half_written_files_of_a_killed_run_are_removed_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open(dir.path(), Existing::Refuse).unwrap();
        let stray = [".model.safetensors.ab12.tmp", "checkpoints/.last.safetensors.x.tmp"];
        let other = [".model.safetensors", "model.tmp", ".notes.tmp"];
        for name in stray.iter().chain(&other) {
            fs::write(dir.path().join(name), "").unwrap();
        }
        drop(run);
        let _run = RunDir::open(dir.path(), Existing::Refuse).unwrap();
        assert!(stray.iter().all(|name| !dir.path().join(name).exists()));
        assert!(other.iter().all(|name| dir.path().join(name).exists()));
    }

    #[test]
    fn places_that_cannot_be_a_directory_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(
            message(RunDir::open(&dir.path().join("file"), Existing::Refuse), dir.path()),
            "error[2]: ROOT/file: the run directory is a file\n  help: name a directory with --run-dir"
        );
        assert_eq!(
            message(RunDir::create(&dir.path().join("file/runs"), "a"), dir.path()),
            "error[5]: ROOT/file/runs: cannot make the run directory: a part of the path is not a directory"
        );
    }
}

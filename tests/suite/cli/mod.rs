//! The command as a user meets it: the real binary, its output and its exit codes.

mod arguments;
mod config;
#[cfg(target_os = "linux")]
mod disk;
mod help;
mod outputs;
mod rows;
#[cfg(unix)]
mod signals;
mod small;
mod train;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A directory of its own for one test, with the tables of the tests in it.
pub(crate) struct Place {
    dir: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The same with a file in it.
    pub(crate) fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
        self
    }

    /// The command, in this directory, with nothing of the tester's environment that it looks at.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backprop"));
        command.current_dir(self.path()).env("COLUMNS", "100").env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs `backprop` with the words of `line`, separated by single spaces; standard input is empty.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.feed(line, "")
    }

    /// The same with something on standard input.
    pub(crate) fn feed(&self, line: &str, input: impl Into<Vec<u8>>) -> Ended {
        let words = line.split(' ').filter(|word| !word.is_empty());
        let output = self.command().args(words).write_stdin(input).output().expect("it runs");
        Ended::of(&output)
    }

    /// The names of all files and directories in `name`, sorted.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path().join(name)).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ended {
            code: output.status.code().expect("not ended by a signal"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Standard error of a command that had to fail with `code` and print nothing else.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        self.err
    }

    /// Standard output of a command that had to succeed.
    #[track_caller]
    pub(crate) fn worked(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }
}

/// The iris table that comes with the crate.
pub(crate) fn iris() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/iris.csv")).expect("data/iris.csv")
}

//! What wrong tables and wrong model files get from the real binary: the exit code, the exact message, and nothing left behind.
//!
//! The numbers are those of the project's table of bad inputs. 24 to 31 (configs) and 36 to 40 (the command line and its
//! surroundings) are in `cli`.

mod accepted;
mod images;
mod models;
mod new_rows;
mod series;
mod tables;

use crate::cli::Place;

/// Runs a command that has to fail: its exit code and message. No file may come or go.
#[track_caller]
fn failed(place: &Place, line: &str) -> String {
    let before = place.list(".");
    let end = place.run(line);
    assert!(end.code != 0 && end.out.is_empty(), "{} {}", end.out, end.err);
    assert_eq!(place.list("."), before, "nothing is left behind");
    format!("exit {}\n{}", end.code, end.err)
}

/// Training on this table, with more flags.
#[track_caller]
fn train(table: impl AsRef<[u8]>, flags: &str) -> String {
    failed(&Place::new().with("t.csv", table), &format!("train --data t.csv --target y {flags}"))
}

/// `a,b,y` and twenty rows with two numbers and one of two classes, then `more`.
fn table(more: &str) -> String {
    let row = |i: usize| format!("{i},{},{}\n", i * i % 7, ["p", "q"][i % 2]);
    format!("a,b,y\n{}{more}", (0..20).map(row).collect::<String>())
}

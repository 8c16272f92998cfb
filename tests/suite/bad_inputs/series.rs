//! Tables of series and forecasts that cannot be used.

use super::failed;
use crate::cli::Place;

/// Training on this table with these lines of `[data]`.
#[track_caller]
fn train(table: &str, data: &str) -> String {
    let config = format!(
        "[data]\ntrain = \"t.csv\"\ntarget = \"y\"\n{data}\n[model]\nlayers = [{{ type = \"flatten\", input = \"series\" }}]\n"
    );
    failed(&Place::new().with("t.csv", table).with("c.toml", config), "train c.toml")
}

/// `id,t,x,y`: three series of three steps.
fn long(more: &str) -> String {
    let row = |i: usize| format!("s{},{},{},{}\n", i / 3, i % 3, i * i % 7, ["p", "q"][i / 3 % 2]);
    format!("id,t,x,y\n{}{more}", (0..9).map(row).collect::<String>())
}

/// `t,y`: twenty steps.
fn steps(more: &str) -> String {
    format!("t,y\n{}{more}", (0..20).map(|i| format!("{i},{}\n", i * i % 11)).collect::<String>())
}

#[test]
fn a_series_id_that_is_no_column() {
    insta::assert_snapshot!(train(&long(""), "series = { id = \"ID\", order = \"time\" }"), @r#"
    exit 3
    error[3]: t.csv: data.series.id names a column that is not there: "ID"
      expected: one of "id", "t", "x", "y"
      help: did you mean "id"?
    error[3]: t.csv: data.series.order names a column that is not there: "time"
      expected: one of "id", "t", "x", "y"
    "#);
}

#[test]
fn a_channel_that_a_validation_table_misses() {
    let config = "[data]\ntrain = \"t.csv\"\nvalidation = \"v.csv\"\ntarget = \"y\"\nseries = { id = \"id\" }\n\
                  [model]\nlayers = [{ type = \"flatten\", input = \"series\" }]\n";
    let place = Place::new().with("t.csv", long("")).with("v.csv", "id,t,y\ns,1,p\n").with("c.toml", config);
    insta::assert_snapshot!(failed(&place, "train c.toml"), @r#"
    exit 3
    error[3]: v.csv: the column "x" that the model needs is missing
      found: the columns "id", "t", "y"
    "#);
}

#[test]
fn series_of_one_row() {
    let rows: String = (0..9).map(|i| format!("s{i},{},{}\n", i * i % 7, ["p", "q"][i % 2])).collect();
    insta::assert_snapshot!(train(&format!("id,x,y\n{rows}"), "series = { id = \"id\" }"), @r#"
    exit 3
    error[3]: t.csv: every series has one row only
      expected: rows that share a value of "id"
      found: 9 different values in 9 rows
      help: name the column that says which series a row belongs to in data.series.id; a table with a row for each series needs no [data.series]
    "#);
}

#[test]
fn a_label_that_changes_within_a_series() {
    insta::assert_snapshot!(train(&long("s0,3,1,q\n"), "series = { id = \"id\", order = \"t\" }"), @r#"
    exit 3
    error[3]: t.csv, line 11, column "y": the value changes within the series "s0"
      expected: "p", as in line 2
      found: "q"
      help: where each step has a label of its own, set data.columns.y.type = "labels"
    "#);
}

#[test]
fn labels_that_are_not_as_many_as_the_words_of_their_text() {
    let place = Place::new().with("t.csv", "t,y\nto Oslo,O CITY\nfrom Lima now,O CITY\n");
    let flags =
        "train --data t.csv --target y --set data.columns.t.type=text --set data.columns.y.type=labels";
    insta::assert_snapshot!(failed(&place, flags), @r#"
    exit 3
    error[3]: t.csv, line 3, column "y": the labels are not as many as the steps of the row
      expected: 3 labels, with white space between them
      found: 2 labels
      help: each token of a text, as its tokenizer cuts it, and each step of a series has a label of its own
    "#);
}

#[test]
fn steps_without_an_order() {
    insta::assert_snapshot!(train(&long("s0,1,1,p\n"), "series = { id = \"id\", order = \"t\" }"), @r#"
    exit 3
    error[3]: t.csv, column "t": two rows of the series "s0" are at 1
      found: lines 3 and 11
      help: remove one of them, or give each its own place in data.series.order
    "#);
    insta::assert_snapshot!(train(&long("s0,late,1,p\n"), "series = { id = \"id\", order = \"t\" }"), @r#"
    exit 3
    error[3]: t.csv, line 11, column "t": the rows cannot be put in order by this field
      expected: a number, as in the rows before
      found: "late"
      help: fix the field, or take data.series.order out: rows then keep the order of the file
    "#);
}

#[test]
fn windows_longer_than_the_table() {
    insta::assert_snapshot!(train(&steps(""), "windows = { length = 24, horizon = 4 }"), @"
    exit 3
    error[3]: t.csv: 20 rows are too few for one window
      expected: at least 28 rows: data.windows.length + horizon
      help: add rows, or choose shorter windows
    ");
}

#[test]
fn a_horizon_that_leaves_no_rows_to_train_on() {
    insta::assert_snapshot!(train(&steps(""), "windows = { length = 4, horizon = 14 }\nvalidation = 0.4"), @"
    exit 3
    error[3]: t.csv: the training part would be empty: 3 windows, 0.4 of them held out
      help: add rows, choose a shorter data.windows.horizon, or set data.validation = 0
    ");
}

#[test]
fn a_target_of_windows_that_is_no_number() {
    let rows: String = (0..20).map(|i| format!("{i},{}\n", ["p", "q"][i % 2])).collect();
    insta::assert_snapshot!(train(&format!("t,y\n{rows}"), "windows = { length = 4 }"), @r#"
    exit 3
    error[3]: t.csv, column "y": the target of a forecast is no number
      expected: a column of numbers
      found: 2 different texts in 20 sampled fields
      help: name a column of numbers in data.target, or fix the fields that are none
    "#);
    insta::assert_snapshot!(train(&steps("20,?\n21,7\n"), "windows = { length = 4 }"), @r#"
    exit 3
    error[3]: t.csv, line 22, column "y": the target is missing
      expected: a value: a row without its target teaches nothing
      found: "?"
      help: remove the row, or, if it is a value, train with a list of data.missing_values that does not have it
    "#);
}

#[test]
fn windows_in_no_order() {
    insta::assert_snapshot!(train(&steps("7,1\n"), "windows = { length = 4, order = \"t\" }"), @r#"
    exit 3
    error[3]: t.csv, column "t": two rows are at 7
      found: lines 9 and 22
      help: remove one of them; a table of several series is not for data.windows
    "#);
}

#[test]
fn series_and_windows_at_once() {
    insta::assert_snapshot!(train(&steps(""), "windows = { length = 4 }\nseries = { id = \"t\" }"), @r#"
    exit 2
    error[2]: c.toml:5:10: data.series and data.windows cannot both be given
      5 | series = { id = "t" }
        |          ^^^^^^^^^^^^
      help: windows are cut from one series; take one of them out
    "#);
}

//! A label for each token of a text, or for each step of a series.

use super::super::long::{LongTable, read as read_long};
use super::super::samples::Purpose;
use super::*;
use crate::data::{ColumnType, Preprocessing, Rows, StepTargets, Table, Targets, TokenizerKind};

fn of_kind(kind: ColumnType) -> ColumnPin {
    ColumnPin { kind: Some(kind), ..ColumnPin::default() }
}

/// A text `t` whose tokens have labels `y`.
fn options() -> DataOptions {
    let mut options = DataOptions::new("y");
    options.columns.insert("t".into(), of_kind(ColumnType::Text));
    options.columns.insert("y".into(), of_kind(ColumnType::Labels));
    options
}

const TABLE: &str = "t|y\nin Paris|O CITY\nParis  sleeps now|NAME O O\nnow|O";

/// The classes of the steps of all rows.
fn classes(table: &Table) -> Vec<Vec<u32>> {
    let steps = table.step_targets(0).expect("there are labels");
    (0..table.len() as u32).map(|row| steps.of(row).collect()).collect()
}

fn said(text: &str, options: &DataOptions) -> String {
    fit(text, options).map_or_else(|e| e.to_string(), |_| "no error".into())
}

#[test]
fn each_token_has_a_class() -> Result<()> {
    let fitted = fit(TABLE, &options())?;
    let names = ["CITY", "NAME", "O"].map(str::to_owned).to_vec();
    let expected = Targets::StepClasses { column: "y".into(), classes: names };
    assert_eq!(fitted.preprocessing.targets, expected.into());
    assert_eq!(classes(&fitted.table), [vec![2, 0], vec![1, 2, 2], vec![2]]);
    assert_eq!(fitted.table.target_row(1), [3.0], "the number of steps");
    assert_eq!(fitted.inputs.stored[0].shape.axes(), [3]);
    let about: Vec<String> = fitted.schema.columns.iter().map(|c| c.describe()).collect();
    assert_eq!(
        about,
        [
            "text, whitespace tokenizer, 5 ids, at most 3 in a row",
            "target: 3 classes, one for each of 6 steps (pinned)"
        ]
    );
    Ok(())
}

#[test]
fn targets_and_weights_end_with_the_row() -> Result<()> {
    let fitted = fit(TABLE, &options())?;
    let steps = fitted.table.step_targets(0).expect("there are labels");
    let (mut y, mut w) = ([9.0; 6], [9.0; 6]);
    steps.fill(&[0, 1], &mut y);
    steps.fill_weights(&[0, 1], &mut w);
    assert_eq!((y, w), ([2.0, 0.0, 0.0, 1.0, 2.0, 2.0], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]));
    assert_eq!(steps.count(2), 1);
    assert!(matches!(steps, StepTargets::Classes(_)));
    Ok(())
}

#[test]
fn new_rows_get_the_same_classes_from_the_saved_preprocessing() -> Result<()> {
    let fitted = fit(TABLE, &options())?;
    let saved = Preprocessing::from_json(&fitted.preprocessing.to_json())?;
    assert_eq!(saved, fitted.preprocessing);
    let read = |text| saved.read(&mut MemoryRows::from_text("new.csv", text));
    let (table, _) = read(TABLE)?;
    assert_eq!(table, fitted.table);
    assert_eq!(table.checksum(), fitted.table.checksum());
    let swapped = TABLE.replace("O CITY", "CITY O");
    assert_ne!(read(&swapped)?.0.checksum(), table.checksum(), "labels are part of the data");
    Ok(())
}

#[test]
fn labels_are_cut_with_their_text() -> Result<()> {
    let mut options = options();
    options.columns.insert("t".into(), ColumnPin { max_tokens: Some(2), ..of_kind(ColumnType::Text) });
    let fitted = fit(TABLE, &options)?;
    assert_eq!(classes(&fitted.table), [vec![2, 0], vec![1, 2], vec![2]]);
    assert_eq!(fitted.table.target_row(1), [2.0]);
    let (table, report) = fitted.preprocessing.read(&mut MemoryRows::from_text("new.csv", TABLE))?;
    assert_eq!((table, report.cut.get("t")), (fitted.table, Some(&1)));
    Ok(())
}

#[test]
fn characters_may_have_labels_and_classes_an_order() -> Result<()> {
    let mut options = options();
    let by_char = ColumnPin { tokenizer: Some(TokenizerKind::Char), ..of_kind(ColumnType::Text) };
    options.columns.insert("t".into(), by_char);
    let ordered = ColumnPin { classes: Some(vec!["v".into(), "c".into()]), ..of_kind(ColumnType::Labels) };
    options.columns.insert("y".into(), ordered);
    assert_eq!(classes(&fit("t|y\nabé|v c v\nob|v c", &options)?.table), [vec![0, 1, 0], vec![0, 1]]);
    assert_eq!(
        said("t|y\nabé|v c v\nob|v k", &options),
        "error[3]: t.csv, line 3, column \"y\": the label is not in the list of classes\n  \
         expected: one of \"v\", \"c\"\n  found: \"k\"\n  help: remove the row, or train on data that has this label"
    );
    Ok(())
}

#[test]
fn labels_that_are_not_as_many_as_the_tokens() -> Result<()> {
    let said_of = |row: &str| said(&format!("{TABLE}\n{row}"), &options());
    let help = "help: each token of a text, as its tokenizer cuts it, and each step of a series has a label of its own";
    assert_eq!(
        said_of("to Oslo by train|O CITY O"),
        format!(
            "error[3]: t.csv, line 5, column \"y\": the labels are not as many as the steps of the row\n  \
             expected: 4 labels, with white space between them\n  found: 3 labels\n  {help}"
        )
    );
    assert_eq!(
        said_of("|O"),
        format!(
            "error[3]: t.csv, line 5, column \"y\": the labels are not as many as the steps of the row\n  \
             expected: 0 labels, with white space between them\n  found: 1 label\n  {help}"
        )
    );
    assert!(said_of("now|").starts_with("error[3]: t.csv, line 5, column \"y\": the target is missing\n"));
    let fitted = fit(TABLE, &options())?.preprocessing;
    let new = |text| fitted.read(&mut MemoryRows::from_text("new.csv", text)).unwrap_err().to_string();
    assert!(new("t|y\nnow now|O").contains("new.csv, line 2, column \"y\": the labels are not as many"));
    assert_eq!(
        new("t|y\nnow now|O CITI"),
        "error[3]: new.csv, line 2, column \"y\": the label was not seen in training\n  \
         expected: one of \"CITY\", \"NAME\", \"O\"\n  found: \"CITI\"\n  help: did you mean \"CITY\"?"
    );
    Ok(())
}

#[test]
fn labels_need_steps_to_be_about() {
    let mut none = options();
    none.columns.remove("t");
    assert_eq!(
        said("t|y\n1|O\n2|X", &none),
        "error[2]: data.columns.y.type: labels need steps to be about\n  \
         expected: one column of texts, or the steps of a series ([data.series])\n  found: neither\n  \
         help: set data.columns.NAME.type = \"text\" for the column of texts, NAME being its name"
    );
    let mut two = options();
    two.columns.insert("u".into(), of_kind(ColumnType::Text));
    assert_eq!(
        said("t|u|y\na|b|O\nc|d|X", &two),
        "error[2]: data.columns.y.type: labels need steps to be about\n  \
         expected: one column of texts, or the steps of a series ([data.series])\n  found: \"t\", \"u\"\n  \
         help: leave all but one out with data.exclude"
    );
    let mut pairs = options();
    let bpe = ColumnPin { tokenizer: Some(TokenizerKind::Bpe), ..of_kind(ColumnType::Text) };
    pairs.columns.insert("t".into(), bpe);
    assert_eq!(
        said(TABLE, &pairs),
        "error[2]: data.columns.t.tokenizer: the tokens that labels are about must follow from the text alone\n  \
         expected: \"whitespace\", \"word\", \"char\" or \"byte\""
    );
    let mut input = options();
    input.columns.insert("t".into(), of_kind(ColumnType::Labels));
    assert!(
        said(TABLE, &input)
            .starts_with("error[2]: data.columns.t.type: labels are for targets; this column is an input\n")
    );
}

#[test]
fn one_class_is_none_and_a_class_may_miss_in_the_training_part() -> Result<()> {
    assert_eq!(
        said("t|y\na b|O O\nb|O", &options()),
        "error[3]: t.csv, column \"y\": one class only\n  expected: two classes or more\n  found: \"O\" in all 2 rows\n  \
         help: name another target, or add rows of other classes"
    );
    let warnings = read(TABLE, &options())?.fit(&[0, 2])?.warnings;
    assert_eq!(warnings[1..], ["class \"NAME\" of \"y\" has no step in the training part"]);
    Ok(())
}

/// Two series, their rows apart and out of order.
const LONG: &str = "id|t|u|y\nb|2|12|run\na|1|1|walk\nb|1|10|walk\na|2|2|run\nb|3|14|rest";

fn long(text: &str, table: &LongTable) -> Result<Fitted> {
    let mut options = DataOptions::new("y");
    options.columns.insert("y".into(), of_kind(ColumnType::Labels));
    let mut rows = read_long(&mut MemoryRows::from_text("t.csv", text), table, Purpose::Fit(&options), None)?;
    let options = options.clone().for_samples(rows.columns(), rows.steps());
    let raw = RawTable::read(&mut rows, &options)?;
    let all: Vec<u32> = (0..raw.len() as u32).collect();
    raw.fit(&all)
}

#[test]
fn each_step_of_a_series_has_a_class_in_its_order() -> Result<()> {
    let order = LongTable { id: "id".into(), order: Some("t".into()), ..LongTable::default() };
    let fitted = long(LONG, &order)?;
    // rest, run, walk; b comes first in the file.
    assert_eq!(classes(&fitted.table), [vec![2, 1, 0], vec![2, 1]]);
    let last = LongTable { length: Some(1), ..order.clone() };
    assert_eq!(classes(&long(LONG, &last)?.table), [vec![0], vec![1]], "of a longer series the last steps");

    let purpose = |with_targets| Purpose::Fitted { preprocessing: &fitted.preprocessing, with_targets };
    let mut rows = read_long(&mut MemoryRows::from_text("new.csv", LONG), &order, purpose(true), None)?;
    assert_eq!(fitted.preprocessing.read(&mut rows)?.0, fitted.table);
    let without = "id|t|u\na|1|1\na|2|2";
    let rows = read_long(&mut MemoryRows::from_text("new.csv", without), &order, purpose(false), None)?;
    assert_eq!(rows.columns(), ["id", "series"]);
    Ok(())
}

#[test]
fn labels_of_series_that_cannot_be_read() {
    let table = LongTable { id: "id".into(), ..LongTable::default() };
    let said = |text: &str| long(text, &table).expect_err("it must not be read").to_string();
    assert_eq!(
        said("id|u|y\na|1|walk\na|2|slow walk"),
        "error[3]: t.csv, line 3, column \"y\": the label of a step has white space in it\n  \
         expected: a label without, since those of a series are written with white space between them\n  \
         found: \"slow walk\"\n  help: write it with an underscore or a hyphen"
    );
    assert!(
        said("id|u|y\na|1|walk\na|2|")
            .starts_with("error[3]: t.csv, line 3, column \"y\": the target is missing")
    );
}

#[test]
fn a_label_may_be_called_none() -> Result<()> {
    let table = "t|y\nin Paris|None CITY\nnow|None\nParis|CITY";
    let fitted = fit(table, &options())?;
    assert_eq!(classes(&fitted.table), [vec![1, 0], vec![1], vec![0]]);
    assert_eq!(fitted.preprocessing.read(&mut MemoryRows::from_text("new.csv", table))?.0, fitted.table);
    let named = DataOptions { missing_values: vec!["None".into()], ..options() };
    assert!(said(table, &named).starts_with("error[3]: t.csv, line 3, column \"y\": the target is missing"));
    let steps = "id|u|y\na|1|None\na|2|walk\nb|3|None";
    let fitted = long(steps, &LongTable { id: "id".into(), ..LongTable::default() })?;
    assert_eq!(classes(&fitted.table), [vec![0, 1], vec![0]]);
    Ok(())
}

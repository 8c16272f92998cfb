//! Long tables with a word in each row.

use super::super::long::{LongTable, read as read_long};
use super::super::samples::Purpose;
use super::*;
use crate::data::rows::Fields;
use crate::data::{Cell, ColumnType, HeldRows, Prior, Rows, Table};

/// Two sentences, their rows apart; `n` is a number that varies.
const LONG: &str = "id|at|word|n|tag\nb|2|Rome|4|CITY\na|1|Ann|3|NAME\nb|1|in|2|O\na|2|left|4|O\nb|3|now|3|O";

fn series() -> LongTable {
    LongTable { id: "id".into(), order: Some("at".into()), ..LongTable::default() }
}

/// Words with a label each, and no numbers.
fn options() -> DataOptions {
    let mut options = DataOptions::new("tag");
    for (name, kind) in [("word", ColumnType::Text), ("tag", ColumnType::Labels)] {
        options.columns.insert(name.into(), ColumnPin { kind: Some(kind), ..ColumnPin::default() });
    }
    options.exclude = vec!["n".into()];
    options
}

fn samples(text: &str, table: &LongTable, purpose: Purpose<'_>) -> Result<HeldRows> {
    read_long(&mut MemoryRows::from_text("t.csv", text), table, purpose, None)
}

fn long(text: &str, table: &LongTable, options: &DataOptions) -> Result<Fitted> {
    let mut rows = samples(text, table, Purpose::Fit(options))?;
    let options = options.clone().for_samples(rows.columns(), rows.steps());
    let raw = RawTable::read(&mut rows, &options)?;
    let all: Vec<u32> = (0..raw.len() as u32).collect();
    raw.fit(&all)
}

/// The fields of a column, a text for each series.
fn texts(rows: &mut HeldRows, name: &str) -> Vec<String> {
    let at = rows.columns().iter().position(|column| column == name).expect("the column is there");
    let mut texts = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        texts.push(row.get(at).to_owned());
    }
    texts
}

fn classes(table: &Table) -> Vec<Vec<u32>> {
    let steps = table.step_targets(0).expect("there are labels");
    (0..table.len() as u32).map(|row| steps.of(row).collect()).collect()
}

#[test]
fn the_words_of_a_series_make_one_text() -> Result<()> {
    let options = options();
    let mut rows = samples(LONG, &series(), Purpose::Fit(&options))?;
    assert_eq!(rows.columns(), ["id", "word", "tag"], "no numbers, no steps");
    assert_eq!(texts(&mut rows, "word"), ["in Rome now", "Ann left"]);
    let last = LongTable { length: Some(2), ..series() };
    let mut rows = samples(LONG, &last, Purpose::Fit(&options))?;
    assert_eq!(texts(&mut rows, "word"), ["Rome now", "Ann left"], "of a longer series the last steps");

    let fitted = long(LONG, &series(), &options)?;
    assert_eq!(classes(&fitted.table), [vec![2, 0, 2], vec![1, 2]], "CITY, NAME, O");
    let Cell::Text(text) = &fitted.preprocessing.columns[0].cell else {
        panic!("{:?}", fitted.preprocessing)
    };
    assert!(text.of_steps && text.length == 3 && text.tokenizer.name() == "whitespace");
    Ok(())
}

#[test]
fn new_rows_are_read_as_training_read_them() -> Result<()> {
    let fitted = long(LONG, &series(), &options())?;
    let preprocessing = &fitted.preprocessing;
    let mut rows = samples(LONG, &series(), Purpose::Fitted { preprocessing, with_targets: true })?;
    assert_eq!(preprocessing.read(&mut rows)?.0, fitted.table);
    // A series whose words are all the same is one of several steps as well.
    let same = "word|id|at\nnow|c|1\nnow|c|2";
    let mut rows = samples(same, &series(), Purpose::Fitted { preprocessing, with_targets: false })?;
    assert_eq!(texts(&mut rows, "word"), ["now now"]);
    // And so for a run that goes on from this model.
    let mut goes_on = DataOptions { prior: Some(Prior::new(preprocessing, &[])), ..DataOptions::new("tag") };
    goes_on
        .columns
        .insert("tag".into(), ColumnPin { kind: Some(ColumnType::Labels), ..ColumnPin::default() });
    let new = format!("{}\nc|1|now|1|O\nc|2|now|1|O", LONG.lines().next().unwrap_or_default());
    let mut rows = samples(&new, &series(), Purpose::Fit(&goes_on))?;
    assert_eq!(texts(&mut rows, "word"), ["now now"]);
    Ok(())
}

#[test]
fn words_stand_beside_numbers_and_texts_of_a_series() -> Result<()> {
    // A class for each series.
    let text = "id|word|n|about|y\na|in|1|two words|p\na|out|2|two words|p\nb|in|3|one|q\nb|in|4|one|q";
    let table = LongTable { id: "id".into(), ..LongTable::default() };
    let mut options = DataOptions::new("y");
    for name in ["word", "about"] {
        let pin = ColumnPin { kind: Some(ColumnType::Text), ..ColumnPin::default() };
        options.columns.insert(name.into(), pin);
    }
    let mut rows = samples(text, &table, Purpose::Fit(&options))?;
    assert_eq!(rows.columns(), ["id", "word", "about", "y", "series"]);
    assert_eq!(texts(&mut rows, "word"), ["in out", "in in"]);
    let mut rows = samples(text, &table, Purpose::Fit(&options))?;
    assert_eq!(texts(&mut rows, "about"), ["two words", "one"], "it never varies: one text for the series");
    let preprocessing = long(text, &table, &options)?.preprocessing;
    let new = "id|word|n|about\na|in|1|two words\na|in|2|two words";
    let mut rows =
        samples(new, &table, Purpose::Fitted { preprocessing: &preprocessing, with_targets: false })?;
    assert_eq!(texts(&mut rows, "about"), ["two words"]);
    Ok(())
}

#[test]
fn a_word_that_looks_missing_is_a_word() -> Result<()> {
    let text = format!("{LONG}\nc|1|NA|1|CITY");
    let fitted = long(&text, &series(), &options())?;
    assert_eq!(fitted.table.len(), 3);
    let preprocessing = &fitted.preprocessing;
    let mut rows = samples(&text, &series(), Purpose::Fitted { preprocessing, with_targets: true })?;
    assert_eq!(preprocessing.read(&mut rows)?.0, fitted.table);
    Ok(())
}

#[test]
fn fields_that_are_not_one_word() {
    let said = |row: &str| {
        long(&format!("{LONG}\n{row}"), &series(), &options()).expect_err("it is refused").to_string()
    };
    assert_eq!(
        said("b|4|New York|1|CITY"),
        "error[3]: t.csv, line 7, column \"word\": the fields of a series make one text, and this one is not one word\n  \
         expected: a word in each row, without white space\n  found: \"New York\"\n  \
         help: join what belongs together with an underscore, or leave the column out with data.exclude"
    );
    assert!(said("b|4||1|O").contains("\"word\": the fields of a series make one text"));
    // Words that the options do not name as such.
    let mut unnamed = options();
    unnamed.columns.remove("word");
    let told = long(LONG, &series(), &unnamed).expect_err("it is refused").to_string();
    assert!(told.contains("one with a word in each row gets type = \"text\""), "{told}");
}

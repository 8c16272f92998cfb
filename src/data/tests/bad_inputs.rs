//! The messages of wrong tables, word for word.

use super::*;
use crate::data::{
    ColumnType, Encoder, InputGroup, MissingPolicy, OutputGroup, Rows, Scale, Table, TokenizerKind, Unknown,
};

/// What reading and fitting says.
fn message(text: &str, options: &DataOptions) -> String {
    fit(text, options).map_or_else(|e| e.to_string(), |_| "no error".into())
}

/// What a model fitted on `train` says about `new`.
fn model_message(train: &str, options: &DataOptions, new: &str) -> Result<String> {
    let preprocessing = fit(train, options)?.preprocessing;
    let result = preprocessing.read(&mut MemoryRows::from_text("new.csv", new));
    Ok(result.map_or_else(|e| e.to_string(), |_| "no error".into()))
}

#[test]
fn a_table_without_rows() {
    assert_eq!(
        message("a|y", &DataOptions::new("y")),
        "error[3]: t.csv: 0 rows\n  expected: a header and at least one row\n  \
         help: check that the file is the one you mean"
    );
}

#[test]
fn columns_that_are_not_there_are_reported_at_once() {
    let options = DataOptions { exclude: vec!["zzz*".into()], ..DataOptions::new("specie") };
    assert_eq!(
        message("id|species\n1|a", &options),
        "error[3]: t.csv: data.target names a column that is not there: \"specie\"\n  \
         expected: one of \"id\", \"species\"\n  help: did you mean \"species\"?\n\
         error[3]: t.csv: data.exclude names a column that is not there: \"zzz*\"\n  \
         expected: one of \"id\", \"species\""
    );
}

#[test]
fn no_target() {
    assert_eq!(
        message("a|b\n1|2", &DataOptions::default()),
        "error[2]: data: no target column\n  help: name one of \"a\", \"b\" in data.target"
    );
}

#[test]
fn text_in_a_number_column() {
    let mut table = "a|y\n".to_owned() + &"1|0\n2|1\n".repeat(20);
    table += "abc|1";
    assert_eq!(
        message(&table, &DataOptions::new("y")),
        "error[3]: t.csv, line 42, column \"a\": text in a number column\n  expected: a number\n  found: \"abc\"\n  \
         help: set data.columns.a.type = \"category\", or list it in data.missing_values"
    );
    let mut lenient = DataOptions::new("y");
    lenient.missing_values.push("abc".into());
    assert_eq!(message(&table, &lenient), "no error");
}

#[test]
fn numbers_that_are_not_finite_in_thirty_two_bits() {
    let table = |field: &str| format!("a|y\n1|0\n{field}|1\n3|1");
    assert_eq!(
        message(&table("-inf"), &DataOptions::new("y")),
        "error[3]: t.csv, line 3, column \"a\": a value that is not finite\n  expected: a finite number\n  \
         found: \"-inf\"\n  help: fix the field, or list it in data.missing_values"
    );
    assert_eq!(
        message(&table("1e39"), &DataOptions::new("y")),
        "error[3]: t.csv, line 3, column \"a\": a number too large for 32 bits\n  \
         expected: a number between -3.4028235e38 and 3.4028235e38\n  found: \"1e39\"\n  \
         help: fix the field, or list it in data.missing_values"
    );
    let strict = DataOptions { missing_values: vec!["".into()], ..DataOptions::new("y") };
    assert_eq!(
        message(&table("nan"), &strict),
        "error[3]: t.csv, line 3, column \"a\": a value that is not finite\n  expected: a finite number\n  \
         found: \"nan\"\n  help: fix the field, or list it in data.missing_values"
    );
    assert_eq!(message(&table("nan"), &DataOptions::new("y")), "no error");
}

#[test]
fn thousands_separators_and_dates_in_a_number_column() {
    assert_eq!(
        message("a|y\n999|0\n1,234|1", &DataOptions::new("y")),
        "error[3]: t.csv, line 3, column \"a\": a number with thousands separators\n  expected: 1234\n  \
         found: \"1,234\"\n  help: write numbers without separators"
    );
    let number = pinned("a", ColumnPin { kind: Some(ColumnType::Number), ..ColumnPin::default() });
    assert_eq!(
        message("a|y\n2024-01-31|0\n3|1", &number),
        "error[3]: t.csv, line 2, column \"a\": a date in a number column\n  expected: a number\n  \
         found: \"2024-01-31\"\n  help: set data.columns.a.type = \"category\", or list it in data.missing_values"
    );
    let date = pinned("a", ColumnPin { kind: Some(ColumnType::Date), ..ColumnPin::default() });
    assert_eq!(
        message("a|y\n2024-01-31|0\n3|1", &date),
        "error[3]: t.csv, line 3, column \"a\": no date in a date column\n  \
         expected: a date such as 2024-01-31 or 2024-01-31 23:59:00\n  found: \"3\"\n  \
         help: set data.columns.a.type = \"category\", or list it in data.missing_values"
    );
}

#[test]
fn missing_values_where_none_is_allowed() -> Result<()> {
    let mut options = pinned("a", ColumnPin { missing: Some(MissingPolicy::Error), ..ColumnPin::default() });
    let pin = ColumnPin { missing: Some(MissingPolicy::Error), ..ColumnPin::default() };
    options.columns.insert("b c".into(), pin);
    assert_eq!(
        message("a|b c|y\n1|x|0\n?|z|1\n|NA|1\n4|x|0", &options),
        "error[3]: t.csv, column \"a\": 2 missing values where none is allowed\n  found: first in t.csv, line 3\n  \
         help: set data.columns.a.missing to another policy, such as \"indicator\" or \"drop_row\"\n\
         error[3]: t.csv, column \"b c\": 1 missing value where none is allowed\n  found: first in t.csv, line 4\n  \
         help: set data.columns.\"b c\".missing to another policy, such as \"indicator\" or \"drop_row\""
    );
    assert_eq!(
        model_message("a|b c|y\n1|x|0\n2|z|1", &options, "a|b c|y\n1|x|0\n|x|1\nnull|z|1")?,
        "error[3]: new.csv, column \"a\": 2 missing values where none is allowed\n  found: first in new.csv, line 3"
    );
    Ok(())
}

#[test]
fn a_missing_or_infinite_target() -> Result<()> {
    let expected = "error[3]: t.csv, line 3, column \"y\": the target is missing\n  \
                    expected: a value: a row without its target teaches nothing\n  found: \"?\"\n  \
                    help: remove the row";
    let is_word = ", or, if it is a value, train with a list of data.missing_values that does not have it";
    let of_word = format!("{expected}{is_word}");
    assert_eq!(message("a|y\n1|0.5\n2|?\n3|1.5", &DataOptions::new("y")), of_word);
    assert_eq!(message("a|y\n1|no\n2|?\n3|yes", &DataOptions::new("y")), of_word);
    assert_eq!(
        message("a|y\n1|0.5\n2|inf\n3|1.5", &DataOptions::new("y")),
        "error[3]: t.csv, line 3, column \"y\": a target that is not finite in 32 bits\n  \
         expected: a finite number\n  found: \"inf\"\n  help: fix the field or remove the row"
    );
    let rows = "1|0.5\n2|1.5\n".repeat(20);
    assert_eq!(
        message(&format!("a|y\n{rows}3|high"), &DataOptions::new("y")),
        "error[3]: t.csv, line 42, column \"y\": text in a number target\n  expected: a finite number\n  \
         found: \"high\"\n  help: remove the row, or set data.columns.y.type = \"category\" to predict classes"
    );
    assert_eq!(
        model_message("a|y\n1|no\n2|yes", &DataOptions::new("y"), "a|y\n1|")?,
        expected.replace("t.csv, line 3", "new.csv, line 2").replace("\"?\"", "\"\"")
    );
    Ok(())
}

#[test]
fn a_label_unseen_in_training() -> Result<()> {
    let train = "a|income\n1|<=50K\n2|>50K";
    assert_eq!(
        model_message(train, &DataOptions::new("income"), "a|income\n1|<=50K\n2|<=50K.")?,
        "error[3]: new.csv, line 3, column \"income\": the label was not seen in training\n  \
         expected: one of \"<=50K\", \">50K\"\n  found: \"<=50K.\"\n  help: did you mean \"<=50K\"?"
    );
    let options =
        pinned("y", ColumnPin { classes: Some(vec!["lo".into(), "hi".into()]), ..ColumnPin::default() });
    assert_eq!(
        message("a|y\n1|lo\n2|medium", &options),
        "error[3]: t.csv, line 3, column \"y\": the label is not in the list of classes\n  \
         expected: one of \"lo\", \"hi\"\n  found: \"medium\"\n  \
         help: remove the row, or train on data that has this label"
    );
    Ok(())
}

#[test]
fn one_class_only() {
    let expected = |label: &str| {
        format!(
            "error[3]: t.csv, column \"y\": one class only\n  expected: two classes or more\n  \
             found: \"{label}\" in all 2 rows\n  help: name another target, or add rows of other classes"
        )
    };
    assert_eq!(message("a|y\n1|x\n2|x", &DataOptions::new("y")), expected("x"));
    assert_eq!(message("a|y\n1|7\n2|7.0", &DataOptions::new("y")), expected("7"));
}

#[test]
fn labels_that_are_no_classes() {
    let rows: Vec<String> = (0..40).map(|i| format!("{i}|name {i}")).collect();
    assert_eq!(
        message(&format!("a|y\n{}", rows.join("\n")), &DataOptions::new("y")),
        "error[3]: t.csv, column \"y\": 40 different labels in 40 rows are not classes\n  \
         help: name another target, or set data.columns.y.type: \"category\", or \"labels\" for a label of each step"
    );
}

#[test]
fn a_class_without_a_row_in_the_training_part() -> Result<()> {
    let raw = read("a|y\n1|p\n2|q\n3|r\n4|p", &DataOptions::new("y"))?;
    let warnings = raw.fit(&[0, 1, 3])?.warnings;
    assert_eq!(warnings, ["class \"r\" of \"y\" has no row in the training part"]);
    Ok(())
}

#[test]
fn a_constant_column() -> Result<()> {
    let fitted = fit("a|b|c|d|y\n1|5|x|2024-01-01|0\n2|5|x|2024-01-01|1", &DataOptions::new("y"))?;
    assert_eq!(
        fitted.warnings,
        [
            "column \"b\" is always 5 in the training part: left out of the inputs",
            "column \"c\" is always \"x\" in the training part: left out of the inputs",
            "column \"d\" holds one date only: left out of the inputs",
        ]
    );
    assert_eq!(fitted.inputs.dense[0].features, ["a"]);
    assert_eq!(
        message("a|y\n5|0\n5|1", &DataOptions::new("y")),
        "error[3]: t.csv: no input column varies in the training part\n  \
         help: add rows, or check data.features and data.exclude"
    );
    Ok(())
}

#[test]
fn a_category_unseen_in_training() -> Result<()> {
    let train = "a|y\nred|0\nblue|1\ngreen|1";
    let strict = pinned("a", ColumnPin { unknown: Some(Unknown::Error), ..ColumnPin::default() });
    let new = "a|y\nred|0\ngren|0\nblue|1\nx|1";
    assert_eq!(
        model_message(train, &strict, new)?,
        "error[3]: new.csv, line 3, column \"a\": a category unseen in training\n  \
         expected: one of \"blue\", \"green\", \"red\"\n  found: \"gren\"\n  help: did you mean \"green\"?\n\
         error[3]: new.csv, line 5, column \"a\": a category unseen in training\n  \
         expected: one of \"blue\", \"green\", \"red\"\n  found: \"x\""
    );
    let many = "a|y\n".to_owned() + &"zzz|1\n".repeat(9);
    let lines = model_message(train, &strict, &many)?.lines().filter(|l| l.starts_with("error")).count();
    assert_eq!(lines, 5);

    let preprocessing = fit(train, &DataOptions::new("y"))?.preprocessing;
    let (_, report) = preprocessing.read(&mut MemoryRows::from_text("new.csv", new))?;
    assert_eq!(report.unknown.into_iter().collect::<Vec<_>>(), [("a".into(), 2)]);
    Ok(())
}

#[test]
fn columns_missing_from_new_data() -> Result<()> {
    let train = "id|petal_width|petal_length|sepal|y\n1|1|2|3|0\n2|3|5|9|1";
    let preprocessing = fit(train, &DataOptions::new("y"))?.preprocessing;
    let bind = |header: &str| {
        let rows = MemoryRows::from_text("new.csv", header);
        preprocessing.bind(rows.columns(), rows.source(), true)
    };
    let message = |header: &str| bind(header).map_or_else(|e| e.to_string(), |_| "no error".into());
    assert_eq!(
        message("Petal_Width|sepal|y"),
        "error[4]: new.csv: 2 columns that the model needs are missing: \"petal_width\", \"petal_length\"\n  \
         found: the columns \"Petal_Width\", \"sepal\", \"y\"\n  \
         help: \"petal_width\" may be \"Petal_Width\"; rename in the header"
    );
    assert_eq!(
        message("y|petal_width|petal_length"),
        "error[4]: new.csv: the column \"sepal\" that the model needs is missing\n  \
         found: the columns \"y\", \"petal_width\", \"petal_length\""
    );
    assert_eq!(
        message("petal_width|petal_length|sepal|Y"),
        "error[3]: new.csv: there is no target column \"y\"\n  \
         expected: one of \"petal_width\", \"petal_length\", \"sepal\", \"Y\"\n  \
         help: did you mean \"Y\"? Rename it in the header"
    );
    // an identifier that training left out is not worth a note
    assert_eq!(bind("z|y|sepal|id|petal_length|petal_width")?.extra, ["z"]);
    Ok(())
}

#[test]
fn no_input_is_left() {
    assert_eq!(
        message("id|y\n1|0\n2|1", &DataOptions::new("y")),
        "error[3]: t.csv: no column is left as an input\n  \
         found: \"id\": left out: an identifier by its name, and every value is different; \"y\": target\n  help: check data.delimiter, or name the inputs in data.features"
    );
}

#[test]
fn an_empty_validation_part() -> Result<()> {
    let raw = read("a|y\n1|0\n2|1", &DataOptions::new("y"))?;
    assert_eq!(
        raw.split(0.2, 0).map_or_else(|e| e.to_string(), |_| "no error".into()),
        "error[3]: t.csv: the validation part would be empty: 0.2 of 2 rows\n  \
         help: set data.validation = 0, or a larger part"
    );
    Ok(())
}

#[test]
fn row_weights_that_are_none() {
    let options = DataOptions { weight: Some("w".into()), ..DataOptions::new("y") };
    assert_eq!(
        message("a|w|y\n1|1|0\n2|-1|1", &options),
        "error[3]: t.csv, line 3, column \"w\": not a row weight\n  expected: a finite number, 0 or more\n  \
         found: \"-1\""
    );
    assert_eq!(message("a|w|y\n1|0|0\n2|0|1", &options), "error[3]: t.csv: all row weights are 0");
}

#[test]
fn pins_that_do_not_fit_are_reported_at_once() {
    let mut options = DataOptions::new("y");
    let scaled =
        ColumnPin { scale: Some(Scale::Robust), missing: Some(MissingPolicy::Mean), ..ColumnPin::default() };
    options.columns.insert("a".into(), scaled);
    let filled = ColumnPin {
        missing: Some(MissingPolicy::Constant),
        fill_value: Some("x".into()),
        unknown: Some(Unknown::Error),
        max_tokens: Some(9),
        ..ColumnPin::default()
    };
    options.columns.insert("b".into(), filled);
    let text = ColumnPin {
        kind: Some(ColumnType::Text),
        missing: Some(MissingPolicy::Mean),
        scale: Some(Scale::None),
        unknown: Some(Unknown::Error),
        tokenizer: Some(TokenizerKind::Bpe),
        vocabulary_size: Some(256),
        ..ColumnPin::default()
    };
    options.columns.insert("c".into(), text);
    options.inputs.push(InputGroup {
        name: "img".into(),
        columns: vec!["a".into()],
        shape: Some(vec![1]),
        ..InputGroup::default()
    });
    assert_eq!(
        message("a|b|c|y\nred|1|x|0\nblue|2|z|1", &options),
        "error[2]: data.columns.a.missing: a category has no mean and no median\n\
         error[2]: data.columns.a.scale: is for number and date columns; this one is a category\n\
         error[2]: data.columns.a.type: data.inputs.img has a shape and so needs numbers; this column is a category\n\
         error[2]: data.columns.b.max_tokens: is for texts; this column is a number\n\
         error[2]: data.columns.b.fill_value: \"x\" is not a number\n\
         error[2]: data.columns.b.unknown: is for categories; this column is a number\n\
         error[2]: data.columns.c.missing: a missing text is an empty one: drop_row, error, or leave it out\n\
         error[2]: data.columns.c.scale: is for number and date columns; this one is a text\n\
         error[2]: data.columns.c.unknown: of a text, is for tokenizer = \"char\": the others can encode every text\n\
         error[2]: data.columns.c.vocabulary_size: a vocabulary of this size cannot be made: 257 to 16777216"
    );
}

#[test]
fn a_shape_that_does_not_fit_its_columns() {
    let mut options = DataOptions::new("y");
    options.inputs.push(InputGroup {
        name: "img".into(),
        columns: vec!["p*".into()],
        shape: Some(vec![1, 2, 2]),
        ..InputGroup::default()
    });
    assert_eq!(
        message("p1|p2|p3|y\n1|2|3|0\n4|5|6|1", &options),
        "error[2]: data.inputs.img: the shape does not fit the columns\n  expected: 3 numbers, as columns match\n  \
         found: shape [1, 2, 2]"
    );
}

#[test]
fn several_targets_of_different_kinds_in_one_output() {
    let names = vec!["y".to_owned(), "z".to_owned()];
    let output = OutputGroup { name: "both".into(), columns: names.clone(), standardise: true };
    let options = DataOptions { target: names, outputs: vec![output], ..DataOptions::default() };
    assert_eq!(
        message("a|y|z\n1|0.5|p\n2|1.5|q\n3|2|r", &options),
        "error[2]: model.outputs.both.target: several targets of one output must all be numbers, or all have two values\n  \
         found: 3 different texts in column \"z\"\n  help: give the column an output of its own"
    );
}

#[test]
fn a_file_for_a_model_without_rows() -> Result<()> {
    let train = "a|y\n1|0\n2|1";
    assert_eq!(
        model_message(train, &DataOptions::new("y"), "a|y")?,
        "error[3]: new.csv: 0 rows\n  expected: a header and at least one row"
    );
    // for prediction, no rows are no error
    let fitted = fit(train, &DataOptions::new("y"))?;
    let mut rows = MemoryRows::from_text("new.csv", "a");
    let mut encoder = Encoder::new(&fitted.preprocessing, rows.columns(), "new.csv", false)?;
    let mut table = Table::empty(&fitted.inputs, 0);
    assert_eq!(encoder.fill(&mut rows, &mut table, 10, &mut |_| Ok(()))?, 0);
    Ok(())
}

//! Columns of texts: inference, fitting, new rows, and the messages of wrong ones.

use super::*;
use crate::data::{
    Cell, ColumnType, InputGroup, MissingPolicy, Preprocessing, Role, Rows, StoredInput, Table,
    TokenizerKind, Unknown,
};

fn text() -> ColumnPin {
    ColumnPin { kind: Some(ColumnType::Text), ..ColumnPin::default() }
}

const TABLE: &str = "a|t|y\n1|Good, good day|0\n2|bad day|1\n3||0\n4|a good end and a BAD day|1";

/// The ids of all rows, and the lengths.
fn ids(input: &StoredInput, table: &Table) -> (Vec<Vec<f32>>, Vec<f32>) {
    let rows: Vec<u32> = (0..table.len() as u32).collect();
    let (mut out, mut lengths) = (vec![f32::NAN; rows.len() * input.shape.len()], vec![f32::NAN; rows.len()]);
    table.stored(input, &rows, &mut out);
    table.lengths(input, &rows, &mut lengths);
    (out.chunks(input.shape.len()).map(<[f32]>::to_vec).collect(), lengths)
}

#[test]
fn texts_become_ids_with_lengths_beside_other_columns() -> Result<()> {
    // Row 3 is not in the training part, and the longest of it has four tokens.
    let fitted = read(TABLE, &pinned("t", text()))?.fit(&[0, 1, 2])?;
    let [input] = &fitted.inputs.stored[..] else { panic!("{:?}", fitted.inputs) };
    assert_eq!((input.name.as_str(), input.shape.axes(), input.ragged), ("t", &[4][..], true));
    // day, good, ",", bad in the order of their counts
    assert_eq!(input.cardinality, Some(5));
    let expected = [[2.0, 3.0, 2.0, 1.0], [4.0, 1.0, 0.0, 0.0], [0.0; 4], [0.0, 2.0, 0.0, 0.0]];
    assert_eq!(ids(input, &fitted.table), (expected.map(Vec::from).to_vec(), vec![4.0, 2.0, 1.0, 4.0]));
    assert_eq!(dense(&fitted).len(), 4);
    assert_eq!(
        fitted.warnings,
        [
            "column \"t\": 1 of 4 texts have more than 4 tokens and are cut; data.columns.t.max_tokens says how many \
          are kept"
        ]
    );
    let about = &fitted.schema.columns[1];
    assert_eq!(about.describe(), "text, word tokenizer, 5 ids, at most 4 in a row, 1 missing");
    Ok(())
}

#[test]
fn new_rows_get_the_same_ids_from_the_saved_preprocessing() -> Result<()> {
    for tokenizer in ["word", "whitespace", "char", "byte", "bpe"] {
        let pin = ColumnPin { tokenizer: TokenizerKind::from_name(tokenizer), max_tokens: Some(6), ..text() };
        let fitted = fit(TABLE, &pinned("t", pin))?;
        let saved = Preprocessing::from_json(&fitted.preprocessing.to_json())?;
        assert_eq!(saved, fitted.preprocessing, "{tokenizer}");
        let (table, report) = saved.read(&mut MemoryRows::from_text("new.csv", TABLE))?;
        assert_eq!(table, fitted.table, "{tokenizer}");
        assert_eq!(table.checksum(), fitted.table.checksum());
        let cut = if ["char", "byte"].contains(&tokenizer) { 3 } else { 1 };
        assert_eq!(report.cut.get("t"), Some(&cut), "{tokenizer}");
    }
    Ok(())
}

#[test]
fn a_text_has_no_place_in_an_input_with_a_shape() {
    let mut options = pinned("t", text());
    options.inputs.push(InputGroup {
        name: "page".into(),
        columns: vec!["t".into()],
        shape: Some(vec![3, 4]),
        ..InputGroup::default()
    });
    assert_eq!(
        fit(TABLE, &options).expect_err("a shape").to_string(),
        "error[2]: data.columns.t.type: data.inputs.page has a shape and so needs numbers; this column is a text"
    );
}

#[test]
fn a_missing_text_is_empty_dropped_or_an_error() -> Result<()> {
    let with = |missing| pinned("t", ColumnPin { missing, ..text() });
    assert_eq!(fit(TABLE, &with(None))?.table.len(), 4);
    let dropped = fit(TABLE, &with(Some(MissingPolicy::DropRow)))?;
    assert_eq!(dropped.table.len(), 3);
    let (table, report) = dropped.preprocessing.read(&mut MemoryRows::from_text("new.csv", TABLE))?;
    assert_eq!((table, report.dropped), (dropped.table, 1));
    let e = fit(TABLE, &with(Some(MissingPolicy::Error))).expect_err("a text is missing");
    assert_eq!(
        e.to_string(),
        "error[3]: t.csv, column \"t\": 1 missing value where none is allowed\n  found: first in t.csv, line 4\n  \
         help: set data.columns.t.missing = \"drop_row\", or leave it out: a missing text is an empty one"
    );
    let whole = TABLE.replace("3||0", "3|x|0");
    let strict = fit(&whole, &with(Some(MissingPolicy::Error)))?.preprocessing;
    let e = strict.read(&mut MemoryRows::from_text("new.csv", TABLE)).expect_err("a text is missing");
    assert_eq!(
        e.to_string(),
        "error[3]: new.csv, column \"t\": 1 missing value where none is allowed\n  found: first in new.csv, line 4"
    );
    Ok(())
}

#[test]
fn a_character_that_training_never_saw_is_id_0_or_an_error() -> Result<()> {
    let with = |unknown| pinned("t", ColumnPin { tokenizer: Some(TokenizerKind::Char), unknown, ..text() });
    let new = "a|t|y\n1|good|0\n2|göd|1";
    let read = |options: &DataOptions| {
        let preprocessing = fit(TABLE, options)?.preprocessing;
        let (table, _) = preprocessing.read(&mut MemoryRows::from_text("new.csv", new))?;
        Ok::<_, crate::error::Error>(ids(&preprocessing.inputs().stored[0], &table))
    };
    let (rows, lengths) = read(&with(None))?;
    assert_eq!((rows[1][1], lengths[1]), (0.0, 3.0));
    assert!(rows[0][..4].iter().all(|&id| id > 0.0));
    assert_eq!(
        read(&with(Some(Unknown::Error))).expect_err("ö is new").to_string(),
        "error[3]: new.csv, line 3, column \"t\": the character \"ö\" (U+00F6) at position 2 is not in the vocabulary\n  \
         expected: characters of the training data\n  \
         help: fix the field, or train with data.columns.t.unknown = \"other\""
    );
    // Chance alone decides that a character is in the validation part only.
    let split = super::read(&format!("{TABLE}\n5|ö|0"), &with(Some(Unknown::Error)))?.fit(&[0, 1, 2, 3]);
    assert!(split.is_ok());
    Ok(())
}

#[test]
fn a_text_that_does_not_vary_is_left_out() -> Result<()> {
    for (field, what) in [("", "has no value"), ("same words", "is always \"same words\"")] {
        let table = format!("a|t|u|y\n1|{field}|x|0\n2|{field}|y z|1\n3|other|z|1");
        let mut options = pinned("t", text());
        options.columns.insert("u".into(), text());
        let fitted = read(&table, &options)?.fit(&[0, 1])?;
        assert_eq!(
            fitted.warnings,
            [format!("column \"t\" {what} in the training part: left out of the inputs")]
        );
        let [input] = &fitted.inputs.stored[..] else { panic!("{:?}", fitted.inputs) };
        // x, y, z in the order of their texts, and the last row's z
        assert_eq!(ids(input, &fitted.table).0, [[1.0, 0.0], [2.0, 3.0], [3.0, 0.0]]);
    }
    Ok(())
}

#[test]
fn running_text_is_told_from_names_and_categories() {
    let table = |field: &dyn Fn(usize) -> String| {
        let rows = (0..40).map(|i| format!("{}|{}|{}\n", i % 7, field(i), i % 2)).collect::<String>();
        format!("a|t|y\n{rows}")
    };
    let column = |field: &dyn Fn(usize) -> String| {
        let raw = read(&table(field), &DataOptions::new("y")).expect("a table");
        let about = &raw.schema().columns[1];
        (about.kind, about.role.clone())
    };
    let sentence = |i: usize| format!("this is the {i} th of forty sentences of several words");
    assert_eq!(column(&sentence), (ColumnType::Text, Role::Feature));
    // Names: a text only if someone wants them at all. A sentence that is one of a few.
    assert_eq!(column(&|i| format!("Mrs. Ann Maria Brown the {i} th")), (ColumnType::Text, Role::LeftOut));
    assert_eq!(column(&|i| sentence(i % 5)), (ColumnType::Category, Role::Feature));
    // A target names classes, however long they are.
    let raw = read(
        &format!("a|y\n{}", (0..4).map(|i| format!("{i}|{}\n", sentence(i))).collect::<String>()),
        &DataOptions::new("y"),
    );
    assert_eq!(raw.expect("a table").schema().columns[1].kind, ColumnType::Category);
}

#[test]
fn damaged_tokenizers_are_refused() -> Result<()> {
    let json = fit(TABLE, &pinned("t", text()))?.preprocessing.to_json();
    assert!(matches!(Preprocessing::from_json(&json)?.columns[1].cell, Cell::Text(_)));
    let e = Preprocessing::from_json(&json.replace("\"length\":7", "\"length\":0")).expect_err("no room");
    assert_eq!(
        e.to_string(),
        "error[4]: the model's preprocessing: the parameters of column \"t\" are not valid\n  \
         help: train the model again, or take another copy of it"
    );
    let e = Preprocessing::from_json(&json.replace("\"end\"", "\"bad\"")).expect_err("a word twice");
    assert_eq!(
        e.to_string(),
        "error[4]: the model's preprocessing: cannot be read: a tokenizer with a word twice at line 1 column 361\n  \
         help: train the model again, or take another copy of it"
    );
    let file = tempfile::tempdir().expect("a folder");
    let path = file.path().join("tokenizer.json");
    std::fs::write(&path, "{").expect("written");
    let pin = ColumnPin { tokenizer: Some(TokenizerKind::File(path.clone())), ..text() };
    assert_eq!(
        fit(TABLE, &pinned("t", pin)).expect_err("a damaged file").to_string(),
        format!(
            "error[3]: {}: the tokenizer cannot be read: EOF while parsing an object at line 1 column 1\n  \
             expected: a tokenizer.json as Hugging Face's tokenizers library writes it\n  \
             help: copy or download the file again",
            path.display()
        )
    );
    Ok(())
}

#[test]
fn a_text_is_no_target() {
    assert_eq!(
        fit(TABLE, &DataOptions { columns: pinned("t", text()).columns, ..DataOptions::new("t") })
            .expect_err("a text")
            .to_string(),
        "error[2]: data.columns.t.type: a text cannot be a target; pin number or category"
    );
    let mut rows = MemoryRows::from_text("t.csv", TABLE);
    assert_eq!(rows.columns().len(), 3);
    assert!(RawTable::read(&mut rows, &pinned("t", text())).is_ok());
}

#[test]
fn short_texts_are_inputs_where_nothing_else_is() -> Result<()> {
    let names: Vec<String> = (0..12).map(|i| format!("Anna B{i}|{}", i % 2)).collect();
    let alone = format!("who|y\n{}", names.join("\n"));
    let schema = read(&alone, &DataOptions::new("y"))?.schema().clone();
    assert_eq!((&schema.columns[0].role, schema.columns[0].kind), (&Role::Feature, ColumnType::Text));
    let beside: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("{i}|{name}")).collect();
    let beside = format!("x|who|y\n{}", beside.join("\n"));
    let schema = read(&beside, &DataOptions::new("y"))?.schema().clone();
    assert_eq!(
        schema.columns[1].describe(),
        "left out: every value is different, as in an identifier; type = \"text\" reads them word by word"
    );
    // who leaves it out by name gets what was asked for
    let exclude = DataOptions { exclude: vec!["who".into()], ..DataOptions::new("y") };
    let e = read(&alone, &exclude).expect_err("no input is left");
    assert!(e.to_string().contains("no column is left as an input"), "{e}");
    Ok(())
}

#[test]
fn a_word_that_stands_for_no_value_elsewhere_is_a_text() -> Result<()> {
    let table = "t|n|y\nNone|1|p\n?|2|q\nNA NA|3|p\n|4|q";
    let mut options = pinned("t", ColumnPin { tokenizer: Some(TokenizerKind::Whitespace), ..text() });
    let tokens = |fitted: &Fitted| -> Result<Vec<Vec<f32>>> {
        let (new, _) = fitted.preprocessing.read(&mut MemoryRows::from_text("new.csv", table))?;
        assert_eq!(new, fitted.table);
        Ok(ids(&fitted.inputs.stored[0], &new).0)
    };
    // Ids by frequency, then by their characters: NA, ?, None; 0 for the empty text.
    let fitted = fit(table, &options)?;
    assert_eq!(tokens(&fitted)?, [[3.0, 0.0], [2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
    options.missing_values = vec!["?".into(), "".into()];
    let fitted = fit(table, &options)?;
    assert_eq!(tokens(&fitted)?, [[2.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
    Ok(())
}

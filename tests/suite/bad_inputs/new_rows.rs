//! Bad inputs that show when a model meets new rows.

use std::fs;
use std::sync::LazyLock;

use super::failed;
use crate::cli::Place;

/// A model of a number, a category that must be known and one that need not be.
pub(super) static MODEL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let row = |i: usize| {
        let (colour, shape) = (["red", "green", "blue"][i % 3], ["disc", "cube"][i % 2]);
        format!("{},{colour},{shape},{}\n", i * i % 7, ["<=50K", ">50K"][i / 2 % 2])
    };
    let table = (0..24).map(row).collect::<String>();
    let place = Place::new().with("t.csv", format!("size,colour,shape,income\n{table}"));
    let line = "train --data t.csv --target income --run-dir r --quiet --set train.epochs=2 \
                --set data.columns.colour.unknown=error --set data.columns.shape.encoding=embedding";
    place.run(line).worked();
    fs::read(place.path().join("r/model.safetensors")).expect("a model")
});

fn place(rows: impl AsRef<[u8]>) -> Place {
    Place::new().with("m.safetensors", &*MODEL).with("t.csv", rows)
}

#[track_caller]
fn predict(rows: impl AsRef<[u8]>) -> String {
    failed(&place(rows), "predict m.safetensors t.csv --output out.csv")
}

#[track_caller]
fn eval(rows: impl AsRef<[u8]>) -> String {
    failed(&place(rows), "eval m.safetensors t.csv")
}

#[test]
fn tables_that_cannot_be_read() {
    insta::assert_snapshot!(predict(""), @"
    exit 3
    error[3]: t.csv: no header: the file is empty
    ");
    insta::assert_snapshot!(predict("size,colour,shape\n1,red\n"), @r#"
    exit 3
    error[3]: t.csv, line 2: 2 fields where the header has 3
      expected: 3 fields
      found: 2 fields: "1,red"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(predict("size,colour,shape\n1,\"red,disc\n"), @r#"
    exit 3
    error[3]: t.csv, line 2: the quote that opens in this line is never closed
      expected: a closing " before the end of the file
      help: close it, or, if quotes are plain text here, train with data.quoting = false
    "#);
    insta::assert_snapshot!(predict(b"size,colour,shape\n1,r\xe9d,disc\n"), @r#"
    exit 3
    error[3]: t.csv, line 2, column "colour": not UTF-8
      expected: text in UTF-8
      found: byte 0xe9 at offset 1 of "r�d"
      help: save the file as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW; or fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(predict("size,colour,shape\n1,red\0,disc\n"), @r"
    exit 3
    error[3]: t.csv, line 2: a NUL byte at byte 6 of the line
      expected: text
      help: the file is damaged or not a text file; tr -d '\000' takes NUL bytes out
    ");
    insta::assert_snapshot!(predict("size,colour,shape,size\n1,red,disc,1\n"), @r#"
    exit 3
    error[3]: t.csv, line 1: two columns are named "size"
      found: columns 1 and 4
      help: rename one of them
    "#);
}

#[test]
fn input_13_and_14_fields_that_are_no_numbers() {
    insta::assert_snapshot!(predict("size,colour,shape\nbig,red,disc\n"), @r#"
    exit 3
    error[3]: t.csv, line 2, column "size": text in a number column
      expected: a number
      found: "big"
      help: fix the field; the model takes this column as numbers
    "#);
    insta::assert_snapshot!(predict("size,colour,shape\n1e39,red,disc\n"), @r#"
    exit 3
    error[3]: t.csv, line 2, column "size": a number too large for 32 bits
      expected: a number between -3.4028235e38 and 3.4028235e38
      found: "1e39"
      help: fix the field; the model takes this column as numbers
    "#);
}

#[test]
fn input_16_a_missing_target() {
    insta::assert_snapshot!(eval("size,colour,shape,income\n1,red,disc,\n"), @r#"
    exit 3
    error[3]: t.csv, line 2, column "income": the target is missing
      expected: a value: a row without its target teaches nothing
      found: ""
      help: remove the row
    "#);
}

#[test]
fn input_17_a_dirty_label() {
    insta::assert_snapshot!(eval("size,colour,shape,income\n1,red,disc,<=50K.\n"), @r#"
    exit 3
    error[3]: t.csv, line 2, column "income": the label was not seen in training
      expected: one of "<=50K", ">50K"
      found: "<=50K."
      help: did you mean "<=50K"?
    "#);
}

#[test]
fn input_20_unknown_categories() {
    let rows: String = (0..7).map(|i| format!("1,gren{i},disc\n")).collect();
    insta::assert_snapshot!(predict(format!("size,colour,shape\n{rows}")), @r#"
    exit 3
    error[3]: t.csv, line 2, column "colour": a category unseen in training
      expected: one of "blue", "green", "red"
      found: "gren0"
    error[3]: t.csv, line 3, column "colour": a category unseen in training
      expected: one of "blue", "green", "red"
      found: "gren1"
    error[3]: t.csv, line 4, column "colour": a category unseen in training
      expected: one of "blue", "green", "red"
      found: "gren2"
    error[3]: t.csv, line 5, column "colour": a category unseen in training
      expected: one of "blue", "green", "red"
      found: "gren3"
    error[3]: t.csv, line 6, column "colour": a category unseen in training
      expected: one of "blue", "green", "red"
      found: "gren4"
    "#);
    let end = place("size,colour,shape\n1,red,ball\n1,red,cone\n").run("predict m.safetensors t.csv");
    assert_eq!((end.code, end.out.lines().count()), (0, 3));
    insta::assert_snapshot!(end.err, @r#"note: column "shape": 2 values that training never saw"#);
}

#[test]
fn input_21_columns_by_name() {
    let ordered =
        place("size,colour,shape\n1,red,disc\n").run("predict m.safetensors t.csv --proba").worked();
    let end = place("shape,id,colour,size\ndisc,7,red,1\n").run("predict m.safetensors t.csv --proba");
    assert_eq!((end.code, end.out), (0, ordered));
    insta::assert_snapshot!(end.err, @r#"note: column "id" is ignored: the model does not know it"#);
    insta::assert_snapshot!(predict("Size,shape\n1,disc\n"), @r#"
    exit 4
    error[4]: t.csv: 2 columns that the model needs are missing: "size", "colour"
      found: the columns "Size", "shape"
      help: "size" may be "Size"; rename in the header
    "#);
}

/// Inputs that are missing are the model's concern; the target is that of the data.
#[test]
fn columns_that_eval_misses() {
    insta::assert_snapshot!(eval("size,colour\n1,red\n"), @r#"
    exit 4
    error[4]: t.csv: 2 columns that the model needs are missing: "shape", "income"
      found: the columns "size", "colour"
    "#);
    insta::assert_snapshot!(eval("size,colour,shape,Income\n1,red,disc,<=50K\n"), @r#"
    exit 3
    error[3]: t.csv: there is no target column "income"
      expected: one of "size", "colour", "shape", "Income"
      help: did you mean "Income"? Rename it in the header
    "#);
}

#[test]
fn input_22_another_delimiter() {
    let place = place("size\tcolour\tshape\n1\tred\tdisc\n");
    assert_eq!(place.run("predict m.safetensors t.csv").worked().lines().count(), 2, "it is found");
    insta::assert_snapshot!(predict("1,red,disc\n2,red,cube\n"), @r#"
    exit 4
    warning: the first line holds many numbers; if it is data and no header, set data.header = false
    error[4]: t.csv: 3 columns that the model needs are missing: "size", "colour", "shape"
      found: the columns "1", "red", "disc"
    "#);
}

/// What the embedding of a category that training never saw adds is nothing at all.
#[test]
fn an_unknown_category_is_neutral() {
    let length = u64::from_le_bytes(MODEL[..8].try_into().expect("8 bytes")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&MODEL[8..8 + length]).expect("JSON");
    let tensor = &header["embedding_shape.weight"];
    let number = |v: &serde_json::Value| v.as_u64().expect("a number") as usize;
    let (rows, width) = (number(&tensor["shape"][0]), number(&tensor["shape"][1]));
    let start = 8 + length + number(&tensor["data_offsets"][0]);
    let row = |i: usize| &MODEL[start + i * width * 4..start + (i + 1) * width * 4];
    assert_eq!(rows, 3, "two values and the unknown");
    assert!(row(0).iter().all(|&b| b == 0));
    assert!(row(1) != row(0) && row(2) != row(0));
}

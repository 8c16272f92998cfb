//! Bad inputs 1 to 23 that keep a training from starting.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{failed, table, train};
use crate::cli::Place;

#[test]
fn input_1_an_empty_file() {
    insta::assert_snapshot!(train("", ""), @"
    exit 3
    error[3]: t.csv: no header: the file is empty
    ");
    insta::assert_snapshot!(train("\n\r\n", ""), @"
    exit 3
    error[3]: t.csv: no header: the file has blank lines only
    ");
}

#[test]
fn input_2_a_header_without_rows() {
    insta::assert_snapshot!(train("a,b,y\n", ""), @"
    exit 3
    error[3]: t.csv: 0 rows
      expected: a header and at least one row
      help: check that the file is the one you mean
    ");
}

#[test]
fn input_3_a_short_or_a_long_row() {
    insta::assert_snapshot!(train(table("1,2\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22: 2 fields where the header has 3
      expected: 3 fields
      found: 2 fields: "1,2"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(train(table("1,2,p,5\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22: 4 fields where the header has 3
      expected: 3 fields
      found: 4 fields: "1,2,p,5"
      help: a field that holds "," needs quotes around it; or fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(train(table("1,2\n1\n"), "--on-bad-row skip"), @"
    exit 3
    error[3]: t.csv: 2 of 22 rows are bad
      expected: at most 1 %
      found: t.csv, line 22: 2 fields where the header has 3; t.csv, line 23: 1 field where the header has 3
      help: fix the rows, or raise data.max_bad_fraction
    ");
}

#[test]
fn input_4_an_unclosed_quote() {
    let rest = table("");
    insta::assert_snapshot!(train(format!("a,b,y\n1,2,p\n2,\"3,q\n{rest}"), ""), @r#"
    exit 3
    error[3]: t.csv, line 3: the quote that opens in this line is never closed
      expected: a closing " before the end of the file
      help: close it, or, if quotes are plain text here, train with data.quoting = false
    "#);
}

#[test]
fn input_5_a_field_of_two_mebibytes() {
    let long = "x".repeat(2 << 20);
    insta::assert_snapshot!(train(table(&format!("{long},1,p\n")), ""), @"
    exit 3
    error[3]: t.csv, line 22: a field that starts in this line is longer than 1 MiB
      help: is the delimiter right?
    ");
    insta::assert_snapshot!(train(table(&format!("\"{long},1,p\n")), ""), @"
    exit 3
    error[3]: t.csv, line 22: a field that starts in this line is longer than 1 MiB
      help: is the quote that opens in this line closed?
    ");
}

#[test]
fn input_7_a_binary_file() {
    let wide: Vec<u8> = table("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(train([b"\xff\xfe", &wide[..]].concat(), ""), @"
    exit 3
    error[3]: t.csv: this file is UTF-16, not UTF-8
      expected: a text file: rows of fields between delimiters
      help: save it as UTF-8, or: iconv -f utf-16 -t utf-8 FILE > NEW
    ");
    insta::assert_snapshot!(train(wide, ""), @"
    exit 3
    error[3]: t.csv: this file is UTF-16LE, not UTF-8
      expected: a text file: rows of fields between delimiters
      help: save it as UTF-8, or: iconv -f utf-16le -t utf-8 FILE > NEW
    ");
    insta::assert_snapshot!(train(b"PK\x03\x04\0\0\0\0\0\0\0\0", ""), @"
    exit 3
    error[3]: t.csv: this is a zip archive
      expected: a text file: rows of fields between delimiters
      help: unpack it; .gz and .zst files are read as they are
    ");
    insta::assert_snapshot!(train(b"PAR1\x15\x04\0\0\0\0\0\0", ""), @"
    exit 3
    error[3]: t.csv: this is a Parquet file
      expected: a text file: rows of fields between delimiters
      help: export the table as CSV
    ");
    insta::assert_snapshot!(train(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ""), @"
    exit 3
    error[3]: t.csv: this is a PNG image
      expected: a text file: rows of fields between delimiters
      help: export the table as CSV
    ");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(table("").as_bytes()).expect("gzip");
    let gzip = gzip.finish().expect("gzip");
    insta::assert_snapshot!(train(&gzip[..40], ""), @"
    exit 3
    error[3]: t.csv: the gzip data is cut short
      help: copy or download the file again
    ");
    let mut flipped = gzip;
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    insta::assert_snapshot!(train(flipped, ""), @"
    exit 3
    error[3]: t.csv: the gzip data is damaged: corrupt gzip stream does not have a matching checksum
      help: copy or download the file again
    ");
}

#[test]
fn input_8_a_byte_that_is_not_utf_8() {
    insta::assert_snapshot!(train([table("").as_bytes(), b"1,caf\xe9,p\n"].concat(), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "b": not UTF-8
      expected: text in UTF-8
      found: byte 0xe9 at offset 3 of "caf�"
      help: save the file as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW; or fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(train(b"caf\xe9,y\n1,p\n2,q\n", ""), @r#"
    exit 3
    error[3]: t.csv, line 1, column "column_1": not UTF-8
      expected: text in UTF-8
      found: byte 0xe9 at offset 3 of "caf�"
      help: save the file as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW
    "#);
}

#[test]
fn input_10_a_nul_byte() {
    insta::assert_snapshot!(train(table("1,2\0,p\n"), ""), @r"
    exit 3
    error[3]: t.csv, line 22: a NUL byte at byte 4 of the line
      expected: text
      help: the file is damaged or not a text file; tr -d '\000' takes NUL bytes out
    ");
}

#[test]
fn input_11_two_columns_of_one_name() {
    insta::assert_snapshot!(train("a,y,a\n1,p,2\n2,q,3\n", ""), @r#"
    exit 3
    error[3]: t.csv, line 1: two columns are named "a"
      found: columns 1 and 3
      help: rename one of them
    "#);
    insta::assert_snapshot!(train("a,y,\n1,p,2\n2,q,3\n", ""), @"
    exit 3
    error[3]: t.csv, line 1: column 3 has no name
      help: name it, or leave it out: pandas writes it without index=False
    ");
}

#[test]
fn input_12_a_target_that_is_not_there() {
    let place = Place::new().with("t.csv", table(""));
    insta::assert_snapshot!(failed(&place, "train --data t.csv --target yy"), @r#"
    exit 3
    error[3]: t.csv: data.target names a column that is not there: "yy"
      expected: one of "a", "b", "y"
      help: did you mean "y"?
    "#);
}

#[test]
fn input_13_text_in_a_number_column() {
    insta::assert_snapshot!(train(table("abc,1,p\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": text in a number column
      expected: a number
      found: "abc"
      help: set data.columns.a.type = "category", or list it in data.missing_values
    "#);
    let screen = format!("\u{1b}[31mred\u{7}{},1,p\n", "x".repeat(100));
    insta::assert_snapshot!(train(table(&screen), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": text in a number column
      expected: a number
      found: "\u{1b}[31mred\u{7}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
      help: set data.columns.a.type = "category", or list it in data.missing_values
    "#);
}

#[test]
fn input_14_numbers_that_are_not_finite() {
    insta::assert_snapshot!(train(table("-inf,1,p\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": a value that is not finite
      expected: a finite number
      found: "-inf"
      help: fix the field, or list it in data.missing_values
    "#);
    insta::assert_snapshot!(train(table("1e39,1,p\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": a number too large for 32 bits
      expected: a number between -3.4028235e38 and 3.4028235e38
      found: "1e39"
      help: fix the field, or list it in data.missing_values
    "#);
    insta::assert_snapshot!(train(table("nan,1,p\n"), "--set data.missing_values=[\"\"]"), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": a value that is not finite
      expected: a finite number
      found: "nan"
      help: fix the field, or list it in data.missing_values
    "#);
}

#[test]
fn input_15_missing_values_where_none_is_allowed() {
    let flags = "--set data.columns.a.missing=error --set data.columns.b.missing=error";
    insta::assert_snapshot!(train(table(",1,p\n,,q\n"), flags), @r#"
    exit 3
    error[3]: t.csv, column "a": 2 missing values where none is allowed
      found: first in t.csv, line 22
      help: set data.columns.a.missing to another policy, such as "indicator" or "drop_row"
    error[3]: t.csv, column "b": 1 missing value where none is allowed
      found: first in t.csv, line 23
      help: set data.columns.b.missing to another policy, such as "indicator" or "drop_row"
    "#);
}

#[test]
fn input_16_a_missing_target() {
    insta::assert_snapshot!(train(table("1,1,\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "y": the target is missing
      expected: a value: a row without its target teaches nothing
      found: ""
      help: remove the row
    "#);
    insta::assert_snapshot!(train("a,y\n1,0.5\n2,inf\n3,1.5\n", ""), @r#"
    exit 3
    error[3]: t.csv, line 3, column "y": a target that is not finite in 32 bits
      expected: a finite number
      found: "inf"
      help: fix the field or remove the row
    "#);
}

/// A validation table of its own is new data, too.
#[test]
fn input_17_a_label_that_training_never_saw() {
    let place = Place::new().with("t.csv", table("")).with("v.csv", "a,b,y\n1,2,p\n2,3,q.\n");
    let line = "train --data t.csv --target y --set data.validation=v.csv";
    insta::assert_snapshot!(failed(&place, line), @r#"
    exit 3
    error[3]: v.csv, line 3, column "y": the label was not seen in training
      expected: one of "p", "q"
      found: "q."
      help: did you mean "q"?
    "#);
}

/// No model was named that could fail to fit: what is wrong is the data.
#[test]
fn columns_that_a_validation_table_misses() {
    let place = Place::new().with("t.csv", table("")).with("v.csv", "b,z\n1,p\n").with("w.csv", "a,b\n1,2\n");
    let told = |held: &str| failed(&place, &format!("train --data t.csv --target y --set {held}"));
    insta::assert_snapshot!(told("data.validation=v.csv"), @r#"
    exit 3
    error[3]: v.csv: 2 columns that the model needs are missing: "a", "y"
      found: the columns "b", "z"
    "#);
    insta::assert_snapshot!(told("data.test=w.csv"), @r#"
    exit 3
    error[3]: w.csv: there is no target column "y"
      expected: one of "a", "b"
    "#);
}

#[test]
fn input_18_one_class() {
    insta::assert_snapshot!(train("a,y\n1,p\n2,p\n3,p\n", ""), @r#"
    exit 3
    error[3]: t.csv, column "y": one class only
      expected: two classes or more
      found: "p" in all 3 rows
      help: name another target, or add rows of other classes
    "#);
    let float = |i: usize| format!("{i},{}\n", ["1", "1.0"][i % 2]);
    let rows: String = (0..20).map(float).collect();
    insta::assert_snapshot!(train(format!("a,y\n{rows}"), ""), @r#"
    exit 3
    error[3]: t.csv, column "y": one class only
      expected: two classes or more
      found: "1" in all 20 rows
      help: name another target, or add rows of other classes
    "#);
}

#[test]
fn input_19_nothing_but_constant_columns() {
    insta::assert_snapshot!(train("a,b,y\n5,x,p\n5,x,q\n5,x,p\n5,x,q\n", "--set data.validation=0"), @"
    exit 3
    error[3]: t.csv: no input column varies in the training part
      help: add rows, or check data.features and data.exclude
    ");
}

#[test]
fn input_20_a_category_that_training_never_saw() {
    let rows = |of: &str| format!("c,y\n{}", of.repeat(6));
    let place = Place::new().with("t.csv", rows("red,p\nblue,q\n")).with("v.csv", rows("red,p\ngreen,q\n"));
    let line = "train --data t.csv --target y --set data.validation=v.csv --set data.columns.c.unknown=error";
    insta::assert_snapshot!(failed(&place, line), @r#"
    exit 3
    error[3]: v.csv, line 3, column "c": a category unseen in training
      expected: one of "blue", "red"
      found: "green"
    error[3]: v.csv, line 5, column "c": a category unseen in training
      expected: one of "blue", "red"
      found: "green"
    error[3]: v.csv, line 7, column "c": a category unseen in training
      expected: one of "blue", "red"
      found: "green"
    error[3]: v.csv, line 9, column "c": a category unseen in training
      expected: one of "blue", "red"
      found: "green"
    error[3]: v.csv, line 11, column "c": a category unseen in training
      expected: one of "blue", "red"
      found: "green"
    "#);
}

#[test]
fn input_22_another_delimiter_or_no_header() {
    let semicolons = table("").replace(',', ";");
    insta::assert_snapshot!(train(semicolons, "--set data.delimiter=,"), @"
    exit 3
    error[3]: t.csv: 1 column found; delimiter ';'?
      help: set data.delimiter to the character between the fields, or leave it out and it is found
    ");
    insta::assert_snapshot!(train("1,1,p\n2,3,q\n", ""), @r#"
    exit 3
    error[3]: t.csv, line 1: two columns are named "1"
      found: columns 1 and 2
      help: if this row is data, set header = false (--set data.header=false)
    "#);
    insta::assert_snapshot!(train("y\np\nq\np\n", ""), @r#"
    exit 3
    error[3]: t.csv: no column is left as an input
      found: "y": target
      help: check data.delimiter, or name the inputs in data.features
    "#);
}

#[test]
fn input_23_an_empty_standard_input() {
    insta::assert_snapshot!(failed(&Place::new(), "train --data - --target y"), @"
    exit 3
    error[3]: standard input: no header: standard input is empty
    ");
}

#[test]
fn numbers_with_thousands_separators_and_dates_in_a_number_column() {
    insta::assert_snapshot!(train(table("\"1,234\",1,p\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": a number with thousands separators
      expected: 1234
      found: "1,234"
      help: write numbers without separators
    "#);
    insta::assert_snapshot!(train(table("2024-01-31,1,p\n"), ""), @r#"
    exit 3
    error[3]: t.csv, line 22, column "a": a date in a number column
      expected: a number
      found: "2024-01-31"
      help: set data.columns.a.type = "category", or list it in data.missing_values
    "#);
}

#[test]
fn a_short_row_under_a_hundred_thousand_columns() {
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    insta::assert_snapshot!(train(format!("{},y\n1,2\n", names.join(",")), ""), @r#"
    exit 3
    error[3]: t.csv, line 2: 2 fields where the header has 100,001
      expected: 100,001 fields
      found: 2 fields: "1,2"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
}

#[test]
fn too_few_rows() {
    insta::assert_snapshot!(train("a,y\n1,0.5\n", ""), @"
    exit 3
    error[3]: t.csv: the validation part would be empty: 0.2 of 1 row
      help: set data.validation = 0, or a larger part
    ");
    insta::assert_snapshot!(train("a,y\n1,0.5\n", "--set data.validation=0"), @"
    exit 3
    error[3]: t.csv: no input column varies in the training part
      help: add rows, or check data.features and data.exclude
    ");
    insta::assert_snapshot!(train("a,y\n1,p\n2,q\n", ""), @"
    exit 3
    error[3]: t.csv: the validation part would be empty: 0.2 of 2 rows
      help: set data.validation = 0, or a larger part
    ");
}

#[test]
fn labels_that_are_no_classes() {
    let rows: String = (0..40).map(|i| format!("{i},name {i}\n")).collect();
    insta::assert_snapshot!(train(format!("a,y\n{rows}"), ""), @r#"
    exit 3
    error[3]: t.csv, column "y": 40 different labels in 40 rows are not classes
      help: name another target, or set data.columns.y.type: "category", or "labels" for a label of each step
    "#);
}

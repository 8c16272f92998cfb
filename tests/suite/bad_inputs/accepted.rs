//! Tables that look odd and are read all the same, with a word where one is due.

use std::fs;

use super::table;
use crate::cli::Place;

/// Bytes of the model that two epochs on this table give, and what was said on the way about the table.
#[track_caller]
fn trained(table: impl AsRef<[u8]>, flags: &str) -> (Vec<u8>, String) {
    let place = Place::new().with("t.csv", table);
    let end = place.run(&format!("train --data t.csv --target y --set train.epochs=2 --run-dir r {flags}"));
    assert_eq!(end.code, 0, "{}", end.err);
    // Two epochs on so few rows learn nothing.
    let said = |line: &&str| {
        (line.starts_with("warning") && !line.contains("no better than")) || line.starts_with("note")
    };
    let said: Vec<&str> = end.err.lines().filter(said).collect();
    (fs::read(place.path().join("r/model.safetensors")).expect("a model"), said.join("\n"))
}

/// Inputs 6, 7 (gzip under another name) and 9.
#[test]
fn the_same_table_in_other_bytes_gives_the_same_model() {
    let plain = table("");
    let (model, said) = trained(&plain, "");
    assert_eq!(said, "");
    let windows = plain.replace('\n', "\r\n");
    let mixed = plain.replacen('\n', "\r\n", 7);
    let others = [
        ("a byte-order mark", format!("\u{feff}{plain}")),
        ("CRLF", windows),
        ("lone CR", plain.replace('\n', "\r")),
        ("mixed ends", mixed),
        ("no last line end", plain.trim_end().to_owned()),
        ("blank lines at the end", format!("{plain}\n\n")),
    ];
    for (what, other) in others {
        let (same, said) = trained(other, "");
        assert_eq!(said, "", "{what}");
        assert!(same == model, "{what}");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, plain.as_bytes()).expect("gzip");
    assert!(trained(gzip.finish().expect("gzip"), "").0 == model, "gzip under .csv");
}

#[test]
fn input_3_a_bad_row_is_skipped_and_counted() {
    let rows = table("").replacen("a,b,y\n", "", 1).repeat(6);
    let (_, said) = trained(format!("a,b,y\n{rows}1,2\n"), "--on-bad-row skip");
    insta::assert_snapshot!(said, @r#"
    note: 1 of 121 rows skipped: t.csv, line 122: 2 fields where the header has 3
    note: column "a": rows with the same one of its 20 values always have the same target; if it names what a row is about, such as a patient, set data.group = "a": then all rows of a value are in one part
    "#);
}

#[test]
fn input_18_a_class_without_training_rows() {
    let (_, said) = trained(table(""), "--set data.columns.y.classes=[\"p\",\"q\",\"r\"]");
    insta::assert_snapshot!(said, @r#"
    warning: class "r" of "y" has no row in the training part
    note: class "r" has no row here, so these figures are not defined: balanced_accuracy, f1_macro, precision_macro, recall_macro, roc_auc, average_precision
    "#);
}

#[test]
fn input_19_a_constant_column() {
    let rows: String = (0..20).map(|i| format!("5,{i},{}\n", ["p", "q"][i % 2])).collect();
    let (_, said) = trained(format!("a,b,y\n{rows}"), "");
    insta::assert_snapshot!(said, @r#"warning: column "a" is always 5 in the training part: left out of the inputs"#);
}

#[test]
fn input_22_semicolons_are_found_and_a_row_of_numbers_as_header_is_told() {
    let comma = table("");
    assert!(trained(comma.replace(',', ";"), "").0 == trained(&comma, "").0);
    let place = Place::new().with("t.csv", comma.replacen("a,b,y\n", "", 1).replacen("0,0,p", "0,9,p", 1));
    let end = place.run("check --data t.csv --target p");
    assert_eq!(end.code, 0, "{}", end.err);
    insta::assert_snapshot!(end.err, @"warning: the first line holds many numbers; if it is data and no header, set data.header = false");
}

#[test]
fn one_and_one_point_nought_are_one_class() {
    let rows: String = (0..30).map(|i| format!("{i},{}\n", ["1", "1.0", "2"][i % 3])).collect();
    let place = Place::new().with("t.csv", format!("a,y\n{rows}"));
    let text = place.run("check --data t.csv --target y --set data.columns.y.type=category").worked();
    assert!(text.contains("2 classes"), "{text}");
}

#[test]
fn fewer_rows_than_a_batch() {
    let (_, said) = trained(table(""), "--set train.batch_size=1000");
    assert_eq!(said, "");
}

#[test]
fn a_hundred_thousand_columns() {
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    let row = |i: usize| (0..100_000).map(|c| format!("{},", (c * 7 + i) % 9)).collect::<String>();
    let rows: String = (0..4).map(|i| format!("{}{}\n", row(i), ["p", "q"][i % 2])).collect();
    let place = Place::new().with("t.csv", format!("{},y\n{rows}", names.join(",")));
    let line = "check --data t.csv --target y --set data.validation=0 --set model.layers=[]";
    let text = place.run(line).worked();
    assert!(text.contains("200,002"), "{}", text.lines().next_back().unwrap_or_default());
}

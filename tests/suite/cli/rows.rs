//! `backprop eval` and `backprop predict` as `interface.md` promises them.

use std::fs;
use std::io::Write;
use std::sync::LazyLock;

use super::{Place, iris};

/// A trained model, `m.safetensors`, one file.
static MODEL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let place = Place::new().with("iris.csv", iris());
    place.run("train --data iris.csv --target species --set train.epochs=40 --run-dir r").worked();
    fs::read(place.path().join("r/model.safetensors")).expect("a model")
});

const HEADER: &str = "sepal_length,sepal_width,petal_length,petal_width";

/// A directory with the model, the whole table and one of three rows without the target.
pub(crate) fn place() -> Place {
    let three = format!("{HEADER}\n5.1,3.5,1.4,0.2\n7.0,3.2,4.7,1.4\n6.3,3.3,6.0,2.5\n");
    Place::new().with("m.safetensors", &*MODEL).with("iris.csv", iris()).with("three.csv", three)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn predictions_are_a_column_of_csv() {
    let place = place();
    let out = place.run("predict m.safetensors three.csv").worked();
    assert_eq!(lines(&out), ["prediction", "setosa", "versicolor", "virginica"]);
    let rows = fs::read(place.path().join("three.csv")).expect("rows");
    assert_eq!(place.feed("predict m.safetensors", rows.clone()).worked(), out);
    assert_eq!(place.feed("predict m.safetensors -", rows).worked(), out);
}

#[test]
fn a_run_directory_is_a_model() {
    let place = Place::new().with("iris.csv", iris());
    place.run("train --data iris.csv --target species --set train.epochs=2 --quiet").worked();
    let out = place.run("predict runs/iris-1 iris.csv").worked();
    assert_eq!(out, place.run("predict runs/iris-1/model.safetensors iris.csv").worked());
}

#[test]
fn probabilities_and_kept_columns() {
    let out = place().run("predict m.safetensors three.csv --proba --keep petal_width,sepal_length").worked();
    let head =
        "petal_width,sepal_length,prediction,probability_setosa,probability_versicolor,probability_virginica";
    assert_eq!(lines(&out)[0], head);
    let row: Vec<&str> = lines(&out)[1].split(',').collect();
    assert_eq!(row[..3], ["0.2", "5.1", "setosa"]);
    let sum: f64 = row[3..].iter().map(|p| p.parse::<f64>().expect("a number")).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{out}");
    let all = place().run("predict m.safetensors three.csv --keep all").worked();
    assert_eq!(lines(&all)[1], "5.1,3.5,1.4,0.2,setosa");
}

#[test]
fn json_lines() {
    let out =
        place().run("predict m.safetensors three.csv --format jsonl --proba --keep petal_width").worked();
    let rows: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((rows.len(), &rows[1]["prediction"]), (3, &"versicolor".into()));
    assert_eq!(rows[1]["petal_width"], "1.4");
    assert!(rows[1]["probabilities"]["versicolor"].is_number(), "{out}");
}

#[test]
fn columns_are_matched_by_name() {
    let place =
        place().with("other.csv", "petal_width,x,petal_length,sepal_width,sepal_length\n0.2,?,1.4,3.5,5.1\n");
    let end = place.run("predict m.safetensors other.csv");
    assert_eq!((end.code, lines(&end.out)), (0, vec!["prediction", "setosa"]));
    insta::assert_snapshot!(end.err, @r#"note: column "x" is ignored: the model does not know it"#);
    let place = place.with("less.csv", "sepal_length,petal_length\n5.1,1.4\n");
    insta::assert_snapshot!(place.run("predict m.safetensors less.csv").failed(4), @r#"
    error[4]: less.csv: 2 columns that the model needs are missing: "sepal_width", "petal_width"
      found: the columns "sepal_length", "petal_length"
    "#);
}

#[test]
fn compressed_rows_are_read_as_they_are() {
    let rows = iris();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&rows).expect("gzip");
    let place = place()
        .with("a.csv.gz", gzip.finish().expect("gzip"))
        .with("a.csv.zst", zstd::encode_all(&rows[..], 1).expect("zstd"));
    let out = place.run("predict m.safetensors iris.csv --quiet").worked();
    assert_eq!(lines(&out).len(), 151);
    for name in ["a.csv.gz", "a.csv.zst"] {
        assert_eq!(place.run(&format!("predict m.safetensors {name} --quiet")).worked(), out);
    }
}

#[test]
fn no_rows_and_no_table() {
    let place = place().with("none.csv", format!("{HEADER}\n"));
    assert_eq!(place.run("predict m.safetensors none.csv").worked(), "prediction\n");
    insta::assert_snapshot!(place.run("predict m.safetensors -").failed(3), @"error[3]: standard input: no header: standard input is empty");
    let place = place.with("none.csv", format!("{HEADER},species\n"));
    insta::assert_snapshot!(place.run("eval m.safetensors none.csv").failed(3), @"
    error[3]: none.csv: 0 rows
      expected: a header and at least one row
    ");
}

#[test]
fn any_number_of_threads_predicts_the_same() {
    let place = place();
    let out = place.run("predict m.safetensors iris.csv --proba --threads 1 --quiet").worked();
    for threads in [2, 3] {
        let line = format!("predict m.safetensors iris.csv --proba --threads {threads} --quiet");
        assert_eq!(place.run(&line).worked(), out);
    }
}

#[test]
fn an_output_file_appears_whole_or_not_at_all() {
    let place = place().with("bad.csv", format!("{HEADER}\n1,2,3,4\n1,2,3,many\n"));
    let out = place.run("predict m.safetensors three.csv").worked();
    assert_eq!(place.run("predict m.safetensors three.csv -o out.csv").worked(), "");
    let read = || fs::read_to_string(place.path().join("out.csv")).expect("the output");
    assert_eq!(read(), out);
    place.run("predict m.safetensors bad.csv -o out.csv").failed(3);
    assert_eq!(read(), out, "the old file is as it was");
    place.run("predict m.safetensors bad.csv -o new.csv").failed(3);
    assert_eq!(place.list("."), ["bad.csv", "iris.csv", "m.safetensors", "out.csv", "three.csv"]);
    assert_eq!(place.run("predict m.safetensors three.csv --output -").worked(), out);
}

#[test]
fn wrong_rows_and_wrong_flags() {
    let place = place().with("bad.csv", format!("{HEADER}\n1,2,3,4\n1,2,3,many\n"));
    let end = place.run("predict m.safetensors bad.csv");
    insta::assert_snapshot!(end.err, @r#"
    error[3]: bad.csv, line 3, column "petal_width": text in a number column
      expected: a number
      found: "many"
      help: fix the field; the model takes this column as numbers
    "#);
    assert_eq!(end.code, 3);
    insta::assert_snapshot!(place.run("predict m.safetensors three.csv --keep petal_widht").failed(2), @r#"
    error[2]: --keep: there is no column "petal_widht"
      expected: one of "sepal_length", "sepal_width", "petal_length", "petal_width", or all
      help: did you mean "petal_width"?
    "#);
}

#[test]
fn bad_rows_are_skipped_where_that_is_asked_for() {
    let mut rows = iris();
    rows.extend_from_slice(b"1,2\n");
    let place = place().with("long.csv", rows);
    place.run("predict m.safetensors long.csv -o out.csv").failed(3);
    let end = place.run("predict m.safetensors long.csv --on-bad-row skip");
    assert_eq!((end.code, lines(&end.out).len()), (0, 151), "{}", end.err);
    assert!(end.err.contains("1 of 151 rows skipped"), "{}", end.err);
}

#[test]
fn models_that_are_none() {
    let place = place().with("text.safetensors", "species");
    let mut cut = MODEL.clone();
    cut.truncate(MODEL.len() - 100);
    let mut flipped = MODEL.clone();
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    let place = place.with("cut.safetensors", cut).with("flipped.safetensors", flipped);
    insta::assert_snapshot!(place.run("predict text.safetensors three.csv").failed(4), @"
    error[4]: text.safetensors: not a safetensors file
      found: a text file, such as CSV, TOML or JSON
      help: give a run directory, or a model.safetensors that backprop wrote
    ");
    place.run("predict cut.safetensors three.csv").failed(4);
    place.run("eval flipped.safetensors iris.csv").failed(4);
    insta::assert_snapshot!(place.run("predict no.safetensors three.csv").failed(2), @"
    error[2]: no.safetensors: no such file
      help: the first argument is a run directory or a .safetensors file
    ");
    insta::assert_snapshot!(place.run("eval . iris.csv").failed(2), @"
    error[2]: .: the directory holds no model.safetensors
      help: give the directory of a run, or one .safetensors file
    ");
}

#[test]
fn eval_prints_tables_or_json() {
    let place = place();
    let text = place.run("eval m.safetensors iris.csv").worked();
    for word in ["150 rows of iris.csv", "95 % interval", "accuracy", "true \\ predicted", "recall", "setosa"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&place.run("eval m.safetensors iris.csv --format json").worked()).expect("JSON");
    assert!(json["rows"] == 150 && json["accuracy"].as_f64().is_some_and(|a| a > 0.9), "{json}");
    assert_eq!(place.feed("eval m.safetensors", iris()).code, 0);
}

#[test]
fn eval_needs_the_target() {
    insta::assert_snapshot!(place().run("eval m.safetensors three.csv").failed(3), @r#"
    error[3]: three.csv: there is no target column "species"
      expected: one of "sepal_length", "sepal_width", "petal_length", "petal_width"
    "#);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_predictions() {
    insta::assert_snapshot!(place().run("predict m.safetensors three.csv -o /dev/full").failed(5), @"
    error[5]: /dev/full: cannot write: the disk is full
      help: free some space, then run it again
    ");
}

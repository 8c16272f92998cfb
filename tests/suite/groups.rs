//! Rows that belong together: told where the validation part knows them, and kept in one part by `data.group`.

use crate::cli::Place;

/// Numbers in 0..1 without a pattern.
fn noise(i: usize) -> f64 {
    ((i as f64 + 1.0) * 0.754_877_666_246_693).fract()
}

/// 60 patients with five rows of noise each; every patient has one label.
fn patients(name: impl Fn(usize) -> String) -> String {
    let row = |i: usize| {
        let patient = i / 5;
        let label = if noise(patient * 7 + 3) < 0.5 { "ill" } else { "well" };
        format!("{},{:.6},{:.6},{label}\n", name(patient), noise(i), noise(3 * i + 1))
    };
    format!("patient,a,b,y\n{}", (0..300).map(row).collect::<String>())
}

fn accuracy(out: &str) -> f64 {
    let line = out.lines().find(|line| line.starts_with("accuracy")).expect("a line");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn a_column_that_names_what_rows_are_about_is_told_and_can_be_the_group() {
    let place =
        Place::new().with("t.csv", patients(|i| format!("p{i}"))).with("n.csv", patients(|i| i.to_string()));
    let line = "train --data t.csv --target y --run-dir r";
    let end = place.run(line);
    assert!(accuracy(&end.out) > 0.95, "{}", end.out);
    let note = "note: column \"patient\": rows with the same one of its 60 values always have the same target; if it names what a row is \
                about, such as a patient, set data.group = \"patient\": then all rows of a value are in one part\n";
    assert!(end.err.contains(note), "{}", end.err);
    assert!(place.run("check --data n.csv --target y").err.contains(note));

    let end =
        place.run(&line.replace("--run-dir r", "--run-dir s --set data.group=patient --set data.test=0.2"));
    assert!(accuracy(&end.out) < 0.85, "{}", end.out);
    assert!(
        end.err.contains("patient  left out: it says which rows belong together (data.group)"),
        "{}",
        end.err
    );
    assert!(!end.err.contains("data.group = "), "{}", end.err);
    // new data need no such column, and may have it without a note
    let new = place.with("new.csv", "a,b\n0.5,0.5\n").with("both.csv", "patient,a,b\np1,0.5,0.5\n");
    for file in ["new.csv", "both.csv"] {
        let predict = new.run(&format!("predict s {file}"));
        assert_eq!((predict.code, predict.err.as_str()), (0, ""), "{file}");
    }
}

#[test]
fn copies_of_rows_are_told() {
    let row = |i: usize| format!("{:.6},{:.6},{}\n", noise(i), noise(5 * i), ["p", "q"][i % 2]);
    let twice: String = (0..100).map(|i| row(i).repeat(2)).collect();
    let once: String = (0..200).map(row).collect();
    let place =
        Place::new().with("twice.csv", format!("a,b,y\n{twice}")).with("once.csv", format!("a,b,y\n{once}"));
    let check = place.run("check --data twice.csv --target y");
    let warning = "validation rows have the same inputs as a training row, far more than by chance: their figures may be too good; remove \
                   copies of rows, or set data.group to a column that says which rows belong together\n";
    assert!(check.err.starts_with("warning: ") && check.err.ends_with(warning), "{}", check.err);
    assert_eq!(place.run("check --data once.csv --target y").err, "");
    // Files of their own are looked at as well.
    let files = "--set data.validation=\"once.csv\" --set data.test=\"once.csv\"";
    let check = place.run(&format!("check --data once.csv --target y {files}"));
    for part in ["validation", "test"] {
        assert!(check.err.contains(&format!("warning: 200 of 200 {part} rows")), "{}", check.err);
    }
    // Few columns with few values have equal rows by chance.
    let few: String =
        (0..200).map(|i| format!("{},{},{}\n", i % 3, i / 3 % 2, ["p", "q"][i * i % 7 % 2])).collect();
    let place = place.with("few.csv", format!("a,b,y\n{few}"));
    assert_eq!(place.run("check --data few.csv --target y").err, "");
}

#[test]
fn ordinary_tables_raise_no_alarm() {
    let place = Place::new();
    for (table, target) in [
        ("iris", "species"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
        ("diabetes", "progression"),
    ] {
        let path = format!("{}/data/{table}.csv", env!("CARGO_MANIFEST_DIR"));
        let check = place.run(&format!("check --data {path} --target {target}"));
        assert_eq!(check.code, 0, "{}", check.err);
        assert!(!check.err.contains("data.group"), "{table}: {}", check.err);
    }
}

#[test]
fn a_group_that_cannot_be_is_refused() {
    let place = Place::new()
        .with("t.csv", "g,a,y\n1,0.5,p\n,0.7,q\n2,0.1,p\n2,0.2,q\n")
        .with("one.csv", "g,a,y\n1,0.5,p\n1,0.7,q\n1,0.1,p\n1,0.2,q\n");
    let failed = |flags: &str, code| place.run(&format!("check --target y {flags}")).failed(code);
    insta::assert_snapshot!(failed("--data t.csv --set data.group=patient", 3), @r#"
    error[3]: t.csv: data.group names a column that is not there: "patient"
      expected: one of "g", "a", "y"
    "#);
    insta::assert_snapshot!(failed("--data t.csv --set data.group=g", 3), @r#"
    error[3]: t.csv, line 3, column "g": the group of the row is missing
      found: ""
      help: fill it in, or remove the row
    "#);
    insta::assert_snapshot!(failed("--data one.csv --set data.group=g", 3), @"
    error[3]: one.csv: the validation part would be empty: all rows are of one group
      help: set data.validation = 0, or a larger part
    ");
    insta::assert_snapshot!(failed("--data t.csv --set data.group=y", 2), @r#"
    error[2]: --set data.group=y: data.group names the target "y"
      help: a target cannot be the group too: leave it out here, or choose another target
    "#);
    insta::assert_snapshot!(failed("--data t.csv --set data.group=g --set data.windows={length=2,horizon=1}", 2), @"
    error[2]: --set data.group=g: data.group is not for windows, which are divided by time
      help: take data.group out
    ");
}

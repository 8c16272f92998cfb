//! Nothing is filled in silence, and figures that the data do not define are not given.

use crate::cli::Place;
use serde_json::Value;

/// 90 rows of three classes: a number and a category that tell them apart, a date and a number that do not. `spoil` may change a row's
/// fields.
fn table(spoil: impl Fn(usize, &mut [String])) -> String {
    let row = |i: usize| {
        let class = i % 3;
        let mut fields = [
            format!("{class}.{}", i % 7),
            ["red", "green", "blue"][class].to_owned(),
            format!("2024-01-{:02}", i % 28 + 1),
            format!("{}", i % 11),
            ["p", "q", "r"][class].to_owned(),
        ];
        spoil(i, &mut fields);
        fields.join(",") + "\n"
    };
    format!("a,c,d,n,y\n{}", (0..90).map(row).collect::<String>())
}

fn trained(flags: &str) -> Place {
    let place = Place::new().with("t.csv", table(|_, _| {}));
    let line = format!("train --data t.csv --target y --set train.epochs=30 --run-dir r {flags}");
    let end = place.run(&line);
    assert_eq!(end.code, 0, "{}", end.err);
    place
}

#[test]
fn missing_values_are_counted_with_what_they_became() {
    let some = table(|i, fields| match i % 30 {
        0 => fields[0].clear(),
        1 => "NA".clone_into(&mut fields[1]),
        2 => " ? ".clone_into(&mut fields[2]),
        _ => {}
    });
    let whole = table(|_, fields| fields[0].clear());
    let place = trained("").with("some.csv", some).with("whole.csv", whole);
    assert_eq!(place.run("eval r t.csv").err, "");
    insta::assert_snapshot!(place.run("eval r some.csv").err, @r#"
    note: column "a": 3 of 90 values are missing; each became 1.3, the mean in training
    note: column "c": 3 of 90 values are missing; each counts as unknown: nothing was missing in training
    note: column "d": 3 of 90 values are missing; each part of the date was filled as in training
    "#);
    // predict says the same, whatever its format
    for format in ["csv", "jsonl"] {
        let predict = place.run(&format!("predict r some.csv --format {format}"));
        assert_eq!(predict.err, place.run("eval r some.csv").err);
    }
    insta::assert_snapshot!(place.run("predict r whole.csv").err, @r#"warning: column "a" is missing whole: all 90 values are missing; each became 1.3, the mean in training; do not rely on results that need it"#);
    let json: Value =
        serde_json::from_str(&place.run("eval r whole.csv --format json").worked()).expect("JSON");
    assert!(json["notes"][0].as_str().is_some_and(|note| note.contains("missing whole")), "{json}");
    assert_eq!(json["notes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn policies_say_what_missing_values_became() {
    let place = trained(
        "--set data.columns.a.missing=\"median\" --set data.columns.n={missing=\"constant\",fill_value=-1} --set data.columns.c.missing=\"indicator\" --set data.columns.d.missing=\"drop_row\"",
    );
    let some = table(|i, fields| {
        if i < 4 {
            fields[i].clear();
        }
    });
    let place = place.with("some.csv", some);
    insta::assert_snapshot!(place.run("eval r some.csv").err, @r#"
    note: 1 row with missing values was left out
    note: column "a": 1 of 90 values is missing; each became 1.35
    note: column "c": 1 of 90 values is missing; each counts as the category for missing values
    note: column "n": 1 of 90 values is missing; each became -1
    "#);
}

#[test]
fn a_validation_file_and_columns_that_do_without_are_told() {
    let some = table(|i, fields| {
        if i == 5 {
            fields[3].clear();
        }
    });
    let place = Place::new().with("t.csv", table(|_, _| {})).with("v.csv", some);
    let end = place.run(
        "train --data t.csv --target y --set data.validation=\"v.csv\" --set train.epochs=1 --run-dir r",
    );
    assert!(
        end.err
            .contains("note: column \"n\": 1 of 90 values is missing; each became 4.9, the mean in training"),
        "{}",
        end.err
    );
}

#[test]
fn check_train_eval_and_predict_count_alike() {
    let blank = |i: usize, fields: &mut [String]| match i % 9 {
        0 => " NA ".clone_into(&mut fields[0]),
        1 => "\"?\"".clone_into(&mut fields[1]),
        2 => fields[2].clear(),
        3 => "null".clone_into(&mut fields[3]),
        _ => {}
    };
    let place = Place::new().with("t.csv", table(blank));
    let check = place.run("check --data t.csv --target y").worked();
    let train = place.run("train --data t.csv --target y --set train.epochs=1 --run-dir r").err;
    for text in [&check, &train] {
        for words in [
            "a  number, 10 missing",
            "c  category, 3 values, 10 missing",
            "10 missing",
            "n  number, 10 missing",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.matches("10 missing").count(), 4, "{text}");
    }
    for line in ["eval r t.csv", "predict r t.csv"] {
        let said = place.run(line).err;
        assert_eq!(said.matches("10 of 90 values are missing").count(), 4, "{said}");
        assert!(!said.contains("never saw"), "{said}");
    }
    // rows that one column drops are counted in the others as well
    let line = "train --data t.csv --target y --set train.epochs=1 --run-dir s --set data.columns.n.missing=\"drop_row\"";
    let train = place.run(line).err;
    assert!(train.contains("note: 10 rows with missing values were left out"), "{train}");
    assert_eq!(train.matches("10 missing").count(), 4, "{train}");
    let said = place.run("eval s t.csv").err;
    assert_eq!(said.matches("10 of 90 values are missing").count(), 3, "{said}");
    assert!(said.contains("10 rows with missing values were left out"), "{said}");
}

#[test]
fn missing_numbers_of_steps_are_told() {
    let rows = |blank: bool| -> String {
        (0..60)
            .map(|i| if blank && i == 59 { format!("{i},\n") } else { format!("{i},{}\n", i % 5) })
            .collect()
    };
    let place = Place::new()
        .with("t.csv", format!("t,v\n{}", rows(false)))
        .with("gap.csv", format!("t,v\n{}", rows(true)));
    let line = "train --data t.csv --target v --set data.windows={length=4,horizon=1,order=\"t\"} --set train.epochs=2 --run-dir r";
    assert_eq!(place.run(line).code, 0);
    insta::assert_snapshot!(place.run("predict r gap.csv").err, @r#"note: column "v": 1 of 60 values is missing; each became 1.9375, the mean in training"#);
    let rows = |blank: usize| -> String {
        (0..60)
            .map(|i| {
                format!(
                    "{},{},{}\n",
                    i / 4,
                    if i == blank { String::new() } else { format!("{}", i % 5) },
                    i / 4 % 2
                )
            })
            .collect()
    };
    let place = place
        .with("l.csv", format!("id,v,y\n{}", rows(100)))
        .with("lgap.csv", format!("id,v,y\n{}", rows(7)));
    let line = "train --data l.csv --target y --set data.series.id=\"id\" --set train.epochs=2 --run-dir s";
    let end = place.run(line);
    assert_eq!(end.code, 0, "{}", end.err);
    insta::assert_snapshot!(place.run("eval s lgap.csv").err, @r#"note: column "v": 1 of 60 values is missing; each became 2.08333, the mean in training"#);
}

#[test]
fn a_class_without_a_row_leaves_figures_undefined() {
    let rows: String =
        (0..600).map(|i| format!("{}.5,{}\n", i * 7 % 13, if i == 300 { "b" } else { "a" })).collect();
    let place = Place::new().with("t.csv", format!("x,y\n{rows}")).with("a.csv", "x,y\n1.5,a\n2.5,a\n");
    let end = place.run("train --data t.csv --target y --set train.epochs=2 --run-dir r");
    assert_eq!(end.code, 0, "{}", end.err);
    let undefined = "class \"b\" has no row here, so these figures are not defined: balanced_accuracy, f1_macro, precision_macro, recall_macro, roc_auc, average_precision";
    assert!(end.err.contains(&format!("note: {undefined}\n")), "{}", end.err);
    let line = end.out.lines().find(|line| line.starts_with("balanced_accuracy")).expect("a line");
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["balanced_accuracy", "-", "-", "-"]);
    assert!(end.out.contains("accuracy           1.0000  0.9690 to 1.0000"), "{}", end.out);
    let log = std::fs::read_to_string(place.path().join("r/metrics.jsonl")).expect("a log");
    assert!(log.contains("\"f1_macro\":null") && !log.contains("non_finite"), "{log}");

    let eval = place.run("eval r a.csv").worked();
    assert!(eval.contains(&format!("note: {undefined}\n")), "{eval}");
    assert!(eval.contains("\nb              -       -       -     0\n"), "{eval}");
    let json: Value = serde_json::from_str(&place.run("eval r a.csv --format json").worked()).expect("JSON");
    assert_eq!(
        (&json["f1_macro"], &json["classes"][1]["f1"], &json["accuracy"]),
        (&Value::Null, &Value::Null, &1.0.into())
    );
    assert_eq!(json["notes"][0], undefined);

    // what cannot be watched is refused before training
    let line = "train --data t.csv --target y --set train.early_stopping={metric=\"f1_macro\",patience=3} --run-dir s";
    insta::assert_snapshot!(place.run(line).failed(2), @r#"
    error[2]: train.early_stopping.metric: "f1_macro" is not defined on the validation part
      found: no row of the class "b" in "y"
      help: watch "loss" or "accuracy", or set data.validation to a part that has rows of every class
    "#);
}

#[test]
fn labels_without_both_values_leave_figures_undefined() {
    let rows: String = (0..60).map(|i| format!("{}.5,{},{}\n", i % 7, i % 2, i / 3 % 2)).collect();
    let place =
        Place::new().with("t.csv", format!("x,p,q\n{rows}")).with("one.csv", "x,p,q\n1.5,1,1\n2.5,0,1\n");
    let end = place.run("train --data t.csv --target p --target q --set train.epochs=2 --run-dir r");
    assert_eq!(end.code, 0, "{}", end.err);
    let eval = place.run("eval r one.csv").worked();
    assert!(
        eval.contains(
            "note: all rows here have the same value of \"q\", so these figures are not defined: roc_auc\n"
        ),
        "{eval}"
    );
}

#[test]
fn figures_of_large_numbers_are_not_rounded_away() {
    let rows: String =
        (0..200).map(|i| format!("{},{:.3}\n", i % 17, 1_700_000_001.053 + f64::from(i) / 100.0)).collect();
    let place = Place::new().with("t.csv", format!("x,y\n{rows}"));
    let line =
        "train --data t.csv --target y --set data.standardise_target=false --set train.epochs=1 --run-dir r";
    let end = place.run(line);
    let warning = "warning: target \"y\": of 160 different values 32 bits tell 1 apart; set data.standardise_target = true";
    assert!(end.err.contains(warning), "{}", end.err);
    // the deviation of 40 of 200 values that are 0.01 apart is about 0.58
    let mean = |out: &str, metric: &str| -> f64 {
        let line = out.lines().find(|line| line.starts_with(metric)).expect("a line");
        let at = if metric == "r2" { 5 } else { 2 };
        line.split_whitespace().nth(at).and_then(|text| text.parse().ok()).expect("a number")
    };
    assert!(mean(&end.out, "r2") < 0.01 && (0.4..0.8).contains(&mean(&end.out, "rmse")), "{}", end.out);
    // standardised, the network itself is that exact
    let end = place.run("train --data t.csv --target y --set train.epochs=1 --run-dir s");
    assert!(!end.err.contains("32 bits"), "{}", end.err);
    assert!((0.4..0.8).contains(&mean(&end.out, "rmse")), "{}", end.out);
    let json: Value = serde_json::from_str(&place.run("eval s t.csv --format json").worked()).expect("JSON");
    assert!(json["rmse"].as_f64().is_some_and(|rmse| rmse < 2.0), "{json}");
}

#[test]
fn features_that_32_bits_flatten_are_told() {
    let seconds = |i: usize| format!("{},{}\n", 1_700_000_000 + 7 * i, ["a", "b"][i / 100]);
    let outlier =
        |i: usize| format!("{},{}\n", if i == 3 { "1e30".into() } else { i.to_string() }, ["a", "b"][i % 2]);
    let fine = |i: usize| format!("{:.15},{}\n", (i as f64 * 0.618_033_988_749).fract(), ["a", "b"][i % 2]);
    let text = |row: &dyn Fn(usize) -> String| format!("t,y\n{}", (0..200).map(row).collect::<String>());
    let place = Place::new()
        .with("s.csv", text(&seconds))
        .with("o.csv", text(&outlier))
        .with("f.csv", text(&fine))
        .with("b.csv", text(&|i| format!("{},{}\n", 16_777_216 + i % 2, ["a", "b"][i % 2])));
    let said = |line: &str| {
        let end = place.run(line);
        assert_eq!(end.code, 0, "{}", end.err);
        end.err
    };
    insta::assert_snapshot!(
        said("check --data s.csv --target y --set data.scale=\"none\""),
        @r#"warning: column "t": of 200 different values 32 bits tell 12 apart; set data.columns.t.scale = "standard""#
    );
    insta::assert_snapshot!(
        said("check --data o.csv --target y"),
        @r#"warning: column "t": of 200 different values 32 bits tell 2 apart; a few values are far away from the others; check them, or list them in data.missing_values"#
    );
    insta::assert_snapshot!(
        said("check --data b.csv --target y --set data.scale=\"none\""),
        @r#"warning: column "t": of 2 different values 32 bits tell 1 apart; set data.columns.t.scale = "standard""#
    );
    for line in [
        "check --data s.csv --target y",
        "check --data f.csv --target y",
        "check --data f.csv --target y --set data.scale=\"none\"",
    ] {
        assert_eq!(said(line), "", "{line}");
    }
}

#[test]
fn large_numbers_that_are_few_are_classes() {
    let values = ["1", "4000000001", "4000000002"];
    let rows: String = (0..90).map(|i| format!("{}.5,{}\n", i % 3, values[i % 3])).collect();
    let place = Place::new().with("t.csv", format!("x,y\n{rows}"));
    let end = place.run("train --data t.csv --target y --set train.epochs=30 --run-dir r");
    assert!(end.err.contains("target: 3 classes"), "{}", end.err);
    let out = place.run("predict r t.csv").worked();
    assert_eq!(out.lines().skip(1).take(3).collect::<Vec<_>>(), values);
}

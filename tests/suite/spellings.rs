//! Categories, labels and classes keep their text.

use crate::cli::Place;

/// `rows` rows: a number that tells the labels apart, and the label of each, in turn.
fn labelled(rows: usize, labels: &[&str]) -> String {
    let row = |i: usize| format!("{}.{},{}\n", i % labels.len(), i % 7, labels[i % labels.len()]);
    format!("x,y\n{}", (0..rows).map(row).collect::<String>())
}

/// What a run says, and its predictions on the table that it was trained on.
#[track_caller]
fn predicted(place: &Place, flags: &str) -> (String, Vec<String>) {
    let line = "train --data t.csv --target y --set train.epochs=40 --run-dir r --force";
    let words = line.split(' ').chain(flags.split('|').filter(|word| !word.is_empty()));
    let output = place.command().args(words).output().expect("it runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    let mut answers: Vec<String> =
        place.run("predict r t.csv").worked().lines().skip(1).map(str::to_owned).collect();
    answers.sort_unstable();
    answers.dedup();
    (said, answers)
}

#[test]
fn whole_numbers_beyond_two_to_the_53_are_different_classes() {
    let ids = ["9007199254740992", "9007199254740993", "9007199254740994"];
    let place = Place::new().with("t.csv", labelled(300, &ids));
    let (said, answers) = predicted(&place, "");
    assert!(said.contains("3 classes"), "{said}");
    assert_eq!(answers, ids);
    let eval = place.run("eval r t.csv --format json").worked();
    assert!(ids.iter().all(|id| eval.contains(id)), "{eval}");

    let long = ["-123456789012345678901", "-123456789012345678902"];
    let place = Place::new().with("t.csv", labelled(60, &long));
    assert_eq!(predicted(&place, "").1, long);
}

#[test]
fn labels_with_leading_zeros_are_as_they_are_written() {
    let codes = ["001", "002", "010"];
    let place = Place::new().with("t.csv", labelled(300, &codes));
    assert_eq!(predicted(&place, "").1, codes);
    let listed =
        "--set|data.columns.y.classes=[\"001\",\"002\",\"010\"]|--set|train.class_weights={\"001\"=2}";
    let (said, answers) = predicted(&place, listed);
    assert!(said.contains("target: 3 classes (as listed)"), "{said}");
    assert_eq!(answers, codes);
    // another program has dropped the zeros
    let numbers = place.with("n.csv", labelled(30, &["1", "2", "10"]));
    assert!(numbers.run("eval r n.csv").worked().contains("accuracy           1.0000"));
    let answer = numbers.run("predict r n.csv --keep y --format jsonl").worked();
    assert!(
        answer.starts_with("{\"y\":\"1\",\"y_prediction\":\"001\"") || answer.contains("\"001\""),
        "{answer}"
    );

    let error = numbers
        .run("train --data t.csv --target y --set train.class_weights={\"1\"=2,\"001\"=3} --run-dir s");
    insta::assert_snapshot!(error.failed(2), @r#"
    error[2]: train.class_weights: the class "001" has two weights
      help: take one of them out
    "#);
}

#[test]
fn codes_that_are_the_same_number_are_different_categories() {
    for zips in [["01730", "1730"], ["1E3", "1000"], ["7", "7e0"]] {
        let rows: String = (0..60).map(|i| format!("\"{}\",{}\n", zips[i % 2], ["a", "b"][i % 2])).collect();
        let place = Place::new().with("t.csv", format!("zip,y\n{rows}"));
        let (said, answers) = predicted(&place, "--set|data.columns.zip.type=\"category\"");
        assert_eq!(answers, ["a", "b"], "{zips:?}: {said}");
        assert!(said.contains("are the same number and count as 2 values"), "{said}");
        let eval = place.run("eval r t.csv");
        assert!(
            eval.out.contains("accuracy           1.0000") && eval.err.is_empty(),
            "{}{}",
            eval.out,
            eval.err
        );
    }
}

#[test]
fn listed_codes_are_classes_as_listed() {
    let codes = ["1000", "1E3", "2E3"];
    let place = Place::new().with("t.csv", labelled(300, &codes));
    let listed = "--set|data.columns.y.classes=[\"1E3\",\"1000\",\"2E3\"]";
    assert_eq!(predicted(&place, listed).1, codes);
}

#[test]
fn whole_numbers_and_floats_of_several_files_are_one_class() {
    let place = Place::new()
        .with("t.csv", labelled(60, &["0.0", "1.0", "2.0"]))
        .with("whole.csv", labelled(60, &["0", "1", "2"]));
    let (_, answers) = predicted(&place, "");
    assert_eq!(answers, ["0.0", "1.0", "2.0"]);
    assert!(place.run("eval r whole.csv").worked().contains("accuracy           1.0000"));
    for kind in ["", "|--set|data.columns.y.type=\"category\""] {
        let both = format!("--set|data.train=[\"t.csv\",\"whole.csv\"]{kind}");
        let words = ["train", "--target", "y", "--set", "train.epochs=1", "--run-dir", "s", "--force"];
        let output = place.command().args(words).args(both.split('|')).output().expect("it runs");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.contains("3 classes"), "{said}");
        assert_eq!(said.contains("\"0\" and \"0.0\" are read as one value"), !kind.is_empty(), "{said}");
    }
}

#[test]
fn booleans_are_one_kind_in_any_case() {
    let spelled = ["True", "false", "true", "False", "TRUE", "FALSE"];
    let rows = |spelled: &[&str]| -> String {
        (0..120).map(|i| format!("{},{}\n", spelled[i % spelled.len()], spelled[i % spelled.len()])).collect()
    };
    let place = Place::new()
        .with("t.csv", format!("b,y\n{}", rows(&spelled)))
        .with("lower.csv", format!("b,y\n{}", rows(&["true", "false"])));
    let (said, answers) = predicted(&place, "");
    assert!(said.contains("2 classes") && said.contains("b  category, 2 values"), "{said}");
    assert_eq!(answers, ["True", "false"]);
    let eval = place.run("eval r lower.csv");
    assert!(eval.out.contains("accuracy           1.0000"), "{}", eval.out);
    assert_eq!(eval.err, "");
}

#[test]
fn categories_that_differ_in_case_alone_are_told() {
    let rows: String =
        (0..60).map(|i| format!("{},{}\n", ["Yes", "No", "yes"][i % 3], ["a", "b"][i % 2])).collect();
    let place = Place::new().with("t.csv", format!("c,y\n{rows}")).with("new.csv", "c\nYES\nNo\nnO\nmaybe\n");
    let (said, _) = predicted(&place, "");
    assert!(
        said.contains("note: column \"c\": \"Yes\" and \"yes\" differ in case alone and count as 2 values"),
        "{said}"
    );
    let new = place.run("predict r new.csv");
    insta::assert_snapshot!(new.err, @r#"note: column "c": 3 values that training never saw; "YES" differs in case alone from "Yes""#);
}

#[test]
fn numbers_with_leading_zeros_are_codes_unless_the_type_is_set() {
    let rows: String = (0..60).map(|i| format!("{:03},{}\n", i % 12, ["a", "b"][i % 2])).collect();
    let place = Place::new().with("t.csv", format!("month,y\n{rows}"));
    let text = place.run("check --data t.csv --target y").worked();
    assert!(text.contains("month  category, 12 values"), "{text}");
    let text = place.run("check --data t.csv --target y --set data.columns.month.type=\"number\"").worked();
    assert!(text.contains("month  number"), "{text}");
    let rows: String = (0..60).map(|i| format!("{},{}\n", 9_007_199_254_741_000u64 + i, i % 7)).collect();
    let place = Place::new().with("t.csv", format!("account,x,y\n{}", rows.replace('\n', ",1\n")));
    let text = place
        .run("check --data t.csv --target x --set data.columns.x.type=\"number\" --set data.exclude=[\"y\"]");
    insta::assert_snapshot!(text.failed(3), @r#"
    error[3]: t.csv: no column is left as an input
      found: "account": left out: every value is different, as in an identifier; type = "number" reads them as numbers; "x": target; "y": left out: excluded by data.exclude
      help: check data.delimiter, or name the inputs in data.features
    "#);
}

#[test]
fn codes_behind_the_rows_that_settle_the_type_are_told() {
    let rows: String =
        (0..10_100).map(|i| format!("{},{}\n", if i < 10_050 { i % 50 + 10 } else { 7 }, i % 2)).collect();
    let rows = rows.replace("\n7,", "\n007,");
    let place = Place::new().with("t.csv", format!("x,y\n{rows}"));
    let check = place.run("check --data t.csv --target y");
    assert_eq!(check.code, 0);
    insta::assert_snapshot!(check.err, @r#"note: column "x": 50 values such as "007" may be codes but are read as numbers; set data.columns.x.type = "category" to keep them as they are"#);
}

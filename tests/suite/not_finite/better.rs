//! The sentence about a run that is no better than the simplest baseline.

use std::fmt::Write as _;

use super::{TEXT, place, sgd};
use crate::cli::Place;

/// The warnings of a run that has to succeed.
#[track_caller]
fn warnings(place: &Place, line: &str) -> Vec<String> {
    let end = place.run(line);
    assert_eq!(end.code, 0, "{}", end.err);
    end.err.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect()
}

/// A warning that has to be there alone.
#[track_caller]
fn warning(place: &Place, line: &str) -> String {
    match &warnings(place, line)[..] {
        [only] => only.clone(),
        other => panic!("{other:?}"),
    }
}

/// Numbers between 0 and 1 that look random.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Rows of four columns: two features, then what `target` makes of these and of a random number.
fn table(rows: usize, target: impl Fn(f64, f64, f64) -> String) -> String {
    let mut random = random(rows as u64);
    let mut text = "a,b,y\n".to_owned();
    for _ in 0..rows {
        let (a, b) = (random(), random());
        let _ = writeln!(text, "{a:.5},{b:.5},{}", target(a, b, random()));
    }
    text
}

const TRAIN: &str = "train --data t.csv --target y --set train.epochs=6 --run-dir r";

#[test]
fn noise_is_told() {
    let noise = |target: fn(f64, f64, f64) -> String| Place::new().with("t.csv", table(400, target));
    let coin = warning(&noise(|_, _, r| if r < 0.5 { "heads".into() } else { "tails".into() }), TRAIN);
    insta::assert_snapshot!(coin, @"warning: the model is no better than the majority class beyond chance, on 80 rows: accuracy 0.5375 against 0.5000, balanced_accuracy 0.5375 against 0.5000, log_loss 0.6974 against 0.6932; try more epochs or a lower train.optimizer.learning_rate, and check that the features say something about the target");
    let rare = warning(&noise(|_, _, r| if r < 0.1 { "yes".into() } else { "no".into() }), TRAIN);
    assert!(rare.starts_with("warning: the model is no better than the majority class"), "{rare}");
    let four = warning(&noise(|_, _, r| format!("c{}", (r * 4.0) as usize)), TRAIN);
    assert!(four.contains("balanced_accuracy ") && four.contains("log_loss "), "{four}");
    let number = warning(&noise(|_, _, r| format!("{r:.4}")), TRAIN);
    assert!(number.starts_with("warning: the model is no better than the mean"), "{number}");
    assert!(number.contains("rmse ") && number.contains("mae "), "{number}");
    let labels = noise(|_, _, r| format!("{},{}", i32::from(r < 0.4), i32::from(r > 0.7)));
    let text = std::fs::read_to_string(labels.path().join("t.csv")).expect("a table");
    let labels = labels.with("t.csv", text.replacen("a,b,y", "a,b,y,z", 1));
    let line = TRAIN.replace("--target y", r#"--set data.target=["y","z"]"#);
    let labels = warning(&labels, &line);
    assert!(labels.contains("warning: the model is no better than the shares of the labels"), "{labels}");
}

#[test]
fn a_rate_that_is_far_too_high_is_told() {
    let place = place();
    for (i, (table, target)) in [("iris.csv", "species"), ("diabetes.csv", "progression")].iter().enumerate()
    {
        let line = format!("train --data {table} --target {target} --set train.epochs=3 --run-dir r{i}");
        let optimizer = if i == 0 { "sgd" } else { "adam" };
        let line = format!("{line} --set train.optimizer={{type=\"{optimizer}\",learning_rate=10}}");
        let told = warning(&place, &format!("{line} --set train.schedule.type=constant"));
        assert!(told.starts_with("warning: the model is no better than the m"), "{told}");
        assert!(told.ends_with("; try a lower train.optimizer.learning_rate"), "{told}");
    }
    // The classes are better than guesses here, their probabilities are not.
    let line = "train --data iris.csv --target species --set train.epochs=3 --run-dir r";
    let end = place.run(&format!("{line} --set train.optimizer={{type=\"adam\",learning_rate=10}}"));
    assert!(end.code == 0 && end.err.contains("warning: the loss is "), "{}", end.err);
    assert!(end.err.contains(", far above 1.0986 of the majority class: "), "{}", end.err);
}

#[test]
fn a_language_model_is_compared_to_counts() {
    let place = place();
    let line = TEXT.replace("--quiet ", "");
    let told = warning(&place, &format!("{line} --set train.max_steps=1"));
    assert!(told.starts_with("warning: the model is no better than counting tokens: loss "), "{told}");
    assert!(told.ends_with("; try more epochs, or another train.optimizer.learning_rate"), "{told}");
    let long = format!("{} --set train.epochs=60", line.replace("run-dir r", "run-dir s"));
    assert_eq!(
        warnings(&place, &format!("{long} {}", sgd("0.5").replace("sgd", "adam").replace("0.5", "0.03"))),
        [""; 0]
    );
}

#[test]
fn good_runs_and_runs_without_a_step_are_not_told() {
    let place = place();
    for (table, target) in [("iris.csv", "species"), ("diabetes.csv", "progression")] {
        let line = format!("train --data {table} --target {target} --set train.epochs");
        assert_eq!(warnings(&place, &format!("{line}=20")), [""; 0], "{table}");
        assert_eq!(warnings(&place, &format!("{line}=0")), [""; 0], "{table}");
    }
    // A few rows, all of them right.
    let few = table(30, |a, _, _| if a < 0.5 { "low".into() } else { "high".into() });
    let place = Place::new().with("t.csv", few);
    assert_eq!(warnings(&place, &TRAIN.replace("epochs=6", "epochs=60")), [""; 0]);
}

/// Where classes are weighed the accuracy may be below that of the majority class; rare rows that come first are worth a lot.
#[test]
fn a_model_that_ranks_well_is_not_told() {
    let rare = table(1500, |a, _, r| if r < 0.45 * a.powi(4) { "yes".into() } else { "no".into() });
    let place = Place::new().with("t.csv", rare);
    for (i, rest) in ["--set train.class_weights=balanced", "--set train.loss=hinge", ""].iter().enumerate() {
        let line = TRAIN.replace("epochs=6", "epochs=30").replace("run-dir r", &format!("run-dir r{i}"));
        assert_eq!(warnings(&place, &format!("{line} {rest}")), [""; 0], "{rest}");
    }
}

#[test]
fn each_output_has_its_own_sentence() {
    let mixed = table(400, |a, _, r| format!("{a:.4},{}", if r < 0.5 { "heads" } else { "tails" }));
    let place = Place::new().with("t.csv", mixed.replacen("a,b,y", "a,b,y,z", 1));
    let line = TRAIN.replace("--target y", r#"--set data.target=["y","z"]"#).replace("epochs=6", "epochs=20");
    let told = warning(&place, &line);
    assert!(
        told.starts_with("warning: output \"z\": the model is no better than the majority class"),
        "{told}"
    );
}

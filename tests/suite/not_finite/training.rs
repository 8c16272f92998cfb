//! Runs that diverge: where it is seen, what is said, and what is left on disk.

use std::fs;
use std::process::{Command, Stdio};

use super::{TEXT, diabetes, has_model, log, place, sgd};
use crate::cli::Place;

const IRIS: &str = "train --data iris.csv --target species --quiet --run-dir r";
const DIABETES: &str = "train --data diabetes.csv --target progression --quiet --run-dir r";

/// The message of a run that has to diverge and to leave no model.
#[track_caller]
fn diverged(place: &Place, line: &str) -> String {
    let message = place.run(line).failed(6);
    assert!(message.ends_with("; no model is kept\n"), "{message}");
    assert!(!has_model(place, "r"), "{message}");
    message
}

#[test]
fn weights_that_fail_in_validation_are_never_the_best_and_never_kept() {
    let place = place();
    let line = format!("{IRIS} --set train.max_steps=1 {}", sgd("1e20"));
    insta::assert_snapshot!(diverged(&place, &line), @r#"
    error[6]: step 1: the output of the network is not finite in the validation part
      found: learning rate 1e20, gradient norm 3.3286009263510508; the first number that is not finite is in the output of "output"; rows 7, 8, 11, 18, 19, 28, 31, 39, 41, 43, … of the training data
      help: a smaller train.optimizer.learning_rate, or train.clip_grad_norm = 1.0; or mend these rows, if they hold a number that is far outside of the others; no model is kept
    "#);
    let log = log(&place, "r");
    assert_eq!((log.len(), &log[0]["split"], &log[1]["split"]), (2, &"train".into(), &"val".into()));
    assert!(log[0]["loss"].is_number() && log[0].get("non_finite").is_none(), "{}", log[0]);
    assert!(log[1]["loss"].is_null() && log[1]["non_finite"] == true, "{}", log[1]);
    assert_eq!(place.list("r/checkpoints"), [""; 0]);
    // The same at the end of an epoch, for a number, and for several outputs.
    for line in [
        format!("{IRIS} --set train.epochs=20 {}", sgd("1e6")),
        format!("{IRIS} --set train.epochs=2 --set train.batch_size=200 {}", sgd("1e20")),
        format!("{DIABETES} --set train.max_steps=1 {}", sgd("1e25")),
        format!(
            "{DIABETES} --set train.max_steps=1 --set data.target=[\"progression\",\"sex\"] {}",
            sgd("1e25")
        ),
    ] {
        fs::remove_dir_all(place.path().join("r")).expect("removed");
        let message = diverged(&place, &line);
        assert!(message.contains(" is not finite in the validation part\n"), "{message}");
        for word in
            ["error[6]: step ", "learning rate ", "gradient norm ", "is in the output of \"", "; rows "]
        {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
}

/// The gradient is finite, the step that is made of it is not.
#[test]
fn weights_that_leave_the_range_in_the_last_step_are_named_with_its_rows() {
    for rest in
        ["", "--set data.validation=0", "--set data.validation=0 --set train.checkpoint_every_steps=1"]
    {
        let place = place();
        let message = diverged(&place, &format!("{IRIS} --set train.max_steps=1 {rest} {}", sgd("1e39")));
        assert!(message.starts_with("error[6]: step 1: the weights \""), "{message}");
        assert!(
            message.contains("; the batch is rows ") && message.contains(", gradient norm "),
            "{message}"
        );
        assert_eq!(place.list("r/checkpoints"), [""; 0]);
    }
}

/// A checkpoint within the first epoch is for going on alone.
#[test]
fn weights_that_were_not_scored_are_no_model() {
    let place = place();
    let line = format!("{IRIS} --set train.checkpoint_every_steps=1 {}", sgd("1e20"));
    let message = diverged(&place, &line);
    assert!(message.starts_with("error[6]: step 2: the loss is not finite\n"), "{message}");
    assert_eq!(place.list("r/checkpoints"), ["last.safetensors"]);
    let message = place.run("predict r iris.csv").failed(2);
    assert!(message.contains("to go on with it: backprop train --resume --run-dir r\n"), "{message}");
    diverged(&place, "train --resume --run-dir r --quiet");
}

#[test]
fn a_run_that_is_killed_in_its_first_epoch_has_a_checkpoint_and_no_model() {
    let rows = String::from_utf8(crate::cli::iris()).expect("UTF-8");
    let (header, rows) = rows.split_once('\n').expect("a header");
    let place = Place::new().with("iris.csv", format!("{header}\n{}", rows.repeat(100)));
    let line = format!("{IRIS} --set train.checkpoint_every_steps=1 --set train.batch_size=1");
    let mut run = Command::new(env!("CARGO_BIN_EXE_backprop"))
        .args(line.split(' '))
        .current_dir(place.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    while !place.path().join("r/checkpoints/last.safetensors").exists() {
        assert!(run.try_wait().expect("a state").is_none(), "it ended");
        std::thread::yield_now();
    }
    run.kill().expect("killed");
    run.wait().expect("it ended");
    assert!(!has_model(&place, "r"));
    let message = place.run("predict r iris.csv").failed(2);
    assert!(message.contains("to go on with it: backprop train --resume --run-dir r\n"), "{message}");
}

#[test]
fn without_a_validation_part_the_end_tells() {
    let place = place();
    let line = format!("{IRIS} --set data.validation=0 --set train.max_steps=1 {}", sgd("1e20"));
    let message = diverged(&place, &line);
    assert!(
        message
            .starts_with("error[6]: step 1: the output of the network is not finite in the training part\n")
    );
    // The checkpoint is one of finite weights, and going on from it ends the same way.
    assert_eq!(place.list("r/checkpoints"), ["last.safetensors"]);
    let message = diverged(&place, "train --resume --run-dir r --quiet");
    assert!(message.contains("in the training part"), "{message}");
    let message = diverged(&place, "train --resume --run-dir r --quiet --set train.max_steps=5");
    assert!(message.starts_with("error[6]: step 2: the loss is not finite\n"), "{message}");
    // A model that was written with a checkpoint is tried before it may stay.
    fs::remove_dir_all(place.path().join("r")).expect("removed");
    let every = "--set data.validation=0 --set train.checkpoint_every_steps=1";
    let message = diverged(&place, &format!("{IRIS} {every} {}", sgd("1e20")));
    assert!(message.starts_with("error[6]: step 2: the loss is not finite\n"), "{message}");
    assert_eq!(place.list("r/checkpoints"), ["last.safetensors"]);
}

#[test]
fn a_run_that_diverges_late_keeps_weights_that_work() {
    for (validation, kept) in
        [("0.2", "the best weights so far, of epoch "), ("0", "the weights of the last checkpoint")]
    {
        let place = place();
        // The squared error grows from step to step.
        let layers = "--set model.layers=[] --set train.checkpoint_every_steps=10";
        let line = format!("{DIABETES} {layers} --set data.validation={validation} {}", sgd("1.5"));
        let message = place.run(&line).failed(6);
        assert!(message.contains(kept), "{message}");
        let end = place.run("predict r diabetes.csv");
        assert!(
            end.code == 0 && !end.out.contains("inf") && !end.out.contains("NaN"),
            "{} {}",
            end.err,
            end.out
        );
    }
}

#[test]
fn one_huge_field_of_the_validation_file_is_named() {
    let place = place();
    let huge = diabetes(&place, 30, 3, 0, "3e38");
    let place = place.with("val.csv", huge);
    let line = format!("{DIABETES} --set data.validation=val.csv --set train.epochs=2");
    let message = diverged(&place, &line);
    assert!(
        message.starts_with("error[6]: step 14: the loss is not finite in the validation part\n"),
        "{message}"
    );
    assert!(message.contains("; row 4 of val.csv\n") && message.contains("or mend these rows"), "{message}");
    // The target of a row, and a feature of a network that is wide enough to leave the range.
    for (field, text, layers) in
        [(10, "1e38", ""), (2, "-3e38", "--set model.layers=[{type=\"linear\",out_features=9}]")]
    {
        let place = super::place();
        let table = diabetes(&place, 300, 270, field, text);
        let place = place.with("val.csv", table);
        let message = diverged(&place, &format!("{line} {layers}"));
        assert!(message.contains("; row 271 of val.csv\n"), "{message}");
    }
}

#[test]
fn a_test_part_that_fails_leaves_the_checkpoint_to_go_on_from() {
    let place = place();
    let (huge, mended) = (diabetes(&place, 30, 3, 0, "3e38"), diabetes(&place, 30, 3, 0, "0.01"));
    let place = place.with("test.csv", huge);
    let line = format!("{DIABETES} --set data.test=test.csv --set train.epochs=2");
    let message = diverged(&place, &line);
    assert!(
        message.contains(" is not finite in the test part\n") && message.contains("; row 4 of test.csv\n")
    );
    let row = &log(&place, "r")[4];
    assert!(row["split"] == "test" && row["loss"].is_null() && row["non_finite"] == true, "{row}");
    let place = place.with("test.csv", mended);
    let resume = "train --resume --run-dir r";
    assert!(message.contains(&format!("backprop {resume} scores them again")), "{message}");
    place.run(&format!("{resume} --quiet")).worked();
    assert!(has_model(&place, "r"));
    place.run(&line.replace("--run-dir r", "--run-dir whole")).worked();
    let model = |run: &str| fs::read(place.path().join(run).join("model.safetensors")).expect("a model");
    assert!(model("r") == model("whole"));
}

#[test]
fn a_language_model_that_diverges_is_not_kept() {
    let step = format!("--set train.max_steps=1 {}", sgd("1e38"));
    for rest in ["", "--set data.validation=0", "--set data.validation=0 --set train.sample={max_tokens=3}"] {
        let message = diverged(&place(), &format!("{TEXT} {step} {rest}"));
        assert!(message.starts_with("error[6]: step 1: ") && message.contains("not finite"), "{message}");
    }
    let place = place();
    let linear = TEXT.replace("{type=\"lstm\",hidden_size=8}", "{type=\"linear\",out_features=8}");
    let message = diverged(&place, &format!("{linear} {step}"));
    assert!(message.contains("; the windows that begin at tokens 1, 9, "), "{message}");
    assert!(message.contains(" of the validation part\n"), "{message}");
    place.run("generate r --prompt a").failed(2);
}

#[test]
fn a_run_without_a_step_has_a_model() {
    let place = place();
    place.run(&format!("{IRIS} --set train.epochs=0")).worked();
    place.run("predict r iris.csv").worked();
}

/// The area under the curve of one class alone has no number, and the weights are none the worse for it.
#[test]
fn a_figure_that_the_rows_do_not_define_is_not_divergence() {
    let place = place();
    let setosa: Vec<u8> =
        crate::cli::iris().split_inclusive(|&b| b == b'\n').take(21).flatten().copied().collect();
    let place = place.with("val.csv", setosa);
    place.run(&format!("{IRIS} --set data.validation=val.csv --set train.epochs=2")).worked();
    assert!(has_model(&place, "r"));
    let log = log(&place, "r");
    assert!(log[1]["roc_auc"].is_null() && log[1].get("non_finite").is_none(), "{}", log[1]);
    place.run("train --resume --run-dir r --quiet --set train.epochs=3").worked();
}

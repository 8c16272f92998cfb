//! Models that give numbers which are not finite: `eval`, `predict` and `generate` say where.

use super::{TEXT, change, diabetes, place};
use crate::cli::Place;

/// A model of the table of diabetes, `r`, and a table in which one field of row 300 is huge.
fn with_a_huge_row() -> Place {
    let place = place();
    let layers = "--set model.layers=[{type=\"linear\",out_features=300,activation=\"relu\"}]";
    let line = "train --data diabetes.csv --target progression --quiet --run-dir r --set train.epochs=2";
    place.run(&format!("{line} {layers}")).worked();
    change(&place, "r/model.safetensors", "linear_0.weight", |_, x| 100.0 * x);
    let far = diabetes(&place, 310, 300, 2, "3e38");
    place.with("far.csv", far)
}

#[test]
fn rows_that_a_model_has_no_number_for_are_named() {
    let place = with_a_huge_row();
    place.run("eval r diabetes.csv").worked();
    insta::assert_snapshot!(place.run("eval r far.csv").failed(4), @r#"
    error[4]: far.csv, line 302: the output of the network is not finite
      found: the first number that is not finite is in the output of "linear_0"
      help: look for a number in this row that is far outside of what training saw; if there is none, train the model again with a smaller train.optimizer.learning_rate
    "#);
    let json = place.run("eval r far.csv --error-format json").failed(4);
    assert!(json.contains(r#""place":"far.csv, line 302""#), "{json}");
    let whole = place.run("predict r diabetes.csv").worked();
    for format in ["csv", "jsonl"] {
        let end = place.run(&format!("predict r far.csv --format {format}"));
        assert_eq!(end.code, 4, "{}", end.err);
        assert!(
            end.err.starts_with("error[4]: far.csv, line 302: the output of the network is not finite\n")
        );
        // The rows before it were written, and nothing after them.
        let rows = 300 + usize::from(format == "csv");
        assert_eq!(end.out.lines().count(), rows, "{}", end.out);
        assert!(format != "csv" || whole.starts_with(&end.out));
    }
    let files = place.list(".");
    place.run("predict r far.csv --output out.csv").failed(4);
    assert_eq!(place.list("."), files);
}

#[test]
fn a_model_that_gives_nothing_finite_fails_at_the_first_row() {
    let place = place();
    place.run("train --data iris.csv --target species --quiet --run-dir r --set train.epochs=1").worked();
    change(&place, "r/model.safetensors", "output.weight", |i, _| if i % 2 == 0 { 3e38 } else { -3e38 });
    for command in ["eval", "predict", "predict --proba"] {
        let (command, flag) = command.split_once(' ').unwrap_or((command, ""));
        let end = place.run(&format!("{command} r iris.csv {flag}"));
        assert_eq!(end.code, 4, "{}", end.err);
        assert!(end.err.starts_with("error[4]: iris.csv, line 2: the output of the network is not finite\n"));
        assert!(end.err.contains("is in the output of \"output\""), "{}", end.err);
    }
}

/// A rate is e to what the network says, which may be finite where the rate is not.
#[test]
fn a_rate_that_is_not_finite_is_no_prediction() {
    let rows: String = (0..40).map(|i| format!("{},{}\n", i % 10, i % 4)).collect();
    let place = Place::new().with("t.csv", format!("x,y\n{rows}")).with("far.csv", "x\n3\n4\n1e6\n5\n");
    let line = "train --data t.csv --target y --quiet --run-dir r --set train.epochs=1 --set model.layers=[]";
    place.run(&format!("{line} --set train.loss=poisson_nll --set data.columns.y.type=number")).worked();
    change(&place, "r/model.safetensors", "output.weight", |_, _| 1.0);
    let end = place.run("predict r far.csv");
    assert_eq!((end.code, end.out.lines().count()), (4, 3), "{}", end.err);
    assert!(end.err.starts_with("error[4]: far.csv, line 4: the prediction is not finite\n"), "{}", end.err);
}

/// A language model whose layers have nothing that limits a number.
fn unlimited() -> Place {
    let place = place();
    let line = TEXT.replace("{type=\"lstm\",hidden_size=8}", "{type=\"linear\",out_features=8}");
    place.run(&format!("{line} --set train.epochs=1")).worked();
    change(&place, "r/model.safetensors", "linear_1.weight", |_, x| 10.0 * (x + x.signum()));
    place
}

#[test]
fn logits_that_are_not_finite_end_a_text_at_any_temperature() {
    let place = unlimited();
    place.run("generate r --prompt a -n 3").worked();
    change(&place, "r/model.safetensors", "output.weight", |i, _| if i % 2 == 0 { 3e38 } else { -3e38 });
    insta::assert_snapshot!(place.run("generate r --prompt a --no-echo -n 3").failed(4), @"
    error[4]: r, step 1: the logits of the next token are not finite
      help: train the model again with a smaller train.optimizer.learning_rate
    ");
    for flags in [
        "--temperature 0",
        "--temperature 2",
        "--top-k 3",
        "--top-p 0.5",
        "--min-p 0.1",
        "--logprobs",
        "--repetition-penalty 2",
    ] {
        let message = place.run(&format!("generate r --prompt a --no-echo {flags}")).failed(4);
        assert!(
            message.starts_with("error[4]: r, step 1: the logits of the next token are not finite\n"),
            "{message}"
        );
    }
    let message = place.run("generate r --prompt a --no-echo --samples 2").failed(4);
    assert!(message.starts_with("error[4]: r, text 1, step 1: "), "{message}");
    let message = place.run("eval r a.txt").failed(4);
    assert!(message.starts_with("error[4]: a.txt, the tokens from number 1 on: "), "{message}");
}

/// What is written before the step that fails stays written.
#[test]
fn a_text_ends_at_the_step_that_fails() {
    let place = unlimited();
    // The vector of one token alone is huge: that of the letter that comes next.
    let first = place.run("generate r --prompt a --no-echo -n 1 --temperature 0").worked();
    let ids = place.run("generate r --prompt a -n 1 --temperature 0 --logprobs");
    let id = serde_json::from_str::<serde_json::Value>(ids.out.trim()).expect("JSON")["id"]
        .as_u64()
        .expect("an id");
    change(
        &place,
        "r/model.safetensors",
        "embedding_0.weight",
        |i, x| if i as u64 / 8 == id { 3e38 } else { x },
    );
    let end = place.run("generate r --prompt a --no-echo -n 5 --temperature 0");
    assert_eq!((end.code, end.out.as_str()), (4, first.trim_end_matches('\n')), "{}", end.err);
    assert!(end.err.starts_with("error[4]: r, step 2: "), "{}", end.err);
}

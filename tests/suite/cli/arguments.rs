//! Bad input 36: flags and paths that are wrong. Exit code 2, before anything is started.

use super::Place;

const TABLE: &str = "x,y\n1,a\n2,b\n";

fn failed(line: &str) -> String {
    Place::new().with("t.csv", TABLE).run(line).failed(2)
}

#[test]
fn no_command_and_an_unknown_one() {
    insta::assert_snapshot!(failed(""), @"
    error[2]: command line: no command
      expected: train, eval, predict, generate, init, check, config-reference, completions, man
      help: see: backprop --help
    ");
    insta::assert_snapshot!(failed("trian t.csv"), @r#"
    error[2]: "trian": no such command
      help: did you mean train?
    "#);
    insta::assert_snapshot!(failed("zzz"), @r#"
    error[2]: "zzz": no such command
      help: see: backprop --help
    "#);
}

#[test]
fn unknown_flags() {
    insta::assert_snapshot!(failed("eval m --fromat json"), @"
    error[2]: --fromat: no such flag
      help: did you mean --format?
    ");
    insta::assert_snapshot!(failed("train --epochs 3"), @"
    error[2]: --epochs: no such flag
      help: see: backprop train --help; any key of the config is set with --set, e.g. --set train.epochs=20
    ");
    insta::assert_snapshot!(failed("predict m t.csv extra"), @"
    error[2]: extra: one argument too many
      help: see: backprop predict --help
    ");
    insta::assert_snapshot!(failed("--target y train"), @"
    error[2]: --target: no such flag
      help: see: backprop --help
    ");
}

#[test]
fn values_that_a_flag_does_not_take() {
    insta::assert_snapshot!(failed("eval m --format jsn"), @r#"
    error[2]: --format <FORMAT>: not a value of this flag
      expected: text or json
      found: "jsn"
      help: did you mean json?
    "#);
    insta::assert_snapshot!(failed("eval m --format"), @"
    error[2]: --format <FORMAT>: no value
      expected: text or json
      help: see: backprop eval --help
    ");
    insta::assert_snapshot!(failed("train --threads 0"), @r#"
    error[2]: --threads <N>: not a whole number from 1 to 4096
      found: "0"
      help: see: backprop train --help
    "#);
    insta::assert_snapshot!(failed("completions sh"), @r#"
    error[2]: <SHELL>: not a value of this flag
      expected: bash, elvish, fish, powershell or zsh
      found: "sh"
      help: see: backprop completions --help
    "#);
    insta::assert_snapshot!(failed("train --on-bad-row ignore"), @r#"
    error[2]: --on-bad-row <ACTION>: not a value of this flag
      expected: skip or error
      found: "ignore"
      help: see: backprop train --help
    "#);
}

#[test]
fn flags_that_need_or_exclude_others() {
    insta::assert_snapshot!(failed("train --resume"), @"
    error[2]: --run-dir <DIR>: missing
      expected: backprop train --run-dir <DIR> --resume
      help: see: backprop train --help
    ");
    insta::assert_snapshot!(failed("train --resume --run-dir r t.toml"), @"
    error[2]: --resume: does not go together with [CONFIG]
      help: see: backprop train --help
    ");
    insta::assert_snapshot!(failed("train t.toml --force"), @"
    error[2]: --run-dir <DIR>: missing
      expected: backprop train --run-dir <DIR> --force <CONFIG>
      help: see: backprop train --help
    ");
    insta::assert_snapshot!(failed("init t.csv"), @"
    error[2]: --target <COL>: missing
      expected: backprop init [OPTIONS] --target <COL> <DATA>, or: backprop init [OPTIONS] --text <FILE>
      help: see: backprop init --help
    ");
    insta::assert_snapshot!(failed("eval"), @"
    error[2]: <MODEL>: missing
      expected: backprop eval <MODEL> [DATA]
      help: see: backprop eval --help
    ");
    insta::assert_snapshot!(failed("train --threads 1 --threads 2"), @"
    error[2]: --threads <N>: given twice
      help: see: backprop train --help
    ");
}

#[test]
fn training_without_a_config_needs_data_and_target() {
    insta::assert_snapshot!(failed("train"), @"
    error[2]: CONFIG: no config and no data is named
      expected: CONFIG, or --data FILE and --target COL, or --text FILE
      help: backprop init DATA --target COL prints a config for a table, backprop init --text FILE one for a text
    ");
    insta::assert_snapshot!(failed("train --data t.csv"), @r#"
    error[2]: --target: missing
      expected: the column to predict
      help: the columns are "x", "y"
    "#);
    insta::assert_snapshot!(failed("train --data - --quiet"), @"
    error[2]: --target: missing
      expected: the column to predict
    ");
    insta::assert_snapshot!(failed("check --target y"), @"
    error[2]: CONFIG: no config and no data is named
      expected: CONFIG, or --data FILE and --target COL, or --text FILE
      help: backprop init DATA --target COL prints a config for a table, backprop init --text FILE one for a text
    ");
    insta::assert_snapshot!(failed("train t.csv"), @"
    error[2]: t.csv: this is a table, not a config
      help: without a config: backprop train --data t.csv --target COL
    ");
}

#[test]
fn files_that_are_not_there_and_directories_for_files() {
    insta::assert_snapshot!(failed("train no.toml"), @"
    error[2]: no.toml: no such file
      help: `backprop init DATA --target COL` prints a config for a table, `backprop init --text FILE` one for a text
    ");
    insta::assert_snapshot!(failed("train ."), @"error[2]: .: a directory, not a config file");
    insta::assert_snapshot!(failed("train --data no.csv --target y"), @"
    error[2]: no.csv: no such file
      help: check the path: it starts at the current directory, or in a config at the config's own
    ");
    insta::assert_snapshot!(failed("train --data . --target y"), @r#"
    error[2]: .: this is a directory, not a file
      help: name the file in it, or a glob such as "DIR/*.csv"
    "#);
    insta::assert_snapshot!(failed("train --data no-*.csv --target y"), @"error[2]: no-*.csv: no file matches this glob");
    insta::assert_snapshot!(failed("train --text no.txt"), @"
    error[2]: no.txt: no such file
      help: check the path: it starts at the current directory, or in a config at the config's own
    ");
    insta::assert_snapshot!(failed("init no.csv --target y"), @"
    error[2]: no.csv: no such file
      help: check the path: it starts at the current directory, or in a config at the config's own
    ");
    insta::assert_snapshot!(failed("eval m no.csv"), @"
    error[2]: no.csv: no such file
      help: check the path: it starts at the current directory, or in a config at the config's own
    ");
    insta::assert_snapshot!(failed("predict m ."), @r#"
    error[2]: .: this is a directory, not a file
      help: name the file in it, or a glob such as "DIR/*.csv"
    "#);
}

#[test]
fn outputs_that_cannot_be() {
    insta::assert_snapshot!(failed("predict m t.csv --output ."), @"
    error[2]: .: this is a directory, not a file
      help: name a file in it: --output DIR/predictions.csv
    ");
    insta::assert_snapshot!(failed("predict m t.csv --output no/out.csv"), @"error[2]: no/out.csv: there is no directory no");
    insta::assert_snapshot!(failed("predict m t.csv --output ./t.csv"), @"
    error[2]: ./t.csv: the output is also an input
      help: write to another file, then rename it
    ");
    let place = Place::new().with("t.csv", TABLE).with("m.safetensors", "");
    insta::assert_snapshot!(place.run("predict m.safetensors t.csv -o m.safetensors").failed(2), @"
    error[2]: m.safetensors: the output is also an input
      help: write to another file, then rename it
    ");
    assert_eq!(place.list("."), ["m.safetensors", "t.csv"]);
}

#[test]
fn settings_that_are_wrong() {
    insta::assert_snapshot!(failed("train --data t.csv --target y --set train.epocs=3"), @r#"
    error[2]: --set train.epocs=3: unknown key "epocs" in [train]
      help: did you mean "epochs"? known here: epochs, batch_size, loss, optimizer, schedule, early_stopping, clip_grad_norm, clip_grad_value, accumulate_steps, class_weights, mixup, shuffle, max_steps, log_every_steps, checkpoint_every_steps, sample, init_from
    "#);
    insta::assert_snapshot!(failed("train --data t.csv --target y --set epochs"), @"
    error[2]: --set epochs: no value
      expected: KEY=VALUE
      help: for example --set train.epochs=20
    ");
}

#[test]
fn an_error_as_json() {
    insta::assert_snapshot!(failed("eval m no.csv --error-format json"), @r#"{"code":2,"problems":[{"place":"no.csv","what":"no such file","expected":null,"found":null,"help":"check the path: it starts at the current directory, or in a config at the config's own","excerpt":null}]}"#);
    insta::assert_snapshot!(failed("--error-format=json train --epochs 3"), @r#"{"code":2,"problems":[{"place":"--epochs","what":"no such flag","expected":null,"found":null,"help":"see: backprop train --help; any key of the config is set with --set, e.g. --set train.epochs=20","excerpt":null}]}"#);
    let text = failed("check --data t.csv --target y --set train.epochs=-1 --set x=1 --error-format json");
    let json: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
    assert_eq!(json["code"], 2);
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(2), "{text}");
}

#[test]
fn names_of_files_do_not_drive_the_terminal() {
    let place = Place::new();
    let output = place.command().args(["eval", "m", "a\u{1b}[31m.csv"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stderr));
}

//! Configs that are wrong, and what each is told.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::error::Code;

// Number 24 of the bad inputs.
#[test]
fn a_syntax_error_has_line_column_and_caret() {
    assert_snapshot!(error("[data]\ntrain = \"a.csv\ntarget = 1\n"), @r##"
error[2]: iris.toml:2:15: not valid TOML: invalid basic string
  2 | train = "a.csv
    |               ^
  expected: `"`
"##);
    assert_snapshot!(error("[train]\nepochs =\n"), @r##"
error[2]: iris.toml:2:9: not valid TOML: a value is missing
  2 | epochs =
    |         ^
"##);
    assert_snapshot!(json_error("{\n  \"seed\": 1,\n}"), @r##"
error[2]: iris.json:3:1: not valid JSON: trailing comma
  3 | }
    | ^
"##);
    assert_snapshot!(json_error("{\"seed\" 1}"), @r##"
error[2]: iris.json:1:9: not valid JSON: expected `:`
  1 | {"seed" 1}
    |         ^
"##);
    assert_snapshot!(json_error("// no comments\n{}"), @r##"
error[2]: iris.json:1:1: not valid JSON: expected value
  1 | // no comments
    | ^
"##);
    assert_snapshot!(json_error(""), @r##"
error[2]: iris.json: not valid JSON: EOF while parsing a value
"##);
}

// 25
#[test]
fn an_unknown_key_is_told_the_nearest() {
    assert_snapshot!(error(&format!("{GOOD}[train]\noptimizer = {{ type = \"adam\", learning_rte = 0.1 }}\n")), @r##"
error[2]: iris.toml:5:30: unknown key "learning_rte" of adam
  5 | optimizer = { type = "adam", learning_rte = 0.1 }
    |                              ^^^^^^^^^^^^
  help: did you mean "learning_rate"? known here: learning_rate, betas, eps
"##);
    assert_snapshot!(error(&format!("epochs = 3\n{GOOD}[train]\nlr = 0.1\nzzz = 1\n")), @r##"
error[2]: iris.toml:1:1: unknown key "epochs"
  1 | epochs = 3
    | ^^^^^^
  help: did you mean train.epochs?
error[2]: iris.toml:6:1: unknown key "lr" in [train]
  6 | lr = 0.1
    | ^^
  help: did you mean train.optimizer.learning_rate?
error[2]: iris.toml:7:1: unknown key "zzz" in [train]
  7 | zzz = 1
    | ^^^
  help: known here: epochs, batch_size, loss, optimizer, schedule, early_stopping, clip_grad_norm, clip_grad_value, accumulate_steps, class_weights, mixup, shuffle, max_steps, log_every_steps, checkpoint_every_steps, sample, init_from
"##);
    assert_snapshot!(error(&format!("{GOOD}[model]\nlayers = [\"dense\", {{ type = \"linaer\" }}, {{ p = 0.1 }}]\n")), @r##"
error[2]: iris.toml:5:11: model.layers.0: unknown layer "dense"
  5 | layers = ["dense", { type = "linaer" }, { p = 0.1 }]
    |           ^^^^^^^
  help: known here: linear, dropout, flatten, gated, residual
error[2]: iris.toml:5:29: model.layers.1: unknown layer "linaer"
  5 | layers = ["dense", { type = "linaer" }, { p = 0.1 }]
    |                             ^^^^^^^^
  help: did you mean "linear"? known here: linear, dropout, flatten, gated, residual
error[2]: iris.toml:5:41: model.layers.2 has no type
  5 | layers = ["dense", { type = "linaer" }, { p = 0.1 }]
    |                                         ^^^^^^^^^^^
  help: add type = "...", one of: linear, dropout, flatten, gated, residual
"##);
}

#[test]
fn a_tokenizer_that_is_neither_a_word_nor_a_path() {
    assert_snapshot!(error(&format!("{GOOD}columns.a = {{ type = \"text\", tokenizer = \"wrod\" }}\n")), @r##"
error[2]: iris.toml:4:42: data.columns.a.tokenizer: there is no tokenizer "wrod"
  4 | columns.a = { type = "text", tokenizer = "wrod" }
    |                                          ^^^^^^
  expected: one of byte, char, word, whitespace, bpe, or the path of a .json file
"##);
}

// 26
#[test]
fn out_of_range_and_wrong_types_are_reported_together_in_order() {
    let text = r#"
[data]
train = "iris.csv"
target = "species"
validation = 1.5
scale = "standart"
[model]
layers = [{ type = "dropout", p = 1.0 }, { type = "linear", out_features = "64" }]
[train]
epochs = 1e18
batch_size = 0
optimizer = { type = "adam", learning_rate = -1, betas = [0.9] }
"#;
    assert_snapshot!(error(text), @r##"
error[2]: iris.toml:5:14: data.validation is out of range
  5 | validation = 1.5
    |              ^^^
  expected: a number at least 0 and below 1, or text, or a list of texts
  found: 1.5
error[2]: iris.toml:6:9: data.scale is not one of the known words
  6 | scale = "standart"
    |         ^^^^^^^^^^
  expected: "none", "standard", "robust", "min_max" or "quantile"
  found: "standart"
  help: did you mean "standard"? known here: none, standard, robust, min_max, quantile
error[2]: iris.toml:8:35: model.layers.0.p is out of range
  8 | layers = [{ type = "dropout", p = 1.0 }, { type = "linear", out_features = "64" }]
    |                                   ^^^
  expected: a number at least 0 and below 1
  found: 1.0
error[2]: iris.toml:8:76: model.layers.1.out_features has the wrong type
  8 | layers = [{ type = "dropout", p = 1.0 }, { type = "linear", out_features = "64" }]
    |                                                                            ^^^^
  expected: a whole number from 1 to 2147483648
  found: the text "64"
error[2]: iris.toml:10:10: train.epochs is out of range
  10 | epochs = 1e18
     |          ^^^^
  expected: "auto", or a whole number from 0 to 1000000000
  found: 1e18
error[2]: iris.toml:11:14: train.batch_size is out of range
  11 | batch_size = 0
     |              ^
  expected: "auto", or a whole number from 1 to 2147483648
  found: 0
error[2]: iris.toml:12:46: train.optimizer.learning_rate is out of range
  12 | optimizer = { type = "adam", learning_rate = -1, betas = [0.9] }
     |                                              ^^
  expected: a number above 0
  found: -1
error[2]: iris.toml:12:58: train.optimizer.betas has the wrong length
  12 | optimizer = { type = "adam", learning_rate = -1, betas = [0.9] }
     |                                                          ^^^^^
  expected: a list of 2 (a number at least 0 and below 1 each)
  found: a list of 1
"##);
}

#[test]
fn six_mistakes_are_six_problems_in_the_order_of_the_text() {
    let text = r#"{
  "data": {"target": 1, "train": "a.csv", "header": "yes"},
  "train": {"loss": "mae", "batch_size": 0, "shufle": true, "init_from": null}
}"#;
    let error = parse(text, Format::Json, &[]).unwrap_err();
    let places: Vec<_> = error.problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(error.code, Code::Usage);
    assert_eq!(
        places,
        [
            "iris.json:2:22",
            "iris.json:2:53",
            "iris.json:3:21",
            "iris.json:3:42",
            "iris.json:3:45",
            "iris.json:3:74"
        ]
    );
}

// 27
#[test]
fn a_duplicate_key_is_told_where_the_first_is() {
    assert_snapshot!(error("seed = 1\n[data]\ntrain = \"a.csv\"\ntarget = \"y\"\n\"train\" = \"b.csv\"\n[train]\n[data]\n"), @r##"
error[2]: iris.toml:5:1: the key "train" is given twice
  5 | "train" = "b.csv"
    | ^^^^^^^
  help: keep one of the two; the first is at line 3, column 1
error[2]: iris.toml:7:2: the key "data" is given twice
  7 | [data]
    |  ^^^^
  help: keep one of the two; the first is at line 2, column 2
"##);
    assert_snapshot!(json_error("{\"data\": {\"train\": \"a\", \"target\": \"y\"},\n \"seed\": 1, \"seed\": 2}"), @r##"
error[2]: iris.json:2:13: the key "seed" is given twice
  2 |  "seed": 1, "seed": 2}
    |             ^^^^^^
  help: keep one of the two; the first is at line 2, column 2
"##);
    assert_snapshot!(error(&format!("{GOOD}[model]\nlayers = [\n  {{ type = \"dropout\", p = 0.1, p = 0.2 }},\n]\n")), @r##"
error[2]: iris.toml:6:32: the key "p" is given twice
  6 |   { type = "dropout", p = 0.1, p = 0.2 },
    |                                ^
  help: keep one of the two; the first is at line 6, column 23
"##);
}

// 28 and 29: what a layer finds out later still has its place in the config.
#[test]
fn a_later_problem_of_a_layer_shows_its_line() {
    let config =
        toml(&format!("{GOOD}[model]\nlayers = [\n  {{ type = \"linear\", out_features = 64 }},\n]\n"));
    let layer = &config.model.layers.as_ref().unwrap()[0];
    let mut report = config.report(registries());
    let problem = Problem::new("", "layer \"linear_0\" does not fit").expected("input width 4").found("3");
    report.add(layer.get("out_features").unwrap().span, problem);
    assert_snapshot!(report.finish().unwrap_err(), @r##"
error[2]: iris.toml:6:37: layer "linear_0" does not fit
  6 |   { type = "linear", out_features = 64 },
    |                                     ^^
  expected: input width 4
  found: 3
"##);
}

// 30
#[test]
fn huge_and_deeply_nested_configs_are_refused() {
    let deep = format!("seed = {}", "[".repeat(20_000));
    assert_snapshot!(error(&deep), @r##"
error[2]: iris.toml:1:72: nested more than 64 deep
  1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
    |                                                   ^
  help: `{ type = "repeat", times = N, layers = [...] }` stacks layers without nesting
"##);
    assert_snapshot!(json_error(&"{\"a\":".repeat(20_000)), @r##"
error[2]: iris.json:1:321: nested more than 64 deep
  1 | …"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{…
    |                                                   ^
  help: `{ type = "repeat", times = N, layers = [...] }` stacks layers without nesting
"##);
    assert_snapshot!(error(&format!("a{} = 1", ".a".repeat(20_000))), @r##"
error[2]: iris.toml:1:130: nested more than 64 deep
  1 | …a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.…
    |                                                   ^
  help: `{ type = "repeat", times = N, layers = [...] }` stacks layers without nesting
"##);
    assert_snapshot!(error(&format!("# {}", "x".repeat(2 << 20))), @r##"
error[2]: iris.toml: too large for a config
  expected: at most 1 MiB
  found: 2097154 bytes
  help: is this the data? then: backprop train --data FILE --target COL
"##);
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.as_file().set_len(1 << 30).unwrap();
    let error = SourceText::read(file.path()).unwrap_err().to_string();
    assert_snapshot!(error.replace(&file.path().display().to_string(), "big.toml"), @r##"
error[2]: big.toml: too large for a config
  expected: at most 1 MiB
  found: 1073741824 bytes
  help: is this the data? then: backprop train --data FILE --target COL
"##);
}

#[cfg(unix)]
#[test]
fn an_endless_file_is_refused() {
    let error = SourceText::read(std::path::Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.problems[0].found.as_deref(), Some("more"));
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = SourceText::read(&path).unwrap_err().to_string();
        error.replace(&directory.path().display().to_string(), "DIR")
    };
    assert_snapshot!(read("a.toml", b"seed = 1\n# caf\xe9\n"), @r##"
error[2]: DIR/a.toml:2:6: not UTF-8
  found: the byte 0xe9 at offset 14
  help: save the file as UTF-8
"##);
    assert_snapshot!(read("b.toml", b"\xff\xfes\0e\0"), @r##"
error[2]: DIR/b.toml: UTF-16 text
  expected: UTF-8
  help: save the file as UTF-8
"##);
    let missing = SourceText::read(std::path::Path::new("no/such.toml")).unwrap_err();
    assert_snapshot!(missing, @r##"
error[2]: no/such.toml: no such file
  help: `backprop init DATA --target COL` prints a config for a table, `backprop init --text FILE` one for a text
"##);
    let folder = SourceText::read(directory.path()).unwrap_err();
    assert_eq!(
        (folder.code, folder.problems[0].what.as_str()),
        (Code::Usage, "a directory, not a config file")
    );
}

#[test]
fn what_no_single_key_can_tell_is_checked() {
    let text = r#"
[data]
train = []
target = ["y", "z", "y"]
exclude = ["id", "z"]
weight = "y"
delimiter = ";;"
validation = 0
[train]
early_stopping = { patience = 3 }
"#;
    assert_snapshot!(error(text), @r##"
error[2]: iris.toml:3:9: data.train is empty
  3 | train = []
    |         ^^
  help: name the table to train on
error[2]: iris.toml:4:21: the target "y" is given twice
  4 | target = ["y", "z", "y"]
    |                     ^^^
error[2]: iris.toml:5:18: data.exclude names the target "z"
  5 | exclude = ["id", "z"]
    |                  ^^^
  help: a target is never an input: leave it out here
error[2]: iris.toml:6:10: data.weight names the target "y"
  6 | weight = "y"
    |          ^^^
  help: a target cannot be the weight too: leave it out here, or choose another target
error[2]: iris.toml:7:13: data.delimiter is not one character
  7 | delimiter = ";;"
    |             ^^^^
  expected: "auto", or one ASCII character other than a quote or a line end
  found: ";;"
error[2]: iris.toml:10:18: train.early_stopping has no validation rows to watch
  10 | early_stopping = { patience = 3 }
     |                  ^^^^^^^^^^^^^^^^
  found: data.validation = 0
  help: set data.validation = 0.2, or take early_stopping out
"##);
}

#[test]
fn what_no_single_key_can_tell_of_a_text_is_checked() {
    assert_snapshot!(error("[data]\ntext = \"a.txt\"\nvalidation = 0.6\ntest = 0.6\ntokenizer = \"words\"\n"), @r#"
    error[2]: iris.toml:4:8: data.validation and data.test leave no text to train on
      4 | test = 0.6
        |        ^^^
      expected: less than 1 together
      found: 0.6 and 0.6, which sum to 1.2
      help: give the two parts less of the text, or files of their own
    error[2]: iris.toml:5:13: data.tokenizer is not one of the known words
      5 | tokenizer = "words"
        |             ^^^^^^^
      expected: one of "byte", "char", "word", "whitespace", "bpe", or the path of a tokenizer.json
      found: "words"
    "#);
    assert_snapshot!(error("[data]\ntext = \"a.txt\"\ntokenizer = \"bpe\"\nvocabulary_size = 100\n"), @"
    error[2]: iris.toml:4:19: data.vocabulary_size: a vocabulary of this size cannot be made
      4 | vocabulary_size = 100
        |                   ^^^
      expected: 257 to 16777216
      found: 100
      help: name a larger one: all 256 bytes are in it
    ");
    assert_snapshot!(error("[data]\ntext = \"a.txt\"\nvocabulary_size = 300\n"), @"
    error[2]: iris.toml:3:19: data.vocabulary_size: is for the tokenizers word, whitespace and bpe
      3 | vocabulary_size = 300
        |                   ^^^
      help: take it out, or choose one of them
    ");
}

#[test]
fn a_run_without_a_config_needs_a_table_and_a_target() {
    assert_snapshot!(Config::from_flags(&[], registries()).unwrap_err(), @r##"
error[2]: the command line: data.train is missing
  expected: text, or a list of texts
  help: The data to train on, tables, IDX files or folders of images: a path, a list of paths, or a glob such as "part-*.csv". A language model has data.text in its place.
error[2]: the command line: data.target is missing
  expected: text, or a list of texts
  help: The column to predict, or a list of columns; "label" for IDX files and folders of images.
"##);
    let text = |text: &str| Value::Str(text.to_owned());
    let flags = [
        Setting::flag("--data", "data.train", text("iris.csv")),
        Setting::flag("--target", "data.target", text("species")),
    ];
    assert_eq!(Config::from_flags(&flags, registries()).unwrap(), toml(GOOD));
}

#[test]
fn a_wrong_setting_is_placed_at_the_command_line() {
    let settings = [
        "train.optimizer.learning_rate=0",
        "train.epoch=3",
        "data.train.0=a.csv",
        "data.train.5=a.csv",
        "seed",
        "a b=3",
        "seed.x=1",
    ];
    let text = "seed = 1\n[data]\ntrain = [\"iris.csv\"]\ntarget = \"species\"\n";
    assert_snapshot!(parse(text, Format::Toml, &settings).unwrap_err(), @r##"
error[2]: --set train.optimizer.learning_rate=0: train.optimizer.learning_rate is out of range
  expected: a number above 0
  found: 0
error[2]: --set train.epoch=3: unknown key "epoch" in [train]
  help: did you mean "epochs"? known here: epochs, batch_size, loss, optimizer, schedule, early_stopping, clip_grad_norm, clip_grad_value, accumulate_steps, class_weights, mixup, shuffle, max_steps, log_every_steps, checkpoint_every_steps, sample, init_from
error[2]: --set data.train.5=a.csv: data.train has no item "5"
  expected: a number from 0 to 0
error[2]: --set seed: no value
  expected: KEY=VALUE
  help: for example --set train.epochs=20
error[2]: --set a b=3: "a b" is not a key
  expected: KEY=VALUE
  help: for example --set train.epochs=20
error[2]: --set seed.x=1: seed has no keys
  expected: a table or a list
  found: 1
"##);
}

#[test]
fn a_megabyte_of_nonsense_is_cut_short() {
    let lines: String = (0..40_000).map(|i| format!("key_{i} = {i}\n")).collect();
    let error = parse(&lines, Format::Toml, &[]).unwrap_err();
    assert_eq!(error.problems.len(), 51);
    assert_eq!(error.problems[50].what, "39952 more problems");
}

/// Pieces of which wrong configs are made.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[data]\n".to_owned()),
        Just("[[model.layers]]\n".to_owned()),
        Just("train = ".to_owned()),
        Just("optimizer.type = \"adam\"\n".to_owned()),
        Just("data.columns.a.b = 1\n".to_owned()),
        Just("layers = [{type='linear', p=1}, ".to_owned()),
        Just("{\"data\": {\"train\": 1, \"train\": [".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("\u{feff}é\u{202e}".to_owned()),
        "[\\[\\]{}=,.:\"'#\n 0-9a-z-]{0,6}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec(piece(), 0..12), set in "[a-c.0-9\"=\\[{]{0,12}") {
        let text = pieces.concat();
        for format in [Format::Toml, Format::Json] {
            if let Err(error) = parse(&text, format, &[&set]) {
                prop_assert!(!error.problems.is_empty());
                let drives_the_terminal = error.to_string().contains('\u{202e}');
                prop_assert!(!drives_the_terminal);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for format in [Format::Toml, Format::Json] {
            let _ = parse(&text, format, &[&text]);
        }
    }
}

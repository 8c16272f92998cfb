//! What the command says of its defaults, and that a key changes nothing else.

use std::fs;

use crate::cli::{Place, iris};

/// The line `key = value` of the config that a run wrote.
fn resolved(place: &Place, run: &str, key: &str) -> String {
    let text = fs::read_to_string(place.path().join(run).join("config.toml")).expect("a config");
    let line = text.lines().find(|line| line.starts_with(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("no {key} in {text}")).to_owned()
}

fn model(place: &Place, run: &str) -> Vec<u8> {
    fs::read(place.path().join(run).join("model.safetensors")).expect("a model")
}

/// Trains on iris with more words.
fn train(place: &Place, run: &str, more: &str) -> String {
    let line = format!("train --data iris.csv --target species --run-dir {run} {more}");
    let ended = place.run(&line);
    assert_eq!(ended.code, 0, "{line}\n{}", ended.err);
    assert!(!ended.out.contains("optimizer"), "settings go to standard error");
    ended.err
}

#[test]
fn a_default_that_is_set_gives_the_same_model() {
    let place = Place::new().with("iris.csv", iris());
    train(&place, "plain", "--quiet");
    let layers = "[{type=\"linear\",out_features=256,activation=\"relu\"},{type=\"dropout\",p=0.5}]";
    for (i, set) in [
        "train.optimizer.learning_rate=0.003",
        "train.optimizer.weight_decay=1",
        "train.optimizer=adamw",
        "train.schedule=cosine",
        "train.loss=cross_entropy",
        "train.loss.label_smoothing=0.1",
        "train.epochs=100",
        "train.batch_size=32",
        "train.early_stopping.metric=loss",
        "train.early_stopping.patience=50",
        &format!("model.layers={layers}"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("run-{i}");
        train(&place, &run, &format!("--quiet --set {set}"));
        assert!(model(&place, &run) == model(&place, "plain"), "{set}");
    }
}

#[test]
fn a_key_changes_itself_alone() {
    let place = Place::new().with("iris.csv", iris());
    train(&place, "plain", "--quiet --set train.epochs=1");
    let other = "[{type=\"linear\",out_features=8}]";
    let keys = ["batch_size", "loss", "optimizer", "schedule", "early_stopping"];
    for (i, (set, key)) in [
        ("train.optimizer.learning_rate=0.1", "optimizer"),
        ("train.optimizer=sgd", "optimizer"),
        ("train.schedule=constant", "schedule"),
        ("train.batch_size=7", "batch_size"),
        ("train.loss.label_smoothing=0", "loss"),
        (&format!("model.layers={other}"), "layers"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("run-{i}");
        train(&place, &run, &format!("--quiet --set train.epochs=1 --set {set}"));
        for name in keys.into_iter().filter(|name| *name != key) {
            assert_eq!(resolved(&place, &run, name), resolved(&place, "plain", name), "{set}");
        }
    }
    assert!(resolved(&place, "run-0", "optimizer").contains("learning_rate = 0.1, weight_decay = 1.0"));
}

#[test]
fn epochs_that_are_set_still_stop_early() {
    let place = Place::new().with("iris.csv", iris());
    for (epochs, patience) in [(10, 5), (7, 4), (1, 1)] {
        let run = format!("run-{epochs}");
        train(&place, &run, &format!("--quiet --set train.epochs={epochs}"));
        let stopping =
            format!("early_stopping = {{ metric = \"loss\", patience = {patience}, min_delta = 0.0 }}");
        assert_eq!(resolved(&place, &run, "early_stopping"), stopping);
    }
    // Weights that never change are never better.
    let err = train(&place, "stops", "--set train.epochs=10 --set train.optimizer.learning_rate=0");
    assert!(err.contains("6 epochs in") && err.contains("no better loss for 5 epochs"), "{err}");
    train(&place, "none", "--quiet --set train.epochs=2 --set data.validation=0");
    assert_eq!(resolved(&place, "none", "early_stopping"), "early_stopping = \"none\"");
}

#[test]
fn a_table_and_its_keys_are_set_in_any_order_and_any_format() {
    let json = r#"{"data": {"train": "iris.csv", "target": "species"},
                   "train": {"epochs": 1, "optimizer": {"learning_rate": 0.1}, "schedule": {"warmup_steps": 2}}}"#;
    let toml = "[data]\ntrain = \"iris.csv\"\ntarget = \"species\"\n[train]\nepochs = 1\nschedule.warmup_steps = 2\n\
                optimizer.learning_rate = 0.1\n";
    let place = Place::new().with("iris.csv", iris()).with("a.json", json).with("a.toml", toml);
    train(
        &place,
        "flags",
        "--quiet --set train.epochs=1 --set train.optimizer.learning_rate=0.1 --set train.schedule.warmup_steps=2",
    );
    for config in ["a.json", "a.toml"] {
        place.run(&format!("train {config} --quiet --run-dir {config}-run")).worked();
        assert!(model(&place, &format!("{config}-run")) == model(&place, "flags"), "{config}");
    }
    let sgd =
        "--quiet --set train.epochs=1 --set train.optimizer=sgd --set train.optimizer.learning_rate=0.1";
    train(&place, "one", sgd);
    train(
        &place,
        "other",
        "--quiet --set train.epochs=1 --set train.optimizer.learning_rate=5 --set train.optimizer.learning_rate=0.1 --set train.optimizer=sgd",
    );
    assert_eq!(resolved(&place, "one", "optimizer"), resolved(&place, "other", "optimizer"));
    assert!(
        resolved(&place, "one", "optimizer").contains("type = \"sgd\", dampening = 0.0, decay_bias_and_norm")
    );
}

#[test]
fn what_a_run_wrote_trains_again_to_the_same_model() {
    let place = Place::new().with("iris.csv", iris());
    train(
        &place,
        "first",
        "--quiet --set train.epochs=3 --set train.optimizer.type=nadam --set train.loss.label_smoothing=0.2",
    );
    place.run("train first/config.toml --quiet --run-dir second").worked();
    assert!(model(&place, "first") == model(&place, "second"));
}

#[test]
fn a_key_that_the_programs_loss_lacks_is_an_error() {
    let place =
        Place::new().with("iris.csv", iris()).with("t.csv", "x,y\n1,1.5\n2,2.5\n3,4.5\n4,4.1\n5,5.2\n");
    let line = "train --data iris.csv --target species --set train.loss.delta=0.5";
    insta::assert_snapshot!(place.run(line).failed(2), @r#"
    error[2]: train.loss: the loss of this target is "cross_entropy", which has no key "delta"
      expected: "label_smoothing"
      help: "delta" is a key of "huber": set train.loss.type too, or take the key out
    "#);
    let line = "train --data t.csv --target y --set train.loss.label_smoothing=0.1";
    insta::assert_snapshot!(place.run(line).failed(2), @r#"
    error[2]: train.loss: the loss of this target is "mse", which has no key "label_smoothing"
      expected: no key: "mse" has none
      help: "label_smoothing" is a key of "cross_entropy": set train.loss.type too, or take the key out
    "#);
    let line = "train --data t.csv --target y --set train.loss.smoothing=0.1";
    insta::assert_snapshot!(place.run(line).failed(2), @r#"
    error[2]: --set train.loss.smoothing=0.1: train.loss: no loss has the key "smoothing"
      help: did you mean "label_smoothing"? known here: pos_weight, label_smoothing, margin, delta, quantiles, log_input, full, eps, beta
    "#);
}

/// The lines about settings among those that a run begins with.
fn opening(err: &str) -> String {
    let labels =
        ["network", "loss  ", "loss:", "optimizer", "schedule", "batch", "epochs", "stopping", "also"];
    let lines = err.lines().take_while(|line| !line.starts_with("directory"));
    let lines = lines.filter(|line| labels.iter().any(|label| line.starts_with(label)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_begins_with_its_settings_and_says_which_are_defaults() {
    let place = Place::new()
        .with("iris.csv", iris())
        .with("t.csv", "x,y\n1,1.5\n2,2.5\n3,4.5\n4,4.1\n5,5.2\n6,6.4\n")
        .with("text.txt", "a cat sees a dog. ".repeat(20));
    insta::assert_snapshot!(opening(&train(&place, "a", "--set train.max_steps=1")), @r"
    network    4 -> 256 -> 3, dropout 0.5 (2,051 parameters) (default)
    loss       cross_entropy, label_smoothing 0.1 (default)
    optimizer  adamw, learning_rate 0.003, weight_decay 1 (default)
    schedule   cosine (default)
    batch      32 rows (default)
    epochs     at most 100, 1 step (default)
    stopping   after 50 epochs without a better val_loss (default)
    also       max_steps 1
    ");
    let more = "--set train.optimizer.learning_rate=0.01 --set train.epochs=2 --set train.schedule={type=\"step\",step_size=3,gamma=0.5} \
                --set model.layers=[{type=\"linear\",out_features=8}] --set train.class_weights=balanced --set train.early_stopping=none";
    insta::assert_snapshot!(opening(&train(&place, "b", more)), @r"
    network    4 -> 8 -> 3, no dropout (67 parameters)
    loss       cross_entropy, label_smoothing 0.1 (default)
    optimizer  adamw, learning_rate 0.01, weight_decay 1 (default except learning_rate)
    schedule   step, step_size 3, gamma 0.5
    batch      32 rows (default)
    epochs     at most 2, 8 steps
    stopping   after the last epoch
    also       class_weights balanced
    ");
    let number = "train --data t.csv --target y --run-dir c --set data.validation=0 --set train.max_steps=1 --set train.optimizer=sgd";
    insta::assert_snapshot!(opening(&place.run(number).err), @r"
    network    1 -> 256 -> 1, dropout 0.5 (769 parameters) (default)
    loss       mse of the standardised target (default)
    optimizer  sgd, learning_rate 0.001, weight_decay 0 (default except type)
    schedule   cosine (default)
    batch      6 rows (default)
    epochs     at most 100, 1 step (default)
    stopping   after the last epoch (default)
    also       max_steps 1
    ");
    let text = "train --text text.txt --run-dir d --set data.context=8 --set train.max_steps=1 --set train.epochs=1 \
                --set train.accumulate_steps=2 --set train.clip_grad_norm=1";
    insta::assert_snapshot!(opening(&place.run(text).err), @r"
    network    128 -> (384 -> 128 -> 512 -> 128) x 4 -> 10, no dropout (796,938 parameters) (default)
    loss       cross_entropy, label_smoothing 0 (default)
    optimizer  adamw, learning_rate 0.001, weight_decay 0.1 (default)
    schedule   cosine, warmup_steps 100 (default)
    batch      16 x 8 tokens (default)
    epochs     at most 1, 1 step
    stopping   after 1 epoch without a better val_loss (default)
    also       clip_grad_norm 1, accumulate_steps 2, max_steps 1
    ");
    assert_eq!(train(&place, "e", "--quiet --set train.max_steps=1"), "");
}

#[test]
fn check_prints_the_same_settings() {
    let place = Place::new().with("iris.csv", iris());
    let out =
        place.run("check --data iris.csv --target species --set train.optimizer.weight_decay=0.1").worked();
    insta::assert_snapshot!(opening(&out), @r"
    network: 4 -> 256 -> 3, dropout 0.5 (2,051 parameters) (default)
    loss: cross_entropy, label_smoothing 0.1 (default)
    optimizer: adamw, learning_rate 0.003, weight_decay 0.1 (default except weight_decay)
    schedule: cosine (default)
    batch: 32 rows (default)
    epochs: at most 100, 400 steps (default)
    stopping: after 50 epochs without a better val_loss (default)
    ");
}

/// The rows `loss` and `log_loss` of a closing table.
fn losses(out: &str) -> Vec<(String, String)> {
    let lines =
        out.lines().map(|line| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>());
    let pair = |words: Vec<String>| <[String; 2]>::try_from(words).ok().map(|[name, value]| (name, value));
    lines.filter_map(pair).filter(|(name, _)| name == "loss" || name == "log_loss").collect()
}

#[test]
fn the_loss_of_training_and_the_log_loss_have_two_names_or_are_one() {
    let place = Place::new().with("iris.csv", iris());
    for (run, more, note) in [
        ("smooth", "", "includes label_smoothing 0.1; log_loss does not"),
        (
            "weighed",
            "--set train.loss.label_smoothing=0 --set train.class_weights={setosa=1.0,versicolor=2.0,virginica=3.0}",
            "includes class_weights; log_loss does not",
        ),
        ("plain", "--set train.loss.label_smoothing=0", ""),
    ] {
        let line =
            format!("train --data iris.csv --target species --run-dir {run} --set train.epochs=3 {more}");
        let ended = place.run(&line);
        let (err, out) = (ended.err.clone(), ended.worked());
        let [(_, loss), (_, log_loss)] = &losses(&out)[..] else { panic!("{out}") };
        // The table has the loss of the epoch that was kept.
        assert!(err.contains(&format!("val_loss {loss}")), "{err}{out}");
        assert_eq!(loss == log_loss, note.is_empty(), "{out}");
        let told = if note.is_empty() { String::new() } else { format!("loss       {note}\n") };
        assert!(err.contains(&told), "{err}");
        assert_eq!(err.contains("; log_loss does not"), !note.is_empty(), "{err}");
        let scored = place.run(&format!("eval {run} iris.csv")).worked();
        let [(_, loss), (_, log_loss)] = &losses(&scored)[..] else { panic!("{scored}") };
        assert_eq!(loss == log_loss, note.is_empty(), "{scored}");
        assert_eq!(scored.contains("note: loss includes"), !note.is_empty(), "{scored}");
        assert!(scored.contains(note), "{scored}");
    }
}

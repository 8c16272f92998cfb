//! `backprop train` as `interface.md` promises it.

use std::fs;

use super::{Place, iris};

/// A run that takes a blink.
const SHORT: &str = "train --data iris.csv --target species --set train.epochs=3";

fn place() -> Place {
    Place::new().with("iris.csv", iris())
}

/// The file of a run as bytes.
fn bytes(place: &Place, name: &str) -> Vec<u8> {
    fs::read(place.path().join(name)).expect("a file")
}

#[test]
fn no_config_at_all() {
    let place = place();
    let end = place.run(SHORT);
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.out.starts_with("30 rows of the validation part, which chose the weights\nmetric "),
        "{}",
        end.out
    );
    for word in ["petal_width   number", "3 classes", "120 to train on, 30 to validate", "runs/iris-1"] {
        assert!(end.err.contains(word), "{word}: {}", end.err);
    }
    let epochs: Vec<&str> = end.err.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(epochs.len(), 3, "{}", end.err);
    assert!(end.err.contains("backprop predict runs/iris-1 DATA"), "{}", end.err);
    assert!(!end.err.contains(['\u{1b}', '\r']), "no bar and no colour in a pipe");
}

#[test]
fn quiet_prints_nothing_but_the_result() {
    let place = place();
    let end = place.run(&format!("{SHORT} --quiet"));
    assert_eq!((end.code, end.err.as_str()), (0, ""));
    assert!(
        end.out.starts_with("30 rows of the validation part, which chose the weights\nmetric "),
        "{}",
        end.out
    );
    assert_eq!(place.list("runs"), ["iris-1"]);
}

#[test]
fn every_run_has_a_directory_of_its_own_with_the_files_of_the_contract() {
    let place = place();
    place.run(SHORT).worked();
    place.run(SHORT).worked();
    assert_eq!(place.list("."), ["iris.csv", "runs"], "nothing is written outside");
    assert_eq!(place.list("runs"), ["iris-1", "iris-2"]);
    let visible: Vec<String> =
        place.list("runs/iris-1").into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(visible, ["checkpoints", "config.toml", "metrics.jsonl", "model.safetensors"]);
    assert_eq!(place.list("runs/iris-1/checkpoints"), ["last.safetensors"]);
    assert!(bytes(&place, "runs/iris-1/model.safetensors") == bytes(&place, "runs/iris-2/model.safetensors"));
}

#[test]
fn a_directory_that_holds_a_run_is_refused_unless_forced() {
    let place = place();
    let line = format!("{SHORT} --run-dir r");
    place.run(&line).worked();
    let before = bytes(&place, "r/model.safetensors");
    insta::assert_snapshot!(place.run(&format!("{line} --quiet --set seed=1")).failed(2), @"
    error[2]: r: the directory holds another run
      help: choose another --run-dir, go on with --resume, or give --force to replace that run
    ");
    assert!(bytes(&place, "r/model.safetensors") == before);
    place.run(&format!("{line} --set seed=1 --force")).worked();
    assert!(bytes(&place, "r/model.safetensors") != before);
}

#[test]
fn defaults_then_file_then_set_then_flags() {
    let config = "seed = 7\nthreads = 1\n[data]\ntrain = \"../iris.csv\"\ntarget = \"petal_width\"\n[train]\nepochs = 9\nbatch_size = 8\n";
    let place = place().with("configs/mine.toml", config);
    place
        .run("train configs/mine.toml --run-dir r --target species --set train.epochs=2 --set data.target=petal_length --threads 2")
        .worked();
    let resolved = String::from_utf8(bytes(&place, "r/config.toml")).expect("UTF-8");
    for line in ["seed = 7", "threads = 2", "target = \"species\"", "epochs = 2", "batch_size = 8"] {
        assert!(resolved.lines().any(|l| l == line), "{line}: {resolved}");
    }
    assert_eq!(place.list("."), ["configs", "iris.csv", "r"], "paths of the file start at its directory");
}

#[test]
fn a_run_is_named_after_its_config() {
    let place = place().with("configs/mine.toml", "[data]\ntrain = \"../iris.csv\"\ntarget = \"species\"\n");
    place.run("train configs/mine.toml --set train.epochs=1").worked();
    assert_eq!(place.list("runs"), ["mine-1"]);
}

#[test]
fn data_on_the_command_line_start_at_the_current_directory() {
    let config = "[data]\ntrain = \"no.csv\"\ntarget = \"species\"\n";
    let place = place().with("configs/mine.toml", config);
    place.run("train configs/mine.toml --data iris.csv --set train.epochs=1").worked();
}

#[test]
fn a_json_config_is_the_same() {
    let toml = "[data]\ntrain = \"iris.csv\"\ntarget = \"species\"\n[train]\nepochs = 2\n";
    let json = r#"{"data": {"train": "iris.csv", "target": "species"}, "train": {"epochs": 2}}"#;
    let place = place().with("a.toml", toml).with("a.json", json);
    place.run("train a.toml --run-dir t").worked();
    place.run("train a.json --run-dir j").worked();
    assert!(bytes(&place, "t/model.safetensors") == bytes(&place, "j/model.safetensors"));
}

#[test]
fn the_resolved_config_trains_the_same_model() {
    let place = place();
    place.run(&format!("{SHORT} --run-dir a")).worked();
    place.run("train a/config.toml --run-dir b").worked();
    assert!(bytes(&place, "a/model.safetensors") == bytes(&place, "b/model.safetensors"));
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let place = place();
    for threads in [1, 2, 3] {
        place.run(&format!("{SHORT} --run-dir r{threads} --threads {threads}")).worked();
        assert!(
            bytes(&place, &format!("r{threads}/model.safetensors")) == bytes(&place, "r1/model.safetensors")
        );
    }
}

#[test]
fn standard_input_is_a_table_too() {
    let place = place();
    place.run(&format!("{SHORT} --run-dir file")).worked();
    let line = "train --data - --target species --set train.epochs=3 --run-dir pipe";
    place.feed(line, iris()).worked();
    let weights = |run: &str| {
        let file = bytes(&place, &format!("{run}/model.safetensors"));
        let header = u64::from_le_bytes(file[..8].try_into().expect("8 bytes"));
        file[8 + header as usize..].to_vec()
    };
    assert!(weights("file") == weights("pipe"));
}

#[test]
fn every_line_of_metrics_is_one_flat_object() {
    let place = place();
    place.run(&format!("{SHORT} --run-dir r")).worked();
    let text = String::from_utf8(bytes(&place, "r/metrics.jsonl")).expect("UTF-8");
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |split: &str| rows.iter().filter(|row| row["split"] == split).collect::<Vec<_>>();
    assert_eq!((of("train").len(), of("val").len()), (3, 3), "{text}");
    for key in ["step", "epoch", "loss", "learning_rate", "grad_norm", "samples_per_second", "seconds"] {
        assert!(of("train").iter().all(|row| row[key].is_number()), "{key}: {text}");
    }
    for key in ["step", "epoch", "loss", "accuracy", "f1_macro"] {
        assert!(of("val").iter().all(|row| row[key].is_number()), "{key}: {text}");
    }
    let flat = |row: &serde_json::Value| {
        row.as_object().is_some_and(|o| o.values().all(|v| !v.is_object() && !v.is_array()))
    };
    assert!(rows.iter().all(flat));
}

#[test]
fn no_epoch_writes_the_untrained_model() {
    let place = place();
    let line = "train --data iris.csv --target species --set train.epochs=0";
    place.run(&format!("{line} --run-dir a")).worked();
    place.run(&format!("{line} --run-dir b")).worked();
    assert!(bytes(&place, "a/model.safetensors") == bytes(&place, "b/model.safetensors"));
}

#[test]
fn a_longer_run_goes_on_exactly_where_the_shorter_one_ended() {
    let place = place();
    let line = "train --data iris.csv --target species --set train.early_stopping=none --set train.schedule=constant";
    place.run(&format!("{line} --set train.epochs=6 --run-dir whole")).worked();
    place.run(&format!("{line} --set train.epochs=2 --run-dir parts")).worked();
    place.run("train --resume --run-dir parts --set train.epochs=6").worked();
    assert!(bytes(&place, "whole/model.safetensors") == bytes(&place, "parts/model.safetensors"));
}

/// The rows of a run's log, without what depends on the time.
fn log(place: &Place, run: &str) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bytes(place, &format!("{run}/metrics.jsonl"))).expect("UTF-8");
    let row = |line: &str| {
        let mut row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let object = row.as_object_mut().expect("an object");
        object.retain(|key, _| !["seconds", "samples_per_second"].contains(&key.as_str()));
        row
    };
    text.lines().map(row).collect()
}

#[test]
fn a_run_that_max_steps_ended_goes_on_within_its_epoch() {
    let place = place();
    // Four steps an epoch, or five.
    for (validation, all) in [("0.2", 4), ("0.0", 5)] {
        let line = format!(
            "train --data iris.csv --target species --set train.early_stopping=none --set train.schedule=constant \
             --set data.validation={validation} --set data.test=iris.csv --set train.epochs=4 --set train.log_every_steps=3"
        );
        let run = |name: &str| format!("{name}{all}");
        place.run(&format!("{line} --run-dir {}", run("whole"))).worked();
        let end = place.run(&format!("{line} --run-dir {} --set train.max_steps=6", run("parts")));
        assert_eq!(end.code, 0, "{}", end.err);
        assert!(end.err.contains(&format!("\n1 epoch and {} of {all} steps in ", 6 - all)), "{}", end.err);
        let model = |name: &str| bytes(&place, &format!("{}/model.safetensors", run(name)));
        let (before, figures) = (model("parts"), log(&place, &run("parts")));
        let resume = format!("train --resume --run-dir {}", run("parts"));
        let again = place.run(&resume);
        // The written config has whole paths.
        let told = again.out.replace(&format!("{}/", place.path().display()), "");
        assert_eq!((again.code, &told), (0, &end.out), "{}", again.err);
        let note =
            format!("note: nothing is left to do after epoch 1 and {} of {all} steps: max_steps", 6 - all);
        assert!(again.err.contains(&note), "{}", again.err);
        assert!(model("parts") == before && log(&place, &run("parts")) == figures);
        for steps in [7, 9, 0] {
            place.run(&format!("{resume} --set train.max_steps={steps}")).worked();
        }
        assert!(model("parts") == model("whole"), "{validation}");
        assert_eq!(log(&place, &run("parts")), log(&place, &run("whole")));
    }
}

#[test]
fn a_run_cannot_end_before_its_last_step() {
    let place = place();
    place.run(&format!("{SHORT} --run-dir r --set train.max_steps=6")).worked();
    let config = bytes(&place, "r/config.toml");
    insta::assert_snapshot!(place.run("train --resume --run-dir r --set train.max_steps=3").failed(2), @"
    error[2]: train.max_steps: the run is longer than that already
      expected: 6 or more, or 0 for no limit
      found: 3
      help: leave the key as it was, or start a new run
    ");
    insta::assert_snapshot!(place.run("train --resume --run-dir r --set train.epochs=1").failed(2), @"
    error[2]: train.epochs: the run is longer than that already
      expected: 2 or more
      found: 1
      help: leave the key as it was, or start a new run
    ");
    assert!(bytes(&place, "r/config.toml") == config);
}

#[test]
fn there_must_be_a_run_to_resume() {
    let place = place();
    insta::assert_snapshot!(place.run("train --resume --run-dir r").failed(2), @"
    error[2]: r: there is no run to resume
      expected: r/config.toml
      help: leave out --resume to start a new run
    ");
    assert_eq!(place.list("."), ["iris.csv"]);
}

#[test]
fn a_bad_table_is_an_error_of_the_data() {
    let place = Place::new().with("t.csv", "a,y\n1,p\n2\n3,q\n");
    insta::assert_snapshot!(place.run("train --data t.csv --target y --quiet").failed(3), @r#"
    error[3]: t.csv, line 3: 1 field where the header has 2
      expected: 2 fields
      found: 1 field: "2"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    assert_eq!(place.list("."), ["t.csv"], "nothing is left behind");
}

#[test]
fn bad_rows_can_be_skipped() {
    let mut table = iris();
    table.extend_from_slice(b"1,2\n");
    let place = Place::new().with("iris.csv", table);
    let end = place.run(&format!("{SHORT} --on-bad-row skip"));
    assert!(end.code == 0 && end.err.contains("1 of 151 rows skipped"), "{}", end.err);
}

#[test]
fn a_damaged_first_model_is_an_error_of_the_model() {
    let place = place().with("m.safetensors", "no model at all");
    let end = place.run(&format!("{SHORT} --quiet --set train.init_from=m.safetensors"));
    insta::assert_snapshot!(end.failed(4), @"
    error[4]: m.safetensors: not a safetensors file
      found: a text file, such as CSV, TOML or JSON
      help: give a run directory, or a model.safetensors that backprop wrote
    ");
}

/// Bad input 38.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_an_error_of_the_environment() {
    let end = place().run(&format!("{SHORT} --quiet --run-dir /proc/run"));
    insta::assert_snapshot!(end.failed(5), @"error[5]: /proc/run: cannot make the run directory: no such file or directory");
}

/// Bad input 40.
#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_the_last_finite_checkpoint_stays() {
    let place = place();
    let rate = "--set train.optimizer={type=\"sgd\",learning_rate=1e30}";
    let message = place.run(&format!("{SHORT} --quiet --run-dir r {rate}")).failed(6);
    for word in ["error[6]: step ", "not finite", "learning rate", "rows ", "help: a smaller"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn a_run_goes_on_as_it_began_or_not_at_all() {
    let place = place();
    place.run(&format!("{SHORT} --run-dir r")).worked();
    let end = place.run("train --resume --run-dir r --set train.batch_size=7 --quiet");
    assert_eq!(end.code, 2, "{}", end.err);
    assert!(
        end.err.contains("expected: batch_size = 32") && end.err.contains("found: batch_size = 7"),
        "{}",
        end.err
    );
    // The last key of all, which the run has none of.
    let config = bytes(&place, "r/config.toml");
    let from =
        place.run("train --resume --run-dir r --set train.epochs=4 --set train.init_from=other --quiet");
    insta::assert_snapshot!(from.failed(2), @r#"
    error[2]: --resume: a run goes on as it began, and this setting would change it
      expected: no init_from
      found: init_from = "other"
      help: train.epochs, max_steps, early_stopping, log_every_steps, checkpoint_every_steps, sample and threads may change; for anything else start a new run, with train.init_from to keep these weights
    "#);
    assert!(bytes(&place, "r/config.toml") == config);
    let end = place.run("train --resume --run-dir r");
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("note: nothing is left to do after epoch 3: all epochs done"), "{}", end.err);
}

#[test]
fn a_test_table_that_does_not_fit_is_told_before_training() {
    let place = place();
    let place = place.with("odd.csv", "a,b\n1,2\n");
    let end = place.run(&format!("{SHORT} --set data.test=odd.csv"));
    assert_eq!(end.code, 3, "{}", end.err);
    assert!(!end.err.contains("epoch 1"), "{}", end.err);
    assert_eq!(place.list("."), ["iris.csv", "odd.csv"], "no run directory is left");
}

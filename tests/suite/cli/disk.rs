//! Bad input 37: a file that cannot be written whole. Here the limit on the size of files stands for a full disk.

use std::fs;

use super::{Ended, Place, iris, rows};

/// Runs `backprop` where no file may be larger than `blocks` of 512 bytes (1024 in some shells).
fn limited(place: &Place, blocks: u32, line: &str) -> Ended {
    let binary = env!("CARGO_BIN_EXE_backprop");
    let script = format!("ulimit -f {blocks} && exec {binary} {line}");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(place.path()).output();
    Ended::of(&output.expect("sh runs"))
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_last_one() {
    let place = Place::new().with("iris.csv", iris());
    let line = "train --data iris.csv --target species --run-dir r --set train.epochs=2";
    place.run(line).worked();
    let checkpoint = || fs::read(place.path().join("r/checkpoints/last.safetensors")).expect("a checkpoint");
    let before = checkpoint();
    let end = limited(&place, 16, "train --resume --run-dir r --set train.epochs=9 --quiet");
    insta::assert_snapshot!(end.failed(5), @"
    error[5]: r/model.safetensors: cannot write: the file would grow over the size limit
      help: see: ulimit -f
    ");
    assert!(checkpoint() == before);
    assert_eq!(place.list("r/checkpoints"), ["last.safetensors"]);
    let files: Vec<String> = place.list("r").into_iter().filter(|name| name != ".lock").collect();
    assert_eq!(files, ["checkpoints", "config.toml", "metrics.jsonl", "model.safetensors"]);
    let metrics = fs::read_to_string(place.path().join("r/metrics.jsonl")).expect("metrics");
    assert!(metrics.ends_with('\n'));
    for line in metrics.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("a complete line");
    }
}

#[test]
fn predictions_that_do_not_fit_leave_no_file() {
    let place = rows::place();
    let files = place.list(".");
    insta::assert_snapshot!(limited(&place, 1, "predict m.safetensors iris.csv -o out.csv --quiet").failed(5), @"
    error[5]: out.csv: cannot write: the file would grow over the size limit
      help: see: ulimit -f
    ");
    assert_eq!(place.list("."), files);
}

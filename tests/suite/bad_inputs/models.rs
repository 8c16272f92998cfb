//! Bad inputs 32 to 35: model files. Exit code 4.

use std::fs;

use sha2::{Digest, Sha256};

use super::new_rows::MODEL;
use super::{failed, table};
use crate::cli::Place;

const ROWS: &str = "size,colour,shape\n1,red,disc\n";

/// What predicting with these bytes as the model says.
#[track_caller]
fn predict(model: impl AsRef<[u8]>) -> String {
    let place = Place::new().with("m.safetensors", model).with("t.csv", ROWS);
    let message = failed(&place, "predict m.safetensors t.csv -o out.csv");
    assert_eq!(failed(&place, "eval m.safetensors t.csv"), message, "eval says the same");
    message
}

/// A safetensors file as another tool writes it.
fn foreign(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The good model after `change`, with the hash that belongs to it.
fn rehashed(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = MODEL.clone();
    change(&mut bytes);
    let at = find(&bytes, b"backprop.sha256\":\"");
    bytes[at..at + 64].fill(b'0');
    let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    bytes[at..at + 64].copy_from_slice(hash.as_bytes());
    bytes
}

/// Behind the first place where `part` stands.
fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|w| w == part).expect("it is there") + part.len()
}

#[test]
fn input_32_damaged_files() {
    insta::assert_snapshot!(predict(""), @"
    exit 4
    error[4]: m.safetensors: the file is empty
      help: give a run directory, or a model.safetensors that backprop wrote
    ");
    let cut = predict(&MODEL[..MODEL.len() - 100]);
    assert!(cut.starts_with("exit 4\nerror[4]: m.safetensors: the file is cut short\n  expected: "), "{cut}");
    let mut flipped = MODEL.clone();
    let middle = flipped.len() - 50;
    flipped[middle] ^= 4;
    insta::assert_snapshot!(predict(flipped), @"
    exit 4
    error[4]: m.safetensors: the content hash does not match: some bytes have changed
      help: the file is damaged: copy it again, or train again
    ");
    let mut zeroed = MODEL.clone();
    let end = zeroed.len() - 64;
    zeroed[end..].fill(0);
    insta::assert_snapshot!(predict(zeroed), @"
    exit 4
    error[4]: m.safetensors: the content hash does not match: some bytes have changed
      help: the file is damaged: copy it again, or train again
    ");
    insta::assert_snapshot!(predict(vec![0; MODEL.len()]), @"
    exit 4
    error[4]: m.safetensors: the file starts with zeros where the length of its header should be
      help: the file is damaged: copy it again, or train again
    ");
}

#[test]
fn input_32_the_newest_good_checkpoint_is_named() {
    let place = Place::new().with("t.csv", table(""));
    place.run("train --data t.csv --target y --quiet --set train.epochs=2 --run-dir runs/a").worked();
    let model = fs::read(place.path().join("runs/a/model.safetensors")).expect("a model");
    let place = place.with("runs/a/model.safetensors", &model[..model.len() / 2]);
    let files = place.list("runs/a");
    let message = failed(&place, "predict runs/a t.csv");
    let help = message.lines().next_back().unwrap_or_default();
    insta::assert_snapshot!(help, @"  help: the newest good file of this run is runs/a/checkpoints/last.safetensors; backprop train --resume --run-dir runs/a");
    assert_eq!(place.list("runs/a"), files);
    let checkpoint = "runs/a/checkpoints/last.safetensors";
    let place = place.with(checkpoint, "").with("runs/a/model.safetensors", &model);
    insta::assert_snapshot!(failed(&place, "train --resume --run-dir runs/a"), @"
    exit 4
    error[4]: runs/a/checkpoints/last.safetensors: the file is empty
      help: the model of this run is runs/a/model.safetensors
    ");
    assert!(fs::read(place.path().join("runs/a/model.safetensors")).expect("a model") == model);
}

#[test]
fn input_33_header_lengths_that_no_memory_can_hold() {
    for length in [u64::MAX, 100_000_001] {
        let mut bytes = MODEL.clone();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        let message = predict(bytes);
        if length == u64::MAX {
            insta::assert_snapshot!(message, @"
            exit 4
            error[4]: m.safetensors: not a safetensors file, or a damaged one: its header is too long
              expected: at most 100000000 bytes
              found: 18446744073709551615 bytes
              help: get the file again, or train again
            ");
        }
        assert!(message.starts_with("exit 4\n"), "{message}");
    }
}

#[test]
fn input_34_headers_that_lie() {
    let one =
        |shape: &str, offsets: &str| format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#);
    let two = |first: &str, second: &str| {
        let header = format!(r#"{{"a":{},"b":{}}}"#, one("[2]", first), one("[2]", second));
        predict(foreign(&header, &[0; 16]))
    };
    insta::assert_snapshot!(two("[0,8]", "[4,12]"), @r#"
    exit 4
    error[4]: m.safetensors: the bytes of "a" and tensor "b" overlap
      expected: "b" to start at byte 8
      found: 4
      help: get the file again, or train again
    "#);
    insta::assert_snapshot!(two("[0,8]", "[12,20]"), @r#"
    exit 4
    error[4]: m.safetensors: the bytes of "a" and tensor "b" leave a gap
      expected: "b" to start at byte 8
      found: 12
      help: get the file again, or train again
    "#);
    let single = |name: &str, tensor: String| format!(r#"{{"{name}":{tensor}}}"#);
    insta::assert_snapshot!(predict(foreign(&single("a", one("[2]", "[0,8]")), &[0; 9])), @"
    exit 4
    error[4]: m.safetensors: there are bytes after the last tensor
      expected: 70 bytes
      found: 71 bytes
      help: the file is damaged: copy it again, or train again
    ");
    let overflow = one("[9223372036854775807,9]", "[0,8]");
    insta::assert_snapshot!(predict(foreign(&single("a", overflow), &[0; 8])), @r#"
    exit 4
    error[4]: m.safetensors: tensor "a" has a shape that no memory can hold
      found: [9223372036854775807, 9]
      help: get the file again, or train again
    "#);
    let twice = format!(r#"{{"a":{0},"a":{0}}}"#, one("[2]", "[0,8]"));
    insta::assert_snapshot!(predict(foreign(&twice, &[0; 8])), @r#"
    exit 4
    error[4]: m.safetensors: the header is damaged
      found: the name "a" is there twice at line 1 column 107
      help: get the file again, or train again
    "#);
}

#[test]
fn input_35_good_files_that_are_no_model_for_this() {
    let newer = rehashed(|bytes| {
        let at = find(bytes, b"backprop.format\":\"");
        bytes[at] = b'7';
    });
    insta::assert_snapshot!(predict(newer), @"
    exit 4
    error[4]: m.safetensors: the file was written by a newer version of backprop
      expected: format 1 or older
      found: format 7
      help: update backprop
    ");
    let nan = rehashed(|bytes| {
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    insta::assert_snapshot!(predict(nan), @r#"
    exit 4
    error[4]: m.safetensors: tensor "output.bias" holds a number that is not finite
      found: NaN at element 1 of [2]
      help: get the file again, or train again
    "#);
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    insta::assert_snapshot!(predict(foreign(header, &[0; 8])), @"
    exit 4
    error[4]: m.safetensors: these are weights alone, without the network that they belong to
      expected: a model.safetensors that backprop wrote
      help: name the network in a config and set train.init_from to this file
    ");
}

#[test]
fn input_35_first_weights_of_another_network() {
    let place = Place::new().with("t.csv", table("")).with("m.safetensors", &*MODEL);
    let line = "train --data t.csv --target y --quiet --set train.init_from=m.safetensors";
    insta::assert_snapshot!(failed(&place, line), @r#"
    exit 4
    error[4]: train.init_from: the targets are not those of the model
      expected: "income"
      found: "y"
      help: set data.target, and of forecasts data.windows.horizon, as the model had them
    error[4]: train.init_from: the columns of the input "features" are not those of the model
      expected: "size", "colour", "shape"
      found: "a", "b"
      help: give the columns the names that the model has for them
    "#);
}

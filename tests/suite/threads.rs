//! The same seed gives the same model file, byte for byte, with any number of threads.

use std::fs;
use std::path::Path;
use std::process::Command;

fn model(folder: &Path, name: &str, threads: &str, extra: &[&str]) -> Vec<u8> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/digits.csv");
    let run_dir = folder.join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_backprop"))
        .args([
            "train",
            "--quiet",
            "--target",
            "digit",
            "--threads",
            threads,
            "--set",
            "train.epochs=3",
            "--data",
        ])
        .arg(data)
        .arg("--run-dir")
        .arg(&run_dir)
        .args(extra)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(run_dir.join("model.safetensors")).expect("a model")
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Wide enough that every stage forks, with ops of every kind of split.
    let layers = r#"model.layers=[{type="linear",out_features=256},{type="batch_norm",activation="relu"},{type="dropout",p=0.2},{type="layer_norm"},{type="linear",out_features=256,activation="gelu"}]"#;
    let extra = ["--set", layers, "--set", "train.batch_size=256", "--set", "train.clip_grad_norm=1.0"];
    let one = model(folder.path(), "one", "1", &extra);
    assert!(one == model(folder.path(), "again", "1", &extra), "two runs differ");
    assert!(one == model(folder.path(), "two", "2", &extra), "one thread and two differ");
    assert!(one == model(folder.path(), "three", "3", &extra), "one thread and three differ");
    let other = model(folder.path(), "seed", "1", &[&extra[..], &["--set", "seed=1"]].concat());
    assert!(one != other, "another seed gives another model");
}

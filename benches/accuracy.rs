//! Accuracy of training without a config: mean of ten seeds, four fifths of the rows to train on, one fifth to test.
//! The splits are scikit-learn's, written by `accuracy/make_splits.py`, so that figures can be compared.
//!
//! `cargo bench --bench accuracy` prints the table of the README. Run by `cargo test` it checks one seed of one table.

use std::fs;
use std::path::Path;

use backprop::checkpoint::Existing;
use backprop::config::{Config, registries};
use backprop::spec::{Setting, Value};
use backprop::train::{Job, Silent, Stop, train};

/// File, target, metric, and scikit-learn's MLP on standardised inputs and the same splits.
const TABLES: [(&str, &str, &str, f64); 5] = [
    ("iris", "species", "accuracy", 0.953),
    ("wine", "cultivar", "accuracy", 0.983),
    ("breast_cancer", "diagnosis", "accuracy", 0.979),
    ("digits", "digit", "accuracy", 0.979),
    ("diabetes", "progression", "r2", 0.171),
];

fn main() {
    let benching = std::env::args().any(|a| a == "--bench");
    if !benching {
        let figure = one("iris", "species", "accuracy", 0);
        assert!(figure > 0.85, "iris, seed 0: {figure}");
        println!("iris, seed 0: {figure:.3}");
        return;
    }
    println!("{:14}  {:8}  {:>8}  {:>12}", "table", "metric", "backprop", "scikit-learn");
    for (name, target, metric, reference) in TABLES {
        let sum: f64 = (0..10).map(|seed| one(name, target, metric, seed)).sum();
        println!("{name:14}  {metric:8}  {:8.3}  {reference:12.3}", sum / 10.0);
    }
}

/// The test figure of one seed.
fn one(name: &str, target: &str, metric: &str, seed: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(format!("{name}.csv"));
    let text = fs::read_to_string(data).expect("a table of this repository");
    let (header, rows) = text.split_once('\n').expect("a header");
    let rows: Vec<&str> = rows.lines().collect();
    let splits: serde_json::Value = serde_json::from_str(include_str!("accuracy/splits.json")).expect("JSON");
    let test = splits[name][seed as usize].as_array().expect("test rows of each seed");
    let test_rows: Vec<usize> = test.iter().filter_map(|row| row.as_u64()).map(|row| row as usize).collect();
    let train_rows: Vec<usize> = (0..rows.len()).filter(|row| !test_rows.contains(row)).collect();
    let write = |file: &str, part: &[usize]| {
        let lines: Vec<&str> = part.iter().map(|&row| rows[row]).collect();
        let path = folder.path().join(file);
        fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).expect("a file can be written");
        Value::Str(path.to_string_lossy().into_owned())
    };
    let settings = [
        Setting::flag("--data", "data.train", write("train.csv", &train_rows)),
        Setting::flag("--test", "data.test", write("test.csv", &test_rows)),
        Setting::flag("--target", "data.target", Value::Str(target.into())),
        Setting::flag("--seed", "seed", Value::Int(seed as i64)),
    ];
    let config = Config::from_flags(&settings, registries()).expect("a good config");
    let run_dir = folder.path().join("run");
    let job = Job { config, run_dir: Some(run_dir.clone()), name: name.into(), existing: Existing::Refuse };
    train(job, &mut Silent, &Stop::new()).expect("training ends well");
    let log = fs::read_to_string(run_dir.join("metrics.jsonl")).expect("a log");
    let test = log.lines().rfind(|line| line.contains("\"split\":\"test\"")).expect("a test row");
    let row: serde_json::Value = serde_json::from_str(test).expect("a JSON object");
    row[metric].as_f64().expect("a number")
}

//! Numbers that are not finite: they end a run (6) or a command that uses a model (4), and are never kept.

mod better;
mod models;
mod training;

use std::fs;

use backprop::checkpoint::{Data, ModelFile, Tensor};

use crate::cli::{Place, iris};

/// Gradient descent at a rate that stays as it is.
pub(super) fn sgd(rate: &str) -> String {
    format!("--set train.optimizer={{type=\"sgd\",learning_rate={rate}}} --set train.schedule.type=constant")
}

/// A small language model.
pub(super) const TEXT: &str = "train --text a.txt --run-dir r --quiet --set data.context=8 --set \
                               model.layers=[{type=\"embedding\",embedding_dim=8},{type=\"lstm\",hidden_size=8}]";

/// A directory with the tables and a text.
pub(super) fn place() -> Place {
    let data = |name: &str| {
        fs::read(format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a table of the crate")
    };
    Place::new()
        .with("iris.csv", iris())
        .with("diabetes.csv", data("diabetes.csv"))
        .with("a.txt", "Call me Ishmael. Some years ago, never mind how long. ".repeat(20))
}

/// The first `rows` rows of the table of diabetes, with another text in field `field` of row `row`, both from 0.
pub(super) fn diabetes(place: &Place, rows: usize, row: usize, field: usize, text: &str) -> String {
    let table = fs::read_to_string(place.path().join("diabetes.csv")).expect("a table");
    let lines = table.lines().take(1 + rows).enumerate().map(|(i, line)| {
        let mut fields: Vec<&str> = line.split(',').collect();
        if i == row + 1 {
            fields[field] = text;
        }
        fields.join(",") + "\n"
    });
    lines.collect()
}

/// Whether a run left a model.
pub(super) fn has_model(place: &Place, run: &str) -> bool {
    place.path().join(run).join("model.safetensors").exists()
}

/// The rows of the log of a run.
pub(super) fn log(place: &Place, run: &str) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(place.path().join(run).join("metrics.jsonl")).expect("a log");
    log.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

/// Changes the numbers of a tensor of a model, and writes it whole again.
pub(super) fn change(place: &Place, file: &str, name: &str, number: impl Fn(usize, f32) -> f32) {
    let path = place.path().join(file);
    let model = ModelFile::read(&path).expect("a model");
    let change = |tensor: &Tensor<'_>| {
        let numbers = tensor.data.to_f32();
        let own = tensor.name == name;
        let numbers = numbers.iter().enumerate().map(|(i, &x)| if own { number(i, x) } else { x });
        let data = Data::F32(numbers.collect::<Vec<f32>>().into());
        Tensor { name: tensor.name.clone(), shape: tensor.shape.clone(), data }
    };
    let tensors = model.tensors.iter().map(change).collect();
    ModelFile { metadata: model.metadata.clone(), tensors }.write(&path).expect("written");
}

//! Twenty layers: with residual blocks they train, without them the same depth stalls.

use std::fmt::Write;

use crate::cli::Place;

/// Two arms of a spiral, fifty points each.
fn spirals() -> String {
    let mut csv = "x,y,arm\n".to_owned();
    for (arm, turn) in [("a", 0.0), ("b", std::f64::consts::PI)] {
        for i in 0..50 {
            let radius = f64::from(i) / 50.0;
            let angle = radius * 1.5 * std::f64::consts::PI + turn;
            writeln!(csv, "{},{},{arm}", radius * angle.cos(), radius * angle.sin()).expect("a string grows");
        }
    }
    csv
}

/// The loss of the last epoch of twenty times `block` at width 16, each with PyTorch's first weights.
fn last_loss(block: &str, seed: u64) -> f64 {
    let config = format!(
        r#"
seed = {seed}
[data]
train = "spirals.csv"
target = "arm"
validation = 0.0
[model]
layers = [
  {{ type = "linear", out_features = 16 }},
  {{ type = "repeat", times = 20, layers = [{block}] }},
]
[train]
epochs = 300
batch_size = 100
loss = {{ type = "cross_entropy", label_smoothing = 0.0 }}
optimizer = {{ type = "adam", learning_rate = 1e-3 }}
"#
    );
    let place = Place::new().with("spirals.csv", spirals()).with("deep.toml", config);
    place.run("train deep.toml --run-dir run --quiet").worked();
    let metrics = std::fs::read_to_string(place.path().join("run/metrics.jsonl")).expect("metrics");
    let train = metrics.lines().rfind(|l| l.contains(r#""split":"train""#)).expect("a line of training");
    let row: serde_json::Value = serde_json::from_str(train).expect("JSON");
    row["loss"].as_f64().expect("a finite loss")
}

#[test]
fn twenty_layers_train_with_residuals_and_stall_without() {
    let linear = r#"{ type = "linear", out_features = 16, activation = "relu" }"#;
    let residual = format!(r#"{{ type = "residual", layers = [{linear}] }}"#);
    for seed in [0, 1] {
        let (plain, deep) = (last_loss(linear, seed), last_loss(&residual, seed));
        // ln 2 is the loss of a network that tells every point the same.
        assert!(plain > 0.69, "seed {seed}: without residuals the loss falls to {plain}");
        assert!(deep < 0.1, "seed {seed}: with residuals the loss stays at {deep}");
    }
}

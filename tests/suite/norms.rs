//! Norms and gates of channels in whole networks: batches that have no variance, and what does not fit.

use backprop::graph::Graph;
use backprop::layers::{Input, Output, build};
use backprop::ops::LOSSES;
use backprop::spec::Values;

use crate::cli::Place;
use crate::gradients::layers;

/// Trains on `rows` rows of two columns and of an image [1, 1, 2] made of them; the last line of the metrics.
fn train(rows: usize, layers: &str, settings: &str) -> (i32, String, Option<serde_json::Value>) {
    let mut csv = "p0,p1,y\n".to_owned();
    for i in 0..rows {
        csv.push_str(&format!("{}.5,{},{}\n", i, (i * 7) % 5, i * i));
    }
    let config = format!(
        r#"
[data]
train = "t.csv"
target = "y"
validation = 0.0
[data.columns.y]
type = "number"
[data.inputs.image]
columns = ["p0", "p1"]
shape = [1, 1, 2]
[model]
layers = [{layers}]
[train]
epochs = 2
{settings}
"#
    );
    let place = Place::new().with("t.csv", csv).with("c.toml", config);
    let ended = place.run("train c.toml --run-dir run --quiet");
    let metrics = std::fs::read_to_string(place.path().join("run/metrics.jsonl")).unwrap_or_default();
    let last = metrics.lines().rfind(|l| l.contains(r#""split":"train""#));
    (ended.code, ended.err, last.map(|l| serde_json::from_str(l).expect("JSON")))
}

const TABLE: &str =
    r#"{ type = "flatten" }, { type = "linear", out_features = 3 }, { type = "batch_norm", name = "norm" }"#;
const IMAGE: &str = r#"{ type = "batch_norm" }, { type = "flatten" }"#;

#[test]
fn batches_of_one_row_over_columns_are_refused_before_training() {
    let (code, error, _) = train(9, TABLE, "batch_size = 1");
    assert_eq!(code, 2);
    insta::assert_snapshot!(error, @r#"
    error[2]: train.batch_size: layer "norm" needs batches of more than one row: one value has no variance
      expected: 2 or more
      found: 1
      help: set train.batch_size = 2 or more; or use layer_norm, which needs no batch
    "#);
    let (code, error, _) = train(9, TABLE, "batch_size = 1\naccumulate_steps = 4");
    assert_eq!((code, error.lines().count()), (2, 4), "{error}");
}

#[test]
fn an_image_has_a_variance_of_its_own() {
    for settings in ["batch_size = 1", "batch_size = 4", "batch_size = 2\naccumulate_steps = 2"] {
        let (code, error, last) = train(9, IMAGE, settings);
        assert_eq!(code, 0, "{error}");
        let last = last.expect("metrics");
        assert!(last["loss"].as_f64().is_some_and(f64::is_finite), "{last}");
        let steps = if settings == "batch_size = 1" { 18 } else { 6 };
        assert_eq!(last["step"], steps, "{settings}");
    }
}

#[test]
fn a_last_batch_of_one_row_over_columns_is_left_out() {
    for (settings, steps) in
        [("batch_size = 4", 4), ("batch_size = 2\naccumulate_steps = 2", 4), ("batch_size = 3", 6)]
    {
        let (code, error, last) = train(9, TABLE, settings);
        assert_eq!(code, 0, "{error}");
        let last = last.expect("metrics");
        assert!(last["loss"].as_f64().is_some_and(f64::is_finite), "{last}");
        assert_eq!(last["step"], steps, "{settings}");
    }
}

/// The graph of some layers over two images `image` and `other`, [4, 5, 3] and [2, 5, 3] with their channels first.
fn graph(list: &str) -> Graph {
    let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
    let output = Output { loss, loss_values: Values::default(), outputs: 1, class_weights: None };
    let mut inputs = vec![Input::numbers("image", [4, 5, 3])];
    if list.contains("other") {
        inputs.push(Input::numbers("other", [2, 5, 3]));
    }
    build(&inputs, &layers(list), None, &output).unwrap_or_else(|e| panic!("{e:?}")).graph
}

/// Each op with the shape of its output.
fn ops(graph: &Graph) -> Vec<String> {
    graph.nodes.iter().map(|n| format!("{} {}", n.op.name(), graph.shape(n.output))).collect()
}

#[test]
fn a_squeeze_and_excitation_is_what_a_config_can_write_out() {
    let layer = r#"[{ type = "conv2d", name = "x", input = "image", out_channels = 32, kernel_size = 1 },
        { type = "squeeze_excitation" }, { type = "flatten" }]"#;
    let written = r#"[{ type = "conv2d", name = "x", input = "image", out_channels = 32, kernel_size = 1 },
        { type = "global_avg_pool" }, { type = "linear", out_features = 2, activation = "relu" },
        { type = "linear", name = "gate", out_features = 32, activation = "sigmoid" },
        { type = "mul", input = ["x", "gate"] }, { type = "flatten" }]"#;
    let (layer, written) = (graph(layer), graph(written));
    assert_eq!(ops(&layer), ops(&written));
    let names: Vec<&str> = layer.params.iter().map(|t| t.name.as_str()).collect();
    assert!(names.contains(&"squeeze_excitation_1.fc1.weight"), "{names:?}");
    assert!(names.contains(&"squeeze_excitation_1.fc2.bias"), "{names:?}");
}

#[test]
fn images_are_joined_by_channels_and_added_place_by_place() {
    let joined = graph(r#"[{ type = "concat", input = ["image", "other"] }, { type = "flatten" }]"#);
    assert!(ops(&joined).contains(&"concat [5, 3, 6]".to_owned()), "{:?}", ops(&joined));
    let added = r#"[{ type = "conv2d", name = "a", input = "other", out_channels = 4, kernel_size = 1 },
        { type = "add", input = ["a", "image"] }, { type = "flatten" }]"#;
    assert!(ops(&graph(added)).contains(&"add [5, 3, 4]".to_owned()), "{:?}", ops(&graph(added)));
}

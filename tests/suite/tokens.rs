//! Sequences of tokens in, a target for each step out: shapes, tied weights and their gradients, and what does not fit.

use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::graph::{Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Branched, Carry, Input, Misfit, Output, OutputLayer, build_branched};
use backprop::ops::LOSSES;
use backprop::spec::{Value, Values};
use backprop::tensor::Key;

use crate::gradients::layers;

const STEPS: usize = 5;
const TOKENS: usize = 7;
const ROWS: usize = 3;

fn next_token(tied: bool) -> OutputLayer {
    let loss = LOSSES.iter().find(|l| l.name == "cross_entropy").expect("a loss");
    let loss_values = Values::defaults(loss.keys);
    let output = Output { loss, loss_values, outputs: TOKENS, class_weights: None };
    OutputLayer { steps: true, tied, ..OutputLayer::only(output) }
}

fn network(list: &str, output: OutputLayer) -> Result<Branched, Misfit> {
    let inputs = [Input::tokens("text", STEPS, TOKENS, false)];
    build_branched(&inputs, &layers(list), None, &[output], Carry::Fresh)
}

fn refused(list: &str, output: OutputLayer) -> String {
    let problem = network(list, output).expect_err(list).problem;
    format!(
        "{}: {} | {:?} | {:?} | {:?}",
        problem.place, problem.what, problem.expected, problem.found, problem.help
    )
}

#[test]
fn each_step_has_a_target_a_weight_and_a_loss() {
    let network =
        network(r#"[{ type = "embedding", embedding_dim = 4 }]"#, next_token(false)).expect("it fits");
    let (graph, port) = (&network.graph, network.outputs[0]);
    assert_eq!(graph.shape(port.output).axes(), [STEPS, TOKENS]);
    for value in [port.target, port.row_weight, port.loss] {
        assert_eq!(graph.shape(value).axes(), [STEPS]);
    }
    assert!(network.position.is_none());
}

#[test]
fn a_tied_weight_is_one_tensor_with_the_gradients_of_both_its_uses() {
    let list = r#"[{ type = "embedding", embedding_dim = 4 }, { type = "linear", out_features = 4, activation = "tanh" }]"#;
    let network = network(list, next_token(true)).expect("it fits");
    let graph = Arc::new(network.graph);
    let names: Vec<&str> = graph.params.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["embedding_0.weight", "linear_1.weight", "linear_1.bias", "output.bias"]);
    let mut machine: Machine<Cpu<f64>> = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, ROWS)]);
    let port = network.outputs[0];
    let key = Key::new(3);
    machine.params_mut().iter_mut().enumerate().for_each(|(i, x)| *x = key.normal(i as u64));
    for (name, id) in [("tokens", network.inputs[0]), ("target", port.target)] {
        let own = key.named(name);
        let place = machine.input_mut(0, id, ROWS);
        place.iter_mut().enumerate().for_each(|(i, x)| *x = (own.bits(i as u64) % TOKENS as u64) as f64);
    }
    let weights: Vec<f64> = (0..ROWS * STEPS).map(|i| if i % 4 == 3 { 0.0 } else { 0.1 }).collect();
    machine.input_mut(0, port.row_weight, ROWS).copy_from_slice(&weights);
    let loss = |machine: &mut Machine<Cpu<f64>>| -> f64 {
        machine.run(0, Pass { rows: ROWS, key: Key::new(0), accumulate: false });
        machine.output(0, port.loss, ROWS).iter().zip(&weights).map(|(l, w)| l * w).sum()
    };
    loss(&mut machine);
    let analytic = machine.grads().to_vec();
    for (i, &analytic) in analytic.iter().enumerate() {
        let before = machine.params()[i];
        let mut at = |x: f64| {
            machine.params_mut()[i] = x;
            loss(&mut machine)
        };
        let numeric = (at(before + 1e-5) - at(before - 1e-5)) / 2e-5;
        machine.params_mut()[i] = before;
        assert!((analytic - numeric).abs() < 1e-8, "{i}: {analytic} {numeric}");
    }
}

/// Initializer, standard deviation and zero row of the first vectors of an embedding that names none.
fn first_vectors(input: Input, init: Option<&Value>, tied: bool) -> (String, Option<f64>, Option<usize>) {
    let list = layers(r#"[{ type = "embedding", embedding_dim = 4 }]"#);
    let network = build_branched(&[input], &list, init, &[next_token(tied)], Carry::Fresh).expect("it fits");
    let init = &network.graph.params[0].init;
    (init.name.clone(), init.values.has("std").then(|| init.values.f64("std")), init.zero_row)
}

#[test]
fn first_vectors_follow_the_model_and_are_small_where_they_are_the_outputs_weight() {
    let text = || Input::tokens("text", STEPS, TOKENS, false);
    let normal = |std, zero_row| ("normal".to_owned(), Some(std), zero_row);
    assert_eq!(first_vectors(text(), None, false), normal(1.0, None));
    assert_eq!(first_vectors(text(), None, true), normal(0.5, None));
    assert_eq!(first_vectors(text().unknown(Some(3)), None, false), normal(1.0, Some(3)));
    let init = Value::Table(vec![("type".into(), Value::Str("xavier_uniform".into()))]);
    assert_eq!(first_vectors(text(), Some(&init), true).0, "xavier_uniform");
}

#[test]
fn an_embedding_of_numbers_is_told_what_it_can_read() {
    let inputs = [Input::numbers("age", [3]), Input::tokens("body", STEPS, TOKENS, false)];
    let list = layers(r#"[{ type = "embedding", input = "age" }]"#);
    let error =
        build_branched(&inputs, &list, None, &[next_token(false)], Carry::Fresh).expect_err("numbers");
    let expected = "a text, or a category column with encoding = \"embedding\"";
    assert_eq!(error.problem.expected.as_deref(), Some(expected));
    assert_eq!(error.problem.help.as_deref(), Some("name what it reads: input = \"body\""));
}

#[test]
fn what_does_not_fit_a_target_for_each_step_is_told() {
    let told =
        refused(r#"[{ type = "embedding", embedding_dim = 4 }, { type = "mean" }]"#, next_token(false));
    assert!(told.starts_with("layer \"mean_1\": it does not keep the steps"), "{told}");
    let told = refused(
        r#"[{ type = "embedding", embedding_dim = 4 }, { type = "linear", out_features = 9 }]"#,
        next_token(true),
    );
    assert!(
        told.contains("a last layer as wide as the embedding: 4") && told.contains("model.tie_weights"),
        "{told}"
    );
    let told = refused(r#"[{ type = "linear", out_features = 9 }]"#, next_token(false));
    assert!(told.contains("put an embedding before it"), "{told}");
    let one = OutputLayer { steps: false, ..next_token(false) };
    let told = refused(r#"[{ type = "embedding", embedding_dim = 4 }]"#, one);
    assert!(told.contains("put a layer mean, max, last"), "{told}");
    let embedded = |more: &str| {
        refused(&format!("[{{ type = \"embedding\", embedding_dim = 4 }}, {more}]"), next_token(false))
    };
    let lost = "it does not keep the steps, and the target has a value for each of them";
    let told = embedded(r#"{ type = "mean" }, { type = "linear", out_features = 3 }"#);
    let help = "leave out the layers that reduce the steps to one, such as mean, max, last and flatten";
    assert_eq!(
        told,
        format!(
            "layer \"mean_1\": {lost} | Some(\"5 steps\") | Some(\"one row of numbers [4]\") | Some({help:?})"
        )
    );
    // The first of them, in its block.
    let pool = r#"{ type = "repeat", times = 2, layers = [{ type = "avg_pool1d", kernel_size = 2 }] }"#;
    let told = embedded(&format!(r#"{{ type = "linear", out_features = 3 }}, {pool}"#));
    let layer = "layer \"repeat_2.0.avg_pool1d_0\"";
    assert!(told.starts_with(&format!("{layer}: {lost} | Some(\"5 steps\") | Some(\"2 steps\")")), "{told}");
    let told = embedded(r#"{ type = "conv2d", out_channels = 2, kernel_size = 3 }"#);
    assert!(told.contains("its input is a series, steps x channels: take conv1d, max_pool1d"), "{told}");
    let told = refused(r#"[{ type = "conv1d", out_channels = 2, kernel_size = 3 }]"#, next_token(false));
    assert!(told.contains("put { type = \\\"embedding\\\", embedding_dim = 64 } before it"), "{told}");
}

/// Positions are as large as the vectors that they are added to, which say little beside larger ones.
#[test]
fn positions_are_as_small_as_tied_embeddings() {
    let first = |tied: bool| {
        let list =
            layers(r#"[{ type = "embedding", embedding_dim = 4 }, { type = "positional_embedding" }]"#);
        let input = Input::tokens("text", STEPS, TOKENS, false);
        let network =
            build_branched(&[input], &list, None, &[next_token(tied)], Carry::Fresh).expect("it fits");
        network.graph.params[..2].iter().map(|t| t.init.values.f64("std")).collect::<Vec<_>>()
    };
    assert_eq!((first(false), first(true)), (vec![1.0; 2], vec![0.5; 2]));
    let waves = |tied: bool| {
        let list = layers(
            r#"[{ type = "embedding", embedding_dim = 4 }, { type = "positional_embedding", kind = "sinusoidal" }]"#,
        );
        let input = Input::tokens("text", STEPS, TOKENS, false);
        let network =
            build_branched(&[input], &list, None, &[next_token(tied)], Carry::Fresh).expect("it fits");
        network.graph.constants.iter().flatten().copied().fold(0.0, f64::max)
    };
    assert_eq!((waves(false), waves(true)), (1.0, 0.5));
}

//! Mixup: two losses over one output, and training with it.

use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::graph::{Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Carry, Input, Output, OutputLayer, build_branched};
use backprop::ops::{LOSSES, LossEntry};
use backprop::spec::Values;
use backprop::tensor::Key;
use serde_json::json;

use crate::cli::{Place, iris};
use crate::fixture::layers;

const ROWS: usize = 6;

/// Gradients of the two losses with these weights, each with a target of its own.
fn gradient(loss: &'static LossEntry, weights: [f64; 2]) -> Vec<f64> {
    let output = Output { loss, loss_values: Values::defaults(loss.keys), outputs: 3, class_weights: None };
    let end = OutputLayer { mixed: true, ..OutputLayer::only(output) };
    let list = layers(&json!([{ "type": "linear", "out_features": 4, "activation": "tanh" }]));
    let network =
        build_branched(&[Input::numbers("x", [5])], &list, None, &[end], Carry::Fresh).expect("a network");
    let port = network.outputs[0];
    let mixed = port.mixed.expect("a second loss");
    let plan = [PlanOptions::new(Mode::Train, ROWS)];
    let mut machine: Machine<Cpu<f64>> = Machine::new(Arc::new(network.graph), &plan);
    let normal = |part: &str, out: &mut [f64]| {
        let key = Key::new(9).named(part);
        out.iter_mut().enumerate().for_each(|(i, x)| *x = key.normal(i as u64));
    };
    normal("params", machine.params_mut());
    normal("x", machine.input_mut(0, network.inputs[0], ROWS));
    for (step, target) in [port.target, mixed.target].into_iter().enumerate() {
        let out = machine.input_mut(0, target, ROWS);
        out.iter_mut().enumerate().for_each(|(i, y)| *y = ((i + step * (i + 1)) % 2) as f64);
    }
    machine.input_mut(0, port.row_weight, ROWS).fill(weights[0]);
    machine.input_mut(0, mixed.row_weight, ROWS).fill(weights[1]);
    machine.run(0, Pass { rows: ROWS, key: Key::new(0), accumulate: false });
    machine.grads().to_vec()
}

#[test]
fn every_loss_has_its_part_of_the_gradient() {
    for loss in LOSSES {
        let (own, other) = (gradient(loss, [1.0, 0.0]), gradient(loss, [0.0, 1.0]));
        assert!(own != other && other.iter().any(|g| *g != 0.0), "{}", loss.name);
        for ((both, a), b) in gradient(loss, [0.7, 0.3]).iter().zip(&own).zip(&other) {
            assert!((both - (0.7 * a + 0.3 * b)).abs() < 1e-12, "{}: {both} {a} {b}", loss.name);
        }
    }
}

#[test]
fn mixed_training_is_the_same_on_any_threads_and_resumes() {
    let place = Place::new().with("iris.csv", iris());
    let all = "--data iris.csv --target species --quiet --set train.schedule=constant";
    let train = |run: &str, flags: &str| {
        place.run(&format!("train {all} --run-dir {run} {flags}")).worked();
        std::fs::read(place.path().join(format!("{run}/model.safetensors"))).expect("a model")
    };
    let whole = train("a", "--set train.epochs=6 --set train.mixup=0.4 --threads 1");
    assert!(whole == train("b", "--set train.epochs=6 --set train.mixup=0.4 --threads 3"));
    assert!(whole != train("c", "--set train.epochs=6"));
    train("d", "--set train.epochs=2 --set train.mixup=0.4");
    place.run("train --resume --quiet --run-dir d --set train.epochs=6").worked();
    let scores = |run: &str| place.run(&format!("eval {run} iris.csv --format json")).worked();
    assert_eq!(scores("a"), scores("d"));
    let accuracy =
        serde_json::from_str::<serde_json::Value>(&scores("a")).expect("JSON")["accuracy"].as_f64();
    assert!(accuracy.expect("a number") > 0.7, "{}", scores("a"));
}

#[test]
fn ids_and_several_outputs_are_mixed_too() {
    let row = |i: usize| {
        format!("{},{},{},{}\n", i % 17, ["x", "y", "z"][i % 3], ["p", "q"][i % 2], (i % 17) as f64 * 0.5)
    };
    let text = format!("a,city,kind,size\n{}", (0..120).map(row).collect::<String>());
    let place = Place::new().with("t.csv", text);
    let flags = "--set data.columns.city.encoding=embedding --set train.epochs=3 --set train.mixup=1.0";
    let run = "train --data t.csv --target kind --target size --quiet --run-dir r";
    place.run(&format!("{run} {flags}")).worked();
    let check = place.run(&format!("check --data t.csv --target kind --target size {flags}")).worked();
    assert!(!check.contains("mixed_"), "{check}");
}

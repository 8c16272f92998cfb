//! Fifty steps of a network of two outputs with weighted losses, and of one that gives a class to each token, as PyTorch makes them.

use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::graph::{Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Carry, Input, Output, OutputLayer, build_branched};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::Key;

use crate::fixture::{apart, apart_each, json, layers, numbers, path, tensors};

/// What differs from PyTorch's run in double precision, where the losses count `weights`.
fn misses(weights: [f64; 2]) -> Vec<String> {
    let (about, tensors) = (json(&path("outputs/two.json")), tensors(&path("outputs/two.safetensors")));
    let rows = about["batch_size"].as_u64().expect("a batch size") as usize;
    let rate = about["rate"].as_f64().expect("a learning rate");
    let names = ["kind", "mass"];
    let outputs = names.map(|name| {
        let own = &about["outputs"][name];
        let loss = LOSSES.iter().find(|l| own["loss"] == l.name).expect("a loss");
        let output = Output {
            loss,
            loss_values: Values::defaults(loss.keys),
            outputs: own["columns"].as_u64().expect("a width") as usize,
            class_weights: (!own["class_weights"].is_null()).then(|| numbers(&own["class_weights"])),
        };
        OutputLayer {
            name: Some(name.into()),
            input: own["input"].as_str().map(str::to_owned),
            ..OutputLayer::only(output)
        }
    });
    let list = layers(&about["layers"]);
    let network = build_branched(&[Input::numbers("x", [5])], &list, None, &outputs, Carry::Fresh)
        .expect("shapes that fit");
    let graph = Arc::new(network.graph);
    let mut machine: Machine<Cpu<f64>> = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, rows)]);
    for t in &graph.params {
        let place = &mut machine.params_mut()[t.offset..t.offset + t.shape.len()];
        place.copy_from_slice(&tensors[&format!("first.{}", t.name)]);
    }
    let expected = numbers(&about["losses"]);
    let mut losses = Vec::new();
    for step in 0..expected.len() {
        let batch = |name: &str, columns: usize| {
            let all = &tensors[name];
            let first = step * rows * columns % all.len();
            &all[first..first + rows * columns]
        };
        machine.input_mut(0, network.inputs[0], rows).copy_from_slice(batch("input.x", 5));
        for ((port, output), weight) in network.outputs.iter().zip(&outputs).zip(weights) {
            let name = format!("target.{}", output.name.as_deref().expect("a name"));
            let target = batch(&name, graph.shape(port.target).len());
            machine.input_mut(0, port.target, rows).copy_from_slice(target);
            let of_class = |weights: &Vec<f64>| target.iter().map(|&class| weights[class as usize]).sum();
            let total = output.output.class_weights.as_ref().map_or(rows as f64, of_class);
            machine.input_mut(0, port.row_weight, rows).fill(weight / total);
        }
        machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
        let of = |value| machine.output(0, value, rows);
        let sum = |port: &backprop::layers::Port| {
            of(port.loss).iter().zip(of(port.row_weight)).map(|(l, w)| l * w).sum::<f64>()
        };
        losses.push(network.outputs.iter().map(sum).sum());
        let (params, grads) = machine.params_and_grads();
        params.iter_mut().zip(grads).for_each(|(p, g)| *p -= rate * *g);
    }
    let mut off = vec![("losses".to_owned(), apart_each(&losses, &expected))];
    for t in &graph.params {
        let found = &machine.params()[t.offset..t.offset + t.shape.len()];
        off.push((t.name.clone(), apart(found, &tensors[&format!("final.{}", t.name)])));
    }
    off.retain(|(_, off)| off.is_nan() || *off > 1e-11);
    off.into_iter().map(|(what, off)| format!("{what} is off by {off:.1e}")).collect()
}

#[test]
fn fifty_steps_of_two_weighted_losses_are_those_of_pytorch() {
    assert_eq!(misses([0.3, 2.0]), [""; 0]);
}

#[test]
fn another_weight_is_seen() {
    assert!(!misses([0.3, 2.0001]).is_empty() && !misses([0.3001, 2.0]).is_empty());
}

/// What differs from PyTorch's run in double precision where steps behind the end of a row weigh `behind` of the others.
fn step_misses(behind: f64) -> Vec<String> {
    let (about, tensors) = (json(&path("outputs/steps.json")), tensors(&path("outputs/steps.safetensors")));
    let rate = about["rate"].as_f64().expect("a learning rate");
    let vocabulary = about["vocabulary"].as_u64().expect("a vocabulary") as usize;
    let (lengths, class_weights) = (numbers(&about["lengths"]), numbers(&about["class_weights"]));
    let (rows, targets) = (lengths.len(), &tensors["target"]);
    let steps = targets.len() / rows;
    let loss = LOSSES.iter().find(|l| l.name == "cross_entropy").expect("a loss");
    let output = Output {
        loss,
        loss_values: Values::defaults(loss.keys),
        outputs: class_weights.len(),
        class_weights: Some(class_weights.clone()),
    };
    let output = OutputLayer { steps: true, ..OutputLayer::only(output) };
    let inputs = [Input::tokens("x", steps, vocabulary, true)];
    let network = build_branched(&inputs, &layers(&about["layers"]), None, &[output], Carry::Fresh)
        .expect("shapes that fit");
    let graph = Arc::new(network.graph);
    let mut machine: Machine<Cpu<f64>> = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, rows)]);
    for t in &graph.params {
        let place = &mut machine.params_mut()[t.offset..t.offset + t.shape.len()];
        place.copy_from_slice(&tensors[&format!("first.{}", t.name)]);
    }
    let there = |i: usize| ((i % steps) as f64) < lengths[i / steps];
    let total: f64 =
        (0..targets.len()).filter(|&i| there(i)).map(|i| class_weights[targets[i] as usize]).sum();
    let weights: Vec<f64> =
        (0..targets.len()).map(|i| if there(i) { 1.0 / total } else { behind / total }).collect();
    let (port, expected) = (network.outputs[0], numbers(&about["losses"]));
    let mut losses = Vec::new();
    for _ in 0..expected.len() {
        machine.input_mut(0, network.inputs[0], rows).copy_from_slice(&tensors["input.x"]);
        let ends = network.lengths[0].expect("rows end");
        machine.input_mut(0, ends, rows).copy_from_slice(&lengths);
        machine.input_mut(0, port.target, rows).copy_from_slice(targets);
        machine.input_mut(0, port.row_weight, rows).copy_from_slice(&weights);
        machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
        losses.push(machine.output(0, port.loss, rows).iter().zip(&weights).map(|(l, w)| l * w).sum());
        let (params, grads) = machine.params_and_grads();
        params.iter_mut().zip(grads).for_each(|(p, g)| *p -= rate * *g);
    }
    let mut off = vec![("losses".to_owned(), apart_each(&losses, &expected))];
    for t in &graph.params {
        let found = &machine.params()[t.offset..t.offset + t.shape.len()];
        off.push((t.name.clone(), apart(found, &tensors[&format!("final.{}", t.name)])));
    }
    off.retain(|(_, off)| off.is_nan() || *off > 1e-11);
    off.into_iter().map(|(what, off)| format!("{what} is off by {off:.1e}")).collect()
}

#[test]
fn fifty_steps_of_a_class_for_each_token_are_those_of_pytorch() {
    assert_eq!(step_misses(0.0), [""; 0]);
}

#[test]
fn a_weight_behind_the_end_of_a_row_is_seen() {
    assert!(!step_misses(1e-3).is_empty());
}

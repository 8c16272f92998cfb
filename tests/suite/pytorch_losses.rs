//! Every loss and its gradient, as PyTorch computes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use backprop::backend::cpu::{Cpu, Number};
use backprop::graph::{Graph, LossTerm, Machine, Mode, Pass, PlanOptions};
use backprop::ops::{LOSSES, TargetKind};
use backprop::spec::Family;
use backprop::tensor::{Key, Shape};
use serde_json::Value as Json;

use crate::fixture::{apart, apart_each, choice, json, numbers, path, typed};

/// What a case gives in the precision `T`: the mean, the loss of each row, and the gradient of the mean.
fn run<T: Number>(case: &Json) -> (f64, Vec<f64>, Vec<f64>) {
    let mut options = case["options"].clone();
    let class_weights = options.as_object_mut().unwrap().remove("class_weights").map(|w| numbers(&w));
    let choice = choice(Family::Loss, &typed(case["loss"].as_str().unwrap(), &options));
    let entry = &LOSSES[choice.index];
    let (given, targets) = (numbers(&case["output"]), numbers(&case["target"]));
    let rows = case["output"].as_array().unwrap().len();

    let mut graph = Graph::new();
    let prediction = graph.input("prediction", [given.len() / rows]);
    let target_shape =
        if entry.target == TargetKind::Class { Shape::default() } else { [targets.len() / rows].into() };
    let target = graph.input("target", target_shape);
    let row_weight = graph.input("row_weight", Shape::default());
    let mut operands = vec![prediction, target];
    operands.extend(class_weights.as_ref().map(|w| graph.constant("class_weights", w.clone())));
    let loss = graph.node("loss", (entry.build)(&choice.values), &operands).unwrap();
    graph.losses = vec![LossTerm { value: loss, row_weight }];

    let options = PlanOptions { input_gradients: vec![prediction], ..PlanOptions::new(Mode::Train, rows) };
    let mut machine: Machine<Cpu<T>> = Machine::new(Arc::new(graph), &[options]);
    let total = class_weights.map_or(rows as f64, |w| targets.iter().map(|&t| w[t as usize]).sum());
    for (value, from) in [(prediction, &given), (target, &targets), (row_weight, &vec![1.0 / total; rows])] {
        let to = machine.input_mut(0, value, rows);
        to.iter_mut().zip(from).for_each(|(t, &f)| *t = T::from_f64(f));
    }
    machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
    let each: Vec<f64> = machine.output(0, loss, rows).iter().map(|&l| l.into()).collect();
    let gradient = machine.plan(0).gradient(prediction).expect("the prediction has a gradient");
    let gradient = machine.read(gradient, given.len()).iter().map(|&g| g.into()).collect();
    (each.iter().sum::<f64>() / total, each, gradient)
}

/// PyTorch's unreduced losses, a row each: elementwise ones averaged over their columns.
fn rows_of(each: &Json) -> Vec<f64> {
    let mean = |row: &Json| {
        let row = numbers(row);
        row.iter().sum::<f64>() / row.len() as f64
    };
    each.as_array().unwrap().iter().map(mean).collect()
}

fn compare<T: Number>(case: &Json, tolerance: f64) {
    let (mean, each, gradient) = run::<T>(case);
    let name = format!("{} {} in {}", case["loss"], case["options"], std::any::type_name::<T>());
    let (mean_off, each_off, gradient_off) = (
        apart_each(&[mean], &[case["mean"].as_f64().unwrap()]),
        apart(&each, &rows_of(&case["each"])),
        apart(&gradient, &numbers(&case["gradient"])),
    );
    assert!(mean_off <= tolerance, "{name}: the mean is off by {mean_off:e}");
    assert!(each_off <= tolerance, "{name}: the rows are off by {each_off:e}");
    assert!(gradient_off <= tolerance, "{name}: the gradient is off by {gradient_off:e}");
}

#[test]
fn every_loss_and_its_gradient_are_those_of_pytorch() {
    let file = json(&path("losses.json"));
    let mut tested = BTreeSet::new();
    for case in file["cases"].as_array().unwrap() {
        compare::<f64>(case, 1e-13);
        compare::<f32>(case, 1e-6);
        tested.insert(case["loss"].as_str().unwrap());
    }
    assert_eq!(tested, LOSSES.iter().map(|l| l.name).collect(), "losses with a fixture, and all");
}

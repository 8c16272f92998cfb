//! Every activation and its gradient, as PyTorch computes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use backprop::backend::cpu::{Cpu, Number};
use backprop::backend::pointwise::Binary;
use backprop::backend::scalar::Scalar;
use backprop::graph::{Graph, LossTerm, Machine, Mode, Pass, PlanOptions};
use backprop::ops::softmax::Softmax;
use backprop::ops::{ACTIVATIONS, RowLoss};
use backprop::spec::Values;
use backprop::tensor::{Key, Shape};
use serde_json::Value as Json;

use crate::fixture::{json, numbers, path};

/// `y · dy`: the scalar whose gradient the fixtures hold.
#[derive(Clone, Copy, Debug)]
struct Project;

impl Binary for Project {
    #[inline(always)]
    fn f<S: Scalar>(self, y: S, dy: S) -> S {
        y * dy
    }

    #[inline(always)]
    fn da<S: Scalar>(self, _y: S, dy: S) -> S {
        dy
    }
}

/// The activation and the gradient by its input.
fn run<T: Number>(name: &str, x: &[f64], dy: &[f64]) -> [Vec<f64>; 2] {
    let op = match ACTIVATIONS.iter().find(|a| a.name == name) {
        Some(entry) => (entry.build)(&Values::defaults(entry.keys)),
        None if name == "softmax" => Box::new(Softmax),
        None => panic!("no activation {name}"),
    };
    let mut graph = Graph::new();
    let input = graph.input("x", [x.len()]);
    let weights = graph.input("dy", [x.len()]);
    let row_weight = graph.input("row_weight", Shape::default());
    let y = graph.node("y", op, &[input]).unwrap();
    let project = Box::new(RowLoss { name: "project", function: Project });
    let loss = graph.node("loss", project, &[y, weights]).unwrap();
    graph.outputs = vec![y];
    graph.losses = vec![LossTerm { value: loss, row_weight }];

    let train = PlanOptions { input_gradients: vec![input], ..PlanOptions::new(Mode::Train, 1) };
    let mut machine: Machine<Cpu<T>> =
        Machine::new(Arc::new(graph), &[train, PlanOptions::new(Mode::Predict, 1)]);
    let pass = Pass { rows: 1, key: Key::new(0), accumulate: false };
    let set = |machine: &mut Machine<Cpu<T>>, plan, value, from: &[f64]| {
        let to = machine.input_mut(plan, value, 1);
        to.iter_mut().zip(from).for_each(|(t, &f)| *t = T::from_f64(f));
    };
    set(&mut machine, 1, input, x);
    machine.run(1, pass);
    let y: Vec<f64> = machine.output(1, y, 1).iter().map(|&y| y.into()).collect();
    set(&mut machine, 0, input, x);
    set(&mut machine, 0, weights, dy);
    // The projection is a mean over the columns.
    set(&mut machine, 0, row_weight, &[x.len() as f64]);
    machine.run(0, pass);
    let dx = machine.plan(0).gradient(input).expect("the input has a gradient");
    [y, machine.read(dx, x.len()).iter().map(|&g| g.into()).collect()]
}

/// Compares element by element: relative, but below 1 absolute, as a slope like that of elu, y + 1, has no more digits.
fn compare<T: Number>(case: &Json, tolerance: f64) {
    let name = case["activation"].as_str().unwrap();
    let [x, dy, y, dx] = ["x", "dy", "y", "dx"].map(|key| numbers(&case[key]));
    let found = run::<T>(name, &x, &dy);
    for (what, found, expected) in [("y", &found[0], y), ("dx", &found[1], dx)] {
        assert_eq!(found.len(), expected.len());
        for ((x, a), b) in x.iter().zip(found).zip(&expected) {
            let off = (a - b).abs() / b.abs().max(1.0);
            assert!(
                off <= tolerance,
                "{name} at {x}: {what} is {a:e}, not {b:e}, in {}",
                std::any::type_name::<T>()
            );
        }
    }
}

#[test]
fn every_activation_and_its_gradient_are_those_of_pytorch() {
    let file = json(&path("activations.json"));
    let mut tested = BTreeSet::new();
    for case in file["cases"].as_array().unwrap() {
        compare::<f64>(case, 1e-14);
        compare::<f32>(case, 1e-6);
        tested.insert(case["activation"].as_str().unwrap());
    }
    let all = ACTIVATIONS.iter().map(|a| a.name).chain(["softmax"]).collect();
    assert_eq!(tested, all, "activations with a fixture, and all");
}

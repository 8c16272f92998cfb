//! Networks of several outputs: gradients of all losses, what an output reads, and the input `features`.

use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Branched, Carry, Input, Misfit, Output, OutputLayer, Port, build_branched};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::Key;
use serde_json::{Value as Json, json};

use crate::fixture::layers;

const ROWS: usize = 7;

fn output(name: &str, input: Option<&str>, loss: &str, outputs: usize) -> OutputLayer {
    let loss = LOSSES.iter().find(|l| l.name == loss).expect("a loss");
    let output = Output { loss, loss_values: Values::defaults(loss.keys), outputs, class_weights: None };
    OutputLayer { name: Some(name.into()), input: input.map(str::to_owned), ..OutputLayer::only(output) }
}

fn network(inputs: &[Input], list: &Json, outputs: &[OutputLayer]) -> Result<Branched, Misfit> {
    build_branched(inputs, &layers(list), None, outputs, Carry::Fresh)
}

/// A trunk that both outputs read, one of them through a layer of its own.
fn forked() -> (Arc<Graph>, Vec<Port>, Machine<Cpu<f64>>) {
    let list = json!([
        { "type": "linear", "name": "trunk", "out_features": 6, "activation": "tanh" },
        { "type": "linear", "name": "own", "out_features": 4, "activation": "sigmoid" },
    ]);
    let outputs = [output("kind", Some("trunk"), "cross_entropy", 3), output("mass", None, "mse", 2)];
    let inputs = [Input::numbers("x", [5]), Input::ids("city", 4)];
    let network = network(&inputs, &list, &outputs).expect("shapes that fit");
    let graph = Arc::new(network.graph);
    let mut machine: Machine<Cpu<f64>> = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, ROWS)]);
    let key = Key::new(4);
    let normal = |part: &str, out: &mut [f64]| {
        let key = key.named(part);
        out.iter_mut().enumerate().for_each(|(i, x)| *x = key.normal(i as u64));
    };
    normal("params", machine.params_mut());
    normal("x", machine.input_mut(0, network.inputs[0], ROWS));
    normal("mass", machine.input_mut(0, network.outputs[1].target, ROWS));
    let whole =
        |out: &mut [f64], below| out.iter_mut().enumerate().for_each(|(i, x)| *x = (i % below) as f64);
    whole(machine.input_mut(0, network.inputs[1], ROWS), 4);
    whole(machine.input_mut(0, network.outputs[0].target, ROWS), 3);
    (graph, network.outputs, machine)
}

/// The weighted sum of both losses.
fn total(machine: &mut Machine<Cpu<f64>>, ports: &[Port], weights: [f64; 2]) -> f64 {
    for (port, weight) in ports.iter().zip(weights) {
        machine.input_mut(0, port.row_weight, ROWS).fill(weight / ROWS as f64);
    }
    machine.run(0, Pass { rows: ROWS, key: Key::new(0), accumulate: false });
    let mean = |port: &Port| machine.output(0, port.loss, ROWS).iter().sum::<f64>() / ROWS as f64;
    ports.iter().zip(weights).map(|(port, weight)| weight * mean(port)).sum()
}

#[test]
fn the_gradient_is_that_of_the_weighted_sum_of_the_losses() {
    let (graph, ports, mut machine) = forked();
    let weights = [0.3, 2.0];
    let mut gradient = |weights| {
        total(&mut machine, &ports, weights);
        machine.grads().to_vec()
    };
    let (both, kind, mass) = (gradient(weights), gradient([0.3, 0.0]), gradient([0.0, 2.0]));
    let h = 1e-5;
    for tensor in &graph.params {
        let mut worst = 0.0f64;
        let mut largest = 1e-3f64;
        for i in tensor.offset..tensor.offset + tensor.shape.len() {
            let x = machine.params()[i];
            let mut at = |x: f64| {
                machine.params_mut()[i] = x;
                total(&mut machine, &ports, weights)
            };
            let numeric = (at(x + h) - at(x - h)) / (2.0 * h);
            machine.params_mut()[i] = x;
            worst = worst.max((both[i] - numeric).abs());
            worst = worst.max((both[i] - kind[i] - mass[i]).abs());
            largest = largest.max(numeric.abs());
        }
        assert!(worst < 1e-6 * largest, "{}: {worst:e}", tensor.name);
        let flows =
            |from: &[f64]| from[tensor.offset..tensor.offset + tensor.shape.len()].iter().any(|g| *g != 0.0);
        let expected = match tensor.name.split('.').next().expect("a layer") {
            "output_kind" => (true, false),
            "own" | "output_mass" => (false, true),
            _ => (true, true),
        };
        assert_eq!((flows(&kind), flows(&mass)), expected, "{}", tensor.name);
    }
}

#[test]
fn the_parts_of_each_output_have_its_name() {
    let (graph, ports, _) = forked();
    let names: Vec<&str> = graph.params.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names[names.len() - 4..],
        ["output_kind.weight", "output_kind.bias", "output_mass.weight", "output_mass.bias"]
    );
    let name = |port: &Port| {
        [port.target, port.row_weight, port.output, port.loss].map(|v| graph.values[v.index()].name.clone())
    };
    assert_eq!(name(&ports[1]), ["target_mass", "row_weight_mass", "output_mass", "loss_mass"]);
    assert_eq!(graph.outputs, [ports[0].output, ports[1].output]);
}

#[test]
fn an_output_of_a_layer_that_is_not_there() {
    let list = json!([{ "type": "linear", "name": "trunk", "out_features": 6 }]);
    let build = |outputs: &[OutputLayer]| {
        let misfit = network(&[Input::numbers("x", [5])], &list, outputs).expect_err("a misfit");
        (misfit.at.len(), backprop::error::Error::from(misfit).to_string())
    };
    assert_eq!(
        build(&[output("a", None, "mse", 1), output("b", Some("branch"), "mse", 1)]),
        (0, "error[2]: layer \"output_b\": no layer or input \"branch\" comes before it\n  expected: one of \"trunk\", \"x\"\n  \
                help: name one of them in model.outputs.b.input".into())
    );
}

/// What the layer `reader` reads, as names: of a concatenation those of its parts.
fn read_by_reader(inputs: &[Input], list: &Json) -> Vec<String> {
    let network = network(inputs, list, &[output("y", None, "mse", 1)]).unwrap_or_else(|e| panic!("{e:?}"));
    let graph = &network.graph;
    let name = |v: backprop::graph::ValueId| graph.values[v.index()].name.clone();
    let reader = graph.nodes.iter().find(|n| name(n.output) == "reader").expect("the layer");
    match graph.nodes.iter().find(|n| n.output == reader.inputs[0] && n.op.name() == "concat") {
        Some(concat) => concat.inputs.iter().map(|&v| name(v)).collect(),
        None => vec![name(reader.inputs[0])],
    }
}

#[test]
fn features_are_all_plain_inputs_that_no_layer_reads_itself() {
    let image = Input::numbers("image", [1, 2, 2]);
    let (numbers, city, day) = (Input::numbers("features", [3]), Input::ids("city", 4), Input::ids("day", 7));
    let branches = |first: Json| {
        json!([
            { "type": "flatten", "name": "seen", "input": "image" },
            first,
            { "type": "linear", "name": "reader", "input": "features", "out_features": 2 },
            { "type": "concat", "input": ["seen", "first", "reader"] },
        ])
    };
    let of_seen = json!({ "type": "linear", "name": "first", "out_features": 1 });
    let inputs = [image.clone(), numbers.clone(), city.clone(), day.clone()];
    let read = |list: &Json| read_by_reader(&inputs, list);
    assert_eq!(read(&branches(of_seen.clone())), ["features", "embedding_city", "embedding_day"]);
    let of_city = json!({ "type": "embedding", "name": "first", "input": "city", "embedding_dim": 3 });
    assert_eq!(read(&branches(of_city)), ["features", "embedding_day"]);
    // Columns of ids alone are features too, and numbers alone are read as they are.
    let list = branches(of_seen);
    assert_eq!(read_by_reader(&[image.clone(), city], &list), ["embedding_city"]);
    assert_eq!(read_by_reader(&[image, numbers], &list), ["features"]);
}

#[test]
fn a_first_layer_without_a_name_for_its_input_reads_the_same_features_as_later_ones() {
    let list = json!([
        { "type": "linear", "name": "first", "out_features": 2 },
        { "type": "linear", "name": "reader", "input": "features", "out_features": 2 },
        { "type": "add", "input": ["first", "reader"] },
    ]);
    let inputs = [Input::numbers("features", [3]), Input::ids("city", 4)];
    assert_eq!(read_by_reader(&inputs, &list), ["features", "embedding_city"]);
    let network = network(&inputs, &list, &[output("y", None, "mse", 1)]).expect("shapes that fit");
    let tables = network.graph.params.iter().filter(|p| p.name == "embedding_city.weight").count();
    assert_eq!(tables, 1, "the category has one table of vectors");
}

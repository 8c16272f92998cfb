//! Every layer of the registry in a small network: the gradient of every weight against central differences in f64.

use std::collections::BTreeSet;
use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::config::registries;
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions, ValueId};
use backprop::layers::{Input, LAYERS, Output, build, examples};
use backprop::ops::LOSSES;
use backprop::spec::{Family, Format, Kind, Report, SourceText, Sources, Value, Values, parse};
use backprop::tensor::{Key, Shape};

/// Rows and columns of the input; odd ones and a batch of one among them.
const SHAPES: [(usize, usize); 5] = [(1, 1), (2, 3), (7, 5), (33, 4), (3, 17)];

/// Relative to the largest entry of a gradient.
const TOLERANCE: f64 = 1e-6;

#[test]
fn every_layer_has_the_gradients_of_central_differences() {
    let examples = examples();
    let named: BTreeSet<&str> = examples.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, LAYERS.iter().map(|l| l.name).collect(), "a layer without an example");
    for (name, example) in &examples {
        assert!(example.contains(&format!("type = \"{name}\"")), "{name} is not in its example");
        for (i, &(rows, columns)) in SHAPES.iter().enumerate() {
            let mut rig = Rig::new(&layers(example), rows, columns, Key::new(i as u64).named(name));
            let analytic = rig.gradient();
            let numeric = rig.differences();
            for tensor in &rig.graph.params {
                let range = tensor.offset..tensor.offset + tensor.shape.len();
                let (a, n) = (&analytic[range.clone()], &numeric[range]);
                let scale = n.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
                let off = a.iter().zip(n).fold(0.0f64, |m, (a, n)| m.max((a - n).abs() / scale));
                assert!(off < TOLERANCE, "{name}, batch {rows}, width {columns}, {}: {off:e}", tensor.name);
                let zero = n.iter().all(|n| n.abs() < 1e-9);
                let flipped = a.iter().zip(n).fold(0.0f64, |m, (a, n)| m.max((-a - n).abs() / scale));
                assert!(zero || flipped > TOLERANCE, "{name}, {}: a flipped sign passes", tensor.name);
            }
        }
    }
}

/// The checked layers of an example.
fn layers(example: &str) -> Vec<Value> {
    let source = SourceText::new("example", format!("layers = {example}"), Format::Toml);
    let mut sources = Sources::default();
    let id = sources.add(source.clone());
    let (tree, _) = parse(&source, id).expect("TOML");
    let mut report = Report::new(sources, registries());
    let list = tree.get("layers").expect("the list");
    let value = report.value(&Kind::List(&Kind::Choice(Family::Layer)), list, "layers");
    report.finish().unwrap_or_else(|e| panic!("{e}"));
    match value {
        Some(Value::List(layers)) => layers,
        other => panic!("{other:?}"),
    }
}

/// A network of two inputs, `x` and `ids`, and two outputs under a squared error.
struct Rig {
    graph: Arc<Graph>,
    machine: Machine<Cpu<f64>>,
    loss: ValueId,
    rows: usize,
}

impl Rig {
    fn new(layers: &[Value], rows: usize, columns: usize, key: Key) -> Rig {
        let inputs = [
            Input { name: "x".into(), shape: Shape::from([columns]), cardinality: None },
            Input { name: "ids".into(), shape: Shape::default(), cardinality: Some(5) },
        ];
        let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
        let output = Output { loss, loss_values: Values::default(), outputs: 2, class_weights: None };
        let network = build(&inputs, layers, None, &output).unwrap_or_else(|e| panic!("{e:?}"));
        let graph = Arc::new(network.graph);
        let mut machine = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, rows)]);
        let normal = |part: &str, out: &mut [f64]| {
            let key = key.named(part);
            out.iter_mut().enumerate().for_each(|(i, x)| *x = key.normal(i as u64));
        };
        normal("params", machine.params_mut());
        normal("x", machine.input_mut(0, network.inputs[0], rows));
        normal("target", machine.input_mut(0, network.target, rows));
        let ids = machine.input_mut(0, network.inputs[1], rows);
        ids.iter_mut().enumerate().for_each(|(i, x)| *x = (key.named("ids").bits(i as u64) % 5) as f64);
        machine.input_mut(0, network.row_weight, rows).fill(1.0);
        Rig { graph, machine, loss: network.loss, rows }
    }

    fn loss(&mut self) -> f64 {
        self.machine.run(0, Pass { rows: self.rows, key: Key::new(9), accumulate: false });
        self.machine.output(0, self.loss, self.rows).iter().sum()
    }

    fn gradient(&mut self) -> Vec<f64> {
        self.loss();
        self.machine.grads().to_vec()
    }

    fn differences(&mut self) -> Vec<f64> {
        let h = 1e-5;
        let at = |rig: &mut Rig, i: usize, x: f64| {
            let before = std::mem::replace(&mut rig.machine.params_mut()[i], x);
            let loss = rig.loss();
            rig.machine.params_mut()[i] = before;
            loss
        };
        let n = self.graph.param_len();
        let x: Vec<f64> = self.machine.params().to_vec();
        (0..n).map(|i| (at(self, i, x[i] + h) - at(self, i, x[i] - h)) / (2.0 * h)).collect()
    }
}

//! Every layer of the registry in a small network: the gradient of every weight against central differences in f64.

use std::collections::BTreeSet;
use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::config::registries;
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions, ValueId};
use backprop::layers::{Input, LAYERS, Output, build, examples};
use backprop::ops::LOSSES;
use backprop::spec::{Family, Format, Kind, Report, SourceText, Sources, Value, Values, parse};
use backprop::tensor::Key;

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
            let mut rig =
                Rig::new(&inputs(example, columns), &layers(example), rows, Key::new(i as u64).named(name));
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
pub(crate) fn layers(example: &str) -> Vec<Value> {
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

/// Series of the input `series`: at most this many steps, each of this many channels.
const SERIES: [usize; 2] = [6, 3];

/// The inputs that an example names: `x` and `ids` unless it is about images `image` (channels first) or ragged `series`.
fn inputs(example: &str, columns: usize) -> Vec<Input> {
    let named = |name: &str| example.contains(&format!("\"{name}\""));
    let places = named("image") || named("series");
    let mut inputs = Vec::new();
    if !places || named("x") {
        inputs.push(Input::numbers("x", [columns]));
    }
    if !places || named("ids") {
        inputs.push(Input::ids("ids", 5));
    }
    if named("image") {
        inputs.push(Input::numbers("image", [2, 5, 4]));
    }
    if named("series") {
        inputs.push(Input::channels_last("series", SERIES, true));
    }
    inputs
}

/// A network of some inputs and two outputs under a squared error.
struct Rig {
    graph: Arc<Graph>,
    machine: Machine<Cpu<f64>>,
    loss: ValueId,
    rows: usize,
}

impl Rig {
    fn new(inputs: &[Input], layers: &[Value], rows: usize, key: Key) -> Rig {
        let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
        let output = Output { loss, loss_values: Values::default(), outputs: 2, class_weights: None };
        let network = build(inputs, layers, None, &output).unwrap_or_else(|e| panic!("{e:?}"));
        let graph = Arc::new(network.graph);
        let mut machine = Machine::new(graph.clone(), &[PlanOptions::new(Mode::Train, rows)]);
        let normal = |part: &str, out: &mut [f64]| {
            let key = key.named(part);
            out.iter_mut().enumerate().for_each(|(i, x)| *x = key.normal(i as u64));
        };
        normal("params", machine.params_mut());
        normal("target", machine.input_mut(0, network.target, rows));
        for ((input, &id), &lengths) in inputs.iter().zip(&network.inputs).zip(&network.lengths) {
            let whole = |part: &str, i: usize, below: u64| (key.named(part).bits(i as u64) % below) as usize;
            let place = machine.input_mut(0, id, rows);
            match input.cardinality {
                Some(n) => {
                    place.iter_mut().enumerate().for_each(|(i, x)| *x = whole("ids", i, n as u64) as f64)
                }
                None => normal(&input.name, place),
            }
            let Some(lengths) = lengths else { continue };
            let [steps, channels] = SERIES;
            let ends: Vec<usize> = (0..rows).map(|row| 1 + whole("lengths", row, steps as u64)).collect();
            for (series, &end) in place.chunks_exact_mut(steps * channels).zip(&ends) {
                series[end * channels..].fill(0.0);
            }
            machine.input_mut(0, lengths, rows).iter_mut().zip(&ends).for_each(|(x, &end)| *x = end as f64);
        }
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

//! Small networks around one layer each, over the grid of its options, as PyTorch makes them: output, all gradients, the losses of
//! fifty steps of plain gradient descent, and the output in evaluation mode after them.

use std::collections::BTreeMap;
use std::sync::Arc;

use backprop::backend::cpu::{Cpu, Number};
use backprop::graph::{Machine, Mode, Pass, PlanOptions, Tensor, ValueId};
use backprop::layers::{Input, Layout, Network, Output, build};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::{Key, Shape};
use serde_json::Value as Json;

use crate::fixture::{apart, json, layers, numbers, path, tensors};

/// Against runs of PyTorch in double precision, whose tensors are kept in single precision and whose losses in double.
const DOUBLE: f64 = 1e-6;
const DOUBLE_LOSSES: f64 = 1e-11;
const SINGLE: f64 = 2e-5;

#[test]
fn every_layer_agrees_with_pytorch_in_both_precisions() {
    let misses: Vec<String> =
        all().iter().flat_map(|c| [c.misses::<f64>(1.0), c.misses::<f32>(1.0)].concat()).collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn another_learning_rate_is_seen() {
    for case in all() {
        assert!(!case.misses::<f64>(1.0001).is_empty(), "{}", case.name);
    }
}

/// One network of `tests/fixtures/layers`.
struct LayerCase {
    /// Its file, its number in it and its layers.
    name: String,
    about: Json,
    rate: f64,
    tensors: BTreeMap<String, Vec<f64>>,
}

fn all() -> Vec<LayerCase> {
    let entries = std::fs::read_dir(path("layers")).expect("the folder of fixtures");
    let mut files: Vec<_> = entries.map(|e| e.expect("a folder's entry").path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "json"));
    files.sort();
    let cases = files.iter().flat_map(|file| {
        let (about, tensors) = (json(file), tensors(&file.with_extension("safetensors")));
        let stem = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let cases = about["cases"].as_array().expect("a list of cases").clone();
        let rate = about["rate"].as_f64().expect("a learning rate");
        cases.into_iter().enumerate().map(move |(number, about)| {
            let prefix = format!("{number}.");
            let own =
                tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix(&prefix)?.to_owned(), t.clone())));
            let name = format!("{stem} {number}, {}", about["layers"]);
            LayerCase { name, about, rate, tensors: own.collect() }
        })
    });
    cases.collect()
}

impl LayerCase {
    fn inputs(&self) -> Vec<Input> {
        let inputs = self.about["inputs"].as_object().expect("a table of inputs").iter();
        let input = |(name, about): (&String, &Json)| {
            let flag = |key: &str| about[key].as_bool().expect("a flag");
            let shape: Vec<usize> = numbers(&about["shape"]).iter().map(|&n| n as usize).collect();
            let layout = if flag("channels_last") { Layout::ChannelsLast } else { Layout::ChannelsFirst };
            Input { layout, ragged: flag("ragged"), ..Input::numbers(name, Shape::new(shape)) }
        };
        inputs.map(input).collect()
    }

    fn network(&self, inputs: &[Input]) -> Network {
        let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
        let output = Output { loss, loss_values: Values::default(), outputs: 2, class_weights: None };
        let layers = layers(&self.about["layers"]);
        build(inputs, &layers, None, &output).unwrap_or_else(|e| panic!("{}: {e:?}", self.name))
    }

    /// Zeros in place of the gradients behind the ends of ragged rows: PyTorch's rows have nothing there.
    fn cut(&self, input: &Input, gradient: &mut [f64]) {
        if !input.ragged {
            return;
        }
        let channels = input.shape.last();
        let rows = gradient.chunks_exact_mut(input.shape.len());
        for (row, length) in rows.zip(numbers(&self.about["lengths"])) {
            row[length as usize * channels..].fill(0.0);
        }
    }

    /// Fifty steps, with another learning rate for `factor` ≠ 1, and what of them is not PyTorch's.
    fn misses<T: Number>(&self, factor: f64) -> Vec<String> {
        let inputs = self.inputs();
        let network = self.network(&inputs);
        let rows = self.tensors["target"].len() / 2;
        let graph = Arc::new(network.graph);
        let input_gradients = network.inputs.clone();
        let plans = [
            PlanOptions { input_gradients, keep_all: true, ..PlanOptions::new(Mode::Train, rows) },
            PlanOptions::new(Mode::Predict, rows),
        ];
        let mut machine: Machine<Cpu<T>> = Machine::new(graph.clone(), &plans);
        let mut unused: Vec<&str> = self.tensors.keys().filter_map(|n| n.strip_prefix("first.")).collect();
        let mut first = |tensors: &[Tensor], to: &mut [T]| {
            for t in tensors {
                set(&mut to[t.offset..t.offset + t.shape.len()], &self.tensors[&format!("first.{}", t.name)]);
                unused.retain(|n| *n != t.name);
            }
        };
        first(&graph.params, machine.params_mut());
        first(&graph.buffers, machine.buffers_mut());
        assert!(unused.is_empty(), "{}: tensors that the network has not: {unused:?}", self.name);

        let fill = |machine: &mut Machine<Cpu<T>>, plan: usize| {
            for ((input, &value), &lengths) in inputs.iter().zip(&network.inputs).zip(&network.lengths) {
                set(machine.input_mut(plan, value, rows), &self.tensors[&format!("input.{}", input.name)]);
                if let Some(lengths) = lengths {
                    set(machine.input_mut(plan, lengths, rows), &numbers(&self.about["lengths"]));
                }
            }
        };
        let mut found = BTreeMap::new();
        let mut losses = Vec::new();
        for step in 0..self.tensors["losses"].len() {
            fill(&mut machine, 0);
            set(machine.input_mut(0, network.target, rows), &self.tensors["target"]);
            let weight = 1.0 / rows as f64;
            set(machine.input_mut(0, network.row_weight, rows), &vec![weight; rows]);
            machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
            losses.push(machine.output(0, network.loss, rows).iter().map(|&l| l.into() * weight).sum());
            if step == 0 {
                found.insert("output".to_owned(), widen(machine.output(0, network.output, rows)));
                for t in &graph.params {
                    let grad = &machine.grads()[t.offset..t.offset + t.shape.len()];
                    found.insert(format!("grad.{}", t.name), widen(grad));
                }
                let grad = |value: ValueId, n: usize| {
                    let view = machine.plan(0).gradient(value).expect("it was asked for");
                    widen(machine.read(view, n))
                };
                for (input, &value) in inputs.iter().zip(&network.inputs) {
                    let mut gradient = grad(value, rows * input.shape.len());
                    self.cut(input, &mut gradient);
                    found.insert(format!("grad_input.{}", input.name), gradient);
                }
            }
            let (params, grads) = machine.params_and_grads();
            let rate = T::from_f64(self.rate * factor);
            params.iter_mut().zip(grads).for_each(|(p, g)| *p -= rate * *g);
        }
        fill(&mut machine, 1);
        machine.run(1, Pass { rows, key: Key::new(0), accumulate: false });
        found.insert("final_output".into(), widen(machine.output(1, network.output, rows)));
        for t in &graph.buffers {
            let last = widen(&machine.buffers()[t.offset..t.offset + t.shape.len()]);
            found.insert(format!("final.{}", t.name), last);
        }
        self.compare::<T>(found, &losses)
    }

    fn compare<T: Number>(&self, found: BTreeMap<String, Vec<f64>>, losses: &[f64]) -> Vec<String> {
        let double = size_of::<T>() == 8;
        let (limit, losses_limit) = if double { (DOUBLE, DOUBLE_LOSSES) } else { (SINGLE, SINGLE) };
        let mut misses = Vec::new();
        let mut note = |what: &str, off: f64, limit: f64| {
            if off.is_nan() || off > limit {
                misses.push(format!(
                    "{}: {what} is off by {off:.1e} in {} bits",
                    self.name,
                    8 * size_of::<T>()
                ));
            }
        };
        note("the loss", apart(losses, &self.tensors["losses"]), losses_limit);
        for (name, numbers) in &found {
            let wanted = self.tensors.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.name));
            note(name, apart(numbers, wanted), limit);
        }
        misses
    }
}

fn set<T: Number>(to: &mut [T], from: &[f64]) {
    assert_eq!(to.len(), from.len());
    to.iter_mut().zip(from).for_each(|(t, &f)| *t = T::from_f64(f));
}

fn widen<T: Number>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|&x| x.into()).collect()
}

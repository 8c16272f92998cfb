//! What PyTorch computed (`tests/fixtures`), and the same run here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::config::registries;
use backprop::graph::{Machine, Mode, Pass, PlanOptions, Tensor};
use backprop::layers::{Input, Network, Output, build};
use backprop::ops::LOSSES;
use backprop::optim::{OPTIMIZERS, Optimizer, Segment, StepOptions};
use backprop::spec::{Choice, Family, Format, Kind, Report, SourceText, Sources, Tree, Value, parse};
use backprop::tensor::Key;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value as Json;

/// A file or folder of `tests/fixtures`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(crate) fn json(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All numbers of a JSON value, in order, whatever its nesting.
pub(crate) fn numbers(json: &Json) -> Vec<f64> {
    match json {
        Json::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or_else(|| panic!("{other} is no number"))],
    }
}

/// The largest difference, relative to the largest expected number.
pub(crate) fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest).fold(0.0, nan_max)
}

/// The largest difference, each relative to the expected number.
pub(crate) fn apart_each(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let one = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { (a - b).abs() / b.abs() };
    found.iter().zip(expected).map(one).fold(0.0, nan_max)
}

/// The larger one; NaN wins, so that no comparison lets it pass.
fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// Checks a piece of a config, as the config's reader does.
fn check<T>(json: &Json, check: impl FnOnce(&mut Report<'_>, &Tree) -> Option<T>) -> T {
    // A config is a table.
    let text = serde_json::json!({ "it": json }).to_string();
    let source = SourceText::new("fixture", text, Format::Json);
    let mut sources = Sources::default();
    let id = sources.add(source.clone());
    let (tree, _) = parse(&source, id).expect("serde_json writes what the config's parser reads");
    let mut report = Report::new(sources, registries());
    let found = check(&mut report, tree.get("it").expect("it was put there"));
    report.finish().unwrap_or_else(|e| panic!("{json}\n{e}"));
    found.expect("a check without a problem has a result")
}

/// `{ "type": ..., ... }` as a checked row of a registry.
pub(crate) fn choice(family: Family, json: &Json) -> Choice {
    check(json, |report, tree| report.pick(family, tree, "it"))
}

/// A checked list of layers.
pub(crate) fn layers(json: &Json) -> Vec<Value> {
    match check(json, |report, tree| report.value(&Kind::List(&Kind::Choice(Family::Layer)), tree, "layers"))
    {
        Value::List(layers) => layers,
        other => panic!("{other:?} is no list"),
    }
}

/// `options` under the type `name`.
pub(crate) fn typed(name: &str, options: &Json) -> Json {
    let mut table = options.as_object().cloned().unwrap_or_default();
    table.insert("type".into(), name.into());
    Json::Object(table)
}

/// The tensors of a safetensors file.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    file.iter().map(|(name, t)| (name.to_owned(), floats(t.dtype(), t.data()))).collect()
}

/// A training case: `NAME.json` with `NAME.safetensors`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    about: Json,
    tensors: BTreeMap<String, Vec<f64>>,
}

/// What a run gave.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    losses: Vec<f64>,
    /// Parameters and buffers after the last step, by name.
    tensors: BTreeMap<String, Vec<f64>>,
    /// The network's output for all rows in evaluation mode.
    output: Vec<f64>,
}

impl Fixture {
    /// Every case of a folder, by name.
    pub(crate) fn all(folder: &str) -> Vec<Fixture> {
        let entries = fs::read_dir(path(folder)).expect("the folder of fixtures");
        let paths = entries.map(|e| e.expect("a folder's entry").path());
        let mut cases: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
        cases.sort();
        cases.iter().map(|p| Fixture::read(p)).collect()
    }

    fn read(path: &Path) -> Fixture {
        let about = json(path);
        let tensors = tensors(&path.with_extension("safetensors"));
        Fixture { name: about["case"].as_str().expect("a name").to_owned(), about, tensors }
    }

    pub(crate) fn train(&self, key: &str) -> &Json {
        &self.about["train"][key]
    }

    /// Relative error that is allowed: a kink or a sign may turn a last bit into more.
    pub(crate) fn tolerance(&self) -> f64 {
        if self.about["smooth"].as_bool().expect("a flag") { 1e-6 } else { 1e-5 }
    }

    fn class_weights(&self) -> Option<Vec<f64>> {
        Some(self.train("class_weights")).filter(|w| !w.is_null()).map(numbers)
    }

    fn network(&self) -> Network {
        let inputs = self.about["inputs"].as_object().expect("a table of inputs").iter();
        let inputs: Vec<Input> = inputs
            .map(|(name, about)| {
                let size = |key: &str| about[key].as_u64().map(|n| n as usize);
                match (size("classes"), size("width")) {
                    (Some(classes), _) => Input::ids(name, classes),
                    (None, width) => Input::numbers(name, [width.expect("a width")]),
                }
            })
            .collect();
        let loss = choice(Family::Loss, self.train("loss"));
        let output = Output {
            loss: &LOSSES[loss.index],
            loss_values: loss.values,
            outputs: self.about["outputs"].as_u64().expect("a number of outputs") as usize,
            class_weights: self.class_weights(),
        };
        build(&inputs, &layers(&self.about["layers"]), None, &output).expect("the network's shapes fit")
    }

    /// What each row's loss counts in `nn.Module`'s mean: 1/rows, or 1/(sum of the rows' class weights).
    fn row_weight(&self, rows: usize, targets: &[f64]) -> f64 {
        let total = |weights: Vec<f64>| targets.iter().map(|&t| weights[t as usize]).sum();
        1.0 / self.class_weights().map_or(rows as f64, total)
    }

    /// All steps of the case with `optimizer`.
    pub(crate) fn run(&self, optimizer: &Json) -> Outcome {
        let network = self.network();
        let size = self.train("batch_size").as_u64().expect("a batch size") as usize;
        let columns = network.graph.shape(network.target).len();
        let total = self.tensors["target"].len() / columns;
        // The network's inputs come in the order in which they were given.
        let inputs = self.about["inputs"].as_object().expect("a table of inputs").keys();
        let names: Vec<String> = inputs.map(|name| format!("input.{name}")).collect();
        let graph = Arc::new(network.graph);
        let plans = [PlanOptions::new(Mode::Train, size), PlanOptions::new(Mode::Predict, total)];
        let mut machine: Machine<Cpu<f32>> = Machine::new(graph.clone(), &plans);
        self.load_first(&mut machine);

        let choice = choice(Family::Optimizer, optimizer);
        let mut chain = (OPTIMIZERS[choice.index].build)(&choice.values).expect("keys that agree");
        if let Some(max) = self.train("clip_grad_norm").as_f64() {
            chain = chain.clip_grad_norm(max);
        }
        if let Some(max) = self.train("clip_grad_value").as_f64() {
            chain = chain.clip_grad_value(max);
        }
        let parameters =
            graph.params.iter().map(|p| (p.offset..p.offset + p.shape.len(), p.shape.axes().len()));
        let segments = Segment::for_parameters(parameters, choice.values.bool("decay_bias_and_norm"));
        let mut optimizer = Optimizer::new(chain, graph.param_len(), segments);
        let options = StepOptions::new(choice.values.f64("learning_rate"));

        let mut losses = Vec::new();
        for step in 0..numbers(&self.about["loss_f64"]).len() {
            let first = step % (total / size) * size;
            for (name, &input) in names.iter().zip(&network.inputs) {
                let row = self.tensors[name].len() / total;
                set(
                    machine.input_mut(0, input, size),
                    &self.tensors[name][first * row..(first + size) * row],
                );
            }
            let targets = &self.tensors["target"][first * columns..(first + size) * columns];
            set(machine.input_mut(0, network.target, size), targets);
            let weight = self.row_weight(size, targets);
            set(machine.input_mut(0, network.row_weight, size), &vec![weight; size]);
            machine.run(0, Pass { rows: size, key: Key::new(0), accumulate: false });
            let rows = machine.output(0, network.loss, size);
            losses.push(rows.iter().map(|&l| f64::from(l) * weight).sum());
            let (params, grads) = machine.params_and_grads();
            optimizer.step(params, grads, options);
        }

        for (name, &input) in names.iter().zip(&network.inputs) {
            set(machine.input_mut(1, input, total), &self.tensors[name]);
        }
        machine.run(1, Pass { rows: total, key: Key::new(0), accumulate: false });
        let output = widen(machine.output(1, network.output, total));
        let read = |flat: &[f32], t: &Tensor| widen(&flat[t.offset..t.offset + t.shape.len()]);
        let params = graph.params.iter().map(|t| (t.name.clone(), read(machine.params(), t)));
        let buffers = graph.buffers.iter().map(|t| (t.name.clone(), read(machine.buffers(), t)));
        Outcome { losses, tensors: params.chain(buffers).collect(), output }
    }

    /// Sets every parameter and buffer by name.
    fn load_first(&self, machine: &mut Machine<Cpu<f32>>) {
        let graph = machine.graph().clone();
        let own: Vec<&str> = graph.params.iter().chain(&graph.buffers).map(|t| t.name.as_str()).collect();
        let theirs: Vec<&str> = self.tensors.keys().filter_map(|n| n.strip_prefix("first.")).collect();
        let mut sorted = own.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, theirs, "{}: tensors of the network and of the fixture", self.name);
        for t in &graph.params {
            let first = &self.tensors[&format!("first.{}", t.name)];
            set(&mut machine.params_mut()[t.offset..t.offset + t.shape.len()], first);
        }
        for t in &graph.buffers {
            let first = &self.tensors[&format!("first.{}", t.name)];
            set(&mut machine.buffers_mut()[t.offset..t.offset + t.shape.len()], first);
        }
    }

    /// What of `outcome` is further from PyTorch's f64 run than the tolerance.
    pub(crate) fn misses(&self, outcome: &Outcome) -> Vec<String> {
        let mut found =
            vec![("losses".to_owned(), apart_each(&outcome.losses, &numbers(&self.about["loss_f64"])))];
        for (name, tensor) in &outcome.tensors {
            found.push((name.clone(), apart(tensor, &self.tensors[&format!("final_f64.{name}")])));
        }
        found.push(("output".to_owned(), apart(&outcome.output, &self.tensors["final_output_f64"])));
        let miss = |off: f64| off.is_nan() || off > self.tolerance();
        found.retain(|(_, off)| miss(*off));
        found.into_iter().map(|(what, off)| format!("{}: {what} is off by {off:.1e}", self.name)).collect()
    }
}

fn floats(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
    match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
        Dtype::I64 => bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
        other => panic!("{other:?} in a fixture"),
    }
}

fn set(to: &mut [f32], from: &[f64]) {
    assert_eq!(to.len(), from.len());
    to.iter_mut().zip(from).for_each(|(t, &f)| *t = f as f32);
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

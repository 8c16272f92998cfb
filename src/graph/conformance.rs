//! One run for every op, activation and loss of the registries: shapes, gradients against central differences in f64,
//! f32 against f64, any number of threads the same bits. An op without cases does not build.

use std::sync::Arc;

use crate::backend::cpu::{Cpu, Number};
use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::graph::{Graph, Init, LossTerm, Machine, Mode, Pass, PlanOptions, ValueId};
use crate::ops::{ACTIVATIONS, Case, CaseInput, Content, LOSSES, OPS, RowLoss};
use crate::spec::Values;
use crate::tensor::{Key, Shape};

/// A projection of an op's output on random numbers: the scalar whose gradient is checked.
#[derive(Clone, Copy, Debug)]
struct Project;

impl Binary for Project {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        p * t
    }

    #[inline(always)]
    fn da<S: Scalar>(self, _p: S, t: S) -> S {
        t
    }
}

/// Every case of every registry, by name.
fn all_cases() -> Vec<(&'static str, Case)> {
    let ops = OPS.iter().flat_map(|e| (e.cases)().into_iter().map(|c| (e.name, c)));
    let losses = LOSSES.iter().flat_map(|e| (e.cases)().into_iter().map(|c| (e.name, c)));
    let activations = ACTIVATIONS.iter().flat_map(|e| {
        let shapes: [(usize, Vec<usize>); 5] =
            [(1, vec![1]), (1, vec![7]), (3, vec![5, 2]), (17, vec![33]), (2, vec![64])];
        shapes.into_iter().map(|(batch, shape)| {
            let x = CaseInput::rows(Shape::new(shape)).of(Content::Normal { avoid: e.kinks.to_vec() });
            let op = (e.build)(&Values::defaults(e.keys));
            (e.name, Case { op, inputs: vec![x], batch })
        })
    });
    ops.chain(losses).chain(activations).collect()
}

fn fill(content: &Content, key: Key, out: &mut [f64]) {
    for (i, x) in out.iter_mut().enumerate() {
        let i = i as u64;
        *x = match content {
            Content::Normal { avoid } => {
                let x = key.normal(i);
                match avoid.iter().find(|k| (x - **k).abs() < 0.05) {
                    Some(kink) => kink + 0.05 + (x - kink).abs(),
                    None => x,
                }
            }
            Content::Uniform(low, high) => low + (high - low) * key.uniform(i),
            Content::Labels(n) => (key.bits(i) % *n as u64) as f64,
            Content::Bits => (key.bits(i) % 2) as f64,
            Content::Counts => (key.bits(i) % 5) as f64,
        };
    }
}

/// A case as a graph with one loss, and the numbers to fill in.
struct Rig {
    graph: Arc<Graph>,
    batch: usize,
    /// Each input of the op, what it holds, and whether it has a gradient.
    inputs: Vec<(ValueId, Vec<f64>, bool)>,
    /// Target and row weight.
    fixed: Vec<(ValueId, Vec<f64>)>,
    output: ValueId,
}

fn rig(name: &str, case: Case, seed: u64) -> Rig {
    let mut graph = Graph::new();
    let key = Key::new(seed).named(name);
    let mut inputs = Vec::new();
    let mut operands = Vec::new();
    for (i, input) in case.inputs.iter().enumerate() {
        let n = input.shape.len() * if input.rows { case.batch } else { 1 };
        let mut numbers = vec![0.0; n];
        fill(&input.content, key.part(i as u64), &mut numbers);
        let label = format!("x{i}");
        let value = match (input.rows, input.differentiable) {
            (true, _) if input.state => graph.state(label, input.shape.clone()),
            (true, _) => graph.input(label, input.shape.clone()),
            (false, true) => graph.param(label, input.shape.clone(), Init::constant(0.0)),
            (false, false) => graph.buffer(label, input.shape.clone(), Init::constant(0.0)),
        };
        inputs.push((value, numbers, input.differentiable));
        operands.push(value);
    }
    let output = graph.node("y", case.op, &operands).expect("the case's shapes fit");
    let shape = graph.shape(output).clone();
    let row_weight = graph.input("row_weight", Shape::default());
    let mut weights = vec![0.0; case.batch];
    fill(&Content::Uniform(0.5, 1.5), key.named("weight"), &mut weights);
    let mut fixed = vec![(row_weight, weights)];
    let loss = if LOSSES.iter().any(|l| l.name == name) {
        output
    } else {
        let target = graph.input("target", shape.clone());
        let mut numbers = vec![0.0; shape.len() * case.batch];
        fill(&Content::Uniform(-1.0, 1.0), key.named("target"), &mut numbers);
        fixed.push((target, numbers));
        let op = Box::new(RowLoss { name: "project", function: Project });
        graph.node("loss", op, &[output, target]).expect("a projection fits")
    };
    graph.losses = vec![LossTerm { value: loss, row_weight }];
    graph.outputs = vec![output];
    Rig { graph: Arc::new(graph), batch: case.batch, inputs, fixed, output }
}

/// A rig on a device.
struct Running<'r, T: Number> {
    rig: &'r Rig,
    machine: Machine<Cpu<T>>,
}

impl<'r, T: Number> Running<'r, T> {
    fn new(rig: &'r Rig) -> Self {
        let input_gradients = rig.inputs.iter().filter(|i| i.2).map(|i| i.0).collect();
        let options = PlanOptions { input_gradients, ..PlanOptions::new(Mode::Train, rig.batch) };
        let machine = Machine::new(rig.graph.clone(), &[options]);
        let mut running = Running { rig, machine };
        for i in 0..rig.inputs.len() {
            running.set(i, &rig.inputs[i].1);
        }
        for (value, numbers) in &rig.fixed {
            running.machine.input_mut(0, *value, rig.batch).copy_from_slice(&cast::<T>(numbers));
        }
        running
    }

    fn set(&mut self, input: usize, numbers: &[f64]) {
        let (value, _, _) = self.rig.inputs[input];
        let numbers = cast::<T>(numbers);
        let place =
            |tensors: &[crate::graph::Tensor]| tensors.iter().find(|t| t.value == value).map(|t| t.offset);
        if let Some(at) = place(&self.rig.graph.params) {
            self.machine.params_mut()[at..at + numbers.len()].copy_from_slice(&numbers);
        } else if let Some(at) = place(&self.rig.graph.buffers) {
            self.machine.buffers_mut()[at..at + numbers.len()].copy_from_slice(&numbers);
        } else if self.rig.graph.states.contains(&value) {
            let at = self.machine.plan(0).view(value).expect("a state has a place").offset;
            self.machine.states_mut(0)[at..at + numbers.len()].copy_from_slice(&numbers);
        } else {
            self.machine.input_mut(0, value, self.rig.batch).copy_from_slice(&numbers);
        }
    }

    /// One pass; the weighted loss.
    fn loss(&mut self) -> f64 {
        let rows = self.rig.batch;
        for i in 0..self.rig.inputs.len() {
            if self.rig.graph.states.contains(&self.rig.inputs[i].0) {
                self.set(i, &self.rig.inputs[i].1);
            }
        }
        self.machine.run(0, Pass { rows, key: Key::new(5), accumulate: false });
        let loss = self.rig.graph.losses[0];
        let losses = self.machine.output(0, loss.value, rows);
        let weights = &self.rig.fixed[0].1;
        losses.iter().zip(weights).map(|(&l, w)| l.into() * w).sum()
    }

    fn gradient(&self, input: usize) -> Vec<f64> {
        let (value, ref numbers, _) = self.rig.inputs[input];
        let view = self.machine.plan(0).gradient(value).expect("the input has a gradient");
        self.machine.read(view, numbers.len()).iter().map(|&g| g.into()).collect()
    }

    fn bits(&self) -> Vec<f64> {
        let y = self.machine.output(0, self.rig.output, self.rig.batch).iter().map(|&y| y.into());
        let grads =
            (0..self.rig.inputs.len()).filter(|&i| self.rig.inputs[i].2).flat_map(|i| self.gradient(i));
        y.chain(grads).collect()
    }
}

fn cast<T: Number>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

/// The gradient by an input, by central differences.
fn numerical(running: &mut Running<'_, f64>, input: usize) -> Vec<f64> {
    let numbers = running.rig.inputs[input].1.clone();
    let mut gradient = Vec::with_capacity(numbers.len());
    for i in 0..numbers.len() {
        let h = 1e-5 * numbers[i].abs().max(1.0);
        let mut at = |x: f64| {
            let mut moved = numbers.clone();
            moved[i] = x;
            running.set(input, &moved);
            running.loss()
        };
        gradient.push((at(numbers[i] + h) - at(numbers[i] - h)) / (2.0 * h));
    }
    running.set(input, &numbers);
    gradient
}

/// The largest difference, in units of the largest number (at least 1e-3).
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let scale = a.iter().chain(b).fold(1e-3f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0f64, |m, (x, y)| m.max((x - y).abs() / scale))
}

const TOLERANCE: f64 = 1e-7;

#[test]
fn every_op_has_five_shapes_and_batches_of_one_and_more() {
    let cases = all_cases();
    let names: std::collections::BTreeSet<_> = cases.iter().map(|(n, _)| *n).collect();
    for name in names {
        let own: Vec<&Case> = cases.iter().filter(|(n, _)| *n == name).map(|(_, c)| c).collect();
        let shapes: std::collections::BTreeSet<String> = own
            .iter()
            .map(|c| format!("{} {:?}", c.batch, c.inputs.iter().map(|i| &i.shape).collect::<Vec<_>>()))
            .collect();
        assert!(shapes.len() >= 5, "{name}: {} shapes", shapes.len());
        assert!(own.iter().any(|c| c.batch > 1), "{name}: no batch");
        assert!(own.iter().any(|c| c.batch == 1), "{name}: no batch of one row");
    }
}

#[test]
fn gradients_are_those_of_central_differences_and_a_flipped_sign_is_seen() {
    for (i, (name, case)) in all_cases().into_iter().enumerate() {
        let rig = rig(name, case, i as u64);
        let mut running = Running::<f64>::new(&rig);
        for input in (0..rig.inputs.len()).filter(|&i| rig.inputs[i].2) {
            running.loss();
            let analytic = running.gradient(input);
            let numeric = numerical(&mut running, input);
            let off = distance(&analytic, &numeric);
            assert!(off < TOLERANCE, "{name}, case {i}, input {input}: {off:e}\n{analytic:?}\n{numeric:?}");
            let flipped: Vec<f64> = analytic.iter().map(|g| -g).collect();
            let zero = numeric.iter().all(|g| g.abs() < 1e-9);
            assert!(zero || distance(&flipped, &numeric) > TOLERANCE, "{name}: a flipped sign passes");
        }
    }
}

#[test]
fn single_precision_agrees_with_double() {
    for (i, (name, case)) in all_cases().into_iter().enumerate() {
        let rig = rig(name, case, i as u64);
        let (mut single, mut double) = (Running::<f32>::new(&rig), Running::<f64>::new(&rig));
        let (a, b) = (single.loss(), double.loss());
        assert!((a - b).abs() <= 2e-5 * b.abs().max(1.0), "{name}, case {i}: loss {a} and {b}");
        let off = distance(&single.bits(), &double.bits());
        assert!(off < 3e-5, "{name}, case {i}: {off:e}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| -> Vec<Vec<f64>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let cases = all_cases().into_iter().enumerate();
            cases
                .map(|(i, (name, case))| {
                    let rig = rig(name, case, i as u64);
                    let mut running = Running::<f32>::new(&rig);
                    let loss = running.loss();
                    running.bits().into_iter().chain([loss]).collect()
                })
                .collect()
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        let many = run(threads);
        for (i, (a, b)) in one.iter().zip(&many).enumerate() {
            let same = a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits());
            assert!(same && a.len() == b.len(), "case {i} with {threads} threads");
        }
    }
}

//! A training step allocates nothing, and any number of threads makes the same one.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backprop::backend::cpu::Cpu;
use backprop::graph::{Graph, Init, Machine, Mode, Pass, PlanOptions, Tensor, ValueId};
use backprop::layers::{Input, Network, Output, build};
use backprop::ops::LOSSES;
use backprop::optim::{OPTIMIZERS, Optimizer, Segment, StepOptions};
use backprop::spec::{Family, Values};
use backprop::tensor::Key;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;

use crate::fixture::{choice, layers};

thread_local! {
    /// Where this thread counts; other tests run beside these on threads that do not.
    static COUNTER: Cell<Option<&'static AtomicUsize>> = const { Cell::new(None) };
}

/// The system's allocator, counting on the threads that asked for it.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if let Some(counter) = COUNTER.get() {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes on to the system's allocator as it came; counting touches no memory but a constant-initialised
// thread-local without destructor and a static integer, so it allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system's demands.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

/// A pool whose threads count their allocations together.
fn pool(threads: usize) -> (ThreadPool, &'static AtomicUsize) {
    let counter: &'static AtomicUsize = Box::leak(Box::default());
    let pool = ThreadPoolBuilder::new().num_threads(threads).start_handler(|_| COUNTER.set(Some(counter)));
    (pool.build().expect("threads"), counter)
}

const ROWS: usize = 192;
const CLASSES: usize = 10;
const IMAGE: [usize; 3] = [2, 8, 6];
/// Steps and channels.
const SERIES: [usize; 2] = [6, 8];

/// Every kind of layer, wide enough that the device forks: a row takes more than 150,000 multiply-adds forward.
fn network() -> Network {
    let layers = layers(&json!([
        { "type": "embedding", "name": "city_vector", "input": "city", "embedding_dim": 24 },
        { "type": "conv2d", "input": "image", "out_channels": 8, "kernel_size": 3, "padding": 1, "activation": "relu" },
        { "type": "max_pool2d", "kernel_size": 2 },
        { "type": "conv2d", "out_channels": 8, "kernel_size": 3, "padding": "same", "groups": "depthwise" },
        { "type": "conv_transpose2d", "out_channels": 3, "kernel_size": 2, "stride": 2 },
        { "type": "flatten", "name": "seen" },
        { "type": "lstm", "input": "series", "hidden_size": 16, "num_layers": 2, "bidirectional": true, "dropout": 0.1 },
        { "type": "gru", "hidden_size": 12 },
        { "type": "rnn", "hidden_size": 10, "nonlinearity": "relu" },
        { "type": "last", "name": "heard" },
        { "type": "linear", "out_features": 16, "input": "series" },
        { "type": "positional_embedding" },
        { "type": "transformer_block", "name": "steps", "num_heads": 4, "num_kv_heads": 2, "causal": true, "rotary": true, "activation": "swiglu", "norm": "rms_norm" },
        { "type": "transformer_block", "input": ["steps", "steps"], "num_heads": 2, "dropout": 0.1, "norm_first": false },
        { "type": "attention_pool", "name": "pooled" },
        { "type": "concat", "input": ["x", "city_vector", "seen", "heard", "pooled"] },
        { "type": "linear", "out_features": 256, "activation": "relu" },
        { "type": "batch_norm" },
        { "type": "dropout", "p": 0.3 },
        { "type": "residual", "name": "deeper", "layers": [
            { "type": "linear", "out_features": 256, "activation": "gelu" },
            { "type": "layer_norm" },
            { "type": "dropout", "p": 0.1 },
        ]},
        { "type": "linear", "name": "a", "out_features": 128, "activation": "silu" },
        { "type": "linear", "name": "b", "out_features": 128, "activation": "softmax", "input": "deeper" },
        { "type": "mul", "name": "gated", "input": ["a", "b"] },
        { "type": "add", "input": ["gated", "a"] },
        { "type": "repeat", "times": 2, "layers": [{ "type": "linear", "out_features": 128, "activation": "tanh" }] },
    ]));
    let loss = LOSSES.iter().find(|l| l.name == "cross_entropy").expect("cross_entropy");
    let inputs = [
        Input::numbers("x", [64]),
        Input::ids("city", 50),
        Input::numbers("image", IMAGE),
        Input::channels_last("series", SERIES, true),
    ];
    let class_weights = Some((0..CLASSES).map(|c| 1.0 + c as f64 / 10.0).collect());
    let output = Output { loss, loss_values: Values::defaults(loss.keys), outputs: CLASSES, class_weights };
    build(&inputs, &layers, None, &output).expect("the layers fit")
}

/// A network in training.
struct Training {
    machine: Machine<Cpu<f32>>,
    optimizer: Optimizer,
    /// What each input of the graph is filled with.
    batch: Vec<(ValueId, Vec<f32>)>,
    step: u64,
}

impl Training {
    fn new() -> Self {
        let network = network();
        let graph = Arc::new(network.graph);
        assert!(graph.cost() > 150_000.0 && graph.param_len() > 100_000, "too small to fork");
        let plans = [PlanOptions::new(Mode::Train, ROWS), PlanOptions::new(Mode::Evaluate, ROWS)];
        let mut machine: Machine<Cpu<f32>> = Machine::new(graph.clone(), &plans);
        for (i, t) in graph.params.iter().enumerate() {
            initialise(t, i, &mut machine.params_mut()[t.offset..t.offset + t.shape.len()]);
        }
        for (i, t) in graph.buffers.iter().enumerate() {
            initialise(t, i, &mut machine.buffers_mut()[t.offset..t.offset + t.shape.len()]);
        }
        let key = Key::new(3);
        let numbers =
            |n: usize, f: &dyn Fn(u64) -> f64| (0..n as u64).map(|i| f(i) as f32).collect::<Vec<f32>>();
        let batch = vec![
            (network.inputs[0], numbers(64 * ROWS, &|i| key.normal(i))),
            (network.inputs[1], numbers(ROWS, &|i| (key.bits(i) % 50) as f64)),
            (
                network.inputs[2],
                numbers(IMAGE.iter().product::<usize>() * ROWS, &|i| key.named("image").normal(i)),
            ),
            (
                network.inputs[3],
                numbers(SERIES.iter().product::<usize>() * ROWS, &|i| key.named("series").normal(i)),
            ),
            (
                network.lengths[3].expect("a ragged input"),
                numbers(ROWS, &|i| (key.bits(i) % (SERIES[0] + 1) as u64) as f64),
            ),
            (network.target, numbers(ROWS, &|i| (key.bits(i) % CLASSES as u64) as f64)),
            (network.row_weight, numbers(ROWS, &|_| 1.0 / ROWS as f64)),
        ];
        let adamw = choice(Family::Optimizer, &json!({ "type": "adamw", "amsgrad": true, "l1": 1e-5 }));
        let chain = (OPTIMIZERS[adamw.index].build)(&adamw.values).expect("keys that agree");
        let segments = parameters(&graph);
        let chain = chain.clip_grad_norm(1.0).clip_grad_value(0.1);
        let optimizer = Optimizer::new(chain, graph.param_len(), segments);
        Training { machine, optimizer, batch, step: 0 }
    }

    fn pass(&mut self, plan: usize, rows: usize, key: Key, accumulate: bool) {
        for (value, numbers) in &self.batch {
            let row = numbers.len() / ROWS;
            self.machine.input_mut(plan, *value, rows).copy_from_slice(&numbers[..rows * row]);
        }
        self.machine.run(plan, Pass { rows, key, accumulate });
    }

    fn step(&mut self) {
        let key = Key::new(7).part(self.step);
        self.step += 1;
        self.pass(0, ROWS, key, false);
        self.pass(0, ROWS - 1, key, true);
        let (params, grads) = self.machine.params_and_grads();
        let options = StepOptions { gradient_scale: 0.5, measure_norm: true, ..StepOptions::new(0.01) };
        let norm = self.optimizer.step(params, grads, options).expect("it was asked for");
        assert!(norm.is_finite() && norm > 0.0, "the norm of the gradient is {norm}");
    }

    fn evaluate(&mut self) {
        self.pass(1, ROWS, Key::new(0), false);
    }
}

fn initialise(t: &Tensor, number: usize, out: &mut [f32]) {
    let Init { name, values, fan_in, fan_out, .. } = &t.init;
    let entry = backprop::init::find(name).expect("a row of the registry");
    let key = Key::new(1).part(number as u64);
    (entry.build)(values).expect("keys that agree").fill(key, &t.shape, *fan_in, *fan_out, out);
}

fn parameters(graph: &Graph) -> Vec<Segment> {
    let all = graph.params.iter().map(|p| (p.offset..p.offset + p.shape.len(), p.shape.axes().len()));
    Segment::for_parameters(all, false)
}

#[test]
fn a_step_allocates_nothing() {
    for threads in [1, 2] {
        let (pool, counter) = pool(threads);
        let count = pool.install(|| {
            let mut training = Training::new();
            (0..3).for_each(|_| training.step());
            training.evaluate();
            let before = counter.load(Ordering::Relaxed);
            for _ in 0..10 {
                training.step();
                training.evaluate();
            }
            counter.load(Ordering::Relaxed) - before
        });
        assert_eq!(count, 0, "allocations of 10 steps with {threads} threads");
    }
}

#[test]
fn an_allocation_is_counted_on_every_thread_of_the_pool() {
    let (pool, counter) = pool(2);
    let before = counter.load(Ordering::Relaxed);
    pool.broadcast(|_| drop(black_box(vec![1u8; 100])));
    assert!(counter.load(Ordering::Relaxed) >= before + 2);
}

#[test]
fn any_number_of_threads_trains_the_same_bits() {
    let train = |threads: usize| {
        pool(threads).0.install(|| {
            let mut training = Training::new();
            (0..4).for_each(|_| training.step());
            let bits = |flat: &[f32]| flat.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            [bits(training.machine.params()), bits(training.machine.buffers())]
        })
    };
    let one = train(1);
    for threads in [2, 3] {
        assert!(train(threads) == one, "{threads} threads");
    }
}

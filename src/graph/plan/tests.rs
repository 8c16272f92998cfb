//! Plans are replayed on paper: whatever a step reads must still be there, however far any row has come.

use super::*;
use crate::backend::Dest;
use crate::graph::{Init, LossTerm};
use crate::ops::add::Add;
use crate::ops::batch_norm::BatchNorm;
use crate::ops::concat::Concat;
use crate::ops::dropout::Dropout;
use crate::ops::embedding::Embedding;
use crate::ops::layer_norm::LayerNorm;
use crate::ops::linear::Linear;
use crate::ops::mul::Mul;
use crate::ops::reshape::Reshape;
use crate::ops::{ACTIVATIONS, LOSSES};
use crate::spec::Values;
use crate::tensor::{Shape, Slot};

/// What a piece of the memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tag {
    Value(ValueId),
    Gradient(ValueId),
    Saved { node: usize, index: usize },
}

/// One view that a step reads or writes.
#[derive(Clone, Copy, Debug)]
struct Touch {
    tag: Tag,
    view: View,
    reads: bool,
    writes: bool,
}

/// What a step does to the memory, from the contract of [`crate::ops`] alone.
fn touches(graph: &Graph, plan: &Plan, step: &Step) -> Vec<Touch> {
    let node = &graph.nodes[step.node];
    let io = &step.io;
    let reads = |tag, view| Touch { tag, view, reads: true, writes: false };
    let writes = |tag, view| Touch { tag, view, reads: false, writes: true };
    let inputs = node.inputs.iter().zip(&io.inputs).map(|(&v, x)| reads(Tag::Value(v), x.view));
    let output = Tag::Value(node.output);
    let saved = |how: fn(&mut Touch)| {
        let views = io.saved.iter().enumerate();
        views.map(move |(index, &view)| {
            let mut touch =
                Touch { tag: Tag::Saved { node: step.node, index }, view, reads: false, writes: false };
            how(&mut touch);
            touch
        })
    };
    let all: Vec<Touch> = match step.piece {
        Piece::Pack(_) => Vec::new(),
        Piece::ForwardReduce => inputs.chain(saved(|t| t.writes = true)).collect(),
        Piece::Forward if node.op.forward_units(&graph.input_shapes(node)) > 0 => {
            inputs.chain(saved(|t| t.reads = true)).chain([writes(output, io.output)]).collect()
        }
        Piece::Forward => {
            inputs.chain(saved(|t| t.writes = true)).chain([writes(output, io.output)]).collect()
        }
        Piece::BackwardReduce | Piece::Backward | Piece::BackwardParams => {
            let again = node.op.backward_reads();
            let loss = graph.losses.iter().find(|l| l.value == node.output);
            let d_output = loss.map_or(Tag::Gradient(node.output), |l| Tag::Value(l.row_weight));
            let gradients = node.inputs.iter().zip(&io.d_inputs).filter_map(|(&v, dest)| {
                let Dest { view, add } = (*dest)?;
                Some(Touch { tag: Tag::Gradient(v), view, reads: add, writes: true })
            });
            let reduces = step.piece == Piece::BackwardReduce;
            inputs
                .filter(|_| again.inputs)
                .chain([reads(output, io.output)].into_iter().filter(|_| again.output))
                .chain([reads(d_output, io.dy())])
                .chain(saved(if reduces {
                    |t| (t.reads, t.writes) = (true, true)
                } else {
                    |t| t.reads = true
                }))
                .chain(gradients)
                .collect()
        }
    };
    let known = |t: Touch| Some(Touch { view: in_memory(plan, t.view)?, tag: known_as(graph, t.tag), ..t });
    all.into_iter().filter_map(known).collect()
}

/// The tag with a value's first name: a reshaped value is the one before under another name.
fn known_as(graph: &Graph, tag: Tag) -> Tag {
    let first = |mut value: ValueId| {
        while let Some(node) = graph.nodes.iter().find(|n| n.output == value && n.op.name() == "reshape") {
            value = node.inputs[0];
        }
        value
    };
    match tag {
        Tag::Value(v) => Tag::Value(first(v)),
        Tag::Gradient(v) => Tag::Gradient(first(v)),
        saved => saved,
    }
}

/// A view in the arena with the parameters' gradients behind it; `None` for what no step writes.
fn in_memory(plan: &Plan, view: View) -> Option<View> {
    match view.slot {
        Slot::Arena => Some(view),
        Slot::Grad => Some(View { offset: plan.arena_len + view.offset, ..view }),
        _ => None,
    }
}

/// The elements of a view: those of one row, or all.
fn elements(view: View, row: usize) -> Range<usize> {
    if view.row_len == 0 {
        return view.offset..view.offset + view.len;
    }
    let start = view.offset + row * view.row_len;
    start..start + view.row_len
}

/// Runs a plan on paper over `rows` and says what goes wrong.
fn replay(graph: &Graph, plan: &Plan, options: &PlanOptions, rows: usize) -> Result<(), String> {
    let memory = plan.arena_len + graph.param_len();
    let mut holds: Vec<Option<Tag>> = vec![None; memory];
    let all = |view: View| (0..if view.row_len > 0 { rows } else { 1 }).flat_map(move |r| elements(view, r));
    for &v in &graph.inputs {
        if let Some(view) = plan.view(v) {
            all(view).for_each(|e| holds[e] = Some(Tag::Value(v)));
        }
    }
    for stage in &plan.stages {
        let steps: Vec<usize> = match stage {
            Stage::Rows { steps, .. } => steps.clone().collect(),
            Stage::Units { tasks, .. } => {
                let mut steps: Vec<usize> = tasks.iter().map(|t| t.step).collect();
                steps.dedup();
                steps
            }
        };
        let touched: Vec<Vec<Touch>> = steps.iter().map(|&s| touches(graph, plan, &plan.steps[s])).collect();
        match stage {
            Stage::Rows { .. } => rows_are_apart(&touched, memory, rows)?,
            Stage::Units { .. } => steps_are_apart(&touched, memory, rows)?,
        }
        for (step, touched) in steps.iter().zip(&touched) {
            operands_are_apart(touched).map_err(|e| format!("step {step}: {e}"))?;
            for t in touched.iter().filter(|t| t.reads) {
                if let Some(e) = all(t.view).find(|&e| holds[e] != Some(t.tag)) {
                    return Err(format!("step {step} reads {:?} where {:?} lies", t.tag, holds[e]));
                }
            }
            for t in touched.iter().filter(|t| t.writes) {
                all(t.view).for_each(|e| holds[e] = Some(t.tag));
            }
        }
    }
    let losses = graph.losses.iter().map(|l| l.value).filter(|_| options.mode != Mode::Predict);
    let outputs = graph.outputs.iter().copied().filter(|_| options.mode != Mode::Train);
    let kept = losses.chain(outputs).map(|v| (Tag::Value(v), plan.view(v)));
    let trained = |p: &usize| options.trainable.as_ref().is_none_or(|t| t[*p]) && options.mode == Mode::Train;
    let trained = (0..graph.params.len()).filter(trained).map(|p| graph.params[p].value);
    let gradients = options.input_gradients.iter().copied().chain(trained);
    for (tag, view) in kept.chain(gradients.map(|v| (Tag::Gradient(v), plan.gradient(v)))) {
        let tag = known_as(graph, tag);
        let view = view.and_then(|v| in_memory(plan, v)).ok_or_else(|| format!("{tag:?} has no place"))?;
        if let Some(e) = all(view).find(|&e| holds[e] != Some(tag)) {
            return Err(format!("{:?} lies where {tag:?} should be at the end", holds[e]));
        }
    }
    Ok(())
}

/// In a stage of rows, threads are at different steps at one time: no row may touch what another one does.
fn rows_are_apart(steps: &[Vec<Touch>], memory: usize, rows: usize) -> Result<(), String> {
    const SHARED: usize = usize::MAX;
    let mut owner: Vec<Option<usize>> = vec![None; memory];
    for t in steps.iter().flatten() {
        let shared = t.view.row_len == 0;
        if shared && t.writes {
            return Err(format!("rows write {:?}, which they share", t.tag));
        }
        for row in 0..if shared { 1 } else { rows } {
            let own = if shared { SHARED } else { row };
            for e in elements(t.view, row) {
                if owner[e].is_some_and(|o| o != own) {
                    return Err(format!("two rows meet in {:?}", t.tag));
                }
                owner[e] = Some(own);
            }
        }
    }
    Ok(())
}

/// In a stage of units, all steps run at once: what one writes no other may touch.
fn steps_are_apart(steps: &[Vec<Touch>], memory: usize, rows: usize) -> Result<(), String> {
    let mut touched_by: Vec<Option<(usize, bool)>> = vec![None; memory];
    for (i, t) in steps.iter().enumerate().flat_map(|(i, s)| s.iter().map(move |t| (i, t))) {
        for row in 0..if t.view.row_len > 0 { rows } else { 1 } {
            for e in elements(t.view, row) {
                if touched_by[e].is_some_and(|(j, written)| i != j && (written || t.writes)) {
                    return Err(format!("two steps meet in {:?}", t.tag));
                }
                let written = touched_by[e].is_some_and(|(_, written)| written);
                touched_by[e] = Some((i, written || t.writes));
            }
        }
    }
    Ok(())
}

/// What a step writes is no part of anything else that it names.
fn operands_are_apart(touched: &[Touch]) -> Result<(), String> {
    for a in touched.iter().filter(|t| t.writes) {
        for b in touched.iter().filter(|b| b.tag != a.tag) {
            let (x, y) = (a.view, b.view);
            if x.offset < y.offset + y.len && y.offset < x.offset + x.len {
                return Err(format!("{:?} and {:?} overlap", a.tag, b.tag));
            }
        }
    }
    Ok(())
}

/// A graph with the calls that the tests need.
struct Net(Graph);

impl Net {
    fn linear(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let width = self.0.shape(x).last();
        let w = self.0.param("weight", [outputs, width], Init::constant(0.0));
        let b = self.0.param("bias", [outputs], Init::constant(0.0));
        self.0.node("linear", Box::new(Linear), &[x, w, b]).unwrap()
    }

    fn activation(&mut self, name: &str, x: ValueId) -> ValueId {
        let entry = ACTIVATIONS.iter().find(|a| a.name == name).unwrap();
        self.0.node(name, (entry.build)(&Values::defaults(entry.keys)), &[x]).unwrap()
    }

    fn norm(&mut self, x: ValueId, of_batch: bool) -> ValueId {
        let width = self.0.shape(x).last();
        let affine = ["weight", "bias"].map(|n| self.0.param(n, [width], Init::constant(1.0)));
        if !of_batch {
            return self
                .0
                .node("norm", Box::new(LayerNorm { eps: 1e-5 }), &[x, affine[0], affine[1]])
                .unwrap();
        }
        let running = ["mean", "var"].map(|n| self.0.buffer(n, [width], Init::constant(0.0)));
        let op = Box::new(BatchNorm { eps: 1e-5, momentum: 0.1 });
        self.0.node("norm", op, &[x, affine[0], affine[1], running[0], running[1]]).unwrap()
    }

    fn finish(mut self, x: ValueId, loss: &str) -> Graph {
        let y = self.linear(x, 3);
        let entry = LOSSES.iter().find(|l| l.name == loss).unwrap();
        let labels = loss == "cross_entropy";
        let target = self.0.input("target", if labels { Shape::default() } else { [3].into() });
        let row_weight = self.0.input("row_weight", Shape::default());
        let op = (entry.build)(&Values::defaults(entry.keys));
        let value = self.0.node("loss", op, &[y, target]).unwrap();
        self.0.outputs = vec![y];
        self.0.losses = vec![LossTerm { value, row_weight }];
        self.0
    }
}

/// A graph with one input `x` of `width` numbers.
fn net(width: usize, build: impl FnOnce(&mut Net, ValueId) -> ValueId, loss: &str) -> Graph {
    let mut net = Net(Graph::new());
    let x = net.0.input("x", [width]);
    let last = build(&mut net, x);
    net.finish(last, loss)
}

/// `layers` linear layers of one width with an activation each.
fn mlp(layers: usize, activation: &str, loss: &str) -> Graph {
    let build = |net: &mut Net, x| {
        (0..layers).fold(x, |x, _| {
            let y = net.linear(x, 16);
            net.activation(activation, y)
        })
    };
    net(5, build, loss)
}

fn networks() -> Vec<(&'static str, Graph)> {
    let funnel = |net: &mut Net, x| {
        [16, 9, 4, 9, 16].iter().fold(x, |x, &width| {
            let y = net.linear(x, width);
            net.activation("silu", y)
        })
    };
    let residual = |net: &mut Net, x| {
        let first = net.linear(x, 8);
        (0..3).fold(first, |x, _| {
            let y = net.linear(x, 8);
            let y = net.activation("relu", y);
            let y = net.linear(y, 8);
            net.0.node("add", Box::new(Add), &[x, y]).unwrap()
        })
    };
    let batch_norm = |net: &mut Net, x| {
        [6, 12].iter().fold(x, |x, &width| {
            let y = net.linear(x, width);
            let y = net.norm(y, true);
            net.activation("tanh", y)
        })
    };
    let branches = |net: &mut Net, x| {
        let ids = net.0.input("ids", Shape::default());
        let table = net.0.param("table", [4, 3], Init::constant(0.0));
        let vector = net.0.node("vector", Box::new(Embedding), &[ids, table]).unwrap();
        let left = net.linear(x, 7);
        let left = net.activation("gelu", left);
        let right = net.linear(x, 7);
        let gated = net.0.node("mul", Box::new(Mul), &[left, right]).unwrap();
        let all = net.0.node("concat", Box::new(Concat), &[gated, vector, x, right]).unwrap();
        let all = net.norm(all, false);
        net.0.node("dropout", Box::new(Dropout { p: 0.5 }), &[all]).unwrap()
    };
    let tied = |net: &mut Net, x| {
        let w = net.0.param("weight", [5, 5], Init::constant(0.0));
        (0..3).fold(x, |x, _| net.0.node("linear", Box::new(Linear), &[x, w]).unwrap())
    };
    let reshape = |net: &mut Net, x, shape: &[usize]| {
        net.0.node("reshape", Box::new(Reshape { shape: Shape::new(shape) }), &[x]).unwrap()
    };
    let reshaped = |net: &mut Net, x| {
        let places = reshape(net, x, &[2, 3]);
        let other = net.linear(places, 3);
        let first = net.linear(x, 6);
        let rows = reshape(net, first, &[3, 2]);
        let columns = reshape(net, rows, &[2, 3]);
        let sum = net.0.node("add", Box::new(Add), &[columns, other, places]).unwrap();
        let sum = reshape(net, sum, &[6]);
        net.0.node("add", Box::new(Add), &[first, sum, x]).unwrap()
    };
    vec![
        ("reshaped", net(6, reshaped, "mse")),
        ("deep", mlp(10, "relu", "cross_entropy")),
        ("deep, from outputs", mlp(10, "tanh", "mse")),
        ("no layers", net(3, |_, x| x, "mse")),
        ("funnel", net(5, funnel, "huber")),
        ("residual", net(5, residual, "cross_entropy")),
        ("batch_norm", net(5, batch_norm, "bce_with_logits")),
        ("branches", net(5, branches, "cross_entropy")),
        ("tied", net(5, tied, "mse")),
    ]
}

/// Every mode, and training with a gradient by the input and with frozen parameters.
fn options(graph: &Graph, max_rows: usize) -> Vec<PlanOptions> {
    let mut all =
        [Mode::Train, Mode::Evaluate, Mode::Predict].map(|m| PlanOptions::new(m, max_rows)).to_vec();
    let frozen = Some((0..graph.params.len()).map(|p| p % 3 != 0).collect());
    all.push(PlanOptions { trainable: frozen, ..PlanOptions::new(Mode::Train, max_rows) });
    all.push(PlanOptions {
        input_gradients: vec![graph.inputs[0]],
        ..PlanOptions::new(Mode::Train, max_rows)
    });
    all
}

#[test]
fn nothing_is_overwritten_while_it_is_needed() {
    for (name, graph) in networks() {
        for max_rows in [1, 7, 32] {
            for options in options(&graph, max_rows) {
                let plan = Plan::new(&graph, &options);
                for rows in [max_rows, max_rows.div_ceil(2)] {
                    let fault = replay(&graph, &plan, &options, rows);
                    assert_eq!(fault, Ok(()), "{name}, {:?}, {rows} of {max_rows} rows", options.mode);
                }
            }
        }
    }
}

#[test]
fn a_reshaped_value_takes_no_memory_and_no_time() {
    let graph = networks().swap_remove(0).1;
    for mode in [Mode::Train, Mode::Predict] {
        let plan = Plan::new(&graph, &PlanOptions::new(mode, 7));
        let reshapes = graph.nodes.iter().enumerate().filter(|(_, n)| n.op.name() == "reshape");
        for (i, node) in reshapes {
            assert!(plan.steps.iter().all(|s| s.node != i));
            assert_eq!(plan.view(node.output), plan.view(node.inputs[0]));
        }
    }
}

#[test]
fn a_misplaced_value_is_seen() {
    for (name, graph) in networks() {
        for options in options(&graph, 7).into_iter().filter(|o| o.mode == Mode::Train) {
            let mut plan = Plan::new(&graph, &options);
            // The first node's output is moved onto its input.
            let (from, to) = (plan.steps[0].io.output, plan.steps[0].io.inputs[0].view.offset);
            for io in plan.steps.iter_mut().map(|s| &mut s.io) {
                let views = io.inputs.iter_mut().map(|x| &mut x.view).chain([&mut io.output]);
                views.filter(|v| **v == from).for_each(|v| v.offset = to);
            }
            assert!(replay(&graph, &plan, &options, 7).is_err(), "{name}");
        }
    }
}

#[test]
fn inference_needs_a_small_part_of_what_it_computes() {
    let graph = mlp(10, "relu", "cross_entropy");
    let rows = 64;
    let arena = |mode| Plan::new(&graph, &PlanOptions::new(mode, rows)).arena_len;
    let values = graph.values.iter().filter(|v| v.has_rows()).map(|v| v.shape.len() * rows);
    let all: usize = values.sum();
    assert!(4 * arena(Mode::Predict) < all, "{} of {all}", arena(Mode::Predict));
    assert!(4 * arena(Mode::Evaluate) < all, "{} of {all}", arena(Mode::Evaluate));
    // Training keeps what backward reads, but gradients take turns.
    assert!(arena(Mode::Train) < all + all / 4, "{} of {all}", arena(Mode::Train));
}

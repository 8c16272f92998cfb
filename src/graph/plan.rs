//! What runs when, and where each value lies.

use std::ops::Range;

use crate::backend::Dest;
use crate::graph::memory::{self, Life};
use crate::graph::{Graph, Source, ValueId};
use crate::ops::{Io, Operand, Saved};
use crate::tensor::{Shape, Slot, View};

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The largest batch.
    pub max_rows: usize,
    /// What it computes.
    pub mode: Mode,
    /// Which parameters are trained, by index; all where `None`.
    pub trainable: Option<Vec<bool>>,
    /// Whether every value keeps its place to the end, to be looked at.
    pub keep_all: bool,
    /// Inputs whose gradients are wanted, too.
    pub input_gradients: Vec<ValueId>,
    /// Elements that the backend needs for the packed form of a weight `[O, I]`; 0: it packs none.
    pub packed_len: fn(outputs: usize, inputs: usize) -> usize,
    /// Rows of a weight that are packed together.
    pub packed_rows: usize,
}

/// What a plan computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Losses and gradients; dropout and batch statistics are on.
    Train,
    /// Outputs and losses.
    Evaluate,
    /// Outputs alone.
    Predict,
}

impl PlanOptions {
    /// A plan for batches of up to `max_rows` in which all parameters are trained and none is packed.
    pub fn new(mode: Mode, max_rows: usize) -> Self {
        PlanOptions {
            max_rows,
            mode,
            trainable: None,
            input_gradients: Vec::new(),
            keep_all: false,
            packed_len: |_, _| 0,
            packed_rows: 1,
        }
    }

    fn training(&self) -> bool {
        self.mode == Mode::Train
    }
}

/// A piece of an op; see [`crate::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Pack,
    ForwardReduce,
    Forward,
    BackwardReduce,
    Backward,
    BackwardParams,
}

/// One piece of one node with its places.
#[derive(Debug)]
pub(crate) struct Step {
    pub node: usize,
    pub piece: Piece,
    /// Units of a piece that is split over units.
    pub units: usize,
    /// Multiply-adds for each row of the batch.
    pub cost: f64,
    pub io: Io,
}

/// Some units of a step.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub step: usize,
    pub units: Range<usize>,
}

/// A run of steps that the device forks once for.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Each lane carries its rows through all of these steps, a block at a time.
    Rows { steps: Range<usize>, block: usize, cost: f64 },
    /// Each lane takes some of these tasks.
    Units { tasks: Vec<Task>, cost: f64 },
}

/// A graph made ready to run: its stages, and a place for every value.
#[derive(Debug)]
pub struct Plan {
    /// The largest batch.
    pub max_rows: usize,
    /// Elements of the arena.
    pub arena_len: usize,
    /// Elements of the packed weights.
    pub packed_len: usize,
    pub(crate) steps: Vec<Step>,
    /// Run when parameters have changed.
    pub(crate) prepare: Vec<Stage>,
    /// Run in every pass. Forward and backward share stages: a lane's rows go forward and back while they are in its cache.
    pub(crate) stages: Vec<Stage>,
    /// Where each value lies, by value; `None` where this plan does not compute it.
    pub(crate) views: Vec<Option<View>>,
    /// Where each value's gradient lies.
    pub(crate) gradients: Vec<Option<View>>,
    #[cfg(test)]
    pub(crate) lives: Vec<Life>,
}

/// Multiply-adds that are worth a task of their own; fixed, so that tasks never depend on the number of threads.
const TASK_COST: f64 = 64.0 * 1024.0;

/// Bytes that a lane's block of rows may take in all values of a stage: about half of a core's second-level cache.
const BLOCK_BYTES: usize = 768 * 1024;

impl Plan {
    /// Plans `graph`.
    pub fn new(graph: &Graph, options: &PlanOptions) -> Self {
        Builder::new(graph, options).build()
    }

    /// Where a value lies.
    pub fn view(&self, value: ValueId) -> Option<View> {
        self.views[value.0]
    }

    /// Where the gradient by a value lies.
    pub fn gradient(&self, value: ValueId) -> Option<View> {
        self.gradients[value.0]
    }

    /// Bytes of arena and packed weights with elements of `size` bytes.
    pub fn bytes(&self, size: usize) -> usize {
        (self.arena_len + self.packed_len) * size
    }

    /// Number of forks of one training step.
    pub fn forks(&self) -> usize {
        self.prepare.len() + self.stages.len()
    }
}

/// A region of the arena before it has an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region(usize);

/// A step before its regions have offsets.
struct Draft {
    node: usize,
    piece: Piece,
    units: usize,
    cost: f64,
    reads: Vec<Region>,
    writes: Vec<Region>,
    d_output: Option<Region>,
    /// For each input: where its gradient goes and whether this is not the first write.
    d_inputs: Vec<Option<(Target, bool)>>,
}

/// Where a gradient goes.
#[derive(Clone, Copy)]
enum Target {
    Arena(Region),
    Grad(usize),
}

struct Builder<'g> {
    graph: &'g Graph,
    options: &'g PlanOptions,
    lives: Vec<Life>,
    values: Vec<Option<Region>>,
    gradients: Vec<Option<Region>>,
    saved: Vec<Vec<(Region, Saved)>>,
    needs_gradient: Vec<bool>,
    used: Vec<bool>,
}

impl<'g> Builder<'g> {
    fn new(graph: &'g Graph, options: &'g PlanOptions) -> Self {
        let n = graph.values.len();
        let mut b = Builder {
            graph,
            options,
            lives: Vec::new(),
            values: vec![None; n],
            gradients: vec![None; n],
            saved: vec![Vec::new(); graph.nodes.len()],
            needs_gradient: vec![false; n],
            used: vec![false; graph.nodes.len()],
        };
        b.find_used();
        b.find_gradients();
        b
    }

    fn trainable(&self, param: usize) -> bool {
        self.options.training() && self.options.trainable.as_ref().is_none_or(|t| t[param])
    }

    /// Marks the nodes that a loss (or, in inference, an output) depends on.
    fn find_used(&mut self) {
        let mut wanted = vec![false; self.graph.values.len()];
        self.kept().iter().for_each(|v| wanted[v.0] = true);
        for (i, node) in self.graph.nodes.iter().enumerate().rev() {
            if wanted[node.output.0] {
                self.used[i] = true;
                node.inputs.iter().for_each(|v| wanted[v.0] = true);
            }
        }
    }

    /// What the caller reads after a pass.
    fn kept(&self) -> Vec<ValueId> {
        let losses = self.graph.losses.iter().map(|l| l.value);
        let outputs = self.graph.outputs.iter().copied();
        match self.options.mode {
            Mode::Train => losses.collect(),
            Mode::Evaluate => losses.chain(outputs).collect(),
            Mode::Predict => outputs.collect(),
        }
    }

    fn find_gradients(&mut self) {
        for (i, v) in self.graph.values.iter().enumerate() {
            self.needs_gradient[i] = match v.source {
                Source::Param(p) => self.trainable(p),
                Source::Node(n) => self.graph.nodes[n].inputs.iter().any(|v| self.needs_gradient[v.0]),
                Source::Input => self.options.input_gradients.contains(&ValueId(i)),
                Source::Buffer(_) | Source::Constant(_) => false,
            };
        }
    }

    fn region(&mut self, shape: &Shape, rows: bool) -> Region {
        let n = shape.len();
        let (len, row_len) = if rows { (n * self.options.max_rows, n) } else { (n, 0) };
        self.lives.push(Life::new(len, row_len));
        Region(self.lives.len() - 1)
    }

    fn region_of(&mut self, value: ValueId) -> Option<Region> {
        let v = &self.graph.values[value.0];
        if !v.has_rows() {
            return None;
        }
        if self.values[value.0].is_none() {
            let region = self.region(&v.shape, true);
            self.values[value.0] = Some(region);
        }
        self.values[value.0]
    }

    fn build(mut self) -> Plan {
        let mut forward = Vec::new();
        for n in (0..self.graph.nodes.len()).filter(|&n| self.used[n]).collect::<Vec<_>>() {
            self.draft_forward(n, &mut forward);
        }
        let mut backward = Vec::new();
        let mut deferred = Vec::new();
        if self.options.training() {
            let mut written = vec![false; self.graph.values.len()];
            let mut reached = vec![false; self.graph.values.len()];
            for loss in &self.graph.losses {
                reached[loss.value.0] = self.needs_gradient[loss.value.0];
            }
            for n in (0..self.graph.nodes.len()).rev().filter(|&n| self.used[n]).collect::<Vec<_>>() {
                if reached[self.graph.nodes[n].output.0] {
                    self.draft_backward(n, &mut written, &mut reached, &mut backward, &mut deferred);
                }
            }
        }
        backward.append(&mut deferred);
        self.place(forward, backward)
    }

    fn draft_forward(&mut self, n: usize, drafts: &mut Vec<Draft>) {
        let node = &self.graph.nodes[n];
        let shapes = self.graph.input_shapes(node);
        let reads: Vec<Region> = node.inputs.iter().filter_map(|&v| self.region_of(v)).collect();
        let output = self.region_of(node.output).expect("a node's output has rows");
        let saved = node.op.saved(&shapes, self.options.training());
        self.saved[n] = saved.into_iter().map(|s| (self.region(&s.shape, s.rows), s)).collect();
        let kept: Vec<Region> = self.saved[n].iter().map(|(r, _)| *r).collect();
        let units = node.op.forward_units(&shapes);
        let cost = node.op.cost(&shapes);
        let draft = |piece, units, writes| Draft {
            node: n,
            piece,
            units,
            cost,
            reads: reads.clone(),
            writes,
            d_output: None,
            d_inputs: Vec::new(),
        };
        if units > 0 {
            drafts.push(draft(Piece::ForwardReduce, units, kept.clone()));
        }
        drafts.push(draft(Piece::Forward, 0, kept.iter().copied().chain([output]).collect()));
    }

    /// The gradient by the output of a value that a loss descends to.
    fn gradient_region(&mut self, value: ValueId) -> Region {
        if let Some(loss) = self.graph.losses.iter().find(|l| l.value == value) {
            return self.region_of(loss.row_weight).expect("row weights are an input");
        }
        if let Some(r) = self.gradients[value.0] {
            return r;
        }
        let shape = self.graph.shape(value).clone();
        let r = self.region(&shape, true);
        self.gradients[value.0] = Some(r);
        r
    }

    fn draft_backward(
        &mut self,
        n: usize,
        written: &mut [bool],
        reached: &mut [bool],
        drafts: &mut Vec<Draft>,
        deferred: &mut Vec<Draft>,
    ) {
        let node = &self.graph.nodes[n];
        let shapes = self.graph.input_shapes(node);
        let d_output = self.gradient_region(node.output);
        let need = node.op.backward_reads();
        let mut reads: Vec<Region> = self.saved[n].iter().map(|(r, _)| *r).collect();
        reads.push(d_output);
        if need.inputs {
            reads.extend(node.inputs.iter().filter_map(|&v| self.values[v.0]));
        }
        if need.output {
            reads.extend(self.values[node.output.0]);
        }
        let (mut rows, mut params) = (Vec::new(), Vec::new());
        let mut writes = Vec::new();
        for &v in &node.inputs {
            let value = &self.graph.values[v.0];
            if !self.needs_gradient[v.0] {
                rows.push(None);
                params.push(None);
                continue;
            }
            let add = std::mem::replace(&mut written[v.0], true);
            if let Source::Param(p) = value.source {
                params.push(Some((Target::Grad(p), add)));
                rows.push(None);
            } else {
                reached[v.0] = true;
                let region = self.gradient_region(v);
                writes.push(region);
                rows.push(Some((Target::Arena(region), add)));
                params.push(None);
            }
        }
        let cost = node.op.cost(&shapes);
        let units = node.op.backward_units(&shapes);
        let draft = |piece, units, writes, d_inputs| Draft {
            node: n,
            piece,
            units,
            cost,
            reads: reads.clone(),
            writes,
            d_output: Some(d_output),
            d_inputs,
        };
        if units > 0 {
            let kept = self.saved[n].iter().map(|(r, _)| *r).collect();
            drafts.push(draft(Piece::BackwardReduce, units, kept, params.clone()));
        }
        if !writes.is_empty() {
            drafts.push(draft(Piece::Backward, 0, writes, rows));
        }
        let units = node.op.param_units(&shapes);
        if units > 0 && params.iter().any(Option::is_some) {
            deferred.push(draft(Piece::BackwardParams, units, Vec::new(), params));
        }
    }

    /// Groups drafts into stages, finds the lives of regions, gives them offsets and makes the steps.
    fn place(mut self, forward: Vec<Draft>, backward: Vec<Draft>) -> Plan {
        let drafts: Vec<Draft> = forward.into_iter().chain(backward).collect();
        let spans = group(&drafts);
        for (stage, span) in spans.iter().enumerate() {
            for i in span.clone() {
                for r in drafts[i].reads.iter().chain(&drafts[i].writes) {
                    self.lives[r.0].touch(i, stage, is_rows(drafts[i].piece));
                }
            }
        }
        let (last_step, last_stage) = (drafts.len(), spans.len());
        let inputs = self.graph.inputs.clone();
        for v in inputs.iter().chain(&self.kept()) {
            // The caller fills inputs before the first step and reads outputs after the last.
            if let Some(r) = self.region_of(*v) {
                self.lives[r.0].touch(0, 0, false);
                self.lives[r.0].touch(last_step, last_stage, false);
            }
        }
        for v in inputs.iter().filter_map(|v| self.gradients[v.0]) {
            self.lives[v.0].touch(last_step, last_stage, false);
        }
        if self.options.keep_all {
            self.lives.iter_mut().for_each(|life| life.touch(last_step, last_stage, false));
        }
        let arena_len = memory::place(&mut self.lives);
        self.finish(drafts, spans, arena_len)
    }

    fn view(&self, r: Region) -> View {
        let life = &self.lives[r.0];
        View { slot: Slot::Arena, offset: life.offset, len: life.len, row_len: life.row_len }
    }

    fn finish(self, drafts: Vec<Draft>, spans: Vec<Range<usize>>, arena_len: usize) -> Plan {
        let mut constants = 0;
        let constant_offsets: Vec<usize> = self
            .graph
            .constants
            .iter()
            .map(|c| {
                constants += c.len();
                constants - c.len()
            })
            .collect();
        let fixed = |slot, offset, len| Some(View { slot, offset, len, row_len: 0 });
        let views: Vec<Option<View>> = self
            .graph
            .values
            .iter()
            .zip(&self.values)
            .map(|(v, region)| match v.source {
                Source::Param(p) => fixed(Slot::Param, self.graph.params[p].offset, v.shape.len()),
                Source::Buffer(b) => fixed(Slot::Buffer, self.graph.buffers[b].offset, v.shape.len()),
                Source::Constant(c) => fixed(Slot::Const, constant_offsets[c], v.shape.len()),
                Source::Input | Source::Node(_) => region.map(|r| self.view(r)),
            })
            .collect();
        let (packed, packed_len) = self.packed_views();
        let mut steps: Vec<Step> = drafts
            .iter()
            .map(|d| {
                let node = &self.graph.nodes[d.node];
                let operand = |(i, &v): (usize, &ValueId)| Operand {
                    view: views[v.0].expect("a used node's inputs have places"),
                    shape: self.graph.shape(v).clone(),
                    packed: (node.op.packs() == Some(i)).then(|| packed[v.0]).flatten(),
                };
                let d_input = |&(target, add): &(Target, bool)| match target {
                    Target::Arena(r) => Dest { view: self.view(r), add },
                    Target::Grad(p) => {
                        let t = &self.graph.params[p];
                        let view =
                            View { slot: Slot::Grad, offset: t.offset, len: t.shape.len(), row_len: 0 };
                        Dest { view, add }
                    }
                };
                let io = Io {
                    node: d.node as u64,
                    training: self.options.training(),
                    inputs: node.inputs.iter().enumerate().map(operand).collect(),
                    output: views[node.output.0].expect("a used node's output has a place"),
                    output_shape: self.graph.shape(node.output).clone(),
                    d_output: d.d_output.map(|r| self.view(r)),
                    d_inputs: d.d_inputs.iter().map(|t| t.as_ref().map(d_input)).collect(),
                    saved: self.saved[d.node].iter().map(|(r, _)| self.view(*r)).collect(),
                };
                Step { node: d.node, piece: d.piece, units: d.units, cost: d.cost, io }
            })
            .collect();
        let stages = spans.iter().map(|span| stage_of(&steps, span.clone())).collect();
        let prepare = self.prepare(&packed, &views, &mut steps);
        let gradient = |(i, v): (usize, &crate::graph::Value)| match v.source {
            Source::Param(p) if self.needs_gradient[i] => {
                let t = &self.graph.params[p];
                fixed(Slot::Grad, t.offset, t.shape.len())
            }
            _ => self.gradients[i].map(|r| self.view(r)),
        };
        let gradients = self.graph.values.iter().enumerate().map(gradient).collect();
        Plan {
            max_rows: self.options.max_rows,
            arena_len,
            packed_len,
            steps,
            prepare,
            stages,
            views,
            gradients,
            #[cfg(test)]
            lives: self.lives,
        }
    }

    /// A place for the packed form of each weight that an op multiplies by transposed.
    fn packed_views(&self) -> (Vec<Option<View>>, usize) {
        let mut packed = vec![None; self.graph.values.len()];
        let mut total = 0;
        for (n, node) in self.graph.nodes.iter().enumerate().filter(|(n, _)| self.used[*n]) {
            let Some(v) = node.op.packs().map(|i| node.inputs[i]) else { continue };
            let value = &self.graph.values[v.0];
            debug_assert!(self.used[n] && !value.has_rows(), "only parameters are packed");
            let len = (self.options.packed_len)(value.shape.outer(), value.shape.last());
            if len > 0 && packed[v.0].is_none() {
                packed[v.0] = Some(View { slot: Slot::Packed, offset: total, len, row_len: 0 });
                total += len.next_multiple_of(16);
            }
        }
        (packed, total)
    }

    /// The stage that packs weights. Its steps carry the weight as input and the packed form as output.
    fn prepare(&self, packed: &[Option<View>], views: &[Option<View>], steps: &mut Vec<Step>) -> Vec<Stage> {
        let start = steps.len();
        for (v, target) in packed.iter().enumerate() {
            let (Some(target), Some(view)) = (target, views[v]) else { continue };
            let shape = self.graph.values[v].shape.clone();
            let units = shape.outer().div_ceil(self.options.packed_rows);
            let cost = shape.len() as f64;
            let io = Io {
                node: 0,
                training: self.options.training(),
                output_shape: shape.clone(),
                inputs: vec![Operand { view, shape, packed: None }],
                output: *target,
                d_output: None,
                d_inputs: Vec::new(),
                saved: Vec::new(),
            };
            steps.push(Step { node: usize::MAX, piece: Piece::Pack, units, cost, io });
        }
        if steps.len() == start { Vec::new() } else { vec![stage_of(steps, start..steps.len())] }
    }
}

fn is_rows(piece: Piece) -> bool {
    matches!(piece, Piece::Forward | Piece::Backward)
}

/// Splits drafts into runs that may share a fork.
fn group(drafts: &[Draft]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (i, d) in drafts.iter().enumerate() {
        let by_rows = is_rows(d.piece);
        // Tasks of one stage run at once, so no two may write the same gradient, nor one read what another writes.
        let apart = |e: &Draft| by_rows || !conflict(d, e);
        match spans.last_mut() {
            Some(span)
                if is_rows(drafts[span.start].piece) == by_rows && drafts[span.clone()].iter().all(apart) =>
            {
                span.end = i + 1;
            }
            _ => spans.push(i..i + 1),
        }
    }
    spans
}

fn conflict(a: &Draft, b: &Draft) -> bool {
    let writes = |x: &Draft, y: &Draft| x.writes.iter().any(|r| y.writes.contains(r) || y.reads.contains(r));
    let grads = |d: &Draft| -> Vec<usize> {
        d.d_inputs
            .iter()
            .flatten()
            .filter_map(|(t, _)| match t {
                Target::Grad(p) => Some(*p),
                Target::Arena(_) => None,
            })
            .collect()
    };
    let theirs = grads(b);
    writes(a, b) || writes(b, a) || grads(a).iter().any(|p| theirs.contains(p))
}

fn stage_of(steps: &[Step], span: Range<usize>) -> Stage {
    let cost = steps[span.clone()].iter().map(|s| s.cost).sum();
    if is_rows(steps[span.start].piece) {
        let row: usize = steps[span.clone()]
            .iter()
            .map(|s| s.io.output.row_len + s.io.d_output.map_or(0, |v| v.row_len))
            .sum();
        let block = (BLOCK_BYTES / (4 * row.max(1))).clamp(16, 256) / 16 * 16;
        return Stage::Rows { steps: span, block, cost };
    }
    let tasks = span
        .flat_map(|i| {
            let s = &steps[i];
            // The cost is a row's; weights are worth splitting for the batches that train them.
            let per_unit = s.cost * 64.0 / s.units as f64;
            let chunk = ((TASK_COST / per_unit.max(1.0)).ceil() as usize).max(1);
            (0..s.units).step_by(chunk).map(move |u| Task { step: i, units: u..(u + chunk).min(s.units) })
        })
        .collect();
    Stage::Units { tasks, cost }
}

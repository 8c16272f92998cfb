//! From a graph to a plan: forward and backward steps, the lives of their regions, and where each lies.

use std::ops::Range;

use super::stages::{group, is_rows, rows_stage, units_stage};
use super::{Mode, Piece, Plan, PlanOptions, Stage, Step};
use crate::backend::{Dest, Form};
use crate::graph::memory::{self, Life};
use crate::graph::{Graph, Source, ValueId};
use crate::ops::{Io, Operand, Saved};
use crate::tensor::{Shape, Slot, View};

/// Plans `graph`.
pub(super) fn plan(graph: &Graph, options: &PlanOptions) -> Plan {
    Builder::new(graph, options).build()
}

/// A region of the arena before it has an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region(usize);

/// A step before its regions have offsets.
pub(super) struct Draft {
    pub(super) node: usize,
    pub(super) piece: Piece,
    pub(super) units: usize,
    pub(super) cost: f64,
    /// Numbers of a row that it computes or, in backward, reads and computes.
    pub(super) row: usize,
    /// See [`crate::ops::Op::rows_wanted`].
    pub(super) rows_wanted: usize,
    pub(super) reads: Vec<Region>,
    pub(super) writes: Vec<Region>,
    pub(super) d_output: Option<Region>,
    /// For each input: where its gradient goes and whether this is not the first write.
    pub(super) d_inputs: Vec<Option<(Target, bool)>>,
}

/// Where a gradient goes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Arena(Region),
    Grad(usize),
}

/// A packed form of a weight.
struct Packed {
    value: ValueId,
    form: Form,
    view: View,
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
    /// For each value the one that it is another name of; most are their own.
    roots: Vec<usize>,
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
            roots: (0..n).collect(),
        };
        b.find_roots();
        b.find_used();
        b.find_gradients();
        b
    }

    fn trainable(&self, param: usize) -> bool {
        self.options.training() && self.options.trainable.as_ref().is_none_or(|t| t[param])
    }

    /// Whether a node has no step of its own: its output is its input under another shape.
    fn renames(&self, node: usize) -> bool {
        let node = &self.graph.nodes[node];
        self.roots[node.output.0] != node.output.0
    }

    fn find_roots(&mut self) {
        for node in self.graph.nodes.iter().filter(|n| n.op.renames()) {
            let [input] = node.inputs[..] else { continue };
            if self.graph.values[input.0].has_rows() {
                self.roots[node.output.0] = self.roots[input.0];
            }
        }
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
                Source::Buffer(_) | Source::Constant(_) | Source::State(_) => false,
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
        let root = self.roots[value.0];
        if self.values[root].is_none() {
            let region = self.region(&v.shape, true);
            self.values[root] = Some(region);
        }
        self.values[root]
    }

    fn build(mut self) -> Plan {
        let mut forward = Vec::new();
        let steps: Vec<usize> =
            (0..self.graph.nodes.len()).filter(|&n| self.used[n] && !self.renames(n)).collect();
        for &n in &steps {
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
            for &n in steps.iter().rev() {
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
            row: self.graph.shape(node.output).len(),
            rows_wanted: node.op.rows_wanted(&shapes),
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
        let root = self.roots[value.0];
        if let Some(r) = self.gradients[root] {
            return r;
        }
        let shape = self.graph.shape(value).clone();
        let r = self.region(&shape, true);
        self.gradients[root] = Some(r);
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
            reads.extend(node.inputs.iter().filter_map(|&v| self.values[self.roots[v.0]]));
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
            let root = self.roots[v.0];
            let add = std::mem::replace(&mut written[root], true);
            if let Source::Param(p) = value.source {
                params.push(Some((Target::Grad(p), add)));
                rows.push(None);
            } else {
                reached[root] = true;
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
            row: 2 * self.graph.shape(node.output).len(),
            rows_wanted: node.op.rows_wanted(&shapes),
            reads: reads.clone(),
            writes,
            d_output: Some(d_output),
            d_inputs,
        };
        if units > 0 {
            let kept = self.saved[n].iter().map(|(r, _)| *r).collect();
            drafts.push(draft(Piece::BackwardReduce, units, kept, params.clone()));
        }
        let trains = params.iter().any(Option::is_some);
        if !writes.is_empty() || (trains && node.op.backward_first()) {
            drafts.push(draft(Piece::Backward, 0, writes, rows));
        }
        let units = node.op.param_units(&shapes);
        if units > 0 && trains {
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
        let mut state_len = 0;
        let state_views: Vec<View> = self
            .graph
            .states
            .iter()
            .map(|&state| {
                let row_len = self.graph.shape(state).len();
                let len = row_len * self.options.max_rows;
                let view = View { slot: Slot::State, offset: state_len, len, row_len };
                state_len += len.next_multiple_of(16);
                view
            })
            .collect();
        let fixed = |slot, offset, len| Some(View { slot, offset, len, row_len: 0 });
        let views: Vec<Option<View>> = self
            .graph
            .values
            .iter()
            .zip(self.roots.iter().map(|&root| self.values[root]))
            .map(|(v, region)| match v.source {
                Source::Param(p) => fixed(Slot::Param, self.graph.params[p].offset, v.shape.len()),
                Source::Buffer(b) => fixed(Slot::Buffer, self.graph.buffers[b].offset, v.shape.len()),
                Source::Constant(c) => fixed(Slot::Const, constant_offsets[c], v.shape.len()),
                Source::State(s) => Some(state_views[s]),
                Source::Input | Source::Node(_) => region.map(|r| self.view(r)),
            })
            .collect();
        let packed = self.packed_views(&drafts);
        let packed_len = packed.last().map_or(0, |p| p.view.offset + p.view.len.next_multiple_of(16));
        let used = self.graph.nodes.iter().zip(&self.used).filter(|(_, used)| **used);
        let forms = used.filter_map(|(node, _)| node.op.scratch(&self.graph.input_shapes(node)));
        let forms = forms.chain(packed.iter().map(|p| p.form));
        let scratch_len = forms.map(|form| (self.options.scratch_len)(&form)).max().unwrap_or(0);
        let mut steps: Vec<Step> = drafts
            .iter()
            .map(|d| {
                let node = &self.graph.nodes[d.node];
                let forms = self.forms(d);
                let operand = |(i, &v): (usize, &ValueId)| Operand {
                    view: views[v.0].expect("a used node's inputs have places"),
                    shape: self.graph.shape(v).clone(),
                    packed: forms
                        .iter()
                        .filter(|(input, _)| *input == i)
                        .find_map(|(_, form)| packed.iter().find(|p| p.value == v && p.form == *form))
                        .map(|p| p.view),
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
                let together = match d.piece {
                    Piece::BackwardParams => node.op.units_together(&self.graph.input_shapes(node)),
                    _ => 1,
                };
                Step { node: d.node, piece: d.piece, units: d.units, together, cost: d.cost, io }
            })
            .collect();
        let stages = spans
            .iter()
            .map(|span| match is_rows(drafts[span.start].piece) {
                true => rows_stage(&drafts, span.clone()),
                false => units_stage(&steps, span.clone()),
            })
            .collect();
        let prepare = self.prepare(&packed, &views, &mut steps);
        let gradient = |(i, v): (usize, &crate::graph::Value)| match v.source {
            Source::Param(p) if self.needs_gradient[i] => {
                let t = &self.graph.params[p];
                fixed(Slot::Grad, t.offset, t.shape.len())
            }
            _ => self.gradients[self.roots[i]].map(|r| self.view(r)),
        };
        let gradients = self.graph.values.iter().enumerate().map(gradient).collect();
        Plan {
            mode: self.options.mode,
            max_rows: self.options.max_rows,
            arena_len,
            packed_len,
            state_len,
            scratch_len,
            steps,
            prepare,
            stages,
            views,
            gradients,
        }
    }

    /// The inputs that a step reads packed, and for what.
    fn forms(&self, draft: &Draft) -> Vec<(usize, Form)> {
        let node = &self.graph.nodes[draft.node];
        match draft.piece {
            Piece::Forward => node.op.packs(&self.graph.input_shapes(node)),
            Piece::Backward => node.op.packs_back(&self.graph.input_shapes(node)),
            _ => Vec::new(),
        }
    }

    /// A place for each packed form of a weight that a step reads.
    fn packed_views(&self, drafts: &[Draft]) -> Vec<Packed> {
        let mut packed: Vec<Packed> = Vec::new();
        let mut offset = 0;
        let read = |draft| self.forms(draft).into_iter().map(move |(input, form)| (draft, input, form));
        for (draft, input, form) in drafts.iter().flat_map(read) {
            let value = self.graph.nodes[draft.node].inputs[input];
            debug_assert!(!self.graph.values[value.0].has_rows(), "only parameters are packed");
            let len = (self.options.packed_len)(&form);
            if len > 0 && !packed.iter().any(|p| p.value == value && p.form == form) {
                packed.push(Packed {
                    value,
                    form,
                    view: View { slot: Slot::Packed, offset, len, row_len: 0 },
                });
                offset += len.next_multiple_of(16);
            }
        }
        packed
    }

    /// The stage that packs weights. Its steps carry the weight as input and the packed form as output.
    fn prepare(&self, packed: &[Packed], views: &[Option<View>], steps: &mut Vec<Step>) -> Vec<Stage> {
        let start = steps.len();
        for p in packed {
            let Some(view) = views[p.value.0] else { continue };
            let shape = self.graph.shape(p.value).clone();
            let units = (self.options.pack_units)(&p.form);
            let cost = shape.len() as f64;
            let io = Io {
                node: 0,
                training: self.options.training(),
                output_shape: shape.clone(),
                inputs: vec![Operand { view, shape, packed: None }],
                output: p.view,
                d_output: None,
                d_inputs: Vec::new(),
                saved: Vec::new(),
            };
            steps.push(Step { node: usize::MAX, piece: Piece::Pack(p.form), units, together: 1, cost, io });
        }
        if steps.len() == start { Vec::new() } else { vec![units_stage(steps, start..steps.len())] }
    }
}

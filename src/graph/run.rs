//! Runs plans on a device.

use std::ops::Range;
use std::sync::Arc;

use crate::backend::{Backend, Device, Lanes};
use crate::graph::plan::{Piece, Plan, PlanOptions, Stage, Step};
use crate::graph::{Graph, Mode, ValueId};
use crate::tensor::{Key, Slot, View};

/// One run of a plan over a batch.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Rows of the batch, at most the plan's.
    pub rows: usize,
    /// Names the random numbers of this pass: a function of seed and step.
    pub key: Key,
    /// Add parameter gradients to those of the pass before instead of replacing them.
    pub accumulate: bool,
}

/// A graph with its plans on a device: parameters, gradients and one arena that the plans take turns in.
///
/// A pass allocates nothing.
#[derive(Debug)]
pub struct Machine<D: Device> {
    graph: Arc<Graph>,
    plans: Vec<Plan>,
    device: D,
    /// The plan whose packed weights are up to date.
    packed: Option<usize>,
}

impl<D: Device> Machine<D> {
    /// Plans `graph` for each of `options` and takes the memory. Parameters are zero.
    pub fn new(graph: Arc<Graph>, options: &[PlanOptions]) -> Self {
        let plans = Self::plans(&graph, options);
        Machine::with_plans(graph, plans)
    }

    /// Plans for this kind of device, without its memory.
    pub fn plans(graph: &Graph, options: &[PlanOptions]) -> Vec<Plan> {
        let (packed_len, pack_units, scratch_len) = (D::packed_len, D::pack_units, D::scratch_len);
        let of = |o: &PlanOptions| PlanOptions { packed_len, pack_units, scratch_len, ..o.clone() };
        options.iter().map(|o| Plan::new(graph, &of(o))).collect()
    }

    /// Takes the memory for `plans` of `graph`, made by [`Machine::plans`]. Parameters are zero.
    pub fn with_plans(graph: Arc<Graph>, plans: Vec<Plan>) -> Self {
        let trains = plans.iter().any(|p| p.mode == Mode::Train);
        let largest = |f: fn(&Plan) -> usize| plans.iter().map(f).max().unwrap_or(0);
        let len = |slot| match slot {
            Slot::Arena => largest(|p| p.arena_len),
            Slot::Param => graph.param_len(),
            Slot::Grad => {
                if trains {
                    graph.param_len()
                } else {
                    0
                }
            }
            Slot::Buffer => graph.buffer_len(),
            Slot::Const => graph.constants.iter().map(Vec::len).sum(),
            Slot::State => largest(|p| p.state_len),
            Slot::Packed => largest(|p| p.packed_len),
        };
        let device = D::new(len, largest(|p| p.scratch_len));
        let mut machine = Machine { graph, plans, device, packed: None };
        let numbers: Vec<f64> = machine.graph.constants.iter().flatten().copied().collect();
        machine.device.write(Slot::Const, &numbers);
        machine
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// All plans.
    pub fn all_plans(&self) -> &[Plan] {
        &self.plans
    }

    /// A plan.
    pub fn plan(&self, plan: usize) -> &Plan {
        &self.plans[plan]
    }

    /// All parameters, flat.
    pub fn params(&self) -> &[D::Element] {
        self.device.slot(Slot::Param)
    }

    /// All parameters, flat, to be changed.
    pub fn params_mut(&mut self) -> &mut [D::Element] {
        self.packed = None;
        self.device.slot_mut(Slot::Param)
    }

    /// All untrained tensors, flat.
    pub fn buffers(&self) -> &[D::Element] {
        self.device.slot(Slot::Buffer)
    }

    /// All untrained tensors, flat, to be changed.
    pub fn buffers_mut(&mut self) -> &mut [D::Element] {
        self.device.slot_mut(Slot::Buffer)
    }

    /// What the rows of `plan` carry to its next pass, flat.
    pub fn states(&self, plan: usize) -> &[D::Element] {
        &self.device.slot(Slot::State)[..self.plans[plan].state_len]
    }

    /// What the rows of `plan` carry to its next pass, flat, to be changed: all plans share the memory.
    pub fn states_mut(&mut self, plan: usize) -> &mut [D::Element] {
        let len = self.plans[plan].state_len;
        &mut self.device.slot_mut(Slot::State)[..len]
    }

    /// The gradients of all parameters, flat.
    pub fn grads(&self) -> &[D::Element] {
        self.device.slot(Slot::Grad)
    }

    /// Parameters to be changed, and their gradients.
    pub fn params_and_grads(&mut self) -> (&mut [D::Element], &mut [D::Element]) {
        self.packed = None;
        self.device.two_slots_mut(Slot::Param, Slot::Grad)
    }

    /// The rows of an input, to be filled before a pass of `plan`.
    ///
    /// # Panics
    /// Where `value` is no input, or `rows` more than the plan's.
    pub fn input_mut(&mut self, plan: usize, value: ValueId, rows: usize) -> &mut [D::Element] {
        let view = self.place(plan, value, rows);
        &mut self.device.slot_mut(view.slot)[view.offset..view.offset + view.len_for(rows)]
    }

    /// The rows of a value that the last pass of `plan` computed and kept.
    ///
    /// # Panics
    /// Where the plan does not compute `value`.
    pub fn output(&self, plan: usize, value: ValueId, rows: usize) -> &[D::Element] {
        let view = self.place(plan, value, rows);
        &self.device.slot(view.slot)[view.offset..view.offset + view.len_for(rows)]
    }

    /// The first `len` elements of a place of the plan: a gradient after a training pass.
    pub fn read(&self, view: View, len: usize) -> &[D::Element] {
        &self.device.slot(view.slot)[view.offset..view.offset + len]
    }

    fn place(&self, plan: usize, value: ValueId, rows: usize) -> View {
        assert!(rows <= self.plans[plan].max_rows, "{rows} rows do not fit the plan");
        self.plans[plan].view(value).expect("the plan computes the value")
    }

    /// Runs `plan` over the rows in its inputs.
    pub fn run(&mut self, plan: usize, pass: Pass) {
        let p = &self.plans[plan];
        assert!(pass.rows <= p.max_rows, "{} rows do not fit the plan", pass.rows);
        if self.packed != Some(plan) {
            p.prepare.iter().for_each(|stage| run_stage(&self.device, &self.graph, p, stage, pass));
            self.packed = Some(plan);
        }
        p.stages.iter().for_each(|stage| run_stage(&self.device, &self.graph, p, stage, pass));
    }
}

fn run_stage<D: Device>(device: &D, graph: &Graph, plan: &Plan, stage: &Stage, pass: Pass) {
    let lanes = |work| Lanes { rows: pass.rows, key: pass.key, accumulate: pass.accumulate, work };
    match stage {
        Stage::Rows { steps, block, cost } => {
            device.rows(&lanes(cost * pass.rows as f64), *block, &|be: &mut dyn Backend| {
                plan.steps[steps.clone()].iter().for_each(|s| run_step(graph, s, be, 0..0));
            });
        }
        Stage::Units { tasks, cost } => {
            device.tasks(&lanes(cost * pass.rows as f64), tasks.len(), &|be: &mut dyn Backend, i: usize| {
                run_step(graph, &plan.steps[tasks[i].step], be, tasks[i].units.clone());
            });
        }
    }
}

fn run_step(graph: &Graph, step: &Step, be: &mut dyn Backend, units: Range<usize>) {
    let op = || &graph.nodes[step.node].op;
    match step.piece {
        Piece::Pack(form) => be.pack(step.io.x(0), step.io.output, &form, units),
        Piece::ForwardReduce => op().forward_reduce(be, &step.io, units),
        Piece::Forward => op().forward(be, &step.io),
        Piece::BackwardReduce => op().backward_reduce(be, &step.io, units),
        Piece::Backward => op().backward(be, &step.io),
        Piece::BackwardParams => op().backward_params(be, &step.io, units),
    }
}

//! What runs when, and where each value lies.

use std::ops::Range;

use crate::backend::Form;
use crate::graph::{Graph, ValueId};
use crate::ops::Io;
use crate::tensor::View;

mod builder;
mod stages;

#[cfg(test)]
mod tests;

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
    /// The device's [`packed_len`](crate::backend::Device::packed_len).
    pub packed_len: fn(&Form) -> usize,
    /// The device's [`pack_units`](crate::backend::Device::pack_units).
    pub pack_units: fn(&Form) -> usize,
    /// The device's [`scratch_len`](crate::backend::Device::scratch_len).
    pub scratch_len: fn(&Form) -> usize,
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
            packed_len: |_| 0,
            pack_units: |_| 1,
            scratch_len: |_| 0,
        }
    }

    fn training(&self) -> bool {
        self.mode == Mode::Train
    }
}

/// A piece of an op; see [`crate::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Pack(Form),
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
    /// Units that a task has at least.
    pub together: usize,
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
    /// What it computes.
    pub mode: Mode,
    /// Elements of the arena.
    pub arena_len: usize,
    /// Elements of the packed weights.
    pub packed_len: usize,
    /// Elements of the states of the largest batch.
    pub state_len: usize,
    /// Elements of scratch that each lane needs.
    pub scratch_len: usize,
    pub(crate) steps: Vec<Step>,
    /// Run when parameters have changed.
    pub(crate) prepare: Vec<Stage>,
    /// Run in every pass. Forward and backward share stages: a lane's rows go forward and back while they are in its cache.
    pub(crate) stages: Vec<Stage>,
    /// Where each value lies, by value; `None` where this plan does not compute it.
    pub(crate) views: Vec<Option<View>>,
    /// Where each value's gradient lies.
    pub(crate) gradients: Vec<Option<View>>,
}

impl Plan {
    /// Plans `graph`.
    pub fn new(graph: &Graph, options: &PlanOptions) -> Self {
        builder::plan(graph, options)
    }

    /// Where a value lies.
    pub fn view(&self, value: ValueId) -> Option<View> {
        self.views[value.0]
    }

    /// Where the gradient by a value lies.
    pub fn gradient(&self, value: ValueId) -> Option<View> {
        self.gradients[value.0]
    }

    /// Bytes of arena, packed weights and states with elements of `size` bytes.
    pub fn bytes(&self, size: usize) -> usize {
        (self.arena_len + self.packed_len + self.state_len) * size
    }

    /// Number of forks of one training step.
    pub fn forks(&self) -> usize {
        self.prepare.len() + self.stages.len()
    }
}

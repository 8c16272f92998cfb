//! Where a run stands: what a checkpoint holds besides weights and moments.

use serde::{Deserialize, Serialize};

/// The metadata key of a checkpoint's [`State`].
pub(super) const STATE: &str = "backprop.state";

/// The tensor of a checkpoint that holds what the rows of a batch carry to the next one.
pub(super) const STATES: &str = "carried.states";

/// Whether a tensor of a checkpoint is one of the weights as they stand: not of the best ones, nor the optimizer's.
pub(super) fn is_weight(name: &str) -> bool {
    !name.starts_with("best.") && !name.starts_with("optimizer.") && name != STATES
}

/// The best weights so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    /// The watched figure. NaN where nothing is watched.
    pub figure: f64,
    pub epoch: u64,
    pub params: Vec<f32>,
    pub buffers: Vec<f32>,
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Optimizer steps done.
    pub step: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Optimizer steps done in the epoch that is not complete.
    pub steps_in_epoch: u64,
    /// Sum of weighted losses of that epoch, and of weights.
    pub loss: f64,
    pub weight: f64,
    /// Epochs since the watched figure got better.
    pub stale: u64,
    /// The watched figure of the best epoch and that epoch; `None`: none yet.
    pub best: Option<(f64, u64)>,
    /// The schedule's state, if it has one.
    pub schedule: Option<serde_json::Value>,
    /// Rows and columns of the table and of the validation part, to refuse other data.
    pub data: [u64; 4],
    /// Seconds that earlier parts of the run took.
    pub seconds: f64,
}

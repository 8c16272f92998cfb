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
    /// Whether the steps of that epoch are done, and its rows of the log are not.
    #[serde(default)]
    pub at_end: bool,
    /// Rows of the log that were written; none in checkpoints that lack their number.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Rate and gradient norm of the last step; none in checkpoints that lack them.
    #[serde(default)]
    pub rate: Option<f64>,
    #[serde(default)]
    pub norm: Option<f64>,
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

impl State {
    /// The epoch of the last step, from 1; 0 before any.
    pub(super) fn begun(&self) -> u64 {
        self.epoch + u64::from(self.steps_in_epoch > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_without_the_last_rate_are_read() {
        let old = r#"{"step":8,"epoch":1,"steps_in_epoch":4,"loss":1.0,"weight":2.0,"stale":0,"best":null,"schedule":null,"data":[1,2,3,4],"seconds":0.5}"#;
        let state: State = serde_json::from_str(old).unwrap();
        assert_eq!((state.at_end, state.rate, state.norm, state.rows), (false, None, None, None));
    }
}

//! How many steps a run makes, and of how many rows.

use crate::train::load::Loaded;
use crate::train::{Model, single};

/// The steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Rows of a batch; the last one of an epoch may have fewer.
    pub batch: usize,
    /// Rows that train in an epoch.
    pub rows: usize,
    /// Optimizer steps of an epoch.
    pub per_epoch: u64,
    /// Optimizer steps of all epochs, or `train.max_steps`.
    pub total: u64,
}

impl Pace {
    /// That of training `model` on `loaded`.
    pub(super) fn of(model: &Model, loaded: &Loaded) -> Self {
        let train = &model.config.train;
        let all = loaded.train.len();
        let batch = batch(train.batch_size, all);
        let rows = if loaded.fitted.table.text().is_some() && model.carries() {
            // Each batch has a window of each stream.
            all / batch * batch
        } else {
            single::rows_per_epoch(model.graph(), all, batch)
        };
        let per_epoch = rows.div_ceil(batch * train.accumulate_steps) as u64;
        let total = per_epoch.saturating_mul(train.epochs.unwrap_or(0));
        let total = if train.max_steps > 0 { total.min(train.max_steps) } else { total };
        Pace { batch, rows, per_epoch, total }
    }
}

/// Rows of a batch where there are `rows` to train on.
pub(super) fn batch(size: Option<usize>, rows: usize) -> usize {
    size.unwrap_or(1).min(rows).max(1)
}

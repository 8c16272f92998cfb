//! The seasonal naive forecast: what was one season before (Hyndman & Athanasopoulos, Forecasting, 5.2).

use ndarray::Array2;

use crate::config::Config;
use crate::data::{Preprocessing, Table, Targets};
use crate::metrics::{Accumulator, Report, Task};
use crate::train::Output;

/// Scores what was one season before each forecast, where `data.windows.season` says how long a season is.
pub(super) struct Season {
    accumulator: Accumulator,
    /// For each number of the output: the store and the channel of its past, steps back from the last known one, and the mean,
    /// which stands for what was before the table.
    pasts: Vec<(usize, usize, usize, f64)>,
}

impl Season {
    /// For one output of a model; none where there is no season.
    pub(super) fn new(config: &Config, preprocessing: &Preprocessing, output: &Output) -> Option<Season> {
        let windows = config.data.windows.as_ref()?;
        let season = windows.season?;
        let Targets::Numbers { columns } = &output.targets else { return None };
        let past = |(i, column): (usize, &crate::data::NumberTarget)| {
            let ahead = i % windows.horizon + 1;
            let name = column.name.strip_suffix(&format!("+{ahead}"))?;
            let (store, channel) = preprocessing.step_channel(name)?;
            // The last season that is known at that time.
            Some((store, channel, ahead.div_ceil(season) * season - ahead, column.mean))
        };
        let pasts = columns.iter().enumerate().map(past).collect::<Option<Vec<_>>>()?;
        Some(Season { accumulator: Accumulator::new(Task::Numbers, pasts.len()), pasts })
    }

    /// Adds `rows` of `table`.
    pub(super) fn add(&mut self, output: &Output, table: &Table, rows: &[u32]) {
        let shape = (rows.len(), self.pasts.len());
        let predictions = Array2::from_shape_fn(shape, |(r, c)| {
            let (store, channel, back, mean) = self.pasts[c];
            table.step(store, rows[r], back, channel).map_or(mean, f64::from)
        });
        let truth = |(r, c): (usize, usize)| output.truth(table, rows[r])[c];
        let truths = Array2::from_shape_fn(shape, truth);
        let mut weights = vec![1.0; rows.len()];
        table.weight(rows, &mut weights);
        self.accumulator.update_numbers(predictions.view(), truths.view(), Some(&weights));
    }

    /// All figures.
    pub(super) fn finish(self) -> Report {
        self.accumulator.finish()
    }
}

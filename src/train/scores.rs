//! Loss and metrics of a model over rows of a table.

use ndarray::ArrayView2;

use crate::data::Table;
use crate::metrics::{Accumulator, Report, Targets, Task};
use crate::tensor::Key;
use crate::train::Model;

/// The figures of a pass over some rows.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Mean of the loss.
    pub loss: f64,
    /// All metrics.
    pub report: Report,
}

/// Gathers loss and metrics batch by batch.
pub(super) struct Scorer {
    accumulator: Accumulator,
    loss: f64,
    weight: f64,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    predictions: Vec<f32>,
    classes: Vec<u32>,
    values: Vec<f32>,
    weights: Vec<f32>,
}

impl Scorer {
    pub(super) fn new(model: &Model) -> Self {
        let outputs = match model.head.task {
            Task::Classes => model.preprocessing.targets.classes().map_or(2, <[String]>::len),
            _ => model.head.outputs,
        };
        Scorer {
            accumulator: Accumulator::new(model.head.task, outputs),
            loss: 0.0,
            weight: 0.0,
            buffers: Buffers::default(),
        }
    }

    /// Adds `rows` of `table`, at most as many as the plan takes.
    pub(super) fn add(&mut self, model: &mut Model, plan: usize, table: &Table, rows: &[u32]) {
        let n = rows.len();
        model.fill_inputs(plan, table, rows);
        model.fill_targets(plan, table, rows);
        model.fill_weights(plan, table, rows, 1.0);
        model.run(plan, n, Key::new(0), false);
        self.loss += model.loss(plan, n);
        self.weight += model.weight_of(table, rows);
        let b = &mut self.buffers;
        model.predictions(plan, n, &mut b.predictions);
        b.weights.resize(n, 1.0);
        table.weight(rows, &mut b.weights);
        let width = model.head.predicted_width();
        if model.head.task == Task::Classes {
            b.classes.clear();
            b.classes.extend(rows.iter().map(|&r| table.target_row(r)[0] as u32));
            let predictions = view(&b.predictions, n, width);
            self.accumulator.update(predictions, Targets::Classes(&b.classes), Some(&b.weights));
            return;
        }
        b.values.clear();
        for &r in rows {
            match &model.preprocessing.targets {
                crate::data::Targets::Numbers { columns } => {
                    let numbers = columns.iter().zip(table.target_row(r)).map(|(c, &t)| c.restore(t) as f32);
                    b.values.extend(numbers);
                }
                _ => b.values.extend_from_slice(table.target_row(r)),
            }
        }
        if let Some(q) = model.head.quantiles() {
            // Of several quantiles the one nearest to the median is judged as the prediction.
            let at = model.head.central_column();
            for i in 0..n {
                b.predictions[i] = b.predictions[i * q.len() + at];
            }
            b.predictions.truncate(n);
        }
        let outputs = b.values.len() / n.max(1);
        let (predictions, values) = (view(&b.predictions, n, outputs), view(&b.values, n, outputs));
        self.accumulator.update(predictions, Targets::Values(values), Some(&b.weights));
    }

    pub(super) fn finish(self) -> Scores {
        Scores { loss: self.loss / self.weight, report: self.accumulator.finish() }
    }
}

fn view(data: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), data).expect("rows times columns numbers")
}

impl Scores {
    /// Loss first, then every metric.
    pub fn figures(&self) -> Vec<(String, f64)> {
        let metrics = self.report.values().into_iter().map(|(name, value)| (name.to_owned(), value));
        std::iter::once(("loss".to_owned(), self.loss)).chain(metrics).collect()
    }

    /// One figure by name; `loss` among them.
    pub fn figure(&self, name: &str) -> Option<f64> {
        if name == "loss" { Some(self.loss) } else { self.report.value(name) }
    }
}

/// Scores `rows` of `table` with an evaluation plan for batches of up to `batch`.
pub(super) fn score(model: &mut Model, plan: usize, batch: usize, table: &Table, rows: &[u32]) -> Scores {
    let mut scorer = Scorer::new(model);
    rows.chunks(batch).for_each(|rows| scorer.add(model, plan, table, rows));
    scorer.finish()
}

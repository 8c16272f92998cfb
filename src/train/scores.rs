//! Loss and metrics of a model over rows of a table.

use ndarray::ArrayView2;

use crate::data::{self, Table};
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
    predictions: Vec<f64>,
    probabilities: Vec<f32>,
    classes: Vec<u32>,
    labels: Vec<f32>,
    numbers: Vec<f64>,
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
        model.fill_inputs(plan, table, rows, None);
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
        if let data::Targets::Numbers { columns } = &model.preprocessing.targets {
            // Of several quantiles the one nearest to the median is judged as the prediction.
            if model.head.quantiles().is_some() {
                let at = model.head.central_column();
                for i in 0..n {
                    b.predictions[i] = b.predictions[i * width + at];
                }
                b.predictions.truncate(n);
            }
            b.numbers.clear();
            for &r in rows {
                b.numbers.extend(columns.iter().zip(table.target_row(r)).map(|(c, &t)| c.restore(t)));
            }
            let (predictions, numbers) =
                (view(&b.predictions, n, columns.len()), view(&b.numbers, n, columns.len()));
            self.accumulator.update_numbers(predictions, numbers, Some(&b.weights));
            return;
        }
        b.probabilities.clear();
        b.probabilities.extend(b.predictions.iter().map(|&p| p as f32));
        let probabilities = view(&b.probabilities, n, width);
        if model.head.task == Task::Classes {
            b.classes.clear();
            b.classes.extend(rows.iter().map(|&r| table.target_row(r)[0] as u32));
            self.accumulator.update(probabilities, Targets::Classes(&b.classes), Some(&b.weights));
        } else {
            b.labels.clear();
            rows.iter().for_each(|&r| b.labels.extend_from_slice(table.target_row(r)));
            let labels = Targets::Labels(view(&b.labels, n, width));
            self.accumulator.update(probabilities, labels, Some(&b.weights));
        }
    }

    pub(super) fn finish(self) -> Scores {
        Scores { loss: self.loss / self.weight, report: self.accumulator.finish() }
    }
}

fn view<T>(data: &[T], rows: usize, columns: usize) -> ArrayView2<'_, T> {
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

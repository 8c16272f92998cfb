//! Loss and metrics of a model over rows of a table.

use ndarray::ArrayView2;

use crate::checkpoint::Row;
use crate::data::{self, Spelled, StepTargets, Table};
use crate::error::quote;
use crate::metrics::{Accumulator, Report, Targets, Task, TextTotals};
use crate::tensor::Key;
use crate::train::model::Weighing;
use crate::train::not_finite::{NotFinite, Unscored};
use crate::train::{Model, Output, Stop, language, settings};

/// The figures of a pass over some rows.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Mean of the loss; of several outputs the sum of theirs, each times its weight.
    pub loss: f64,
    /// The figures of each output; one or more.
    pub outputs: Vec<OutputScores>,
}

/// The figures of one output.
#[derive(Clone, Debug)]
pub struct OutputScores {
    /// Its name.
    pub name: String,
    /// Mean of its loss.
    pub loss: f64,
    /// All metrics.
    pub report: Report,
    /// What a reader must know about them.
    pub notes: Vec<String>,
    /// What they count: "row", "step" or "token".
    pub unit: &'static str,
    /// Why its loss is not the figure that it resembles, such as `log_loss`; nothing if it is.
    pub loss_differs: Option<String>,
}

/// Gathers loss and metrics batch by batch.
pub(super) struct Scorer {
    outputs: Vec<OutputScorer>,
    buffers: Buffers,
}

struct OutputScorer {
    gather: Gather,
    loss: f64,
    weight: f64,
}

/// What the metrics of an output are counted from.
enum Gather {
    /// Its predictions.
    Rows(Accumulator),
    /// The probabilities of the tokens, with what each stands for.
    Text { totals: TextTotals, spelled: Spelled },
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
        let outputs = model.outputs.iter().map(|output| {
            if let (Task::Text, Some(language)) = (output.head.task, &model.preprocessing.language) {
                let spelled = Spelled::new(&language.tokenizer);
                let gather = Gather::Text { totals: TextTotals::default(), spelled };
                return OutputScorer { gather, loss: 0.0, weight: 0.0 };
            }
            let width = match output.head.task {
                Task::Classes => output.targets.classes().map_or(2, <[String]>::len),
                _ => output.head.outputs,
            };
            let gather = Gather::Rows(Accumulator::new(output.head.task, width));
            OutputScorer { gather, loss: 0.0, weight: 0.0 }
        });
        Scorer { outputs: outputs.collect(), buffers: Buffers::default() }
    }

    /// Adds `rows` of `table`, at most as many as the plan takes.
    ///
    /// # Errors
    /// The rows whose raw output or loss is not finite: no metric may count them.
    pub(super) fn add(
        &mut self,
        model: &mut Model,
        plan: usize,
        table: &Table,
        rows: &[u32],
    ) -> Result<(), NotFinite> {
        let n = rows.len();
        model.fill_inputs(plan, table, rows, None);
        model.fill_targets(plan, table, rows);
        model.fill_weights(plan, table, rows, Weighing::Plain);
        model.run(plan, n, Key::new(0), false);
        if let Some(found) = NotFinite::in_scores(model, plan, table, rows) {
            return Err(found);
        }
        let b = &mut self.buffers;
        b.weights.resize(n, 1.0);
        table.weight(rows, &mut b.weights);
        for (i, own) in self.outputs.iter_mut().enumerate() {
            let loss = model.loss_of(i, plan, n);
            own.loss += loss;
            own.weight += model.weight_of(i, table, rows);
            match &mut own.gather {
                Gather::Rows(accumulator) => {
                    model.predictions(i, plan, n, &mut b.predictions);
                    match model.outputs[i].steps(table) {
                        Some(steps) => b.update_steps(accumulator, &model.outputs[i], steps, rows),
                        None => b.update(accumulator, &model.outputs[i], table, rows),
                    }
                }
                Gather::Text { totals, spelled } => {
                    let Some(text) = table.text() else { continue };
                    // A loss with smoothing is not that of the token.
                    let smooth = model.outputs[i].head.label_smoothing() > 0.0;
                    let loss = if smooth { model.token_loss(i, plan, text, rows) } else { loss };
                    totals.add_loss(loss);
                    if text.tokens().lose_text() {
                        totals.lose_text();
                    }
                    for at in rows.iter().flat_map(|&row| text.steps(row)) {
                        let (characters, unknown) = spelled.of(text.tokens(), at);
                        totals.count(characters, unknown);
                    }
                }
            }
        }
        Ok(())
    }

    /// The figures of everything that was added.
    ///
    /// # Errors
    /// A figure that is infinite. One that the rows do not define is NaN, and no error.
    pub(super) fn finish(self, model: &Model) -> Result<Scores, NotFinite> {
        let several = model.outputs.len() > 1;
        let finish = |(own, output): (OutputScorer, &Output)| {
            let report = match own.gather {
                Gather::Rows(accumulator) => accumulator.finish(),
                Gather::Text { totals, .. } => Report::Text(totals.finish()),
            };
            let unit = match output.head.task {
                Task::Text => "token",
                _ if output.head.has_steps() => "step",
                _ => "row",
            };
            let of = if several { format!("output {}: ", quote(&output.name)) } else { String::new() };
            let notes =
                report.notes(&output.names(), unit).into_iter().map(|note| of.clone() + &note).collect();
            let loss_differs = settings::loss_differs(&model.config, output);
            let loss = own.loss / own.weight;
            OutputScores { name: output.name.clone(), loss, report, notes, unit, loss_differs }
        };
        let outputs: Vec<OutputScores> = self.outputs.into_iter().zip(&model.outputs).map(finish).collect();
        // An output that counts nothing cannot spoil the sum.
        let counted = outputs.iter().zip(&model.outputs).filter(|(_, o)| o.weight > 0.0);
        let scores =
            Scores { loss: counted.map(|(scores, output)| scores.loss * output.weight).sum(), outputs };
        match scores.figures().into_iter().find(|(_, value)| value.is_infinite()) {
            Some((what, _)) => Err(NotFinite { what, rows: Vec::new() }),
            None => Ok(scores),
        }
    }
}

impl Buffers {
    /// Adds the predictions and the classes of the steps of `rows` to the metrics of an output; `predictions` and `weights` are
    /// those of the pass.
    fn update_steps(
        &mut self,
        accumulator: &mut Accumulator,
        output: &Output,
        steps: StepTargets<'_>,
        rows: &[u32],
    ) {
        let width = output.head.predicted_width();
        let each = self.predictions.len() / rows.len();
        let (mut classes, mut weights) = (Vec::new(), Vec::new());
        self.probabilities.clear();
        for ((&row, predictions), &weight) in
            rows.iter().zip(self.predictions.chunks_exact(each)).zip(&self.weights)
        {
            let count = steps.count(row);
            self.probabilities.extend(predictions[..count * width].iter().map(|&p| p as f32));
            classes.extend(steps.of(row));
            weights.resize(classes.len(), weight);
        }
        let probabilities = view(&self.probabilities, classes.len(), width);
        accumulator.update(probabilities, Targets::Classes(&classes), Some(&weights));
    }

    /// Adds the predictions and the truths of `rows` to the metrics of an output.
    fn update(&mut self, accumulator: &mut Accumulator, output: &Output, table: &Table, rows: &[u32]) {
        let b = self;
        let (n, width) = (rows.len(), output.head.predicted_width());
        if let data::Targets::Numbers { columns } = &output.targets {
            // Of several quantiles the one nearest to the median is judged as the prediction.
            if output.head.quantiles().is_some() {
                let at = output.head.central_column();
                for i in 0..n {
                    b.predictions[i] = b.predictions[i * width + at];
                }
                b.predictions.truncate(n);
            }
            b.numbers.clear();
            rows.iter().for_each(|&row| b.numbers.extend_from_slice(output.truth(table, row)));
            let (predictions, numbers) =
                (view(&b.predictions, n, columns.len()), view(&b.numbers, n, columns.len()));
            accumulator.update_numbers(predictions, numbers, Some(&b.weights));
            return;
        }
        b.probabilities.clear();
        b.probabilities.extend(b.predictions.iter().map(|&p| p as f32));
        let probabilities = view(&b.probabilities, n, width);
        if output.head.task == Task::Classes {
            b.classes.clear();
            b.classes.extend(rows.iter().map(|&r| output.target(table, r)[0] as u32));
            accumulator.update(probabilities, Targets::Classes(&b.classes), Some(&b.weights));
        } else {
            b.labels.clear();
            rows.iter().for_each(|&r| b.labels.extend_from_slice(output.target(table, r)));
            let labels = Targets::Labels(view(&b.labels, n, width));
            accumulator.update(probabilities, labels, Some(&b.weights));
        }
    }
}

fn view<T>(data: &[T], rows: usize, columns: usize) -> ArrayView2<'_, T> {
    ArrayView2::from_shape((rows, columns), data).expect("rows times columns numbers")
}

impl OutputScores {
    /// Loss first, then every metric.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        std::iter::once(("loss", self.loss)).chain(self.report.values()).collect()
    }
}

impl Scores {
    /// How many answers the outputs were judged by, and what these are: "row", "step" or "token", each once.
    pub fn counted(&self) -> Vec<(u64, &'static str)> {
        let mut counted: Vec<(u64, &str)> = Vec::new();
        for output in &self.outputs {
            if counted.iter().all(|(_, unit)| *unit != output.unit) {
                counted.push((output.report.rows(), output.unit));
            }
        }
        counted
    }

    /// Loss first, then every metric; of several outputs the loss of all, then `OUTPUT.loss` and `OUTPUT.METRIC` of each.
    pub fn figures(&self) -> Vec<(String, f64)> {
        self.figures_and_losses().into_iter().map(|(name, value, _)| (name, value)).collect()
    }

    /// The [`figures`](Self::figures), each with the loss of the predictions that it is about.
    fn figures_and_losses(&self) -> Vec<(String, f64, f64)> {
        if let [only] = &self.outputs[..] {
            let metrics = only.figures().into_iter().skip(1);
            let metrics = metrics.map(|(name, value)| (name.to_owned(), value, self.loss));
            return std::iter::once(("loss".to_owned(), self.loss, self.loss)).chain(metrics).collect();
        }
        let named = self.outputs.iter().flat_map(|output| {
            let own = output.figures().into_iter();
            own.map(|(name, value)| (format!("{}.{name}", output.name), value, output.loss))
        });
        std::iter::once(("loss".to_owned(), self.loss, self.loss)).chain(named).collect()
    }

    /// Adds all figures to a row of the log. A metric that the rows do not define, such as the area under the curve of one class
    /// alone, has no number although the loss has one.
    pub(super) fn add_to(&self, row: Row) -> Row {
        let figures = self.figures_and_losses().into_iter();
        figures.fold(row, |row, (name, value, loss)| match value.is_nan() && loss.is_finite() {
            true => row.undefined(&name),
            false => row.number(&name, value),
        })
    }

    /// The loss and the metric that each output is judged by: what fits into one line.
    pub fn headlines(&self) -> Vec<(String, f64)> {
        let metric = |output: &OutputScores| {
            let (name, value) = output.report.values().first().copied()?;
            Some((
                if self.outputs.len() == 1 { name.to_owned() } else { format!("{}.{name}", output.name) },
                value,
            ))
        };
        let first = self.outputs.iter().filter_map(metric);
        std::iter::once(("loss".to_owned(), self.loss)).chain(first).collect()
    }

    /// One figure by name; `loss` among them.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// Scores `rows` of `table` with an evaluation plan; the windows of a text along [`streams`](language::streams) where the network
/// carries what it has read.
///
/// # Errors
/// A number that is not finite; `Code::Interrupted`, within a batch of the signal.
pub(super) fn score(
    model: &mut Model,
    plan: usize,
    table: &Table,
    rows: &[u32],
    stop: &Stop,
) -> Result<Scores, Unscored> {
    let mut scorer = Scorer::new(model);
    let batch = model.machine.plan(plan).max_rows;
    model.forget(plan);
    if table.text().is_some() && model.carries() {
        let mut rows_now = Vec::new();
        for group in language::streams(rows).chunks(batch) {
            model.forget(plan);
            // The first stream of a group is as long as any.
            for step in 0..group[0].len() {
                stop.check(SCORING)?;
                rows_now.clear();
                rows_now.extend(group.iter().filter_map(|stream| stream.get(step)));
                scorer.add(model, plan, table, &rows_now)?;
            }
        }
        return Ok(scorer.finish(model)?);
    }
    for rows in rows.chunks(batch) {
        stop.check(SCORING)?;
        scorer.add(model, plan, table, rows)?;
    }
    Ok(scorer.finish(model)?)
}

/// What a signal stops here.
const SCORING: &str = "scoring";

//! One accumulator for every task.

use ndarray::ArrayView2;

use super::classes::{ClassReport, Classes};
use super::interval::{Interval, wilson};
use super::labels::{LabelReport, Labels};
use super::numbers::{NumberReport, Numbers};
use super::ranking::SCORE_LIMIT;
use super::registry::{METRICS, Source, Task};
use super::text::TextReport;
use crate::error::quote;

/// Classes or labels that a note names.
const SHOWN: usize = 5;

/// Gathers predictions batch by batch, in memory that does not grow with the rows beyond
/// [`SCORE_LIMIT`] scores.
#[derive(Clone, Debug)]
pub enum Accumulator {
    /// One class out of several.
    Classes(Classes),
    /// Several yes-or-no labels.
    Labels(Labels),
    /// Numbers.
    Numbers(Numbers),
}

/// What is true, row by row.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A class for each row, `[B]`.
    Classes(&'a [u32]),
    /// Labels that are 0 or 1, `[B, D]`.
    Labels(ArrayView2<'a, f32>),
}

impl Accumulator {
    /// For `outputs` classes, labels or numbers. Text is counted by [`TextTotals`](super::TextTotals).
    ///
    /// # Panics
    /// For [`Task::Text`], and for fewer than two classes.
    pub fn new(task: Task, outputs: usize) -> Self {
        match task {
            Task::Classes => Accumulator::Classes(Classes::new(outputs)),
            Task::Labels => Accumulator::Labels(Labels::new(outputs)),
            Task::Numbers => Accumulator::Numbers(Numbers::new(outputs)),
            Task::Text => panic!("text has totals of its own"),
        }
    }

    /// Adds a batch: probabilities `[B, D]`, truths, and row weights `[B]`. Numbers go through
    /// [`update_numbers`](Self::update_numbers).
    ///
    /// # Panics
    /// Where the kind or length of the targets does not fit: a defect of the caller.
    pub fn update(
        &mut self,
        predictions: ArrayView2<'_, f32>,
        targets: Targets<'_>,
        weights: Option<&[f32]>,
    ) {
        match (self, targets) {
            (Accumulator::Classes(a), Targets::Classes(t)) => a.update(predictions, t, weights),
            (Accumulator::Labels(a), Targets::Labels(t)) => a.update(predictions, t, weights),
            (_, targets) => panic!("targets of another task: {targets:?}"),
        }
    }

    /// Adds a batch of numbers: predictions and truths `[B, D]` in the target's own unit, where 32 bits may not tell one
    /// row from the next, and row weights `[B]`.
    ///
    /// # Panics
    /// For another task, and where the shapes differ: a defect of the caller.
    pub fn update_numbers(
        &mut self,
        predictions: ArrayView2<'_, f64>,
        targets: ArrayView2<'_, f64>,
        weights: Option<&[f32]>,
    ) {
        match self {
            Accumulator::Numbers(a) => a.update(predictions, targets, weights),
            _ => panic!("numbers for another task"),
        }
    }

    /// All figures.
    pub fn finish(self) -> Report {
        match self {
            Accumulator::Classes(a) => Report::Classes(a.finish()),
            Accumulator::Labels(a) => Report::Labels(a.finish()),
            Accumulator::Numbers(a) => Report::Numbers(a.finish()),
        }
    }
}

/// All figures of one pass over some rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// One class out of several.
    Classes(ClassReport),
    /// Several yes-or-no labels.
    Labels(LabelReport),
    /// Numbers.
    Numbers(NumberReport),
    /// The next token.
    Text(TextReport),
}

/// The figure that a task is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headline {
    /// Its name.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// Where it can be said: not for text, whose tokens depend on each other, and not for a single row.
    pub interval: Option<Interval>,
}

impl Report {
    /// Every metric that the task has and that was computed, in the order of [`METRICS`]; an undefined one is NaN.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        let value = |source: &Source| match (source, self) {
            (Source::Classes(f), Report::Classes(r)) => Some(f(r)),
            (Source::Labels(f), Report::Labels(r)) => Some(f(r)),
            (Source::Numbers(f), Report::Numbers(r)) => Some(f(r)),
            (Source::Text(f), Report::Text(r)) => Some(f(r)),
            _ => None,
        };
        METRICS.iter().filter_map(|m| Some((m.name, m.sources.iter().find_map(value)?))).collect()
    }

    /// The value of one metric.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values().into_iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// How many rows, or tokens, were counted.
    pub fn rows(&self) -> u64 {
        match self {
            Report::Classes(r) => r.rows,
            Report::Labels(r) => r.rows,
            Report::Numbers(r) => r.rows,
            Report::Text(r) => r.tokens,
        }
    }

    /// The headline metric with its 95 % interval: accuracy, r2 or perplexity.
    pub fn headline(&self) -> Headline {
        let metric = match self {
            Report::Classes(_) | Report::Labels(_) => "accuracy",
            Report::Numbers(_) => "r2",
            Report::Text(_) => "perplexity",
        };
        Headline {
            metric,
            value: self.value(metric).unwrap_or(f64::NAN),
            interval: self.headline_interval(metric),
        }
    }

    /// The 95 % interval of a metric: Wilson's for accuracy, a bootstrap for r2, rmse and mae, `None` for others.
    pub fn headline_interval(&self, metric: &str) -> Option<Interval> {
        match (self, metric) {
            (Report::Classes(r), "accuracy") => wilson(r.accuracy, r.effective_rows),
            (Report::Labels(r), "accuracy") => wilson(r.accuracy, r.effective_rows),
            (Report::Numbers(r), _) => {
                let at = ["r2", "rmse", "mae"].iter().position(|m| *m == metric)?;
                r.intervals()[at]
            }
            _ => None,
        }
    }

    /// What a reader must know about how the figures were made; usually nothing. `names` are those of the classes or labels, `unit`
    /// is what is counted: "row", "step".
    pub fn notes(&self, names: &[String], unit: &str) -> Vec<String> {
        let exact = match self {
            Report::Classes(r) => r.exact_ranking,
            Report::Labels(r) => r.exact_ranking,
            Report::Text(r) if r.unknown > 0 => {
                let (unknown, all) = (r.unknown, r.tokens);
                return vec![format!(
                    "{unknown} of {all} tokens are not in the vocabulary: they count as one word, which makes perplexity small, and \
                     what they spell was not foreseen, so there is no bits_per_char"
                )];
            }
            Report::Text(r) if r.text_lost => {
                return vec![
                    "the tokens do not give the text back, as where blanks in a row are one: what they leave out was not foreseen, so \
                     there is no bits_per_char"
                        .into(),
                ];
            }
            Report::Text(_) | Report::Numbers(_) => true,
        };
        let note = || {
            format!(
                "roc_auc and average_precision were counted in bins, right to about four digits: more than {SCORE_LIMIT} scores"
            )
        };
        self.undefined(names, unit).into_iter().chain((!exact).then(note)).collect()
    }

    /// Why some figures are not defined.
    fn undefined(&self, names: &[String], unit: &str) -> Option<String> {
        let (what, missing): (_, Vec<usize>) = match self {
            Report::Classes(r) => ("class", r.without_rows().collect()),
            Report::Labels(r) => ("label", r.one_sided().collect()),
            Report::Numbers(_) | Report::Text(_) => return None,
        };
        let shown: Vec<String> =
            missing.iter().take(SHOWN).filter_map(|&i| names.get(i)).map(|name| quote(name)).collect();
        let more = missing.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let figures: Vec<&str> =
            self.values().into_iter().filter(|(_, value)| value.is_nan()).map(|(name, _)| name).collect();
        let why = match (what, missing.len()) {
            (_, 0) => return None,
            ("class", 1) => format!("class {} has no {unit} here", shown.join(", ")),
            ("class", _) => format!("the classes {}{more} have no {unit} here", shown.join(", ")),
            (_, 1) => format!("all {unit}s here have the same value of {}", shown.join(", ")),
            _ => format!("all {unit}s here have the same value of each of {}{more}", shown.join(", ")),
        };
        Some(format!("{why}, so these figures are not defined: {}", figures.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;

    #[test]
    fn every_metric_of_a_task_is_given_in_order() {
        let mut a = Accumulator::new(Task::Classes, 2);
        a.update(arr2(&[[0.9, 0.1], [0.2, 0.8]]).view(), Targets::Classes(&[0, 1]), None);
        let report = a.finish();
        let given: Vec<&str> = report.values().iter().map(|(n, _)| *n).collect();
        assert_eq!(given, crate::metrics::names(Task::Classes)[1..]);
        assert_eq!((report.value("roc_auc"), report.value("r2"), report.rows()), (Some(1.0), None, 2));
        assert_eq!(report.headline().metric, "accuracy");
        assert_eq!(report.headline().interval, wilson(1.0, 2.0));
        assert!(report.notes(&[], "row").is_empty());
    }

    #[test]
    fn weights_narrow_what_the_rows_can_tell() {
        let p = Array2::from_elem((100, 2), 0.5);
        let weights: Vec<f32> = (0..100).map(|i| if i < 50 { 1.0 } else { 0.0 }).collect();
        let mut a = Accumulator::new(Task::Classes, 2);
        a.update(p.view(), Targets::Classes(&[0; 100]), Some(&weights));
        assert_eq!(a.finish().headline().interval, wilson(1.0, 50.0));
    }

    #[test]
    fn numbers_and_labels_have_headlines() {
        let y = Array2::from_shape_fn((50, 1), |(i, _)| i as f64);
        let p = y.mapv(|v: f64| v + if v as i32 % 2 == 0 { 1.0 } else { -0.5 });
        let mut a = Accumulator::new(Task::Numbers, 1);
        a.update_numbers(p.view(), y.view(), None);
        let report = a.finish();
        let headline = report.headline();
        let interval = headline.interval.unwrap();
        assert!(headline.metric == "r2" && interval.low < headline.value && headline.value < interval.high);
        let mae = report.headline_interval("mae").unwrap();
        assert!(0.6 < mae.low && mae.low < 0.75 && 0.75 < mae.high && mae.high < 0.9, "{mae:?}");
        assert_eq!(report.headline_interval("mape"), None);
        let mut a = Accumulator::new(Task::Labels, 1);
        a.update(arr2(&[[0.9], [0.2]]).view(), Targets::Labels(arr2(&[[1.0], [1.0]]).view()), None);
        assert_eq!(a.finish().headline().value, 0.5);
    }
}

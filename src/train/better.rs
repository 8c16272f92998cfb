//! Whether a run is better than the simplest baseline, and the sentence that says so if it is not.
//!
//! A figure counts as better if chance alone would hardly give it on so many rows; less proof is enough of one that closes half of the
//! gap to a perfect figure.

use crate::error::{counted, quote};
use crate::metrics::{ClassReport, LabelReport, NumberReport, Report, TextReport, figure};
use crate::train::{Model, Output, Scores};

/// Standard errors that a figure must be better by, and that one must be which closes half of the gap.
const SURE: f64 = 3.0;
const LIKELY: f64 = 2.0;

/// What some standard errors are in the logarithm of a likelihood ratio, over all rows together.
const fn nats(errors: f64) -> f64 {
    errors * errors / 2.0
}

/// A figure of the model and of the baseline, by name.
type Pair = (&'static str, f64, f64);

/// A loss is far above another one that is so many times smaller.
const FAR: f64 = 10.0;

/// How an output compares to its baseline.
struct Comparison {
    /// The figures that count.
    figures: Vec<(Pair, bool)>,
    /// Whether any of them, or the order of the rows, is better.
    better: bool,
    /// Whether the loss is above the baseline's by so much that no order of the rows makes up for it.
    far: bool,
    /// Of classes with probabilities: the loss that guessing has.
    guess: Option<f64>,
}

/// A sentence for each output that is no better than its first baseline in `simple`.
pub(super) fn warnings(
    model: &Model,
    scores: &Scores,
    simple: &[Vec<(&'static str, Report)>],
) -> Vec<String> {
    let outputs = model.outputs.iter().zip(&scores.outputs).zip(simple);
    let warnings = outputs.filter_map(|((output, own), simple)| {
        let comparison = compare(output, &own.report, &simple.first()?.1)?;
        let place = match model.outputs.len() {
            1 => String::new(),
            _ => format!("output {}: ", quote(&output.name)),
        };
        let sentence = comparison.sentence(&own.report, own.unit).or_else(|| comparison.far_above(own.loss));
        sentence.map(|sentence| place + &sentence)
    });
    warnings.collect()
}

fn compare(output: &Output, own: &Report, base: &Report) -> Option<Comparison> {
    match (own, base) {
        (Report::Classes(own), Report::Classes(base)) => {
            Some(classes(own, base, output.head.has_probabilities()))
        }
        (Report::Labels(own), Report::Labels(base)) => {
            Some(labels(own, base, output.head.has_probabilities()))
        }
        // A quantile that is not near the middle is not to be near the mean.
        (Report::Numbers(own), Report::Numbers(base)) if is_central(output) => Some(numbers(own, base)),
        (Report::Text(own), Report::Text(base)) => Some(text(own, base)),
        _ => None,
    }
}

fn is_central(output: &Output) -> bool {
    let quantiles = output.head.quantiles();
    quantiles.is_none_or(|quantiles| (quantiles[output.head.central_column()] - 0.5).abs() < 0.1)
}

fn classes(own: &ClassReport, base: &ClassReport, probabilities: bool) -> Comparison {
    let n = own.effective_rows;
    let there: Vec<f64> = own.classes.iter().map(|c| c.support).filter(|&support| support > 0.0).collect();
    let balanced_error = there.iter().map(|support| 0.25 / support).sum::<f64>().sqrt() / there.len() as f64;
    let (accuracy, balanced) =
        ((own.accuracy, base.accuracy), (own.balanced_accuracy(), base.balanced_accuracy()));
    let mut comparison = Comparison::new(vec![
        (("accuracy", accuracy.0, accuracy.1), is_larger(accuracy, share_error(base.accuracy, n))),
        (("balanced_accuracy", balanced.0, balanced.1), is_larger(balanced, balanced_error)),
    ]);
    if probabilities {
        comparison.add_loss("log_loss", own.log_loss, base.log_loss, n);
        let guess = base.log_loss.max((own.classes.len() as f64).ln());
        comparison.far = own.log_loss > 2.0 * guess;
        comparison.guess = Some(guess);
    }
    let supports = own.classes.iter().filter(|c| !c.roc_auc.is_nan()).map(|c| c.support);
    comparison.add_ranking(own.roc_auc(), supports, own.rows as f64);
    // Of rows of one class nothing could be better.
    comparison.better |= own.accuracy == 1.0;
    comparison
}

fn labels(own: &LabelReport, base: &LabelReport, probabilities: bool) -> Comparison {
    let n = own.effective_rows;
    let accuracy = (own.accuracy, base.accuracy);
    let mut comparison = Comparison::new(vec![(
        ("accuracy", accuracy.0, accuracy.1),
        is_larger(accuracy, share_error(base.accuracy, n)),
    )]);
    if probabilities {
        comparison.add_loss("log_loss", own.log_loss(), base.log_loss(), n * own.labels.len() as f64);
        comparison.far = own.log_loss() > 2.0 * base.log_loss().max(std::f64::consts::LN_2);
    }
    let supports = own.labels.iter().filter(|l| !l.roc_auc.is_nan()).map(|l| l.support);
    comparison.add_ranking(own.roc_auc(), supports, own.rows as f64);
    comparison
}

fn numbers(own: &NumberReport, base: &NumberReport) -> Comparison {
    let n = own.rows as f64;
    // Errors of a normal distribution give this likelihood ratio to their squares, those of Laplace's to their absolute values.
    let better = own.outputs.iter().zip(&base.outputs).any(|(own, base)| {
        is_smaller(own.mse, base.mse, n / 2.0 * (base.mse / own.mse).ln())
            || is_smaller(own.mae, base.mae, n * (base.mae / own.mae).ln())
    });
    let pair = |name, of: fn(&NumberReport) -> f64| ((name, of(own), of(base)), better);
    let mut comparison = Comparison::new(vec![
        pair("rmse", |report| report.mean(|output| output.rmse)),
        pair("mae", |report| report.mean(|output| output.mae)),
    ]);
    comparison.far = own.outputs.iter().zip(&base.outputs).all(|(own, base)| own.rmse > 2.0 * base.rmse);
    comparison
}

fn text(own: &TextReport, base: &TextReport) -> Comparison {
    let mut comparison = Comparison::new(Vec::new());
    comparison.add_loss("loss", own.loss, base.loss, own.tokens as f64);
    comparison.far = own.loss > 2.0 * base.loss;
    comparison
}

/// The standard error of a share of `n` rows.
fn share_error(share: f64, n: f64) -> f64 {
    (share * (1.0 - share) / n).sqrt()
}

/// Whether a share, of which 1 is perfect, is better than the other by more than chance.
fn is_larger((own, base): (f64, f64), error: f64) -> bool {
    let needed = if 1.0 - own <= (1.0 - base) / 2.0 { LIKELY } else { SURE };
    own - base > needed * error
}

/// Whether a loss, of which 0 is perfect, is better than the other by more than chance; `ratio` is the logarithm of the likelihood
/// ratio of all rows.
fn is_smaller(own: f64, base: f64, ratio: f64) -> bool {
    ratio > nats(if own <= base / 2.0 { LIKELY } else { SURE })
}

impl Comparison {
    fn new(figures: Vec<(Pair, bool)>) -> Self {
        let better = figures.iter().any(|(_, better)| *better);
        Comparison { figures, better, far: false, guess: None }
    }

    /// Adds a mean of −ln p over `n` rows.
    fn add_loss(&mut self, name: &'static str, own: f64, base: f64, n: f64) {
        let better = is_smaller(own, base, n * (base - own));
        self.figures.push(((name, own, base), better));
        self.better |= better;
    }

    /// Adds how well the rows are ordered: the area under the ROC curve, of which chance gives a half. `supports` has the rows of
    /// each class or label, out of `n`. The order of a model whose loss is far off is luck.
    fn add_ranking(&mut self, area: f64, supports: impl Iterator<Item = f64>, n: f64) {
        let errors: Vec<f64> = supports.map(|own| ((n + 1.0) / (12.0 * own * (n - own))).sqrt()).collect();
        let error = errors.iter().sum::<f64>() / errors.len() as f64;
        self.better |= !self.far && is_larger((area, 0.5), error);
    }

    /// The warning about classes that are better than guesses while their `loss` is far worse.
    fn far_above(&self, loss: f64) -> Option<String> {
        let guess = self.guess.filter(|guess| loss > FAR * guess)?;
        Some(format!(
            "the loss is {}, far above {} of the majority class: the probabilities mean nothing; try a lower \
             train.optimizer.learning_rate, or look for numbers that are far outside of the others",
            figure(loss),
            figure(guess)
        ))
    }

    /// The warning about an output that is no better than its baseline.
    fn sentence(&self, report: &Report, unit: &str) -> Option<String> {
        // The mean of a target that never changes is perfect.
        let undefined = |((name, own, base), _): &(Pair, bool)| {
            own.is_nan() || base.is_nan() || (*name == "rmse" && *base == 0.0)
        };
        if self.better || self.figures.iter().any(undefined) {
            return None;
        }
        let baseline = match report {
            Report::Classes(_) => "the majority class",
            Report::Labels(_) => "the shares of the labels",
            Report::Numbers(_) => "the mean",
            Report::Text(_) => "counting tokens",
        };
        let in_points = self.figures.iter().any(|((name, own, base), _)| match *name {
            "accuracy" | "balanced_accuracy" => own > base,
            _ => own < base,
        });
        let chance = match in_points {
            true => format!(" beyond chance, on {}", counted(report.rows(), unit)),
            false => String::new(),
        };
        let figures = self
            .figures
            .iter()
            .map(|((name, own, base), _)| format!("{name} {} against {}", figure(*own), figure(*base)));
        let figures: Vec<String> = figures.collect();
        let help = match (self.far, report) {
            (true, _) => "try a lower train.optimizer.learning_rate",
            (_, Report::Text(_)) => "try more epochs, or another train.optimizer.learning_rate",
            _ => {
                "try more epochs or a lower train.optimizer.learning_rate, and check that the features say something about the target"
            }
        };
        Some(format!("the model is no better than {baseline}{chance}: {}; {help}", figures.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_better_if_chance_hardly_gives_it() {
        let of = |own, base, n| is_larger((own, base), share_error(base, n));
        assert!(!of(0.5, 0.5, 100.0) && !of(0.4, 0.5, 1e6) && !of(0.6, 0.5, 100.0));
        assert!(of(0.66, 0.5, 100.0) && of(0.51, 0.5, 1e5));
        // Half of the gap is closed.
        assert!(of(0.8, 0.5, 20.0) && !of(0.74, 0.5, 20.0) && !of(0.8, 0.5, 9.0));
        assert!(!of(1.0, 1.0, 50.0));
    }

    #[test]
    fn a_loss_is_better_if_chance_hardly_gives_it() {
        let of = |own: f64, base: f64, n: f64| is_smaller(own, base, n * (base - own));
        assert!(!of(0.69, 0.69, 1e6) && !of(0.7, 0.69, 1e6) && !of(0.66, 0.69, 100.0));
        assert!(of(0.6, 0.69, 100.0) && of(0.68, 0.69, 1e3));
        assert!(of(0.1, 0.69, 5.0) && !of(0.1, 0.69, 3.0));
    }
}

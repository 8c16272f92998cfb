//! Every metric in one table: name, meaning, direction, and how a report gives it.

use super::classes::ClassReport;
use super::labels::LabelReport;
use super::numbers::NumberReport;
use super::text::TextReport;

/// What a network foretells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One class out of several.
    Classes,
    /// Several yes-or-no labels.
    Labels,
    /// Numbers.
    Numbers,
    /// The next token.
    Text,
}

/// How a metric is read from a report.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// From classes.
    Classes(fn(&ClassReport) -> f64),
    /// From labels.
    Labels(fn(&LabelReport) -> f64),
    /// From numbers.
    Numbers(fn(&NumberReport) -> f64),
    /// From text.
    Text(fn(&TextReport) -> f64),
}

impl Source {
    fn task(&self) -> Task {
        match self {
            Source::Classes(_) => Task::Classes,
            Source::Labels(_) => Task::Labels,
            Source::Numbers(_) => Task::Numbers,
            Source::Text(_) => Task::Text,
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As in a config and in `metrics.jsonl`.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// From which reports it comes. Empty: the training loss, which every task has and the trainer computes.
    pub sources: &'static [Source],
}

impl Metric {
    /// Whether a network of that task has it.
    pub fn fits(&self, task: Task) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|s| s.task() == task)
    }
}

const fn higher(name: &'static str, doc: &'static str, sources: &'static [Source]) -> Metric {
    Metric { name, doc, higher_is_better: true, sources }
}

const fn lower(name: &'static str, doc: &'static str, sources: &'static [Source]) -> Metric {
    Metric { name, doc, higher_is_better: false, sources }
}

/// All metrics, in the order in which they are reported.
pub const METRICS: &[Metric] = &[
    lower("loss", "The loss that is trained, without penalties on the weights.", &[]),
    higher(
        "accuracy",
        "Share of the rows that are right; of several labels, rows with all of them right.",
        &[Source::Classes(|r| r.accuracy), Source::Labels(|r| r.accuracy)],
    ),
    higher(
        "balanced_accuracy",
        "Mean recall of the classes.",
        &[Source::Classes(ClassReport::balanced_accuracy)],
    ),
    higher(
        "f1_macro",
        "Mean over the classes of the harmonic mean of precision and recall.",
        &[Source::Classes(ClassReport::f1_macro), Source::Labels(LabelReport::f1_macro)],
    ),
    higher(
        "precision_macro",
        "Mean over the classes of the share of the predicted rows that are right.",
        &[Source::Classes(ClassReport::precision_macro), Source::Labels(LabelReport::precision_macro)],
    ),
    higher(
        "recall_macro",
        "Mean over the classes of the share of their rows that are found.",
        &[Source::Classes(ClassReport::recall_macro), Source::Labels(LabelReport::recall_macro)],
    ),
    higher(
        "roc_auc",
        "Area under the ROC curve; of more than two classes, the mean of each against the others.",
        &[Source::Classes(ClassReport::roc_auc), Source::Labels(LabelReport::roc_auc)],
    ),
    higher(
        "average_precision",
        "Area under the precision-recall curve, without interpolation; of more than two classes, their mean.",
        &[Source::Classes(ClassReport::average_precision), Source::Labels(LabelReport::average_precision)],
    ),
    lower(
        "log_loss",
        "Mean of -ln of the probability of what is true.",
        &[Source::Classes(|r| r.log_loss), Source::Labels(LabelReport::log_loss)],
    ),
    higher(
        "r2",
        "1 - (sum of squared errors) / (sum of squared differences to the mean).",
        &[Source::Numbers(|r| r.mean(|s| s.r2))],
    ),
    lower("rmse", "Root of the mean squared error.", &[Source::Numbers(|r| r.mean(|s| s.rmse))]),
    lower("mse", "Mean squared error.", &[Source::Numbers(|r| r.mean(|s| s.mse))]),
    lower("mae", "Mean absolute error.", &[Source::Numbers(|r| r.mean(|s| s.mae))]),
    lower(
        "mape",
        "Mean of the absolute error over the absolute value of the truth; a fraction.",
        &[Source::Numbers(|r| r.mean(|s| s.mape))],
    ),
    lower("perplexity", "e to the mean loss of a token.", &[Source::Text(|r| r.perplexity)]),
    lower(
        "bits_per_char",
        "Loss in bits over the characters of the text; undefined where it has unknown words or the tokens do not give it back.",
        &[Source::Text(|r| r.bits_per_char)],
    ),
];

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.name == name)
}

/// The names of the metrics that a network of that task has.
pub fn names(task: Task) -> Vec<&'static str> {
    METRICS.iter().filter(|m| m.fits(task)).map(|m| m.name).collect()
}

/// The name that was probably meant, for "did you mean".
pub fn suggest(name: &str, task: Task) -> Option<&'static str> {
    let known = [
        ("auc", "roc_auc"),
        ("f1", "f1_macro"),
        ("precision", "precision_macro"),
        ("recall", "recall_macro"),
        ("cross_entropy", "log_loss"),
        ("val_loss", "loss"),
        ("val_accuracy", "accuracy"),
        ("ap", "average_precision"),
    ];
    let fits = |name: &&'static str| find(name).is_some_and(|m| m.fits(task));
    let lower = name.to_lowercase();
    let alias = known.iter().find(|(alias, _)| *alias == lower).map(|&(_, name)| name).filter(fits);
    alias.or_else(|| {
        let close = names(task).into_iter().map(|n| (strsim::damerau_levenshtein(&lower, n), n));
        close.filter(|&(d, n)| d <= n.len() / 3).min_by_key(|&(d, _)| d).map(|(_, n)| n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (i, metric) in METRICS.iter().enumerate() {
            assert_eq!(METRICS.iter().position(|m| m.name == metric.name), Some(i));
            assert!(find(metric.name).is_some() && metric.doc.ends_with('.'));
        }
        assert!(find("Accuracy").is_none());
    }

    #[test]
    fn a_task_has_its_metrics_and_no_others() {
        assert_eq!(names(Task::Numbers), ["loss", "r2", "rmse", "mse", "mae", "mape"]);
        assert_eq!(names(Task::Text), ["loss", "perplexity", "bits_per_char"]);
        assert!(!names(Task::Labels).contains(&"balanced_accuracy"));
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(suggest("acuracy", Task::Classes), Some("accuracy"));
        assert_eq!(suggest("F1", Task::Labels), Some("f1_macro"));
        assert_eq!(suggest("rsme", Task::Numbers), Some("rmse"));
        assert_eq!(suggest("auc", Task::Numbers), None);
        assert_eq!(suggest("nonsense", Task::Text), None);
    }
}

//! The metric that `train.early_stopping` watches.

use crate::config::{Config, EarlyStopping};
use crate::data::{Table, Targets};
use crate::error::{Error, Result, quote, thousands};
use crate::metrics;
use crate::train::Output;
use crate::train::load::Loaded;

/// Metrics that are defined only if every class has a row, and every label rows with and without it.
const OF_ALL_CLASSES: &[&str] =
    &["balanced_accuracy", "f1_macro", "precision_macro", "recall_macro", "roc_auc", "average_precision"];

/// Refuses a metric that no output has, and one that the validation part leaves undefined: no epoch would be the best.
///
/// # Errors
/// `Code::Usage`.
pub(super) fn check(config: &Config, loaded: &Loaded, outputs: &[Output]) -> Result<()> {
    let EarlyStopping::After { metric, .. } = &config.train.early_stopping else {
        return Ok(());
    };
    check_name(metric, outputs)?;
    let (prefix, name) = metric.rsplit_once('.').unwrap_or(("", metric));
    let Some((table, rows)) = loaded.validation().filter(|_| OF_ALL_CLASSES.contains(&name)) else {
        return Ok(());
    };
    for output in outputs.iter().filter(|output| prefix.is_empty() || output.name == prefix) {
        let many = output.targets.classes().map(<[String]>::len).filter(|&n| n > metrics::RANKED_LIMIT);
        let what = format!("{} is not defined on the validation part", quote(metric));
        let error = Error::usage("train.early_stopping.metric", what);
        if let (Some(many), "roc_auc" | "average_precision") = (many, name) {
            return Err(error
                .expected(format!("at most {} classes", thousands(metrics::RANKED_LIMIT as u64)))
                .found(thousands(many as u64))
                .help("watch \"loss\" or \"accuracy\""));
        }
        if let Some(why) = one_sided(output, table, rows) {
            let of = quote(output.targets.names()[0]);
            return Err(error.found(format!("{why} in {of}")).help(
                "watch \"loss\" or \"accuracy\", or set data.validation to a part that has rows of every class",
            ));
        }
    }
    Ok(())
}

/// What these rows lack for metrics of all classes, if anything.
fn one_sided(output: &Output, table: &Table, rows: &[u32]) -> Option<String> {
    if let Some(classes) = output.targets.classes() {
        let counts = output.class_counts(table, rows, classes.len());
        let (class, _) = classes.iter().zip(counts).find(|(_, count)| *count == 0.0)?;
        return Some(format!("no row of the class {}", quote(class)));
    }
    let Targets::Labels { columns } = &output.targets else { return None };
    let same = |i: usize| {
        let mut values = rows.iter().map(|&row| output.target(table, row)[i]);
        let first = values.next();
        values.all(|value| Some(value) == first)
    };
    let label = (0..columns.len()).find(|&i| same(i))?;
    Some(format!("one value of {} alone", quote(&columns[label].name)))
}

/// Refuses a watched metric that no output has.
fn check_name(metric: &str, outputs: &[Output]) -> Result<()> {
    let known: Vec<String> = match outputs {
        [only] => metrics::names(only.head.task).into_iter().map(str::to_owned).collect(),
        several => {
            let own = |o: &Output| {
                metrics::names(o.head.task).into_iter().map(|m| format!("{}.{m}", o.name)).collect::<Vec<_>>()
            };
            std::iter::once("loss".to_owned()).chain(several.iter().flat_map(own)).collect()
        }
    };
    if known.iter().any(|name| name == metric) {
        return Ok(());
    }
    let error =
        Error::usage("train.early_stopping.metric", format!("there is no metric {} here", quote(metric)));
    let error =
        error.expected(format!("one of {}", known.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ")));
    Err(match suggest_metric(metric, outputs) {
        Some(close) => error.help(format!("did you mean {}?", quote(&close))),
        None => error,
    })
}

/// The metric that was probably meant, with its output's name where there are several.
fn suggest_metric(metric: &str, outputs: &[Output]) -> Option<String> {
    if let [only] = outputs {
        return metrics::suggest(metric, only.head.task).map(str::to_owned);
    }
    let (prefix, name) = metric.rsplit_once('.').unwrap_or(("", metric));
    let candidates = outputs.iter().filter_map(|o| {
        let close = metrics::suggest(name, o.head.task).filter(|_| name != "loss" || !prefix.is_empty())?;
        Some((strsim::damerau_levenshtein(prefix, &o.name), format!("{}.{close}", o.name)))
    });
    candidates.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

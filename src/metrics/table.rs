//! Figures as aligned text.

use super::accumulator::Headline;
use super::classes::ClassReport;
use super::labels::LabelReport;
use super::numbers::NumberReport;
use crate::error::quote;

/// Classes up to which a confusion matrix is printed whole; of more, the most frequent mistakes.
const MATRIX_LIMIT: usize = 20;
/// Mistakes that are listed in place of a matrix.
const MISTAKES: usize = 10;
/// Lines of a table of classes, labels or outputs.
const LINES: usize = 100;
/// The longest name that is printed, in characters.
const NAME_LIMIT: usize = 24;

/// One column of the closing table.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// `majority class`, `mean`, `linear model`.
    pub title: &'a str,
    /// Its figures; those that it lacks are left open.
    pub values: &'a [(&'static str, f64)],
}

/// The closing table: a line a metric, the model first, the interval of the headline metric, then the baselines.
pub fn closing_table(model: &Column<'_>, headline: Option<&Headline>, baselines: &[Column<'_>]) -> String {
    let interval = headline.and_then(|h| Some((h.metric, h.interval?)));
    let mut header = vec!["metric".to_string(), model.title.to_string()];
    header.extend(interval.map(|_| "95 % interval".to_string()));
    header.extend(baselines.iter().map(|b| b.title.to_string()));
    let mut rows = vec![header];
    let (first, rest): (Vec<_>, Vec<_>) =
        model.values.iter().copied().partition(|(name, _)| headline.is_some_and(|h| h.metric == *name));
    for (name, value) in first.into_iter().chain(rest) {
        let mut row = vec![name.to_string(), number(value)];
        if let Some((metric, i)) = interval {
            let text = || format!("{} to {}", number(i.low), number(i.high));
            row.push(if metric == name { text() } else { String::new() });
        }
        row.extend(baselines.iter().map(|b| {
            let value = b.values.iter().find(|(n, _)| *n == name);
            number(value.map_or(f64::NAN, |(_, v)| *v))
        }));
        rows.push(row);
    }
    align(&rows)
}

/// Rows are true classes, columns predicted ones. Of more than 20 classes only the ten most frequent mistakes are
/// listed. `unit` is what is counted: "row", "step".
pub fn confusion_matrix(report: &ClassReport, names: &[String], unit: &str) -> String {
    let n = report.classes.len();
    let Some(counts) = &report.confusion else {
        return format!("{n} classes: too many for a confusion matrix\n");
    };
    let name = |c: usize| names.get(c).map_or_else(|| c.to_string(), |s| shown(s));
    if n <= MATRIX_LIMIT {
        let mut rows = vec![vec!["true \\ predicted".to_string()]];
        rows[0].extend((0..n).map(name));
        for (c, counts) in counts.chunks_exact(n).enumerate() {
            rows.push([name(c)].into_iter().chain(counts.iter().map(|&w| count(w))).collect());
        }
        return align(&rows);
    }
    let mut mistakes: Vec<(usize, f64)> =
        counts.iter().copied().enumerate().filter(|&(i, w)| i / n != i % n && w > 0.0).collect();
    mistakes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut rows = vec![vec!["true".into(), "predicted".into(), format!("{unit}s")]];
    rows.extend(mistakes.iter().take(MISTAKES).map(|&(i, w)| vec![name(i / n), name(i % n), count(w)]));
    let more = mistakes.len().saturating_sub(MISTAKES);
    align(&rows) + &if more > 0 { format!("and {more} kinds of mistake more\n") } else { String::new() }
}

/// Precision, recall, f1 and number of rows of each class, or of what `unit` says, and the means over the classes, which are not
/// defined where a class has no row. Of more than 100 classes, those with the most rows.
pub fn class_table(report: &ClassReport, names: &[String], unit: &str) -> String {
    let lines = report.classes.iter().map(|c| (c.support, vec![c.precision(), c.recall(), c.f1()])).collect();
    let means = [report.precision_macro(), report.recall_macro(), report.f1_macro()];
    let support = report.classes.iter().map(|c| c.support).sum();
    let head = ["class", "precision", "recall", "f1", &format!("{unit}s")];
    per_name(&head, lines, names, "classes", Some((&means, support)))
}

/// Precision, recall, f1, area and number of rows of each label, and their means.
pub fn label_table(report: &LabelReport, names: &[String]) -> String {
    let lines = report
        .labels
        .iter()
        .map(|l| (l.support, vec![l.precision(), l.recall(), l.f1(), l.roc_auc]))
        .collect();
    let means = [report.precision_macro(), report.recall_macro(), report.f1_macro(), report.roc_auc()];
    let support = report.labels.iter().map(|l| l.support).sum();
    let head = ["label", "precision", "recall", "f1", "roc_auc", "rows"];
    per_name(&head, lines, names, "labels", Some((&means, support)))
}

/// r2, rmse, mae and mape of each output.
pub fn output_table(report: &NumberReport, names: &[String]) -> String {
    let rows = report.rows as f64;
    let lines = report.outputs.iter().map(|s| (rows, vec![s.r2, s.rmse, s.mae, s.mape])).collect();
    per_name(&["output", "r2", "rmse", "mae", "mape", "rows"], lines, names, "outputs", None)
}

fn per_name(
    head: &[&str],
    lines: Vec<(f64, Vec<f64>)>,
    names: &[String],
    plural: &str,
    means: Option<(&[f64], f64)>,
) -> String {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    if lines.len() > LINES {
        order.sort_by(|&a, &b| lines[b].0.total_cmp(&lines[a].0).then(a.cmp(&b)));
    }
    let line = |name: String, values: &[f64], rows: f64| {
        let values = values.iter().map(|&v| number(v));
        [name].into_iter().chain(values).chain([count(rows)]).collect::<Vec<_>>()
    };
    let mut rows = vec![head.iter().map(ToString::to_string).collect()];
    for &c in order.iter().take(LINES) {
        let name = names.get(c).map_or_else(|| c.to_string(), |s| shown(s));
        rows.push(line(name, &lines[c].1, lines[c].0));
    }
    if lines.len() > LINES {
        rows.push(vec![format!("and {} {plural} more", lines.len() - LINES)]);
    }
    if let Some((means, support)) = means {
        rows.push(line("mean".into(), means, support));
    }
    align(&rows)
}

/// A name from a data file, as a terminal may show it.
fn shown(name: &str) -> String {
    let quoted = quote(name);
    let plain = quoted[1..quoted.len() - 1].replace("\\\"", "\"").replace("\\\\", "\\");
    if plain.chars().count() <= NAME_LIMIT {
        return plain;
    }
    plain.chars().take(NAME_LIMIT - 1).chain(['…']).collect()
}

/// A figure: four decimals, fewer for large ones, powers of ten where it is very small or large, `-` for NaN.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".into(),
        0.0 => "0.0000".into(),
        a if !(1e-3..1e6).contains(&a) => format!("{value:.3e}"),
        a if a >= 1e3 => format!("{value:.1}"),
        _ => format!("{value:.4}"),
    }
}

/// A number of rows; with row weights it may have a fraction.
fn count(weight: f64) -> String {
    if weight.fract() == 0.0 { format!("{weight:.0}") } else { format!("{weight:.2}") }
}

/// Lines of cells, the first column to the left and the others to the right, two spaces between; no spaces at the ends.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        // A line of one cell is a remark: it does not widen the column.
        rows.iter()
            .filter(|r| r.len() > 1)
            .filter_map(|r| r.get(c))
            .map(|s| s.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c].saturating_sub(cell.chars().count()));
            match c {
                0 => line.extend([cell.as_str(), &pad]),
                _ => line.extend(["  ", &pad, cell]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;
    use crate::metrics::{Accumulator, Classes, Interval, Report, Targets, Task};

    fn three() -> ClassReport {
        let mut classes = Classes::new(3);
        let p = arr2(&[[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6], [0.0, 0.6, 0.4]]);
        classes.update(p.view(), &[0, 1, 2, 2], None);
        classes.finish()
    }

    fn names() -> Vec<String> {
        ["setosa", "versicolor", "virginica\u{1b}[31m"].map(String::from).to_vec()
    }

    #[test]
    fn the_closing_table_shows_interval_and_baselines() {
        let interval = Interval { low: 0.8333, high: 0.9941, method: "Wilson score" };
        let headline = Headline { metric: "accuracy", value: 0.96667, interval: Some(interval) };
        let model = [("loss", 0.00012), ("accuracy", 0.96667), ("rmse", 12345.678)];
        let majority = [("accuracy", 1.0 / 3.0), ("rmse", 2.5e7)];
        let linear = [("accuracy", 0.93333), ("loss", 0.25)];
        let baselines = [
            Column { title: "majority class", values: &majority },
            Column { title: "linear model", values: &linear },
        ];
        assert_eq!(
            closing_table(&Column { title: "model", values: &model }, Some(&headline), &baselines),
            "\
metric       model     95 % interval  majority class  linear model
accuracy    0.9667  0.8333 to 0.9941          0.3333        0.9333
loss      1.200e-4                                 -        0.2500
rmse       12345.7                           2.500e7             -
"
        );
        assert_eq!(
            closing_table(&Column { title: "model", values: &model[..2] }, None, &[]),
            "metric       model\nloss      1.200e-4\naccuracy    0.9667\n"
        );
    }

    #[test]
    fn classes_are_counted_and_scored() {
        assert_eq!(
            confusion_matrix(&three(), &names(), "row"),
            "\
true \\ predicted     setosa  versicolor  virginica\\u{1b}[31m
setosa                    1           0                    0
versicolor                0           1                    0
virginica\\u{1b}[31m       0           1                    1
"
        );
        assert_eq!(
            class_table(&three(), &names(), "row"),
            "\
class                precision  recall      f1  rows
setosa                  1.0000  1.0000  1.0000     1
versicolor              0.5000  1.0000  0.6667     1
virginica\\u{1b}[31m     1.0000  0.5000  0.6667     2
mean                    0.8333  0.8333  0.7778     4
"
        );
    }

    #[test]
    fn a_class_that_is_not_there_has_no_figures() {
        let mut classes = Classes::new(4);
        let p = arr2(&[[0.9, 0.1, 0.0, 0.0], [0.8, 0.2, 0.0, 0.0], [0.2, 0.1, 0.7, 0.0]]);
        // The second is never predicted, the third never true, the last neither.
        classes.update(p.view(), &[0, 1, 0], None);
        assert_eq!(
            class_table(&classes.finish(), &["a", "b", "c", "d"].map(String::from), "step"),
            "\
class  precision  recall      f1  steps
a         0.5000  0.5000  0.5000      2
b         0.0000  0.0000  0.0000      1
c              -       -       -      0
d              -       -       -      0
mean           -       -       -      3
"
        );
    }

    #[test]
    fn many_classes_are_cut() {
        let n = 150;
        let mut classes = Classes::new(n);
        let p = Array2::from_shape_fn((n + 20, n), |(i, c)| if c == (i / 2 * 2) % n { 1.0 } else { 0.0 });
        let targets: Vec<u32> = (0..n + 20).map(|i| (i % n) as u32).collect();
        classes.update(p.view(), &targets, None);
        let report = classes.finish();
        let matrix = confusion_matrix(&report, &[], "row");
        assert!(
            matrix.starts_with("true  predicted  rows\n1             0     2\n3             2     2\n"),
            "{matrix}"
        );
        assert!(matrix.ends_with("\n19           18     2\nand 65 kinds of mistake more\n"), "{matrix}");
        let table = class_table(&report, &[], "row");
        assert_eq!(table.lines().count(), 1 + LINES + 2);
        assert!(table.contains("\nand 50 classes more\nmean"), "{table}");
        let many = Classes::new(300).finish();
        assert_eq!(confusion_matrix(&many, &[], "row"), "300 classes: too many for a confusion matrix\n");
    }

    #[test]
    fn labels_and_outputs_have_tables_too() {
        let mut a = Accumulator::new(Task::Labels, 2);
        let p = arr2(&[[0.9, 0.2], [0.4, 0.7]]);
        let weights = [1.5, 1.0];
        a.update(p.view(), Targets::Labels(arr2(&[[1.0, 0.0], [0.0, 0.0]]).view()), Some(&weights));
        let Report::Labels(report) = a.finish() else { unreachable!() };
        assert_eq!(
            label_table(&report, &["hot".into(), "x".repeat(99)]),
            "\
label                     precision  recall      f1  roc_auc  rows
hot                          1.0000  1.0000  1.0000   1.0000  1.50
xxxxxxxxxxxxxxxxxxxxxxx…          -       -       -        -     0
mean                              -       -       -        -  1.50
"
        );
        let mut a = Accumulator::new(Task::Numbers, 2);
        let (p, y) = (arr2(&[[1.0, 5.0], [2.0, 5.0]]), arr2(&[[1.0, 4.0], [3.0, 8.0]]));
        a.update_numbers(p.view(), y.view(), None);
        let Report::Numbers(report) = a.finish() else { unreachable!() };
        assert_eq!(
            output_table(&report, &["a".into(), "b".into()]),
            "\
output       r2    rmse     mae    mape  rows
a        0.5000  0.7071  0.5000  0.1667     2
b       -0.2500  2.2361  2.0000  0.3125     2
"
        );
    }
}

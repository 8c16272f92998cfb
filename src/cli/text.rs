//! The words of a run's progress.

use std::path::Path;

use crate::error::{counted, quote, shell_word, thousands};
use crate::train::{Epoch, Finished, Started};

/// Columns that are listed before "... and 44 more".
const COLUMNS: usize = 20;

/// Validation figures in the line of an epoch: the loss, and a metric of some outputs.
const FIGURES: usize = 4;

/// What was inferred, before training starts.
pub(super) fn started(run: &Started) -> String {
    // Whatever is no input is always shown: a column must not be left out in silence.
    let special = |what: &str| ["left out", "target", "row weights"].iter().any(|s| what.starts_with(s));
    let columns: Vec<(String, &str)> = run
        .columns
        .iter()
        .enumerate()
        .filter(|(i, (_, what))| *i < COLUMNS || special(what))
        .map(|(_, (name, what))| (shown(name), what.as_str()))
        .collect();
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(32);
    let mut lines: Vec<(&str, String)> = Vec::new();
    for (i, (name, what)) in columns.iter().enumerate() {
        lines.push((if i == 0 { "columns" } else { "" }, format!("{name:width$}  {what}")));
    }
    if run.columns.len() > columns.len() {
        lines.push((
            "",
            format!("... and {} more inputs", thousands((run.columns.len() - columns.len()) as u64)),
        ));
    }
    lines.push(("task", run.task.clone()));
    let validation = match run.rows.1 {
        0 => "no validation part".into(),
        n => format!("{} to validate", thousands(n as u64)),
    };
    let unit = if run.context.is_some() { "tokens" } else { "rows" };
    lines.push((unit, format!("{} to train on, {validation}", thousands(run.rows.0 as u64))));
    lines.extend(run.settings.iter().map(|setting| (setting.label, setting.to_string())));
    lines.push(("memory", bytes(run.bytes as u64)));
    lines.into_iter().map(|(label, text)| format!("{label:9}  {text}\n")).collect()
}

/// Where the files go.
pub(super) fn directory(path: &str, resumed: Option<u64>) -> String {
    let line = format!("{:9}  {path}", "directory");
    match resumed {
        Some(epoch) => format!("{line}\n{:9}  after epoch {epoch}", "resumed"),
        None => line,
    }
}

/// One epoch in one line.
pub(super) fn epoch(e: &Epoch) -> String {
    let width = e.epochs.to_string().len();
    let mut line = format!("epoch {:>width$}/{}  loss {}", e.epoch, e.epochs, figure(e.train_loss));
    for (name, value) in e.validation.iter().take(FIGURES) {
        line.push_str(&format!("  val_{name} {}", figure(*value)));
    }
    if let Some(each) = e.samples_per_second {
        line.push_str(&format!("  {}", speed(each, e.of_text)));
    }
    if e.best {
        line.push_str("  best");
    }
    line
}

/// A running epoch in one line.
pub(super) fn running(loss: f64, samples_per_second: f64, of_text: bool) -> String {
    format!("loss {}  {}", figure(loss), speed(samples_per_second, of_text))
}

fn speed(samples_per_second: f64, of_text: bool) -> String {
    format!("{} {}/s", thousands(samples_per_second as u64), if of_text { "tokens" } else { "samples" })
}

/// What the closing table is about.
pub(super) fn part(end: &Finished) -> String {
    let figures: Vec<String> = end.counted.iter().map(|&(n, unit)| counted(n, unit)).collect();
    format!("{} of {}", figures.join(", "), end.part)
}

/// Where the model is, and what to do with it.
pub(super) fn finished(end: &Finished) -> String {
    let seconds = end.seconds.as_secs_f64();
    let mut epochs = counted(end.epochs, "epoch");
    if let Some((done, all)) = end.part_of_epoch {
        epochs.push_str(&format!(" and {} of {} steps", thousands(done), thousands(all)));
    }
    let model = Path::new(&end.model);
    let run = model.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(model);
    let run = shell_word(&run.display().to_string());
    let next = if end.of_text {
        format!("backprop generate {run} --prompt TEXT\n           backprop eval {run} TEXT_FILE")
    } else {
        format!("backprop eval {run} DATA\n           backprop predict {run} DATA > predictions.csv")
    };
    let losses =
        end.loss_differs.iter().map(|why| format!("{:9}  {}\n", "loss", why.trim_start_matches("loss ")));
    let losses: String = losses.collect();
    format!(
        "{losses}{epochs} in {}, {}; kept: epoch {}\nmodel      {}\n\nnext       {next}\n",
        duration(seconds),
        end.reason,
        end.best_epoch,
        end.model,
    )
}

/// A figure with about four digits that matter.
fn figure(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() || size == 0.0 {
        format!("{x}")
    } else if !(1e-3..1e6).contains(&size) {
        format!("{x:.3e}")
    } else if size < 100.0 {
        format!("{x:.4}")
    } else {
        format!("{x:.1}")
    }
}

fn bytes(n: u64) -> String {
    let mib = n as f64 / f64::from(1 << 20);
    match n {
        0..1024 => format!("{n} bytes"),
        _ if mib < 1.0 => format!("{:.0} KiB", mib * 1024.0),
        _ if mib < 1024.0 => format!("{mib:.1} MiB"),
        _ => format!("{:.1} GiB", mib / 1024.0),
    }
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A name of the data as a terminal may show it: quoted only where something had to be escaped.
fn shown(name: &str) -> String {
    let quoted = quote(name);
    if quoted.len() == name.len() + 2 { name.into() } else { quoted }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::train::{Chosen, SettingLine};

    #[test]
    fn what_was_inferred() {
        let mut columns: Vec<(String, String)> =
            (1..=64).map(|i| (format!("pixel_{i}"), "number".into())).collect();
        columns[1].0 = "a\u{1b}[31m".into();
        let run = Started {
            columns,
            task: "10 classes of \"digit\"".into(),
            settings: vec![
                SettingLine { label: "network", text: "64 -> 10".into(), chosen: Chosen::Everything },
                SettingLine { label: "batch", text: "32 rows".into(), chosen: Chosen::Nothing },
            ],
            rows: (1437, 0),
            batch_size: 32,
            epochs: 1,
            bytes: 3 << 19,
            context: None,
        };
        let text = started(&run);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "columns    pixel_1        number");
        assert_eq!(lines[1], "           \"a\\u{1b}[31m\"  number");
        insta::assert_snapshot!(lines[19..].join("\n"), @r#"
                   pixel_20       number
                   ... and 44 more inputs
        task       10 classes of "digit"
        rows       1,437 to train on, no validation part
        network    64 -> 10 (default)
        batch      32 rows
        memory     1.5 MiB
        "#);
        assert_eq!(directory("runs/digits-1", None), "directory  runs/digits-1");
        assert_eq!(directory("runs/digits-1", Some(3)), "directory  runs/digits-1\nresumed    after epoch 3");
    }

    #[test]
    fn an_epoch_is_one_line() {
        let e = Epoch {
            epoch: 7,
            epochs: 100,
            train_loss: 0.61234,
            validation: vec![("loss".into(), 0.000_123_4), ("accuracy".into(), 0.93)],
            samples_per_second: Some(81_234.4),
            best: true,
            ..Epoch::default()
        };
        let line =
            "epoch   7/100  loss 0.6123  val_loss 1.234e-4  val_accuracy 0.9300  81,234 samples/s  best";
        assert_eq!(epoch(&e), line);
    }

    #[test]
    fn the_end_names_the_next_commands() {
        let end = Finished {
            best_epoch: 18,
            epochs: 38,
            reason: "early stopping".into(),
            model: "my runs/iris-1/model.safetensors".into(),
            seconds: Duration::from_millis(83_400),
            ..Finished::default()
        };
        insta::assert_snapshot!(finished(&end), @"
        38 epochs in 1 min 23 s, early stopping; kept: epoch 18
        model      my runs/iris-1/model.safetensors

        next       backprop eval 'my runs/iris-1' DATA
                   backprop predict 'my runs/iris-1' DATA > predictions.csv
        ");
        let loss_differs = vec!["loss includes class_weights; log_loss does not".to_owned()];
        let told = finished(&Finished { loss_differs, ..end.clone() });
        assert!(
            told.starts_with("loss       includes class_weights; log_loss does not\n38 epochs"),
            "{told}"
        );
        let cut = finished(&Finished { epochs: 1, part_of_epoch: Some((2, 5)), ..end });
        assert!(cut.starts_with("1 epoch and 2 of 5 steps in 1 min 23 s"), "{cut}");
    }

    #[test]
    fn the_closing_table_says_what_it_counts() {
        let end = |counted| part(&Finished { counted, part: "the test part".into(), ..Finished::default() });
        assert_eq!(end(vec![(1, "row")]), "1 row of the test part");
        assert_eq!(end(vec![(1234, "step"), (30, "row")]), "1,234 steps, 30 rows of the test part");
    }

    #[test]
    fn figures_and_sizes() {
        let figures = [f64::NAN, 0.0, 0.5, -12.345_67, 1234.56, 3e7].map(figure);
        assert_eq!(figures, ["NaN", "0", "0.5000", "-12.3457", "1234.6", "3.000e7"]);
        assert_eq!([512, 2048, 3 << 30].map(bytes), ["512 bytes", "2 KiB", "3.0 GiB"]);
        assert_eq!([3.25, 3725.0].map(duration), ["3.2 s", "1 h 2 min"]);
    }
}

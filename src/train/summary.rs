//! What a run is about to do, before any step: columns, network, rows and memory.

use std::fmt::Write as _;

use crate::config::Config;
use crate::data::{Role, Table, TokenRows};
use crate::error::{Result, quote};
use crate::train::load::{Held, Loaded};
use crate::train::pace::Pace;
use crate::train::run::{begin, in_pool};
use crate::train::{Model, Progress, Started, Stop, memory, picture, settings};

/// Columns alike that are told in one line.
const LONG_RUN: usize = 12;

/// What `backprop check` prints: columns, network layer by layer, and memory.
///
/// # Errors
/// Everything that would keep the run from starting.
pub fn check(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    in_pool(config.threads, || check_here(config, progress))
}

/// The network of `config` in Graphviz's language.
///
/// # Errors
/// Everything that would keep the run from starting.
pub fn dot(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    in_pool(config.threads, || Ok(picture::dot(begin(config.clone(), progress, &Stop::new())?.0.graph())))
}

fn check_here(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    let (model, loaded, started) = begin(config.clone(), progress, &Stop::new())?;
    let mut text = String::new();
    let columns = runs(&started.columns);
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(40);
    for (name, what) in &columns {
        let _ = writeln!(text, "{name:width$}  {what}");
    }
    let unit = if started.context.is_some() { "tokens" } else { "rows" };
    let _ = writeln!(text, "\n{unit}: {} train, {} validate", started.rows.0, started.rows.1);
    let _ = writeln!(text, "predicts: {}", started.task);
    for setting in &started.settings {
        let _ = writeln!(text, "{}: {setting}", setting.label);
    }
    text.push('\n');
    let _ = writeln!(text, "{}", picture::table(model.graph()));
    let _ = write!(
        text,
        "memory: {:.1} MB (table {:.1}, network {:.1})",
        mb(started.bytes),
        mb(table_bytes(&loaded)),
        mb(started.bytes - table_bytes(&loaded))
    );
    Ok(text)
}

/// Columns that a person need not read one by one, with the same words about each, become one line.
fn runs(columns: &[(String, String)]) -> Vec<(String, String)> {
    let alike = columns.chunk_by(|a, b| a.1 == b.1);
    let mut lines = Vec::new();
    for run in alike {
        match run {
            [first, .., last] if run.len() >= LONG_RUN => {
                let name = format!("{} … {}", first.0, last.0);
                lines.push((name, format!("{}, each of {} columns", first.1, run.len())));
            }
            few => lines.extend_from_slice(few),
        }
    }
    lines
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Bytes of the encoded tables.
fn table_bytes(loaded: &Loaded) -> usize {
    let held = match &loaded.held {
        Held::Table(table, _) => table.bytes(),
        _ => 0,
    };
    loaded.fitted.table.bytes() + held
}

/// What a run is about to do; `given` is its config before anything was chosen.
pub(super) fn summary(given: &Config, model: &Model, loaded: &Loaded) -> Started {
    let schema = &loaded.fitted.schema;
    let language = model.preprocessing.language.as_ref();
    let columns = schema.columns.iter().map(|c| (c.name.clone(), c.describe())).collect();
    let targets = schema.columns.iter().filter(|c| c.role == Role::Target);
    let task: Vec<String> = targets.map(|c| format!("{} ({})", quote(&c.name), c.target)).collect();
    let tokens = |table: &Table| table.text().map_or(0, TokenRows::len);
    let rows = match language {
        None => (loaded.train.len(), loaded.validation_rows()),
        Some(_) => (tokens(&loaded.fitted.table), loaded.validation().map_or(0, |(table, _)| tokens(table))),
    };
    let task = match language {
        None => task.join(", "),
        Some(language) => {
            let tokenizer = &language.tokenizer;
            format!("the next of {} tokens (tokenizer {})", tokenizer.vocabulary(), tokenizer.name())
        }
    };
    let graph = model.graph();
    let train = &model.config.train;
    let network = memory::bytes(graph, model.machine.all_plans());
    let pace = Pace::of(model, loaded);
    Started {
        columns,
        task,
        context: language.map(|language| language.context),
        settings: settings::lines(given, model, &pace),
        rows,
        batch_size: pace.batch,
        epochs: train.epochs.unwrap_or(0),
        bytes: table_bytes(loaded) + network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_columns_alike_are_one_line() {
        let column = |i: usize, what: &str| (format!("p{i}"), what.to_owned());
        let mut columns = vec![column(0, "category, 2 values"), column(1, "number")];
        assert_eq!(runs(&columns), columns);
        columns.extend((2..=12).map(|i| column(i, "number")));
        let lines = runs(&columns);
        assert_eq!(lines[0], columns[0]);
        assert_eq!(lines[1..], [("p1 … p12".to_owned(), "number, each of 12 columns".to_owned())]);
    }
}

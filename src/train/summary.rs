//! What a run is about to do, before any step: columns, network, rows and memory.

use std::fmt::Write as _;

use crate::config::Config;
use crate::data::{Role, Table, TokenRows};
use crate::error::{Result, quote};
use crate::graph::{Graph, Node};
use crate::train::load::{Held, Loaded};
use crate::train::pace::Pace;
use crate::train::run::{begin, in_pool};
use crate::train::{Model, Output, Progress, Started, Stop, memory, picture};

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
    let (model, loaded) = begin(config.clone(), progress, &Stop::new())?;
    let mut text = String::new();
    let started = summary(&model, &loaded);
    let columns = runs(&started.columns);
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(40);
    for (name, what) in &columns {
        let _ = writeln!(text, "{name:width$}  {what}");
    }
    let unit = if started.context.is_some() { "tokens" } else { "rows" };
    let _ = writeln!(text, "\n{unit}: {} train, {} validate", started.rows.0, started.rows.1);
    let _ = writeln!(text, "predicts: {}", started.task);
    if let [_, _, ..] = &model.outputs[..] {
        let term = |o: &Output| format!("{} * {} of {}", o.weight, o.head.loss.name, quote(&o.name));
        let _ = writeln!(text, "loss: {}", model.outputs.iter().map(term).collect::<Vec<_>>().join(" + "));
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

/// What a run is about to do.
pub(super) fn summary(model: &Model, loaded: &Loaded) -> Started {
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
        network: chain(graph),
        parameters: graph.param_count(),
        rows,
        batch_size: pace.batch,
        epochs: train.epochs.unwrap_or(0),
        steps: pace.total,
        bytes: table_bytes(loaded) + network,
    }
}

/// The linear layers and their widths in a line: `4 -> 64 -> 64 -> 3`, several outputs as `4 -> 64 -> (3, 1)`, blocks that come
/// again as `64 -> (192 -> 64 -> 256 -> 64) x 4 -> 10`.
fn chain(graph: &Graph) -> String {
    let mut widths: Vec<String> = Vec::new();
    let several = graph.outputs.len() > 1;
    let ends = |n: &Node| several && graph.outputs.contains(&n.output);
    for node in graph.nodes.iter().filter(|n| n.op.name() == "linear") {
        if widths.is_empty() {
            widths.push(graph.shape(node.inputs[0]).last().to_string());
        }
        if ends(node) {
            continue;
        }
        widths.push(graph.shape(node.output).last().to_string());
    }
    let mut widths = folded(&widths);
    if widths.len() > MOST_WIDTHS {
        let last = widths.len() - 1;
        widths.drain(MOST_WIDTHS - 1..last);
        widths.insert(MOST_WIDTHS - 1, "…".into());
    }
    if several {
        let columns = graph.outputs.iter().map(|&v| graph.shape(v).last().to_string());
        widths.push(format!("({})", columns.collect::<Vec<_>>().join(", ")));
    }
    widths.join(" -> ")
}

/// Widths that are shown at most.
const MOST_WIDTHS: usize = 12;

/// Neighbours behind the first width that come again are told once: runs of two widths or more.
fn folded(widths: &[String]) -> Vec<String> {
    let mut told: Vec<String> = widths.first().cloned().into_iter().collect();
    let mut at = told.len();
    while at < widths.len() {
        let rest = &widths[at..];
        let times = |size: usize| {
            let (block, behind) = rest.split_at(size);
            1 + behind.chunks_exact(size).take_while(|next| *next == block).count()
        };
        // The shortest block that covers most.
        let sizes = (2..=rest.len() / 2).filter(|&size| times(size) > 1);
        match sizes.max_by_key(|&size| (size * times(size), std::cmp::Reverse(size))) {
            Some(size) => {
                told.push(format!("({}) x {}", rest[..size].join(" -> "), times(size)));
                at += size * times(size);
            }
            None => {
                told.push(rest[0].clone());
                at += 1;
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_come_again_are_told_once() {
        let told = |widths: &str| {
            let widths: Vec<String> = widths.split(' ').map(str::to_owned).collect();
            folded(&widths).join(" -> ")
        };
        assert_eq!(told("4 64 64 3"), "4 -> 64 -> 64 -> 3");
        let block = " 192 64 256 64".repeat(4);
        assert_eq!(told(&format!("64{block} 10")), "64 -> (192 -> 64 -> 256 -> 64) x 4 -> 10");
        assert_eq!(told("9 8 7 8 7 8 7 5"), "9 -> (8 -> 7) x 3 -> 5");
    }

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

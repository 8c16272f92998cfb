//! What a run is about to do, before any step: columns, network, rows and memory.

use std::fmt::Write as _;

use crate::config::Config;
use crate::data::Role;
use crate::error::{Result, quote};
use crate::graph::{Graph, ValueId};
use crate::train::load::{Held, Loaded};
use crate::train::run::{in_pool, prepare};
use crate::train::{Model, Output, Progress, Started, Stop, memory};

/// What `backprop check` prints: columns, network layer by layer, and memory.
///
/// # Errors
/// Everything that would keep the run from starting.
pub fn check(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    in_pool(config.threads, || check_here(config, progress))
}

fn check_here(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    let (model, loaded) = prepare(config.clone(), progress, &Stop::new())?;
    let mut text = String::new();
    let started = summary(&model, &loaded);
    let width = started.columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(40);
    for (name, what) in &started.columns {
        let _ = writeln!(text, "{name:width$}  {what}");
    }
    let _ = writeln!(text, "\nrows: {} train, {} validate", started.rows.0, started.rows.1);
    let _ = writeln!(text, "predicts: {}", started.task);
    if let [_, _, ..] = &model.outputs[..] {
        let term = |o: &Output| format!("{} * {} of {}", o.weight, o.head.loss.name, quote(&o.name));
        let _ = writeln!(text, "loss: {}", model.outputs.iter().map(term).collect::<Vec<_>>().join(" + "));
    }
    text.push('\n');
    let _ = writeln!(text, "{}", layer_table(model.graph()));
    let _ = writeln!(text, "parameters: {}", started.parameters);
    let _ = writeln!(text, "multiply-adds a row: {}", model.graph().cost());
    let _ = write!(
        text,
        "memory: {:.1} MB (table {:.1}, network {:.1})",
        mb(started.bytes),
        mb(table_bytes(&loaded)),
        mb(started.bytes - table_bytes(&loaded))
    );
    Ok(text)
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// One line of the table of layers.
struct Line {
    layer: String,
    what: &'static str,
    shape: String,
    parameters: usize,
}

/// One line a value: name, what makes it, shape of a row, parameters.
fn layer_table(graph: &Graph) -> String {
    let count = |inputs: &[ValueId]| -> usize {
        let of = |v: &ValueId| graph.params.iter().find(|p| p.value == *v).map_or(0, |p| p.shape.len());
        inputs.iter().map(of).sum()
    };
    let line = |v: ValueId, what, parameters| {
        let value = &graph.values[v.index()];
        Line { layer: value.name.clone(), what, shape: value.shape.to_string(), parameters }
    };
    let terms: Vec<ValueId> = graph.losses.iter().flat_map(|l| [l.value, l.row_weight]).collect();
    let targets: Vec<ValueId> =
        graph.nodes.iter().filter(|n| terms.contains(&n.output)).map(|n| n.inputs[1]).collect();
    let own = |v: &&ValueId| terms.contains(v) || targets.contains(v);
    let inputs = graph.inputs.iter().filter(|v| !own(v)).map(|&v| line(v, "input", 0));
    let nodes = graph.nodes.iter().map(|n| line(n.output, n.op.name(), count(&n.inputs)));
    let lines: Vec<Line> = inputs.chain(nodes).collect();
    let widest = |len: fn(&Line) -> usize| lines.iter().map(len).max().unwrap_or(0).max(5);
    let (a, b, c) = (widest(|l| l.layer.len()), widest(|l| l.what.len()), widest(|l| l.shape.len()));
    let mut text = format!("{:a$}  {:b$}  {:c$}  parameters\n", "layer", "what", "shape");
    for Line { layer, what, shape, parameters } in lines {
        let _ = writeln!(text, "{layer:a$}  {what:b$}  {shape:c$}  {parameters:>10}");
    }
    text
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
    let columns = schema.columns.iter().map(|c| (c.name.clone(), c.describe())).collect();
    let targets = schema.columns.iter().filter(|c| c.role == Role::Target);
    let task: Vec<String> = targets.map(|c| format!("{} ({})", quote(&c.name), c.target)).collect();
    let graph = model.graph();
    let train = &model.config.train;
    let network = memory::bytes(graph, model.machine.all_plans());
    let batch = train.batch_size.unwrap_or(1).min(loaded.train.len()).max(1);
    let epochs = train.epochs.unwrap_or(0);
    let per_epoch = loaded.train.len().div_ceil(batch * train.accumulate_steps) as u64;
    let all = per_epoch.saturating_mul(epochs);
    Started {
        columns,
        task: task.join(", "),
        network: chain(graph),
        parameters: graph.param_count(),
        rows: (loaded.train.len(), loaded.validation_rows()),
        batch_size: batch,
        epochs,
        steps: if train.max_steps > 0 { all.min(train.max_steps) } else { all },
        bytes: table_bytes(loaded) + network,
    }
}

/// The linear layers and their widths in a line: `4 -> 64 -> 64 -> 3`, several outputs as `4 -> 64 -> (3, 1)`.
fn chain(graph: &Graph) -> String {
    let mut widths: Vec<String> = Vec::new();
    let several = graph.outputs.len() > 1;
    let own = |v: ValueId| several && graph.outputs.contains(&v);
    for node in graph.nodes.iter().filter(|n| n.op.name() == "linear" && !own(n.output)) {
        if widths.is_empty() {
            widths.push(graph.shape(node.inputs[0]).last().to_string());
        }
        widths.push(graph.shape(node.output).last().to_string());
        if widths.len() > 12 {
            widths.push("…".into());
            break;
        }
    }
    if several {
        let ends = graph.outputs.iter().map(|&v| graph.shape(v).last().to_string());
        widths.push(format!("({})", ends.collect::<Vec<_>>().join(", ")));
    }
    widths.join(" -> ")
}

//! What a config leaves to the program: chosen from the number of rows, the width of the input and the task.

use crate::config::{Config, EarlyStopping, registries};
use crate::data::Fitted;
use crate::metrics::Task;
use crate::spec::{Choice, Family, SourceText, Span, Tree, Value};

/// Fills in everything that is "auto".
pub(super) fn resolve(
    config: &mut Config,
    fitted: &Fitted,
    train_rows: usize,
    task: Task,
    has_validation: bool,
) {
    let auto_epochs = config.train.epochs.is_none();
    let width = fitted.inputs.dense_width() + 16 * fitted.inputs.embeddings.len();
    let train = &mut config.train;
    let batch = *train.batch_size.get_or_insert_with(|| batch_size(train_rows));
    let batch = batch.min(train_rows).max(1);
    train.epochs.get_or_insert_with(|| epochs(train_rows, batch));
    if train.early_stopping == EarlyStopping::Auto {
        train.early_stopping = if auto_epochs && has_validation {
            EarlyStopping::After { metric: "loss".into(), patience: 30, min_delta: 0.0 }
        } else {
            EarlyStopping::Never
        };
    }
    train.optimizer.get_or_insert_with(optimizer);
    train.schedule.get_or_insert_with(|| choice(Family::Schedule, "constant", vec![]));
    train.loss.get_or_insert_with(|| {
        let name = match task {
            Task::Classes => "cross_entropy",
            Task::Labels => "bce_with_logits",
            _ => "mse",
        };
        choice(Family::Loss, name, vec![])
    });
    config.model.layers.get_or_insert_with(|| layers(train_rows, width));
}

fn optimizer() -> Choice {
    choice(Family::Optimizer, "adam", vec![])
}

/// About a hundred steps an epoch, within what a CPU's caches like.
fn batch_size(rows: usize) -> usize {
    (rows / 100).next_power_of_two().clamp(16, 512)
}

/// Enough for 10,000 to 20,000 steps.
fn epochs(rows: usize, batch: usize) -> u64 {
    let steps = rows.div_ceil(batch) as u64;
    (10_000 / steps.max(1)).clamp(20, 400)
}

/// Two hidden layers that are wide enough for the table.
fn layers(rows: usize, width: usize) -> Vec<Tree> {
    let hidden = if rows < 2_000 { 64 } else { 256 };
    let hidden = hidden.max(width.next_power_of_two().min(256)) as i64;
    let linear = |n: i64| {
        Value::Table(vec![
            ("type".into(), Value::Str("linear".into())),
            ("out_features".into(), Value::Int(n)),
            ("activation".into(), Value::Str("relu".into())),
        ])
    };
    checked_layers(&[linear(hidden), linear(hidden)])
}

/// Layers with every default filled in, as if a config had named them.
fn checked_layers(layers: &[Value]) -> Vec<Tree> {
    let mut report = crate::spec::Report::new(crate::spec::Sources::default(), registries());
    let id = report.sources.add(SourceText::flag("defaults"));
    let span = Span::whole(id);
    let pick = |(i, v): (usize, &Value)| {
        let tree = Tree::from_value(v, span);
        let choice = report.pick(Family::Layer, &tree, &format!("model.layers.{i}"));
        choice.map_or_else(|| tree.clone(), |c| Tree::from_value(&c.to_value(), span))
    };
    layers.iter().enumerate().map(pick).collect()
}

/// A row of a registry with some keys set.
fn choice(family: Family, name: &'static str, set: Vec<(&'static str, Value)>) -> Choice {
    let all = registries();
    let rows = all.rows(family);
    let index = rows.iter().position(|r| r.name == name).unwrap_or(0);
    let values = crate::spec::Values::defaults(rows[index].keys);
    let values = set.into_iter().fold(values, |values, (key, value)| values.with(key, value));
    Choice { index, name: rows[index].name, values }
}

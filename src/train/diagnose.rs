//! Where a number that is not finite came from.

use crate::data::Table;
use crate::error::quote;
use crate::graph::{Mode, Pass, PlanOptions};
use crate::tensor::Key;
use crate::train::Model;
use crate::train::model::{Weighing, all_finite};

/// The first value on the way from the inputs to the loss that is not finite for `rows` in a pass of `mode`, for people.
pub(super) fn first_bad(model: &Model, mode: Mode, table: &Table, rows: &[u32], key: Key) -> Option<String> {
    if let Some(name) = model.bad_tensor() {
        return Some(format!("the weights {}", quote(name)));
    }
    if rows.is_empty() {
        return None;
    }
    // A plan of its own in which every value keeps its place, so that all can be looked at.
    let plans = [PlanOptions { keep_all: true, ..PlanOptions::new(mode, rows.len()) }];
    let (config, preprocessing) = (model.config.clone(), model.preprocessing.clone());
    let mut copy = Model::new(config, preprocessing, &model.class_weights(), &plans).ok()?;
    copy.take_tensors_of(model);
    copy.fill_inputs(0, table, rows, None);
    if mode != Mode::Predict {
        copy.fill_targets(0, table, rows);
        copy.fill_weights(0, table, rows, Weighing::Plain);
    }
    copy.machine.run(0, Pass { rows: rows.len(), key, accumulate: false });
    let graph = copy.graph();
    let outputs = graph.nodes.iter().map(|n| n.output);
    let is_there = |v: &crate::graph::ValueId| copy.machine.plan(0).view(*v).is_some();
    let bad = |v: &crate::graph::ValueId| !all_finite(copy.machine.output(0, *v, rows.len()));
    let first = graph.inputs.iter().copied().chain(outputs).filter(is_there).find(bad)?;
    Some(format!("the output of {}", quote(&graph.values[first.index()].name)))
}

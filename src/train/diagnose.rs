//! Where a loss that is not finite came from.

use crate::backend::cpu::Cpu;
use crate::data::Table;
use crate::error::quote;
use crate::graph::{Machine, Mode, Pass, PlanOptions};
use crate::tensor::Key;
use crate::train::Model;
use crate::train::model::Weighing;
use crate::train::stepper::TRAIN;

/// The first value on the way from the inputs to the loss that is not finite for `rows`, for people.
pub(super) fn first_bad(model: &mut Model, table: &Table, rows: &[u32], key: Key) -> Option<String> {
    let graph = model.graph().clone();
    for (tensors, flat) in
        [(&graph.params, model.machine.params()), (&graph.buffers, model.machine.buffers())]
    {
        let bad =
            tensors.iter().find(|t| flat[t.offset..t.offset + t.shape.len()].iter().any(|x| !x.is_finite()));
        if let Some(t) = bad {
            return Some(format!("the weights {}", quote(&t.name)));
        }
    }
    // A plan of its own in which every value keeps its place, so that all can be looked at.
    let options = PlanOptions { keep_all: true, ..PlanOptions::new(Mode::Train, rows.len()) };
    let mut machine: Machine<Cpu<f32>> = Machine::new(graph.clone(), &[options]);
    machine.params_mut().copy_from_slice(model.machine.params());
    machine.buffers_mut().copy_from_slice(model.machine.buffers());
    model.fill_inputs(TRAIN, table, rows, None);
    model.fill_targets(TRAIN, table, rows);
    model.fill_weights(TRAIN, table, rows, Weighing::Plain);
    for &input in &graph.inputs {
        let from = model.machine.output(TRAIN, input, rows.len()).to_vec();
        machine.input_mut(0, input, rows.len()).copy_from_slice(&from);
    }
    machine.run(0, Pass { rows: rows.len(), key, accumulate: false });
    let bad = |v: &crate::graph::ValueId| machine.output(0, *v, rows.len()).iter().any(|x| !x.is_finite());
    let outputs = graph.nodes.iter().map(|n| n.output);
    let first = graph.inputs.iter().copied().chain(outputs).find(bad)?;
    Some(format!("the output of {}", quote(&graph.values[first.index()].name)))
}

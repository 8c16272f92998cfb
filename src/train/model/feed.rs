//! From the rows of a table to the inputs, targets and weights of a pass.

use crate::data::Table;
use crate::graph::ValueId;
use crate::tensor::Key;
use crate::train::{Model, mixup};

/// How the rows of a pass are weighed in the losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::train) enum Weighing {
    /// So that each output's losses of all rows of a step sum to their weighted mean, times what the output counts.
    /// [`Model::weigh_step`] is told of the step's rows before.
    Step,
    /// As the rows and classes are weighed in the data and in the config.
    Plain,
}

impl Model {
    /// Gathers `rows` of `table` into the inputs of `plan`; `draw` augments and mixes them as the config says.
    pub(in crate::train) fn fill_inputs(
        &mut self,
        plan: usize,
        table: &Table,
        rows: &[u32],
        draw: Option<Key>,
    ) {
        let Model { inputs, machine, augmenter, scratch, .. } = self;
        self.share = match (draw, self.config.train.mixup) {
            (Some(key), Some(alpha)) => mixup::share(alpha, key),
            _ => 1.0,
        };
        let share = self.share;
        let mut change = |name: &str, out: &mut [f32], lengths: Option<&[f32]>| {
            if let Some(key) = draw {
                augmenter.apply(name, key, out, lengths);
            }
            if share < 1.0 {
                mixup::mix(share, out, rows.len());
            }
        };
        let mut ids = self.input_ids.iter().zip(&self.length_ids);
        for (input, (&id, _)) in inputs.dense.iter().zip(ids.by_ref()) {
            let out = machine.input_mut(plan, id, rows.len());
            gather(rows, out, &|rows, out| table.dense(input, rows, out));
            change(&input.name, out, None);
        }
        for (input, (&id, _)) in inputs.embeddings.iter().zip(ids.by_ref()) {
            table.ids(input, rows, machine.input_mut(plan, id, rows.len()));
        }
        for (input, (&id, &lengths)) in inputs.stored.iter().zip(ids) {
            let ends = lengths.map(|_| {
                scratch.resize(rows.len(), 0.0);
                table.lengths(input, rows, scratch);
                &scratch[..]
            });
            let out = machine.input_mut(plan, id, rows.len());
            gather(rows, out, &|rows, out| table.stored(input, rows, out));
            // Between two ids there is nothing: a text stays the row's own.
            let mixes = input.cardinality.is_none();
            if mixes {
                change(&input.name, out, ends);
            }
            if let (Some(lengths), Some(ends)) = (lengths, ends) {
                let out = machine.input_mut(plan, lengths, rows.len());
                out.copy_from_slice(ends);
                if mixes && share < 1.0 {
                    mixup::mix_lengths(out);
                }
            }
        }
        if let (Some(id), Some(text)) = (self.token_id, table.text()) {
            text.fill(rows, machine.input_mut(plan, id, rows.len()));
        }
    }

    /// Gathers targets of `rows` into `plan`.
    pub(in crate::train) fn fill_targets(&mut self, plan: usize, table: &Table, rows: &[u32]) {
        for (output, place) in self.outputs.iter().zip(&self.places) {
            if let Some(steps) = output.steps(table) {
                steps.fill(rows, self.machine.input_mut(plan, place.port.target, rows.len()));
                continue;
            }
            let width = output.head.target_width();
            let mut fill = |id: ValueId, row: &dyn Fn(usize) -> u32| {
                let out = self.machine.input_mut(plan, id, rows.len());
                for (i, out) in out.chunks_exact_mut(width).enumerate() {
                    output.head.target(output.target(table, row(i)), out);
                }
            };
            fill(place.port.target, &|i| rows[i]);
            if let Some(mixed) = place.port.mixed {
                fill(mixed.target, &|i| rows[mixup::partner(i, rows.len())]);
            }
        }
    }

    /// What the losses of `rows` in output number `output` are to be divided by, summed.
    pub(in crate::train) fn weight_of(&mut self, output: usize, table: &Table, rows: &[u32]) -> f64 {
        self.scratch.resize(rows.len(), 0.0);
        table.weight(rows, &mut self.scratch);
        let classes = |row: u32| self.outputs[output].classes_weight(table, row);
        self.scratch.iter().zip(rows).map(|(&w, &row)| f64::from(w) * classes(row)).sum()
    }

    /// Makes `rows` the step that [`Weighing::Step`] is about. What the step counts in the mean of an epoch: the weights
    /// of its rows, of a single output those of their classes too.
    pub(in crate::train) fn weigh_step(&mut self, table: &Table, rows: &[u32]) -> f64 {
        for output in 0..self.outputs.len() {
            self.places[output].total = self.weight_of(output, table, rows);
        }
        match self.places[..] {
            [only] => only.total,
            _ => self.scratch.iter().map(|&w| f64::from(w)).sum(),
        }
    }

    /// Gives each row its weight in the losses.
    pub(in crate::train) fn fill_weights(
        &mut self,
        plan: usize,
        table: &Table,
        rows: &[u32],
        weighing: Weighing,
    ) {
        for (output, place) in self.outputs.iter().zip(&self.places) {
            let (factor, total) = match weighing {
                Weighing::Step => (output.weight, place.total),
                Weighing::Plain => (1.0, 1.0),
            };
            let out = self.machine.input_mut(plan, place.port.row_weight, rows.len());
            if let Some(steps) = output.steps(table) {
                steps.fill_weights(rows, out);
                self.scratch.resize(rows.len(), 0.0);
                table.weight(rows, &mut self.scratch);
                for (out, &own) in out.chunks_exact_mut(out.len() / rows.len()).zip(&self.scratch) {
                    let each = (f64::from(own) * factor / total) as f32;
                    out.iter_mut().for_each(|w| *w *= each);
                }
                continue;
            }
            table.weight(rows, out);
            for (w, &row) in out.iter_mut().zip(rows) {
                // A loss that weighs the classes itself has them already.
                let class = if output.head.weighs_classes() { 1.0 } else { output.class_weight(table, row) };
                *w = (f64::from(*w * class) * factor / total) as f32;
            }
            let Some(mixed) = place.port.mixed else { continue };
            self.scratch.clear();
            self.scratch.extend_from_slice(out);
            out.iter_mut().for_each(|w| *w *= self.share as f32);
            let out = self.machine.input_mut(plan, mixed.row_weight, rows.len());
            for (i, w) in out.iter_mut().enumerate() {
                *w = self.scratch[mixup::partner(i, rows.len())] * (1.0 - self.share) as f32;
            }
        }
    }

    /// How many steps a row has, where the network sees steps: tokens of its text, or steps of its series.
    pub(in crate::train) fn steps_of(&self, table: &Table, row: u32) -> usize {
        self.inputs.sequence().map_or(0, |input| table.steps(input, row))
    }
}

/// Numbers that are worth a fork to gather: a core copies about so many in the time that it takes.
const GATHER: usize = 1 << 14;

/// Lets `fill` give `rows` to `out`, in halves on as many threads as that pays for.
fn gather(rows: &[u32], out: &mut [f32], fill: &(impl Fn(&[u32], &mut [f32]) + Sync)) {
    if out.len() < 2 * GATHER || rows.len() < 2 || rayon::current_num_threads() == 1 {
        return fill(rows, out);
    }
    let half = rows.len() / 2;
    let (to_first, to_rest) = out.split_at_mut(out.len() / rows.len() * half);
    let (first, rest) = rows.split_at(half);
    rayon::join(|| gather(first, to_first, fill), || gather(rest, to_rest, fill));
}

//! Whether what a network says is finite.

use crate::data::Table;
use crate::train::Model;

/// Whether all numbers are finite. Whole blocks are looked at, which takes the CPU a fraction of the time of one by one.
pub(in crate::train) fn all_finite(numbers: &[f32]) -> bool {
    numbers.chunks(1024).all(|block| block.iter().fold(true, |finite, x| finite & x.is_finite()))
}

impl Model {
    /// Which of `rows` have a raw output of output number `output` in the last pass that is not finite. Of steps, only those that the
    /// row has are looked at.
    pub(in crate::train) fn rows_of_bad_output(
        &self,
        output: usize,
        plan: usize,
        table: &Table,
        rows: &[u32],
    ) -> Vec<u32> {
        let raw = self.machine.output(plan, self.places[output].port.output, rows.len());
        if rows.is_empty() || all_finite(raw) {
            return Vec::new();
        }
        let head = &self.outputs[output].head;
        let each = raw.len() / rows.len();
        let due = |row: u32| match table.text() {
            _ if !head.has_steps() => each,
            Some(text) => text.steps(row).len() * head.columns(),
            None => self.steps_of(table, row) * head.columns(),
        };
        let bad = |(row, raw): &(&u32, &[f32])| !all_finite(&raw[..due(**row).min(each)]);
        rows.iter().zip(raw.chunks_exact(each)).filter(bad).map(|(&row, _)| row).collect()
    }

    /// Which of `rows` have a loss of output number `output` in the last pass that is not finite.
    pub(in crate::train) fn rows_of_bad_loss(&self, output: usize, plan: usize, rows: &[u32]) -> Vec<u32> {
        let port = &self.places[output].port;
        let losses = self.machine.output(plan, port.loss, rows.len());
        let weights = self.machine.output(plan, port.row_weight, rows.len());
        let each = losses.len() / rows.len().max(1);
        let finite = |(loss, weight): (&f32, &f32)| (f64::from(*loss) * f64::from(*weight)).is_finite();
        let of_row = losses.chunks(each.max(1)).zip(weights.chunks(each.max(1)));
        let bad = of_row.map(|(losses, weights)| !losses.iter().zip(weights).all(finite));
        rows.iter().zip(bad).filter(|(_, bad)| *bad).map(|(&row, _)| row).collect()
    }

    /// The first tensor that has a number which is not finite, by name.
    pub(in crate::train) fn bad_tensor(&self) -> Option<&str> {
        let graph = self.graph();
        let flats = [(&graph.params, self.machine.params()), (&graph.buffers, self.machine.buffers())];
        flats.into_iter().filter(|(_, flat)| !all_finite(flat)).find_map(|(tensors, flat)| {
            let bad = tensors.iter().find(|t| !all_finite(&flat[t.offset..t.offset + t.shape.len()]));
            bad.map(|t| t.name.as_str())
        })
    }
}

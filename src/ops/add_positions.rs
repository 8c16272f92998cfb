//! A vector added to each step of a series for its place: `y[t] = x[t] + table[position + t]`.

use std::ops::Range;

use crate::backend::{Backend, Dest, Matrix};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "add_positions", cases };

fn cases() -> Vec<Case> {
    let trained = [(1, 1, 1, 1), (2, 5, 3, 5), (7, 2, 9, 4), (33, 3, 17, 3), (3, 40, 2, 41)];
    let learned = trained.iter().map(|&(batch, steps, columns, places)| {
        let inputs = vec![CaseInput::rows([steps, columns]), CaseInput::param([places, columns])];
        Case::new(AddPositions, inputs, batch)
    });
    let placed = [(1, 2, 3, 2), (5, 3, 4, 9)].iter().map(|&(batch, steps, columns, places)| {
        let table = CaseInput::constant([places * columns], Content::Uniform(-1.0, 1.0));
        let position = CaseInput::data([], Content::Labels(places - steps + 1));
        Case::new(AddPositions, vec![CaseInput::rows([steps, columns]), table, position], batch)
    });
    learned.chain(placed).collect()
}

/// The op; inputs are x `[T, C]`, a table `[N, C]` and perhaps the step that each row begins with. A table that learns is read from
/// its first row on.
#[derive(Clone, Copy, Debug)]
pub struct AddPositions;

impl Op for AddPositions {
    fn name(&self) -> &'static str {
        "add_positions"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, table, position @ ..] = inputs else {
            return Err(ShapeError::new("a series and a table", format!("{} inputs", inputs.len())));
        };
        let &[steps, columns] = x.axes() else {
            return Err(ShapeError::new("a series [T, C]", x.to_string()));
        };
        if !table.len().is_multiple_of(columns.max(1)) {
            return Err(ShapeError::new(format!("a table of {columns} columns"), table.to_string()));
        }
        let places = table.len() / columns.max(1);
        if places < steps {
            return Err(ShapeError::new(format!("at most {places} steps"), steps.to_string()));
        }
        match position {
            [] => Ok(x.clone()),
            [p] if p.axes().is_empty() => Ok(x.clone()),
            _ => Err(ShapeError::new("one position a row", format!("{} inputs", inputs.len()))),
        }
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let position = io.inputs.get(2).map(|p| p.view);
        be.add_positions(io.x(0), io.x(1), position, io.output, io.output_shape.last());
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.axpy(1.0, io.dy(), dx);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].outer()
    }

    /// The sum over the batch for the steps in `units`; 0 for those that no row has.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let Some(dtable) = io.dx(1) else { return };
        let (steps, columns) = (io.output_shape.outer(), io.output_shape.last());
        let there = units.start.min(steps)..units.end.min(steps);
        let part = |steps: Range<usize>| steps.start * columns..steps.end * columns;
        if !there.is_empty() {
            be.column_sums(&Matrix::new(io.dy(), steps * columns).columns(part(there.clone())), dtable);
        }
        let view = View { len: io.inputs[1].shape.len(), ..dtable.view };
        be.clear(Dest { view, ..dtable }, part(units.start.max(there.end)..units.end));
    }

    fn units_together(&self, _inputs: &[Shape]) -> usize {
        1
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        inputs[0].len() as f64
    }
}

//! The last step of a series: x `[B, T, …, C]`, y `[B, …, C]`; the step before the end where there are lengths `[B]`. A row
//! without steps gives 0. Of a bidirectional network, forward and reverse side by side, the last step of each direction: that of
//! the reverse one is the first step of the series.

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "last", cases };

fn cases() -> Vec<Case> {
    let shapes: [(usize, [usize; 2]); 3] = [(1, [1, 2]), (3, [5, 4]), (9, [4, 34])];
    let both = shapes.into_iter().flat_map(|(batch, shape)| {
        let lengths = CaseInput::data([], Content::Labels(shape[0] + 1));
        let op = Last { bidirectional: true };
        let x = CaseInput::rows(shape);
        [Case::new(op, vec![x.clone(), lengths], batch), Case::new(op, vec![x], batch)]
    });
    series::cases(Last { bidirectional: false }, false).into_iter().chain(both).collect()
}

/// The op; inputs are x and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    /// Whether the second half of the channels runs from the end to the start.
    pub bidirectional: bool,
}

impl Op for Last {
    fn name(&self) -> &'static str {
        "last"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let y = series::without_steps(inputs)?;
        if self.bidirectional && (y.axes().len() != 1 || !y.last().is_multiple_of(2)) {
            return Err(ShapeError::new("a series [T, 2·C] of two directions", inputs[0].to_string()));
        }
        Ok(y)
    }

    /// The step that each number came from.
    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::new(&inputs[0].axes()[1..]), rows: true }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let steps = series::planned(io);
        let turned = if self.bidirectional { steps.width / 2 } else { steps.width };
        be.steps_last(io.x(0), series::lengths(io), io.output, io.saved[0], steps, turned);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.steps_pick_grad(io.saved[0], io.dy(), dx, series::planned(io));
        }
    }
}

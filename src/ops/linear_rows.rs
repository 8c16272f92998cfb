//! Some rows of a linear layer: `y = x · W[rows]ᵀ + b[rows]`, for layers that keep the weights of several products in one tensor.

use std::ops::Range;

use crate::backend::{Backend, Dest, Matrix};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, PRODUCT_ROWS, Reads, ShapeError};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "linear_rows", cases };

fn cases() -> Vec<Case> {
    let sizes = [(1, 1, 1, 0..1), (3, 3, 5, 1..3), (2, 17, 99, 33..66), (7, 4, 6, 2..6), (33, 5, 40, 0..7)];
    let with = sizes.iter().map(|(b, i, o, rows)| {
        let inputs = vec![CaseInput::rows([2, *i]), CaseInput::param([*o, *i]), CaseInput::param([*o])];
        Case::new(LinearRows { first: rows.start, count: rows.len() }, inputs, *b)
    });
    let without = Case::new(
        LinearRows { first: 1, count: 2 },
        vec![CaseInput::rows([3]), CaseInput::param([4, 3])],
        5,
    );
    with.chain([without]).collect()
}

/// The op; inputs are x `[…, I]`, W `[O, I]` and, if there is one, b `[O]`.
#[derive(Clone, Copy, Debug)]
pub struct LinearRows {
    /// The first row.
    pub first: usize,
    /// Rows.
    pub count: usize,
}

impl LinearRows {
    /// The op's rows of a parameter with `width` numbers in a row.
    fn rows_of(&self, all: View, width: usize) -> View {
        View { offset: all.offset + self.first * width, len: self.count * width, ..all }
    }

    /// The op's rows among `units`, counted from its first, and what lies before and behind them.
    fn share(&self, units: Range<usize>) -> [Range<usize>; 3] {
        let end = self.first + self.count;
        let within = |n: usize| n.clamp(self.first, end);
        let own = within(units.start)..within(units.end);
        let before = units.start..units.end.min(self.first).max(units.start);
        let behind = units.start.max(end).min(units.end)..units.end;
        [before, own.start - self.first..own.end - self.first, behind]
    }
}

impl Op for LinearRows {
    fn name(&self) -> &'static str {
        "linear_rows"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, w, rest @ ..] = inputs else {
            return Err(ShapeError::new("input and weight", format!("{} inputs", inputs.len())));
        };
        let &[outputs, width] = w.axes() else {
            return Err(ShapeError::new("a weight [O, I]", w.to_string()));
        };
        if self.first + self.count > outputs {
            return Err(ShapeError::new(format!("{} rows", self.first + self.count), outputs.to_string()));
        }
        if x.axes().is_empty() || x.last() != width {
            return Err(ShapeError::new(format!("input width {width}"), x.to_string()));
        }
        if let Some(b) = rest.first().filter(|b| b.axes() != [outputs]) {
            return Err(ShapeError::new(format!("a bias [{outputs}]"), b.to_string()));
        }
        Ok(x.with_last(self.count))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let bias = io.inputs.get(2).map(|b| self.rows_of(b.view, 1));
        let width = io.inputs[0].shape.last();
        let w = Matrix::new(self.rows_of(io.x(1), width), width);
        be.matmul(&io.inputs[0].matrix(), &w.t(), Dest::store(io.output), self.count, None, bias);
    }

    /// dx += dy · those rows of W.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let width = io.inputs[0].shape.last();
            let w = Matrix::new(self.rows_of(io.x(1), width), width);
            be.matmul(&Matrix::new(io.dy(), self.count), &w, dx, width, None, None);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].outer()
    }

    /// dW += dyᵀ · x and db += Σ dy in those rows; others get nothing from here.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let [before, own, behind] = self.share(units);
        let width = io.inputs[0].shape.last();
        for (input, width) in [(1, width), (2, 1)] {
            let Some(d) = io.dx(input) else { continue };
            for part in [&before, &behind] {
                be.clear(d, part.start * width..part.end * width);
            }
        }
        if own.is_empty() {
            return;
        }
        let dy = Matrix::new(io.dy(), self.count).columns(own.clone());
        if let Some(db) = io.dx(2) {
            be.column_sums(&dy, Dest { view: self.rows_of(db.view, 1), ..db });
        }
        if let Some(dw) = io.dx(1) {
            let dw = Dest { view: self.rows_of(dw.view, width), ..dw };
            be.matmul(&dy.t(), &io.inputs[0].matrix(), dw, width, Some(own), None);
        }
    }

    fn rows_wanted(&self, inputs: &[Shape]) -> usize {
        PRODUCT_ROWS.div_ceil(inputs[0].outer().max(1))
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        (inputs[0].len() * self.count) as f64
    }
}

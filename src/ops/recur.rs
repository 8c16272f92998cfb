//! A recurrent network in one direction: x `[B, T, C]`, y `[B, T, H]` being h after each step; see [`Cell`].
//!
//! W_ih `[G·H, C]`, W_hh `[G·H, H]`, b_ih and b_hh `[G·H]`; lengths `[B]` where rows may end before T, behind which y is 0. In
//! reverse each row starts at its last step. h and c may be carried from pass to pass: then rows go on where they were, and
//! gradients end at the first step of the pass (truncated back-propagation through time, Williams & Peng 1990).

use std::ops::Range;

use crate::backend::{Backend, Cell, Dest, Form, Incoming, Kept, Matrix, Recurrence, Recurring, Weights};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, arity};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "recur", cases };

fn cases() -> Vec<Case> {
    // Batch, steps, inputs, hidden.
    let sizes = [(1, 1, 1, 1), (2, 4, 3, 2), (5, 3, 2, 17), (3, 6, 5, 4), (1, 5, 2, 3), (19, 2, 3, 2)];
    let cells = [Cell::Tanh, Cell::Relu, Cell::Lstm, Cell::Gru];
    let all = cells.into_iter().flat_map(move |cell| sizes.into_iter().enumerate().map(move |s| (cell, s)));
    let plain = all.clone().map(|(cell, (i, size))| {
        case(Recur { reverse: i % 2 == 1, bias: i % 3 != 1, ..Recur::new(cell) }, size)
    });
    let ragged = all.clone().map(|(cell, (i, size))| {
        case(Recur { reverse: i % 2 == 0, ragged: true, ..Recur::new(cell) }, size)
    });
    let carried = all.map(|(cell, (i, size))| {
        case(Recur { ragged: i % 2 == 1, bias: i % 3 != 2, carried: true, ..Recur::new(cell) }, size)
    });
    // More rows than go through the steps together.
    let many = [
        case(Recur { reverse: true, ragged: true, ..Recur::new(Cell::Lstm) }, (300, 2, 1, 1)),
        case(Recur { carried: true, ..Recur::new(Cell::Gru) }, (270, 2, 1, 1)),
    ];
    plain.chain(ragged).chain(carried).chain(many).collect()
}

fn case(op: Recur, (batch, steps, inputs, hidden): (usize, usize, usize, usize)) -> Case {
    let width = op.cell.gates() * hidden;
    let mut all = vec![
        CaseInput::rows([steps, inputs]),
        CaseInput::param([width, inputs]),
        CaseInput::param([width, hidden]),
    ];
    if op.bias {
        all.extend([CaseInput::param([width]), CaseInput::param([width])]);
    }
    all.extend((0..op.states()).map(|_| CaseInput::state([hidden])));
    if op.ragged {
        all.push(CaseInput::data([], Content::Labels(steps + 1)));
    }
    Case::new(op, all, batch)
}

/// The op; inputs are x, W_ih and W_hh, then those that the flags name: b_ih and b_hh, the states h and, of an LSTM, c, and lengths.
#[derive(Clone, Copy, Debug)]
pub struct Recur {
    /// What is done at a step.
    pub cell: Cell,
    /// Whether it runs from the last step to the first.
    pub reverse: bool,
    /// Whether there are biases.
    pub bias: bool,
    /// Whether rows may end before T.
    pub ragged: bool,
    /// Whether rows go on where those of the pass before ended.
    pub carried: bool,
}

/// Rows of the batch that pay for the weights that each step reads.
const ROWS: usize = 32;

/// Rows of the weights whose gradients one task makes: enough to pay for reading all steps, few enough to share out.
const UNITS: usize = 128;

impl Recur {
    /// From the first step to the last, without biases, lengths and states.
    pub fn new(cell: Cell) -> Self {
        Recur { cell, reverse: false, bias: false, ragged: false, carried: false }
    }

    /// Numbers of states: h, and c where the cell has it.
    pub fn states(&self) -> usize {
        match self.carried {
            true => 1 + usize::from(self.cell.has_memory()),
            false => 0,
        }
    }

    /// Where the states begin among the inputs.
    fn states_at(&self) -> usize {
        if self.bias { 5 } else { 3 }
    }

    /// Where the lengths stand among the inputs.
    fn lengths_at(&self) -> usize {
        self.states_at() + self.states()
    }

    fn sizes(&self, inputs: &[Shape]) -> Recurrence {
        let (x, hidden) = (&inputs[0], inputs[2].last());
        Recurrence { cell: self.cell, steps: x.outer(), inputs: x.last(), hidden, reverse: self.reverse }
    }

    fn of(&self, io: &Io) -> Recurrence {
        let (x, hidden) = (&io.inputs[0].shape, io.inputs[2].shape.last());
        Recurrence { cell: self.cell, steps: x.outer(), inputs: x.last(), hidden, reverse: self.reverse }
    }

    fn recurring(&self, io: &Io) -> Recurring {
        let kept = |hidden| Kept { hidden, second: io.saved.get(2).copied() };
        Recurring {
            hidden: Weights { view: io.x(2), packed: io.inputs[2].packed },
            lengths: self.ragged.then(|| io.x(self.lengths_at())),
            gates: io.saved[0],
            kept: io.saved.get(1).copied().map(kept),
        }
    }

    /// The gradients by W_hh and b_hh, for some of their rows, from those by `gates`, whose first column is row `first`.
    fn add_hidden(&self, be: &mut dyn Backend, io: &Io, (gates, width, first): (View, usize, usize), rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let hidden = io.inputs[2].shape.last();
        let gates = Matrix::new(gates, width).columns(rows.start - first..rows.end - first);
        if let Some(db) = io.dx(4).filter(|_| self.bias) {
            let view = View { offset: db.view.offset + first, len: width.min(db.view.len - first), ..db.view };
            be.column_sums(&gates, Dest { view, ..db });
        }
        if let Some(dw) = io.dx(2) {
            be.matmul(&gates.t(), &Matrix::new(io.saved[1], hidden), dw, hidden, Some(rows), None);
        }
    }
}

impl Op for Recur {
    fn name(&self) -> &'static str {
        "recur"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, self.lengths_at() + usize::from(self.ragged))?;
        let &[steps, channels] = inputs[0].axes() else {
            return Err(ShapeError::new("a series [T, C]", inputs[0].to_string()));
        };
        let hidden = inputs[2].last();
        let width = self.cell.gates() * hidden;
        let fits = |at: usize, axes: &[usize]| {
            let wanted = Shape::new(axes);
            if inputs[at] == wanted { Ok(()) } else { Err(ShapeError::new(wanted.to_string(), inputs[at].to_string())) }
        };
        fits(1, &[width, channels])?;
        fits(2, &[width, hidden])?;
        (3..self.states_at()).try_for_each(|at| fits(at, &[width]))?;
        (self.states_at()..self.lengths_at()).try_for_each(|at| fits(at, &[hidden]))?;
        (self.lengths_at()..inputs.len()).try_for_each(|at| fits(at, &[]))?;
        Ok(Shape::from([steps, hidden]))
    }

    /// The gates; in training also h before each step, and for an LSTM c, for a GRU the part of the product that r weighs.
    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let r = self.sizes(inputs);
        let places = |width| Saved { shape: Shape::from([r.steps, width]), rows: true };
        let mut saved = vec![places(r.width())];
        if training {
            let second = matches!(self.cell, Cell::Lstm | Cell::Gru);
            saved.extend(vec![places(r.hidden); 1 + usize::from(second)]);
        }
        saved
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn backward_first(&self) -> bool {
        true
    }

    fn packs(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        let r = self.sizes(inputs);
        vec![(1, Form::Transposed { outputs: r.width(), inputs: r.inputs }), (2, Form::Recur(r))]
    }

    fn packs_back(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        let r = self.sizes(inputs);
        vec![(1, Form::Straight { outputs: r.width(), inputs: r.inputs }), (2, Form::RecurBack(r))]
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let incoming = Incoming {
            x: io.x(0),
            weights: Weights { view: io.x(1), packed: io.inputs[1].packed },
            bias: self.bias.then(|| (io.x(3), io.x(4))),
        };
        let states = &io.inputs[self.states_at()..self.lengths_at()];
        let state = states.first().map(|h| (h.view, states.get(1).map(|c| c.view)));
        be.recur(&self.of(io), &self.recurring(io), &incoming, state, io.output);
    }

    /// The gradients by the gates, and dx += those · W_ih.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        let r = self.of(io);
        be.recur_back(&r, &self.recurring(io), io.dy());
        if let Some(dx) = io.dx(0) {
            be.matmul(&Matrix::new(io.saved[0], r.width()), &io.inputs[1].matrix(), dx, r.inputs, None, None);
        }
    }

    /// The rows of W_ih, then those of W_hh.
    fn param_units(&self, inputs: &[Shape]) -> usize {
        2 * self.sizes(inputs).width()
    }

    /// dW_ih += gatesᵀ · x, dW_hh += gatesᵀ · h before, over all rows and steps, and the sums of the gates to the biases.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let r = self.of(io);
        let (width, gates) = (r.width(), io.saved[0]);
        let below = units.start.min(width)..units.end.min(width);
        if !below.is_empty() {
            let gates = Matrix::new(gates, width).columns(below.clone());
            if let Some(db) = io.dx(3).filter(|_| self.bias) {
                be.column_sums(&gates, db);
            }
            if let Some(dw) = io.dx(1) {
                be.matmul(&gates.t(), &io.inputs[0].matrix(), dw, r.inputs, Some(below), None);
            }
        }
        let above = units.start.max(width) - width..units.end.max(width) - width;
        if self.cell == Cell::Gru {
            // The gradient of n by h̃ is not that by x̃: r stands between.
            let split = 2 * r.hidden;
            let (first, last) =
                (above.start.min(split)..above.end.min(split), above.start.max(split)..above.end.max(split));
            self.add_hidden(be, io, (gates, width, 0), first);
            self.add_hidden(be, io, (io.saved[2], r.hidden, split), last);
        } else {
            self.add_hidden(be, io, (gates, width, 0), above);
        }
    }

    fn units_together(&self, _inputs: &[Shape]) -> usize {
        UNITS
    }

    fn rows_wanted(&self, _inputs: &[Shape]) -> usize {
        ROWS
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        (inputs[0].outer() * (inputs[1].len() + inputs[2].len())) as f64
    }
}

//! The largest number of each window of places: x `[B, H, W, C]` to y `[B, OH, OW, C]`, or `[B, T, C]` to `[B, U, C]`.
//!
//! Of equal numbers the first is the winner, which alone has the gradient.

use crate::backend::Backend;
use crate::ops::pooling::{Pooling, even, sliding};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "max_pool", cases };

fn cases() -> Vec<Case> {
    let tile = (2, 2, 0, 1, false);
    let shapes: [(usize, Pooling, &[usize]); 7] = [
        (1, sliding(&[tile]), &[4, 3]),
        (2, sliding(&[tile, tile]), &[5, 4, 21]),
        (3, sliding(&[(2, 2, 0, 1, true), tile]), &[5, 5, 2]),
        (2, sliding(&[(3, 2, 1, 1, false), (2, 1, 1, 2, true)]), &[6, 5, 3]),
        (5, sliding(&[(3, 1, 0, 2, false)]), &[7, 17]),
        (1, sliding(&[(2, 3, 1, 1, true)]), &[5, 1]),
        (2, even(&[2, 3]), &[5, 3, 4]),
    ];
    let whole = shapes.into_iter().map(|(b, op, s)| Case::new(MaxPool(op), vec![CaseInput::rows(Shape::new(s))], b));
    let ragged = [(7, sliding(&[(3, 2, 1, 1, false)])), (5, even(&[2]))].map(|(b, op)| {
        let lengths = CaseInput::data(Shape::default(), Content::Labels(7));
        Case::new(MaxPool(op), vec![CaseInput::rows([6, 3]), lengths], b)
    });
    whole.chain(ragged).collect()
}

/// The op; inputs are x and, for ragged series, the lengths of its rows.
#[derive(Clone, Debug)]
pub struct MaxPool(pub Pooling);

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        self.0.output(inputs)
    }

    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let winners = |shape| Saved { shape, rows: true };
        if training { self.0.output(inputs).map(winners).into_iter().collect() } else { Vec::new() }
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.max_pool(io.x(0), io.output, io.saved.first().copied(), &self.0.spec(io, series::lengths(io)));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.max_pool_grad(io.saved[0], io.dy(), dx, &self.0.spec(io, series::lengths(io)));
        }
    }
}

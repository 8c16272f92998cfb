//! The largest number of each window of places: x `[B, H, W, C]` to y `[B, OH, OW, C]`, or `[B, T, C]` to `[B, U, C]`.
//!
//! Of equal numbers the first is the winner, which alone has the gradient.

use crate::backend::{Backend, Windows};
use crate::ops::pooling::{Grid, Pooling};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "max_pool", cases };

fn cases() -> Vec<Case> {
    let pool = |windows: &[Windows]| MaxPool(Pooling { windows: windows.to_vec(), global: false });
    let sliding = |grid: &[Grid]| pool(&grid.iter().map(|&g| g.into()).collect::<Vec<_>>());
    let even = |counts: &[usize]| pool(&counts.iter().map(|&count| Windows::Even { count }).collect::<Vec<_>>());
    let tile = Grid(2, 2, 0, 1, false);
    let shapes: Vec<(usize, MaxPool, Vec<usize>)> = vec![
        (1, sliding(&[tile]), vec![4, 3]),
        (2, sliding(&[tile, tile]), vec![5, 4, 21]),
        (3, sliding(&[Grid(2, 2, 0, 1, true), tile]), vec![5, 5, 2]),
        (2, sliding(&[Grid(3, 2, 1, 1, false), Grid(2, 1, 1, 2, true)]), vec![6, 5, 3]),
        (5, sliding(&[Grid(3, 1, 0, 2, false)]), vec![7, 17]),
        (1, sliding(&[Grid(2, 3, 1, 1, true)]), vec![5, 1]),
        (2, even(&[2, 3]), vec![5, 3, 4]),
    ];
    let mut cases: Vec<Case> =
        shapes.into_iter().map(|(b, op, s)| Case::new(op, vec![CaseInput::rows(Shape::new(s))], b)).collect();
    let ragged = || vec![CaseInput::rows([6, 3]), CaseInput::data(Shape::default(), Content::Labels(7))];
    cases.push(Case::new(sliding(&[Grid(3, 2, 1, 1, false)]), ragged(), 7));
    let global = MaxPool(Pooling { windows: vec![Windows::Even { count: 1 }], global: true });
    cases.push(Case::new(global, ragged(), 5));
    cases
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
        be.max_pool(io.x(0), io.output, io.saved.first().copied(), &self.0.spec(io));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.max_pool_grad(io.saved[0], io.dy(), dx, &self.0.spec(io));
        }
    }
}

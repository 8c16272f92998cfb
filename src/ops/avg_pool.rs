//! The mean of each window of places: x `[B, H, W, C]` to y `[B, OH, OW, C]`, or `[B, T, C]` to `[B, U, C]`.

use crate::backend::Backend;
use crate::ops::pooling::{Pooling, even, sliding};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "avg_pool", cases };

fn cases() -> Vec<Case> {
    let tile = (2, 2, 0, 1, false);
    let shapes: [(usize, Pooling, &[usize]); 7] = [
        (1, sliding(&[tile]), &[4, 3]),
        (2, sliding(&[tile, tile]), &[5, 4, 21]),
        (3, sliding(&[(2, 2, 0, 1, true), tile]), &[5, 5, 2]),
        (2, sliding(&[(3, 2, 1, 1, false), (2, 1, 1, 1, true)]), &[6, 5, 3]),
        (5, sliding(&[(3, 2, 1, 1, true)]), &[6, 17]),
        (1, even(&[3]), &[5, 1]),
        (2, even(&[2, 3]), &[4, 5, 4]),
    ];
    let whole = shapes.into_iter().enumerate().map(|(i, (b, windows, s))| {
        Case::new(AvgPool { windows, count_padding: i % 2 == 0 }, vec![CaseInput::rows(Shape::new(s))], b)
    });
    let ragged = [(7, sliding(&[(3, 2, 1, 1, false)])), (6, sliding(&[tile])), (5, even(&[2]))];
    let ragged = ragged.map(|(b, windows)| {
        let lengths = CaseInput::data(Shape::default(), Content::Labels(7));
        Case::new(AvgPool { windows, count_padding: b == 7 }, vec![CaseInput::rows([6, 3]), lengths], b)
    });
    whole.chain(ragged).collect()
}

/// The op; inputs are x and, for ragged series, the lengths of its rows.
#[derive(Clone, Debug)]
pub struct AvgPool {
    /// The windows; without dilation.
    pub windows: Pooling,
    /// Whether the padding that a window reaches counts as places that hold 0.
    pub count_padding: bool,
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        self.windows.output(inputs)
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        series::saved(inputs)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        series::save(be, io);
        be.avg_pool(io.x(0), io.output, &self.windows.spec(io, series::lengths(io)), self.count_padding);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let spec = self.windows.spec(io, io.saved.first().copied());
            be.avg_pool_grad(io.dy(), dx, &spec, self.count_padding);
        }
    }
}

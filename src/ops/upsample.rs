//! Images `[B, H, W, C]` and series `[B, T, C]` with other sizes, as PyTorch's `interpolate` finds them.

use crate::backend::{Backend, Between, ResampleSpec, Scaling, Size};
use crate::ops::pooling::{image, places, places_and_lengths};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "upsample", cases };

fn cases() -> Vec<Case> {
    let op = |between, sizes: &[Size]| Upsample(sizes.iter().map(|&size| Scaling { size, between }).collect());
    let (times, to) = (Size::Times, Size::Places);
    let shapes: [(usize, Upsample, &[usize]); 6] = [
        (1, op(Between::Nearest, &[times(2.0)]), &[3, 1]),
        (2, op(Between::Nearest, &[times(1.5), to(5)]), &[4, 3, 2]),
        (3, op(Between::Linear, &[times(2.0), times(2.0)]), &[2, 3, 5]),
        (2, op(Between::Corners, &[to(5), to(2)]), &[3, 4, 17]),
        (5, op(Between::Linear, &[to(4)]), &[7, 3]),
        (1, op(Between::Corners, &[times(2.5)]), &[3, 2]),
    ];
    let whole = shapes.into_iter().map(|(b, op, s)| Case::new(op, vec![CaseInput::rows(Shape::new(s))], b));
    let ragged = [(7, op(Between::Linear, &[times(1.5)])), (5, op(Between::Corners, &[to(4)]))].map(|(b, op)| {
        let lengths = CaseInput::data(Shape::default(), Content::Labels(6));
        Case::new(op, vec![CaseInput::rows([5, 3]), lengths], b)
    });
    whole.chain(ragged).collect()
}

/// The op, with the scaling of each axis of places; inputs are x and, for ragged series, the lengths of its rows.
#[derive(Clone, Debug)]
pub struct Upsample(pub Vec<Scaling>);

impl Upsample {
    fn spec(&self, io: &Io, lengths: Option<View>) -> ResampleSpec<Scaling> {
        let axes = match self.0[..] {
            [columns] => [Scaling { between: columns.between, ..Scaling::KEEP }, columns],
            [rows, columns] => [rows, columns],
            _ => panic!("there is one axis of places or two"),
        };
        let (places, out) = (image(&io.inputs[0].shape), image(&io.output_shape));
        ResampleSpec { places, out, channels: io.output_shape.last(), axes, lengths }
    }
}

impl Op for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let x = places_and_lengths(inputs, self.0.len())?;
        let mut out: Vec<usize> = self.0.iter().zip(x.axes()).map(|(s, &n)| s.count(n)).collect();
        if out.contains(&0) {
            return Err(ShapeError::new("enough places that one is left", places(x)));
        }
        out.push(x.last());
        Ok(Shape::new(out))
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        series::saved(inputs)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        series::save(be, io);
        be.upsample(io.x(0), io.output, &self.spec(io, series::lengths(io)));
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.upsample_grad(io.dy(), dx, &self.spec(io, io.saved.first().copied()));
        }
    }
}

//! Images `[B, H, W, C]` and series `[B, T, C]` with more places around them, or fewer, as PyTorch's `pad` gives them.

use crate::backend::{Around, Backend, Margin, ResampleSpec};
use crate::ops::pooling::{image, places, places_and_lengths};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "pad", cases };

fn cases() -> Vec<Case> {
    let op = |around, margins: &[(i64, i64)]| {
        let margin = |&(before, after): &(i64, i64)| Margin { before, after, around };
        Pad { margins: margins.iter().map(margin).collect(), value: 0.5 }
    };
    let shapes: [(usize, Pad, &[usize]); 6] = [
        (1, op(Around::Nothing, &[(1, 2)]), &[3, 1]),
        (2, op(Around::Nothing, &[(1, -1), (-2, 3)]), &[4, 3, 2]),
        (3, op(Around::Mirror, &[(1, 1), (2, 0)]), &[2, 3, 5]),
        (2, op(Around::Edge, &[(0, 2), (3, 1)]), &[3, 4, 17]),
        (5, op(Around::Circle, &[(2, 7)]), &[7, 3]),
        (1, op(Around::Circle, &[(1, 0), (0, 2)]), &[3, 2, 2]),
    ];
    let whole = shapes.into_iter().map(|(b, op, s)| Case::new(op, vec![CaseInput::rows(Shape::new(s))], b));
    let ragged = [(7, op(Around::Nothing, &[(2, 1)])), (5, op(Around::Mirror, &[(2, 2)]))].map(|(b, op)| {
        let lengths = CaseInput::data(Shape::default(), Content::Labels(6));
        Case::new(op, vec![CaseInput::rows([5, 3]), lengths], b)
    });
    whole.chain(ragged).collect()
}

/// The op; inputs are x and, for ragged series, the lengths of its rows.
#[derive(Clone, Debug)]
pub struct Pad {
    /// What is put around each axis of places.
    pub margins: Vec<Margin>,
    /// What stands where no place of x is repeated.
    pub value: f64,
}

impl Pad {
    fn spec(&self, io: &Io, lengths: Option<View>) -> ResampleSpec<Margin> {
        let axes = match self.margins[..] {
            [columns] => [Margin::NONE, columns],
            [rows, columns] => [rows, columns],
            _ => panic!("there is one axis of places or two"),
        };
        let (places, out) = (image(&io.inputs[0].shape), image(&io.output_shape));
        ResampleSpec { places, out, channels: io.output_shape.last(), axes, lengths }
    }
}

/// The most places that a margin can repeat from `n`, if there is a limit.
fn most(around: Around, n: usize) -> Option<i64> {
    match around {
        Around::Nothing | Around::Edge => None,
        Around::Mirror => Some(n as i64 - 1),
        Around::Circle => Some(n as i64),
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let x = places_and_lengths(inputs, self.margins.len())?;
        let axes = self.margins.iter().zip(x.axes());
        let wide = |(m, n): &(&Margin, &usize)| most(m.around, **n).is_some_and(|most| m.before.max(m.after) > most);
        if let Some((margin, n)) = axes.clone().find(wide) {
            let least = margin.before.max(margin.after) + i64::from(margin.around == Around::Mirror);
            return Err(ShapeError::new(format!("at least {least} places to repeat"), n.to_string()));
        }
        let mut out: Vec<usize> = axes.map(|(m, &n)| m.count(n)).collect();
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
        be.pad(io.x(0), io.output, &self.spec(io, series::lengths(io)), self.value);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.pad_grad(io.dy(), dx, &self.spec(io, io.saved.first().copied()));
        }
    }
}

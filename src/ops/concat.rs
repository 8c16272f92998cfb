//! Inputs side by side along the last axis: `[B, …, C₁]`, `[B, …, C₂]` to `[B, …, C₁ + C₂]`.

use crate::backend::{Backend, Matrix};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, Reads, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "concat", cases };

fn cases() -> Vec<Case> {
    let widths: [(usize, &[usize]); 5] = [(1, &[1, 1]), (2, &[3, 5]), (7, &[1, 2, 3]), (17, &[33, 4]), (3, &[8])];
    let flat = widths.iter().map(|&(b, w)| Case::new(Concat, w.iter().map(|&c| CaseInput::rows([c])).collect(), b));
    let inner = [Case::new(Concat, vec![CaseInput::rows([4, 3]), CaseInput::rows([4, 2])], 3)];
    flat.chain(inner).collect()
}

/// The op; one input or more.
#[derive(Clone, Copy, Debug)]
pub struct Concat;

impl Concat {
    /// Each input with its window of the output's columns.
    fn windows(io: &Io) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let mut start = 0;
        io.inputs.iter().enumerate().map(move |(i, x)| {
            let window = start..start + x.shape.last();
            start = window.end;
            (i, window)
        })
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [first, rest @ ..] = inputs else {
            return Err(ShapeError::new("at least one input", "none"));
        };
        let outer = |s: &Shape| s.axes().split_last().map(|(_, outer)| outer.to_vec());
        if let Some(odd) = rest.iter().find(|s| outer(s) != outer(first)) {
            let expected = format!("all axes but the last as in {first}");
            return Err(ShapeError::new(expected, odd.to_string()));
        }
        Ok(first.with_last(inputs.iter().map(Shape::last).sum()))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let y = Matrix::new(io.output, io.output_shape.last());
        for (i, window) in Self::windows(io) {
            be.copy_columns(&io.inputs[i].matrix(), &y.clone().columns(window), false);
        }
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        let dy = Matrix::new(io.dy(), io.output_shape.last());
        for (i, window) in Self::windows(io) {
            if let Some(dx) = io.dx(i) {
                let to = Matrix::new(dx.view, io.inputs[i].shape.last());
                be.copy_columns(&dy.clone().columns(window), &to, dx.add);
            }
        }
    }
}

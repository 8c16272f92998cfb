//! Rows of a table by number: ids `[B, …]`, table `[V, C]`, y `[B, …, C]`. Ids are whole numbers kept as floats.

use std::ops::Range;

use crate::backend::Backend;
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "embedding", cases };

fn cases() -> Vec<Case> {
    let sizes = [(1, 1, 1), (1, 5, 3), (9, 4, 2), (33, 7, 17), (40, 3, 5)];
    let flat = sizes.iter().map(|&(b, v, c)| {
        let inputs = vec![CaseInput::data([], Content::Labels(v)), CaseInput::param([v, c])];
        Case::new(Embedding, inputs, b)
    });
    let tokens = [Case::new(
        Embedding,
        vec![CaseInput::data([6], Content::Labels(5)), CaseInput::param([5, 3])],
        4,
    )];
    flat.chain(tokens).collect()
}

/// The op; inputs are ids and table.
#[derive(Clone, Copy, Debug)]
pub struct Embedding;

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 2)?;
        let &[_, width] = inputs[1].axes() else {
            return Err(ShapeError::new("a table [V, C]", inputs[1].to_string()));
        };
        let mut axes = inputs[0].axes().to_vec();
        axes.push(width);
        Ok(Shape::new(axes))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.gather(io.x(1), io.x(0), io.output, io.output_shape.last());
    }

    fn backward(&self, _be: &mut dyn Backend, _io: &Io) {}

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[1].outer()
    }

    /// Rows of the table are shared out: each takes the ids that are its own.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        if let Some(dtable) = io.dx(1) {
            be.scatter(io.x(0), io.dy(), dtable, io.output_shape.last(), units);
        }
    }
}

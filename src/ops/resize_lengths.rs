//! Lengths of series behind a window that moves over them: x `[B]`, y `[B]`.
//!
//! `y = max(1, ⌊(x + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1)`, as PyTorch's convolutions and pooling count, which refuse a
//! series shorter than the window: here it keeps one step, of a window that finds nothing behind its end. A row without steps
//! stays without.

use crate::backend::{Backend, Window};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError, arity};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "resize_lengths", cases };

fn cases() -> Vec<Case> {
    let plain = ResizeLengths { kernel: 3, stride: 1, padding: 2, dilation: 1, ceil_mode: false };
    let ops = [
        (1, plain),
        (2, ResizeLengths { stride: 2, ..plain }),
        (7, ResizeLengths { stride: 2, padding: 0, ceil_mode: true, ..plain }),
        (33, ResizeLengths { dilation: 2, ..plain }),
        (5, ResizeLengths { kernel: 8, padding: 0, ..plain }),
    ];
    ops.into_iter().map(|(b, op)| Case::new(op, vec![CaseInput::data([], Content::Labels(12))], b)).collect()
}

/// The op; it has no gradient.
#[derive(Clone, Copy, Debug)]
pub struct ResizeLengths {
    /// Steps that the window reads.
    pub kernel: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// Padding on both sides together.
    pub padding: usize,
    /// Steps between two that a window reads.
    pub dilation: usize,
    /// Whether a last window that reaches beyond the end counts, as in PyTorch's pooling.
    pub ceil_mode: bool,
}

impl From<Window> for ResizeLengths {
    fn from(Window { kernel, stride, padding, dilation, ceil_mode }: Window) -> Self {
        ResizeLengths { kernel, stride, padding, dilation, ceil_mode }
    }
}

impl Op for ResizeLengths {
    fn name(&self) -> &'static str {
        "resize_lengths"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        arity(inputs, 1)?;
        if !inputs[0].axes().is_empty() {
            return Err(ShapeError::new("one length a row", inputs[0].to_string()));
        }
        Ok(inputs[0].clone())
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let &ResizeLengths { kernel, stride, padding, dilation, ceil_mode } = self;
        be.resize_lengths(io.x(0), io.output, Window { kernel, stride, padding, dilation, ceil_mode });
    }

    fn backward(&self, _be: &mut dyn Backend, _io: &Io) {}
}

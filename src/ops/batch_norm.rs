//! Each channel of the batch brought to mean 0 and variance 1, then scaled and shifted. Ioffe & Szegedy 2015.
//!
//! x `[B, C]` or `[B, C, …]`; statistics are taken over the batch and the places behind the channel axis. In training they are
//! the batch's (variance biased) and move the running ones (variance unbiased) by `momentum`, as in PyTorch; otherwise
//! the running ones are used.

use std::ops::Range;

use crate::backend::{Backend, ChannelSpec};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "batch_norm", cases };

fn cases() -> Vec<Case> {
    let op = BatchNorm { eps: 1e-5, momentum: 0.1 };
    let sizes: [(usize, &[usize]); 5] = [(2, &[1]), (3, &[5]), (7, &[2, 3]), (33, &[17]), (5, &[3, 2, 2])];
    sizes
        .iter()
        .map(|&(b, s)| {
            let c = s[0];
            let running = |content| CaseInput { rows: false, ..CaseInput::data([c], content) };
            let inputs = vec![
                CaseInput::rows(Shape::new(s)),
                CaseInput::param([c]),
                CaseInput::param([c]),
                running(Content::Uniform(-1.0, 1.0)),
                running(Content::Uniform(0.5, 2.0)),
            ];
            Case::new(op, inputs, b)
        })
        .collect()
}

/// The op; inputs are x, gain, bias, running mean and running variance.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// ε below the root.
    pub eps: f64,
    /// Share of the batch in the running statistics.
    pub momentum: f64,
}

impl BatchNorm {
    fn spec(&self, x: &Shape) -> ChannelSpec {
        let channels = x.axes()[0];
        ChannelSpec { channels, places: x.len() / channels.max(1), eps: self.eps, momentum: self.momentum }
    }

    /// Mean and reciprocal deviation that normalise.
    fn stats(io: &Io) -> (View, View) {
        if io.training { (io.saved[0], io.saved[1]) } else { (io.x(3), io.saved[0]) }
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, rest @ ..] = inputs else {
            return Err(ShapeError::new("5 inputs", "none"));
        };
        let Some(&channels) = x.axes().first() else {
            return Err(ShapeError::new("a channel axis", x.to_string()));
        };
        match rest.iter().find(|s| s.axes() != [channels]) {
            Some(odd) => Err(ShapeError::new(format!("[{channels}]"), odd.to_string())),
            None if rest.len() == 4 => Ok(x.clone()),
            None => Err(ShapeError::new("5 inputs", format!("{} inputs", inputs.len()))),
        }
    }

    /// In training mean and reciprocal deviation of the batch and the two sums of backward; otherwise the reciprocal of the
    /// running deviation.
    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let one = Saved { shape: Shape::from([inputs[0].axes()[0]]), rows: false };
        vec![one; if training { 4 } else { 1 }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward_units(&self, inputs: &[Shape]) -> usize {
        inputs[0].axes()[0]
    }

    fn forward_reduce(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let spec = self.spec(&io.output_shape);
        if io.training {
            be.channel_stats(io.x(0), Self::stats(io), (io.x(3), io.x(4)), spec, units);
        } else {
            be.channel_rstd(io.x(4), io.saved[0], spec, units);
        }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.channel_norm(io.x(0), Self::stats(io), (io.x(1), io.x(2)), io.output, self.spec(&io.output_shape));
    }

    fn backward_units(&self, inputs: &[Shape]) -> usize {
        inputs[0].axes()[0]
    }

    fn backward_reduce(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let (sums, affine) = ((io.saved[2], io.saved[3]), (io.dx(1), io.dx(2)));
        be.channel_grad_sums(io.x(0), Self::stats(io), io.dy(), sums, affine, self.spec(&io.output_shape), units);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let sums = (io.saved[2], io.saved[3]);
            be.channel_norm_grad(io.x(0), Self::stats(io), io.x(1), io.dy(), sums, dx, self.spec(&io.output_shape));
        }
    }
}

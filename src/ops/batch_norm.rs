//! Each channel of the batch brought to mean 0 and variance 1, then scaled and shifted. Ioffe & Szegedy 2015.
//!
//! x `[B, …, C]`; statistics are taken over all rows and places, of series that end early over the steps before the end, behind
//! which y is 0. In training they are the batch's (variance biased) and move the running ones (variance unbiased) by `momentum`,
//! as in PyTorch; otherwise the running ones are used.
//!
//! A training batch with one value a channel has no variance: x̂ is 0 and y the bias, the gradient by x is 0, and the running
//! statistics stay as they are.

use std::ops::Range;

use crate::backend::{Backend, ChannelSpec, Ends};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "batch_norm", cases };

fn cases() -> Vec<Case> {
    let op = BatchNorm { eps: 1e-5, momentum: 0.1 };
    let case = |b: usize, s: &[usize], ragged: bool| {
        let x = Shape::new(s);
        let c = x.last();
        let running = |content| CaseInput { rows: false, ..CaseInput::data([c], content) };
        let mut inputs = vec![
            CaseInput::rows(x),
            CaseInput::param([c]),
            CaseInput::param([c]),
            running(Content::Uniform(-1.0, 1.0)),
            running(Content::Uniform(0.5, 2.0)),
        ];
        if ragged {
            inputs.push(CaseInput::data([], Content::Labels(s[0] + 1)));
        }
        Case::new(op, inputs, b)
    };
    let sizes: [(usize, &[usize]); 8] = [
        (1, &[3]),
        (1, &[4, 3]),
        (2, &[1]),
        (3, &[5]),
        (7, &[3, 2]),
        (33, &[17]),
        (5, &[2, 2, 3]),
        (2, &[40, 33]),
    ];
    let ragged: [(usize, &[usize]); 3] = [(7, &[5, 3]), (9, &[4, 2, 2]), (33, &[3, 17])];
    let all = sizes.iter().map(|&(b, s)| case(b, s, false));
    all.chain(ragged.iter().map(|&(b, s)| case(b, s, true))).collect()
}

/// The op; inputs are x, gain, bias, running mean, running variance and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// ε below the root.
    pub eps: f64,
    /// Share of the batch in the running statistics.
    pub momentum: f64,
}

/// Where the lengths stand among the inputs.
const LENGTHS: usize = 5;

impl BatchNorm {
    fn spec(&self, x: &Shape) -> ChannelSpec {
        ChannelSpec { channels: x.last(), eps: self.eps, momentum: self.momentum }
    }

    /// Mean and reciprocal deviation that normalise.
    fn stats(io: &Io) -> (View, View) {
        if io.training { (io.saved[0], io.saved[1]) } else { (io.x(3), io.saved[0]) }
    }

    /// Mean, reciprocal deviation and gain.
    fn normal(io: &Io) -> (View, View, View) {
        let (mean, rstd) = Self::stats(io);
        (mean, rstd, io.x(1))
    }

    fn ends(io: &Io) -> Option<Ends> {
        series::ends(io, LENGTHS)
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (own, lengths) = inputs.split_at(inputs.len().min(LENGTHS));
        let [x, rest @ ..] = own else {
            return Err(ShapeError::new("5 inputs", "none"));
        };
        if rest.len() != 4 || lengths.len() > 1 {
            return Err(ShapeError::new("5 inputs and perhaps lengths", format!("{} inputs", inputs.len())));
        }
        if x.axes().is_empty() {
            return Err(ShapeError::new("a channel axis", x.to_string()));
        }
        if let Some(odd) = rest.iter().find(|s| s.axes() != [x.last()]) {
            return Err(ShapeError::new(format!("[{}]", x.last()), odd.to_string()));
        }
        if let [lengths] = lengths {
            series::steps(&[x.clone(), lengths.clone()])?;
        }
        Ok(x.clone())
    }

    /// In training mean and reciprocal deviation of the batch and two slopes of its gradient; otherwise the reciprocal of the
    /// running deviation.
    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let one = Saved { shape: Shape::from([inputs[0].last()]), rows: false };
        vec![one; if training { 4 } else { 1 }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward_units(&self, inputs: &[Shape]) -> usize {
        self.spec(&inputs[0]).strips()
    }

    fn forward_reduce(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let spec = self.spec(&io.output_shape);
        if io.training {
            let running = (io.x(3), io.x(4));
            be.channel_stats(io.x(0), Self::ends(io), Self::stats(io), running, spec, units);
        } else {
            be.channel_rstd(io.x(4), io.saved[0], spec, units);
        }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.channel_norm(io.x(0), Self::ends(io), Self::stats(io), (io.x(1), io.x(2)), io.output);
    }

    fn backward_units(&self, inputs: &[Shape]) -> usize {
        self.spec(&inputs[0]).strips()
    }

    fn backward_reduce(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let (slopes, affine) = ((io.saved[2], io.saved[3]), (io.dx(1), io.dx(2)));
        let (normal, spec) = (Self::normal(io), self.spec(&io.output_shape));
        be.channel_grad_sums(io.x(0), Self::ends(io), normal, io.dy(), slopes, affine, spec, units);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let slopes = (io.saved[2], io.saved[3]);
            be.channel_norm_grad(io.x(0), Self::ends(io), Self::normal(io), io.dy(), slopes, dx);
        }
    }
}

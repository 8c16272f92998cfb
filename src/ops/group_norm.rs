//! Groups of neighbouring channels of each row brought to mean 0 and variance 1 over the row's places, then scaled and shifted.
//! Wu & He 2018; with one channel a group it is instance normalisation, Ulyanov et al. 2016.
//!
//! x `[B, …, C]`; the variance is biased. Of series that end early the steps before the end count, and y is 0 behind it. A group
//! of one number has no variance: its x̂ is 0.

use std::ops::Range;

use crate::backend::{Backend, Ends, GroupSpec};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, Saved, ShapeError, series};
use crate::tensor::{Shape, View};

pub(super) const ENTRY: OpEntry = OpEntry { name: "group_norm", cases };

fn cases() -> Vec<Case> {
    let case = |b: usize, s: &[usize], groups: usize, ragged: bool| {
        let x = Shape::new(s);
        let c = x.last();
        let mut inputs = vec![CaseInput::rows(x), CaseInput::param([c]), CaseInput::param([c])];
        if ragged {
            inputs.push(CaseInput::data([], Content::Labels(s[0] + 1)));
        }
        Case::new(GroupNorm { groups, eps: 1e-5 }, inputs, b)
    };
    let sizes: [(usize, &[usize], usize); 7] = [
        (1, &[6], 2),
        (1, &[5, 4], 4),
        (3, &[5, 4], 1),
        (3, &[5, 4], 2),
        (7, &[3, 2, 6], 3),
        (2, &[70, 3], 3),
        (2, &[4, 40], 10),
    ];
    let ragged: [(usize, &[usize], usize); 3] = [(5, &[4, 6], 2), (9, &[5, 3], 3), (3, &[3, 2, 4], 2)];
    let all = sizes.iter().map(|&(b, s, g)| case(b, s, g, false));
    all.chain(ragged.iter().map(|&(b, s, g)| case(b, s, g, true))).collect()
}

/// The op; inputs are x, gain, bias and perhaps lengths.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm {
    /// Groups, which divide the channels.
    pub groups: usize,
    /// ε below the root.
    pub eps: f64,
}

/// Where the lengths stand among the inputs.
const LENGTHS: usize = 3;

impl GroupNorm {
    fn spec(&self, x: &Shape) -> GroupSpec {
        GroupSpec { channels: x.last(), width: x.last() / self.groups, eps: self.eps }
    }

    fn stats(io: &Io) -> (View, View) {
        (io.saved[0], io.saved[1])
    }

    fn ends(io: &Io) -> Option<Ends> {
        series::ends(io, LENGTHS)
    }
}

impl Op for GroupNorm {
    fn name(&self) -> &'static str {
        "group_norm"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, gain, bias, lengths @ ..] = inputs else {
            return Err(ShapeError::new("3 inputs and perhaps lengths", format!("{} inputs", inputs.len())));
        };
        let channels = x.last();
        if x.axes().is_empty() || self.groups == 0 || channels % self.groups != 0 {
            let expected = format!("channels that {} groups share out evenly", self.groups);
            return Err(ShapeError::new(expected, format!("{channels} channels in {x}")));
        }
        if let Some(odd) = [gain, bias].into_iter().find(|s| s.axes() != [channels]) {
            return Err(ShapeError::new(format!("gain and bias [{channels}]"), odd.to_string()));
        }
        match lengths {
            [] => {}
            [lengths] => {
                series::steps(&[x.clone(), lengths.clone()])?;
            }
            _ => return Err(ShapeError::new("3 inputs and perhaps lengths", format!("{} inputs", inputs.len()))),
        }
        Ok(x.clone())
    }

    /// Mean and reciprocal deviation of each row's channels, and in training two slopes of the gradient.
    fn saved(&self, inputs: &[Shape], training: bool) -> Vec<Saved> {
        let one = Saved { shape: Shape::from([inputs[0].last()]), rows: true };
        vec![one; if training { 4 } else { 2 }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let (affine, spec) = ((io.x(1), io.x(2)), self.spec(&io.output_shape));
        be.group_norm(io.x(0), Self::ends(io), affine, io.output, Self::stats(io), spec);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            let (mean, rstd) = Self::stats(io);
            let (normal, slopes) = ((mean, rstd, io.x(1)), (io.saved[2], io.saved[3]));
            let spec = self.spec(&io.output_shape);
            be.group_norm_grad(io.x(0), Self::ends(io), normal, io.dy(), slopes, dx, spec);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        inputs[0].last()
    }

    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        if let Some(affine) = io.dx(1).zip(io.dx(2)) {
            be.group_norm_affine_grad(io.x(0), Self::ends(io), Self::stats(io), io.dy(), affine, units);
        }
    }
}

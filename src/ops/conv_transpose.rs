//! Transposed convolution, the adjoint of [`conv`](super::conv): x `[B, H, W, C]`, w `[C, O/groups, kh, kw]`, b `[O]`,
//! y `[B, OH, OW, O]`; or x `[B, T, C]`, w `[C, O/groups, k]`, y `[B, OT, O]`.
//!
//! `y[p · stride + t · dilation − before, o] += Σ_c x[p, c] · w[c, o, t]` along each axis, from b on, with
//! `OH = (H − 1) · stride − before − after + dilation · (kh − 1) + output_padding + 1`. Zeiler et al. 2010.

use std::ops::Range;

use crate::backend::{Backend, Convolution, Dest, Form, Matrix};
use crate::ops::conv::{check, places, shape_like, span, weight, weights};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, PRODUCT_ROWS, Reads, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "conv_transpose", cases };

fn cases() -> Vec<Case> {
    let plain = ConvTranspose::default();
    let images = [
        (plain, 1, [1, 1, 1], 1, [1, 1], true),
        (plain, 2, [4, 3, 3], 4, [3, 3], true),
        (ConvTranspose { stride: [2, 2], ..plain }, 2, [3, 4, 2], 5, [2, 2], true),
        (ConvTranspose { stride: [2, 2], padding: [1, 1], output_padding: [1, 1], ..plain }, 2, [3, 4, 2], 3, [3, 3], false),
        (ConvTranspose { stride: [3, 2], padding: [0, 2], dilation: [2, 2], ..plain }, 1, [3, 4, 2], 3, [2, 4], true),
        (ConvTranspose { stride: [2, 1], groups: 2, ..plain }, 2, [3, 4, 4], 6, [3, 2], true),
        (ConvTranspose { stride: [2, 2], groups: 18, padding: [1, 0], ..plain }, 2, [3, 4, 18], 18, [3, 2], true),
        (ConvTranspose { stride: [1, 1], padding: [1, 1], ..plain }, 1, [4, 18, 3], 34, [3, 3], true),
    ];
    let images = images.into_iter().map(|(op, batch, image, outputs, [kh, kw], bias)| {
        let weight = [image[2], outputs / op.groups, kh, kw];
        let mut inputs = vec![CaseInput::rows(image), CaseInput::param(weight)];
        inputs.extend(bias.then(|| CaseInput::param([outputs])));
        Case::new(op, inputs, batch)
    });
    let series = [
        (plain, 1, [5, 3], 4, 3),
        (ConvTranspose { stride: [1, 2], padding: [0, 1], output_padding: [0, 1], ..plain }, 3, [4, 2], 3, 4),
    ];
    let series = series.into_iter().map(|(op, batch, shape, outputs, k)| {
        let weight = [shape[1], outputs / op.groups, k];
        let inputs =
            vec![CaseInput::rows(shape), CaseInput::param(weight), CaseInput::param([outputs])];
        Case::new(op, inputs, batch)
    });
    images.chain(series).collect()
}

/// The op; inputs are x, w and, if there is one, b. Of pairs for height and width a series uses the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Places of the output from one input to the next.
    pub stride: [usize; 2],
    /// Places that are cut off before and after the output.
    pub padding: [usize; 2],
    /// Places that are added after the output.
    pub output_padding: [usize; 2],
    /// Places from one tap to the next.
    pub dilation: [usize; 2],
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        ConvTranspose { stride: [1, 1], padding: [0, 0], output_padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl ConvTranspose {
    /// The convolution that this one is the adjoint of: its maps are x, its images y.
    fn sizes(&self, x: &Shape, w: &Shape) -> Result<Convolution, ShapeError> {
        let (map, outputs) = places(x)?;
        let (inputs, own, kernel) = weight(w)?;
        if self.groups == 0 || inputs != outputs || inputs % self.groups != 0 {
            let what = format!("{inputs} channels in {} groups", self.groups);
            return Err(ShapeError::new(what, format!("{outputs} channels")));
        }
        let mut image = [0; 2];
        for axis in 0..2 {
            let whole = (map[axis] - 1) * self.stride[axis]
                + span(kernel[axis], self.dilation[axis])
                + self.output_padding[axis];
            let cut = 2 * self.padding[axis];
            if whole <= cut {
                let axis = if x.axes().len() == 2 { "steps" } else { ["rows", "columns"][axis] };
                let what = format!("more than the {cut} {axis} that padding cuts off");
                return Err(ShapeError::new(what, format!("{whole} {axis}")));
            }
            image[axis] = whole - cut;
        }
        Ok(Convolution {
            image,
            channels: own * self.groups,
            map,
            outputs,
            groups: self.groups,
            kernel,
            stride: self.stride,
            dilation: self.dilation,
            before: self.padding,
        })
    }

    fn of(&self, inputs: &[Shape]) -> Convolution {
        self.sizes(&inputs[0], &inputs[1]).expect("the shapes were checked when the graph was built")
    }

    fn of_io(&self, io: &Io) -> Convolution {
        self.sizes(&io.inputs[0].shape, &io.inputs[1].shape)
            .expect("the shapes were checked when the graph was built")
    }
}

impl Op for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, w, ..] = inputs else {
            return Err(ShapeError::new("input and weight", format!("{} inputs", inputs.len())));
        };
        let c = self.sizes(x, w)?;
        check(inputs, c.channels)?;
        Ok(shape_like(x, c.image, c.channels))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn packs(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        vec![(1, Form::ConvolveBack(self.of(inputs)))]
    }

    fn packs_back(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        vec![(1, Form::Convolve(self.of(inputs)))]
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let bias = io.inputs.get(2).map(|b| b.view);
        be.convolve_back(&self.of_io(io), io.x(0), weights(io), bias, Dest::store(io.output));
    }

    /// dx += w ∗ dy.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.convolve(&self.of_io(io), io.dy(), weights(io), None, dx);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        self.of(inputs).weight_units()
    }

    fn units_together(&self, inputs: &[Shape]) -> usize {
        self.of(inputs).units_together()
    }

    /// dw += dy ∗ x and db += Σ dy, for some units of w.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let c = self.of_io(io);
        if let Some(db) = io.dx(2) {
            // As many columns for each unit, whatever it is of the weights.
            let first = |unit: usize| (unit * c.channels).div_ceil(c.weight_units());
            let columns = first(units.start)..first(units.end);
            be.column_sums(&Matrix::new(io.dy(), c.channels).columns(columns), db);
        }
        if let Some(dw) = io.dx(1) {
            be.convolve_weights(&c, io.dy(), io.x(0), dw, units);
        }
    }

    fn rows_wanted(&self, inputs: &[Shape]) -> usize {
        let [height, width] = self.of(inputs).map;
        PRODUCT_ROWS.div_ceil((height * width).max(1))
    }

    fn cost(&self, inputs: &[Shape]) -> f64 {
        self.of(inputs).cost()
    }
}

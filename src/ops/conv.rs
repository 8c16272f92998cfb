//! Convolution: x `[B, H, W, C]`, w `[O, C/groups, kh, kw]`, b `[O]`, y `[B, OH, OW, O]`; or x `[B, T, C]`,
//! w `[O, C/groups, k]`, y `[B, OT, O]`.
//!
//! `y[p, o] = b[o] + Σ_{t, c} x[p · stride + t · dilation − before, c] · w[o, c, t]` along each axis of places, x being zero
//! outside: a cross-correlation, as in PyTorch.

use std::ops::Range;

use crate::backend::{Backend, Convolution, Dest, Form, Matrix, Weights};
use crate::ops::{Case, CaseInput, Io, Op, OpEntry, PRODUCT_ROWS, Reads, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "conv", cases };

fn cases() -> Vec<Case> {
    let plain = Conv::default();
    let pair = |n| [n, n];
    // op, batch, image, outputs, kernel, bias
    let images = [
        (plain, 1, [1, 1, 1], 1, [1, 1], true),
        (plain, 2, [5, 4, 3], 4, [3, 3], true),
        (plain, 2, [6, 17, 2], 33, [1, 1], true),
        (Conv { padding: [[1, 1], [1, 1]], ..plain }, 3, [5, 4, 2], 5, [3, 3], true),
        (Conv { padding: [[0, 1], [1, 2]], ..plain }, 1, [3, 4, 2], 3, [2, 4], false),
        (Conv { padding: [[2, 2], [1, 1]], stride: [2, 3], ..plain }, 2, [7, 8, 3], 4, [3, 2], true),
        (Conv { padding: [[2, 2], [2, 2]], dilation: pair(2), ..plain }, 2, [6, 5, 3], 2, [3, 3], true),
        (
            Conv { padding: [[3, 3], [2, 2]], dilation: [3, 2], stride: [2, 4], groups: 1 },
            1,
            [9, 10, 2],
            3,
            [3, 4],
            true,
        ),
        (Conv { groups: 2, padding: [[1, 1], [1, 1]], ..plain }, 2, [4, 5, 6], 4, [3, 3], true),
        (Conv { groups: 2, stride: pair(2), ..plain }, 1, [5, 6, 4], 6, [2, 3], false),
        (Conv { groups: 3, padding: [[1, 1], [1, 1]], ..plain }, 2, [4, 5, 3], 3, [3, 3], true),
        (
            Conv { groups: 17, padding: [[0, 2], [1, 0]], stride: [1, 2], dilation: [2, 1] },
            2,
            [5, 6, 17],
            17,
            [2, 3],
            true,
        ),
        (Conv { groups: 3, ..plain }, 1, [4, 4, 3], 6, [2, 2], true),
        (plain, 1, [4, 20, 5], 35, [2, 3], true),
        (plain, 2, [3, 3, 130], 2, [2, 2], false),
    ];
    let images = images.into_iter().map(|(op, batch, image, outputs, [kh, kw], bias)| {
        let weight = [outputs, image[2] / op.groups, kh, kw];
        let mut inputs = vec![CaseInput::rows(image), CaseInput::param(weight)];
        inputs.extend(bias.then(|| CaseInput::param([outputs])));
        Case::new(op, inputs, batch)
    });
    let series = [
        (plain, 1, [6, 3], 4, 3),
        (Conv { padding: [[0, 0], [2, 1]], dilation: [1, 2], ..plain }, 2, [9, 2], 5, 2),
        (Conv { groups: 2, stride: [1, 3], ..plain }, 3, [10, 4], 4, 4),
    ];
    let series = series.into_iter().map(|(op, batch, shape, outputs, k)| {
        let weight = [outputs, shape[1] / op.groups, k];
        let inputs =
            vec![CaseInput::rows(shape), CaseInput::param(weight), CaseInput::param([outputs])];
        Case::new(op, inputs, batch)
    });
    images.chain(series).collect()
}

/// The op; inputs are x, w and, if there is one, b. Of pairs for height and width a series uses the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Places from one output to the next.
    pub stride: [usize; 2],
    /// Zeros before and after each axis.
    pub padding: [[usize; 2]; 2],
    /// Places from one tap to the next.
    pub dilation: [usize; 2],
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for Conv {
    fn default() -> Self {
        Conv { stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1 }
    }
}

impl Conv {
    /// The sizes for an image or series x and weights w.
    fn sizes(&self, x: &Shape, w: &Shape) -> Result<Convolution, ShapeError> {
        let (image, channels) = places(x)?;
        let (outputs, inputs, kernel) = weight(w)?;
        let fits = self.groups > 0 && channels == inputs * self.groups && outputs % self.groups == 0;
        if !fits {
            let what = format!("{} channels and outputs of {} groups", inputs * self.groups, self.groups);
            return Err(ShapeError::new(what, format!("{channels} channels and {outputs} outputs")));
        }
        let mut map = [0; 2];
        for axis in 0..2 {
            let span = span(kernel[axis], self.dilation[axis]);
            let [before, after] = self.padding[axis];
            let padded = image[axis] + before + after;
            if padded < span {
                let axis = if x.axes().len() == 2 { "steps" } else { ["rows", "columns"][axis] };
                return Err(ShapeError::new(
                    format!("at least {span} {axis}, padding included"),
                    format!("{padded}"),
                ));
            }
            map[axis] = (padded - span) / self.stride[axis] + 1;
        }
        Ok(Convolution {
            image,
            channels,
            map,
            outputs,
            groups: self.groups,
            kernel,
            stride: self.stride,
            dilation: self.dilation,
            before: self.padding.map(|[before, _]| before),
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

/// Places that a kernel of `taps` spans.
pub fn span(taps: usize, dilation: usize) -> usize {
    (taps - 1).saturating_mul(dilation).saturating_add(1)
}

/// Height, width and channels of an image or a series.
pub(super) fn places(x: &Shape) -> Result<([usize; 2], usize), ShapeError> {
    match *x.axes() {
        [t, c] => Ok(([1, t], c)),
        [h, w, c] => Ok(([h, w], c)),
        _ => Err(ShapeError::new("an image [H, W, C] or a series [T, C]", x.to_string())),
    }
}

/// The first two axes of a weight, and the sizes of its kernel.
pub(super) fn weight(w: &Shape) -> Result<(usize, usize, [usize; 2]), ShapeError> {
    match *w.axes() {
        [o, i, k] if k > 0 => Ok((o, i, [1, k])),
        [o, i, kh, kw] if kh * kw > 0 => Ok((o, i, [kh, kw])),
        _ => Err(ShapeError::new("a weight [O, C, kh, kw] or [O, C, k]", w.to_string())),
    }
}

/// Image or series of `size` places and `channels`, with as many axes as `x`.
pub(super) fn shape_like(x: &Shape, size: [usize; 2], channels: usize) -> Shape {
    if x.axes().len() == 2 { Shape::from([size[1], channels]) } else { Shape::from([size[0], size[1], channels]) }
}

/// Checks that x and w speak of the same number of axes, and the bias.
pub(super) fn check(inputs: &[Shape], outputs: usize) -> Result<(), ShapeError> {
    let (x, w) = (&inputs[0], &inputs[1]);
    if w.axes().len() != x.axes().len() + 1 {
        return Err(ShapeError::new(format!("a weight of {} axes", x.axes().len() + 1), w.to_string()));
    }
    match inputs.get(2) {
        Some(b) if b.axes() != [outputs] => Err(ShapeError::new(format!("a bias [{outputs}]"), b.to_string())),
        _ => Ok(()),
    }
}

/// The weights of a step.
pub(super) fn weights(io: &Io) -> Weights {
    Weights { view: io.x(1), packed: io.inputs[1].packed }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    /// One tap on each step, as the projection beside a residual block has it.
    fn keeps_steps_apart(&self, inputs: &[Shape]) -> bool {
        let series = inputs[0].axes().len() == 2;
        series && inputs[1].last() == 1 && self.stride[1] == 1 && self.padding[1] == [0, 0]
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, w, ..] = inputs else {
            return Err(ShapeError::new("input and weight", format!("{} inputs", inputs.len())));
        };
        let c = self.sizes(x, w)?;
        check(inputs, c.outputs)?;
        Ok(shape_like(x, c.map, c.outputs))
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn packs(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        vec![(1, Form::Convolve(self.of(inputs)))]
    }

    fn packs_back(&self, inputs: &[Shape]) -> Vec<(usize, Form)> {
        vec![(1, Form::ConvolveBack(self.of(inputs)))]
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        let bias = io.inputs.get(2).map(|b| b.view);
        be.convolve(&self.of_io(io), io.x(0), weights(io), bias, Dest::store(io.output));
    }

    /// dx += wᵀ ∗ dy.
    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.convolve_back(&self.of_io(io), io.dy(), weights(io), None, dx);
        }
    }

    fn param_units(&self, inputs: &[Shape]) -> usize {
        self.of(inputs).weight_units()
    }

    fn units_together(&self, inputs: &[Shape]) -> usize {
        self.of(inputs).units_together()
    }

    /// dw += x ∗ dy and db += Σ dy, for some units of w.
    fn backward_params(&self, be: &mut dyn Backend, io: &Io, units: Range<usize>) {
        let c = self.of_io(io);
        if let Some(db) = io.dx(2) {
            let columns = c.unit_outputs(units.clone());
            be.column_sums(&Matrix::new(io.dy(), c.outputs).columns(columns), db);
        }
        if let Some(dw) = io.dx(1) {
            be.convolve_weights(&c, io.x(0), io.dy(), dw, units);
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

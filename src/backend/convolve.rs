//! Convolutions of images with channels last, and what follows from one by the chain rule.

use std::ops::Range;

use crate::backend::Dest;
use crate::tensor::View;

/// The sizes of a convolution: images `[H, W, C]` become maps `[OH, OW, O]` through weights `[O, C/groups, kh, kw]`.
///
/// `map[p, o] = Σ_{t, c} image[p · stride + t · dilation − before, c] · w[o, c, t]` along both axes, the image being zero
/// outside. A transposed convolution is the same one read from the map to the image. A series is an image with H = 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// H and W.
    pub image: [usize; 2],
    /// C.
    pub channels: usize,
    /// OH and OW.
    pub map: [usize; 2],
    /// O.
    pub outputs: usize,
    /// Groups of channels, each with outputs of its own; divides C and O.
    pub groups: usize,
    /// kh and kw.
    pub kernel: [usize; 2],
    /// Places from one output to the next.
    pub stride: [usize; 2],
    /// Places from one tap to the next.
    pub dilation: [usize; 2],
    /// Zeros before the image's first row and column.
    pub before: [usize; 2],
}

impl Convolution {
    /// Outputs that a unit of [`Convolve::convolve_weights`] has at most.
    pub const UNIT: usize = 32;

    /// Elements of an image.
    pub fn image_len(&self) -> usize {
        self.image[0] * self.image[1] * self.channels
    }

    /// Elements of a map.
    pub fn map_len(&self) -> usize {
        self.map[0] * self.map[1] * self.outputs
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether each channel makes one output alone.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.channels && self.groups == self.outputs
    }

    /// Units of [`Convolve::convolve_weights`]: each is [`Convolution::UNIT`] outputs of a group at one tap, or at all taps of a
    /// depthwise convolution.
    pub fn weight_units(&self) -> usize {
        if self.is_depthwise() {
            return self.outputs.div_ceil(Self::UNIT);
        }
        self.groups * (self.outputs / self.groups).div_ceil(Self::UNIT) * self.taps()
    }

    /// The outputs whose first tap is in these units: together the units have each output once.
    pub fn unit_outputs(&self, units: Range<usize>) -> Range<usize> {
        let (own, taps) =
            if self.is_depthwise() { (self.outputs, 1) } else { (self.outputs / self.groups, self.taps()) };
        let panels = own.div_ceil(Self::UNIT);
        let first = |unit: usize| {
            let panel = unit.div_ceil(taps);
            panel / panels * own + panel % panels * Self::UNIT
        };
        first(units.start)..first(units.end)
    }

    /// Units that are worth a task together: the outputs' gradients, which each task reads anew, then serve some hundred rows.
    pub fn units_together(&self) -> usize {
        if self.is_depthwise() { 1 } else { (96 * self.groups).div_ceil(self.channels).min(self.taps()) }
    }

    /// Multiply-adds for one image.
    pub fn cost(&self) -> f64 {
        (self.map_len() * self.taps()) as f64 * (self.channels / self.groups) as f64
    }
}

/// A convolution's weights.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// `[O, C/groups, kh, kw]`.
    pub view: View,
    /// The same in the order that the backend's `pack` chose for the primitive that reads it.
    pub packed: Option<View>,
}

/// What an op may ask for on images; see [`Backend`](crate::backend::Backend).
pub trait Convolve {
    /// `map (+)= image ∗ w (+ bias)`: x `[B, H, W, C]`, y `[B, OH, OW, O]`, bias `[O]`, not allowed when y adds. Weights are
    /// packed as [`Form::Convolve`](crate::backend::Form).
    fn convolve(&mut self, c: &Convolution, x: View, w: Weights, bias: Option<View>, y: Dest);

    /// The transpose of [`Convolve::convolve`]: `image (+)= wᵀ ∗ map (+ bias)`, bias `[C]`. Weights are packed as
    /// [`Form::ConvolveBack`](crate::backend::Form).
    fn convolve_back(&mut self, c: &Convolution, y: View, w: Weights, bias: Option<View>, x: Dest);

    /// `dw[o, c, t] (+)= Σ_{b, p} image[b, p · stride + t · dilation − before, c] · map[b, p, o]` for some units: with an image
    /// and the gradient by its map, the gradient by the weights.
    fn convolve_weights(&mut self, c: &Convolution, x: View, y: View, dw: Dest, units: Range<usize>);
}

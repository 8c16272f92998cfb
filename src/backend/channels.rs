//! Primitives for norms of channels: x `[B, …, C]`, statistics over places, and over rows of the batch or groups of channels.
//!
//! x̂ = (x − mean) · rstd with rstd = 1/√(variance + ε), the variance biased. Behind the end of a row that ends early nothing is
//! read, and what is written there is 0.

use std::ops::Range;

use crate::backend::{Dest, Steps};
use crate::tensor::View;

/// Channels that make up one unit of work over all rows: a cache line of `f32`, so that units read lines of their own.
pub const STRIP: usize = 16;

/// Where the rows of a series end.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Steps of each row, `[B]`.
    pub lengths: View,
    /// The axes of the series; the last one and all between are its width.
    pub steps: Steps,
}

/// A norm of channels.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSpec {
    /// C.
    pub channels: usize,
    /// ε below the root.
    pub eps: f64,
    /// Share of the batch in the running statistics.
    pub momentum: f64,
}

impl ChannelSpec {
    /// Number of strips of channels.
    pub fn strips(&self) -> usize {
        self.channels.div_ceil(STRIP)
    }

    /// The channels in some strips.
    pub fn channels_of(&self, strips: Range<usize>) -> Range<usize> {
        strips.start * STRIP..(strips.end * STRIP).min(self.channels)
    }
}

/// A norm of groups of neighbouring channels.
#[derive(Clone, Copy, Debug)]
pub struct GroupSpec {
    /// C.
    pub channels: usize,
    /// Channels that share their statistics.
    pub width: usize,
    /// ε below the root.
    pub eps: f64,
}

/// What an op may ask for to bring channels to mean 0 and variance 1; see [`Backend`](crate::backend::Backend).
pub trait Channels {
    /// Mean and rstd `[C]` of the channels in `strips` over all rows and places. Moves the running mean and variance by
    /// `momentum` (the variance unbiased) where a channel has two values or more.
    fn channel_stats(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        running: (View, View),
        c: ChannelSpec,
        strips: Range<usize>,
    );
    /// `rstd = 1/√(variance + ε)` of the channels in `strips`.
    fn channel_rstd(&mut self, variance: View, rstd: View, c: ChannelSpec, strips: Range<usize>);
    /// `y = x̂ ⊙ gain + bias`; `affine` is gain and bias.
    fn channel_norm(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        affine: (View, View),
        y: View,
    );
    /// Over all rows and places, for the channels in `strips`: `Σ dy ⊙ x̂` to the gradient of the gain and `Σ dy` to that of the
    /// bias. Stores in `slopes` what [`Channels::channel_norm_grad`] takes off.
    fn channel_grad_sums(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        affine: (Option<Dest>, Option<Dest>),
        c: ChannelSpec,
        strips: Range<usize>,
    );
    /// `dx (+)= gain · rstd · (dy − Σdy/n − x̂ · Σ(dy ⊙ x̂)/n)`; `normal` is mean, rstd and gain, n the values of a channel.
    fn channel_norm_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        dx: Dest,
    );

    /// `y = x̂ ⊙ gain + bias`, statistics over the places of a row and a group of channels; keeps them for each channel in
    /// `stats`, mean and rstd `[R, C]`.
    fn group_norm(
        &mut self,
        x: View,
        ends: Option<Ends>,
        affine: (View, View),
        y: View,
        stats: (View, View),
        g: GroupSpec,
    );
    /// The gradient of [`Channels::group_norm`] by x; `normal` is its mean, rstd and gain, `slopes` two places `[R, C]`.
    fn group_norm_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        dx: Dest,
        g: GroupSpec,
    );
    /// The gradients of [`Channels::group_norm`] by gain and bias, for the channels in `units`.
    fn group_norm_affine_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        dy: View,
        affine: (Dest, Dest),
        units: Range<usize>,
    );
}

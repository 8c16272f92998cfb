//! Primitives for norms by the root mean square of each row, `x̂ = x · rstd` with rstd = 1/√(mean(x²) + ε).

use std::ops::Range;

use crate::backend::Dest;
use crate::tensor::View;

/// What an op may ask for to bring rows to one size; see [`Backend`](crate::backend::Backend).
pub trait Rms {
    /// `y = x̂ ⊙ gain` for each run of as many elements as the gain has; keeps `rstd`, one number a run.
    fn rms_norm(&mut self, x: View, gain: View, y: View, rstd: View, eps: f64);
    /// The gradient of [`Rms::rms_norm`] by `x`.
    fn rms_norm_grad(&mut self, x: View, gain: View, rstd: View, dy: View, dx: Dest);
    /// The gradient of [`Rms::rms_norm`] by the gain, for the columns in `units`.
    fn rms_norm_gain_grad(&mut self, x: View, rstd: View, dy: View, dgain: Dest, units: Range<usize>);
}

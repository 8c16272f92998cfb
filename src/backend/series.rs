//! Primitives for series `[B, T, C]` whose rows may end before T: lengths `[B]` hold a whole number of steps a row.
//!
//! What lies behind a row's end is never read, so that longer padding changes no bit of a result.

use crate::backend::Dest;
use crate::tensor::View;

/// The axes of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// T: the most steps that a row has.
    pub count: usize,
    /// C: numbers in a step.
    pub width: usize,
}

/// A window that moves over a series: how long what it gives is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
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

impl Window {
    /// Windows over the `n` steps of a row of a longer series: at least one, so that no row with steps becomes one without. It reads
    /// the steps that are there.
    pub fn count_of_row(&self, n: usize) -> usize {
        if n == 0 { 0 } else { self.count(n).max(1) }
    }

    /// Windows over a series of `n` steps; 0 for one without steps.
    pub fn count(&self, n: usize) -> usize {
        let size = |n: usize| n as i64;
        let (stride, padded) = (size(self.stride.max(1)), size(n + self.padding));
        let room = padded - size(self.dilation) * (size(self.kernel) - 1) - 1;
        let whole = room.div_euclid(stride) + 1;
        // PyTorch leaves out a window that would start in the padding on the right.
        let starts = whole * stride < size(n + self.padding / 2);
        let partial = self.ceil_mode && room.rem_euclid(stride) > 0 && starts;
        if n == 0 { 0 } else { (whole + i64::from(partial)).max(0) as usize }
    }
}

/// What an op may ask for on series; see [`Backend`](crate::backend::Backend).
///
/// Without `lengths` every row has all steps.
pub trait Series {
    /// `y (+)= x` before the end of each row, 0 behind it. x, y `[R, T, C]`.
    fn mask(&mut self, x: View, lengths: View, y: Dest, steps: Steps);

    /// Lengths of what a window gives: x, y `[R]`.
    fn resize_lengths(&mut self, x: View, y: View, window: Window);

    /// The mean over the steps of each row, 0 for a row without steps. x `[R, T, C]`, y `[R, C]`.
    fn steps_mean(&mut self, x: View, lengths: Option<View>, y: View, steps: Steps);
    /// The gradient of [`Series::steps_mean`].
    fn steps_mean_grad(&mut self, lengths: Option<View>, dy: View, dx: Dest, steps: Steps);

    /// The largest number of each channel and the step that it was found in, the first of equals; 0 and −1 for a row without
    /// steps. x `[R, T, C]`; y, at `[R, C]`.
    fn steps_max(&mut self, x: View, lengths: Option<View>, y: View, at: View, steps: Steps);
    /// The step before the end and its place in each channel below `turned`, the first step in the others; 0 and −1 for a row
    /// without steps. x `[R, T, C]`; y, at `[R, C]`.
    fn steps_last(&mut self, x: View, lengths: Option<View>, y: View, at: View, steps: Steps, turned: usize);
    /// `dx[r, at[r, c], c] (+)= dy[r, c]`, 0 elsewhere.
    fn steps_pick_grad(&mut self, at: View, dy: View, dx: Dest, steps: Steps);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_in_pytorch() {
        let window = Window { kernel: 3, stride: 2, padding: 2, dilation: 1, ceil_mode: false };
        // torch.nn.functional.max_pool1d(torch.zeros(1, 1, n), 3, 2, 1) and, below, with ceil_mode.
        let count = |window: Window| [0, 1, 2, 3, 4, 5, 6, 7].map(|n| window.count(n));
        assert_eq!(count(window), [0, 1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(count(Window { ceil_mode: true, ..window }), [0, 1, 2, 2, 3, 3, 4, 4]);
        let plain = Window { padding: 0, ..window };
        assert_eq!(count(plain), [0, 0, 0, 1, 1, 2, 2, 3]);
        assert_eq!(count(Window { ceil_mode: true, ..plain }), [0, 0, 1, 1, 2, 2, 3, 3]);
        // A last window that would start in the right padding does not count: kernel 2, stride 3, padding 1 each side.
        let far = Window { kernel: 2, stride: 3, padding: 2, dilation: 1, ceil_mode: true };
        assert_eq!(count(far), [0, 1, 1, 2, 2, 2, 3, 3]);
        assert_eq!(Window { dilation: 3, ..plain }.count(7), 1);
        assert_eq!([0, 1, 2, 3, 4, 5].map(|n| plain.count_of_row(n)), [0, 1, 1, 1, 1, 2]);
    }
}

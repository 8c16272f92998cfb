//! Primitives that gather windows of places: pooling over images `[B, H, W, C]` and, with `H` 1, series `[B, T, C]`.

use crate::backend::{Dest, Window};
use crate::tensor::View;

/// What an op may ask for to pool; see [`Backend`](crate::backend::Backend).
///
/// Legend: x `[B, H, W, C]`, y `[B, OH, OW, C]`.
pub trait Pool {
    /// The largest number of each window, the first of equals; NaN where there is one, 0 for a window without places.
    /// `winners`, like y, receives the places that they come from.
    fn max_pool(&mut self, x: View, y: View, winners: Option<View>, spec: &PoolSpec);
    /// `dx (+)=` the sum of `dy` over the windows that the place has won. Does not read the lengths.
    fn max_pool_grad(&mut self, winners: View, dy: View, dx: Dest, spec: &PoolSpec);

    /// The mean of each window, 0 for a window without places. With `count_padding` the padding that a window reaches counts
    /// as places that hold 0.
    fn avg_pool(&mut self, x: View, y: View, spec: &PoolSpec, count_padding: bool);
    /// The gradient of [`Pool::avg_pool`].
    fn avg_pool_grad(&mut self, dy: View, dx: Dest, spec: &PoolSpec, count_padding: bool);
}

/// What is pooled.
#[derive(Clone, Copy, Debug)]
pub struct PoolSpec {
    /// Height and width of the input.
    pub places: [usize; 2],
    /// Height and width of the output.
    pub out: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// The windows along height and width.
    pub windows: [Windows; 2],
    /// How many places along the width each row has, `[B]`; the others are as if they were not there, and what would come of
    /// them is 0.
    pub lengths: Option<View>,
}

/// The windows along one axis of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// Windows of one size at even distances, half of the padding before the axis.
    Sliding(Window),
    /// So many windows that share out the axis: of `n` places, window i of `count` has those from ⌊i·n/count⌋ to
    /// ⌈(i + 1)·n/count⌉.
    Even {
        /// How many.
        count: usize,
    },
}

/// The places of one window: every `step`-th of `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first place.
    pub start: usize,
    /// Behind the last place.
    pub end: usize,
    /// From place to place.
    pub step: usize,
}

impl Windows {
    /// How many windows `n` places have.
    pub fn count(self, n: usize) -> usize {
        match self {
            Windows::Even { count } => count,
            Windows::Sliding(window) => window.count(n),
        }
    }

    /// The same for a row that ends behind `n` places, if it has any: see [`Window::count_of_row`].
    pub fn count_of_row(self, n: usize) -> usize {
        match self {
            Windows::Even { count } => count,
            Windows::Sliding(window) => window.count_of_row(n),
        }
    }

    /// The places of window `i` that `n` places have.
    #[inline(always)]
    pub fn extent(self, i: usize, n: usize) -> Extent {
        match self {
            Windows::Even { count } => {
                Extent { start: i * n / count, end: ((i + 1) * n).div_ceil(count), step: 1 }
            }
            Windows::Sliding(Window { kernel, stride, padding, dilation, .. }) => {
                let padding = padding / 2;
                let before = padding.saturating_sub(i * stride).div_ceil(dilation);
                let start = i * stride + before * dilation - padding;
                let end = (i * stride + dilation * (kernel - 1) + 1).saturating_sub(padding);
                Extent { start, end: end.min(n), step: dilation }
            }
        }
    }

    /// How many places of window `i` count for a mean: those that `n` places have and, `padded`, those of the padding.
    #[inline(always)]
    pub fn counted(self, i: usize, n: usize, padded: bool) -> usize {
        match self {
            Windows::Sliding(Window { kernel, stride, padding, .. }) if padded => {
                kernel.min((n + padding).saturating_sub(i * stride))
            }
            _ => {
                let Extent { start, end, step } = self.extent(i, n);
                end.saturating_sub(start).div_ceil(step)
            }
        }
    }

    /// Where each of the first places is in exactly one window: how many these are.
    pub fn tiled(self, n: usize) -> Option<usize> {
        match self {
            Windows::Even { count } if n.is_multiple_of(count) => Some(n),
            Windows::Sliding(Window { kernel, stride, padding: 0, dilation: 1, .. }) if kernel == stride => {
                Some((self.count(n) * stride).min(n))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of all windows.
    fn places(w: Windows, n: usize) -> Vec<Vec<usize>> {
        let all = (0..w.count(n)).map(|i| {
            let Extent { start, end, step } = w.extent(i, n);
            (start..end).step_by(step).collect()
        });
        all.collect()
    }

    fn sliding(kernel: usize, stride: usize, padding: usize, dilation: usize, ceil_mode: bool) -> Windows {
        Windows::Sliding(Window { kernel, stride, padding: 2 * padding, dilation, ceil_mode })
    }

    #[test]
    fn windows_are_those_of_pytorch() {
        assert_eq!(places(sliding(2, 2, 0, 1, false), 5), [[0, 1], [2, 3]]);
        assert_eq!(places(sliding(2, 2, 0, 1, true), 5), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(places(sliding(3, 2, 1, 1, false), 5), [vec![0, 1], vec![1, 2, 3], vec![3, 4]]);
        assert_eq!(places(sliding(3, 1, 1, 2, false), 5), [vec![1, 3], vec![0, 2, 4], vec![1, 3]]);
        // The last window would start in the padding behind the axis.
        assert_eq!(places(sliding(2, 3, 1, 1, true), 5), [vec![0], vec![2, 3]]);
        assert_eq!(places(sliding(4, 1, 0, 1, false), 3), Vec::<Vec<usize>>::new());
        assert_eq!(places(Windows::Even { count: 3 }, 5), [vec![0, 1], vec![1, 2, 3], vec![3, 4]]);
        assert_eq!(places(Windows::Even { count: 2 }, 1), [[0], [0]]);
    }

    #[test]
    fn padding_counts_as_far_as_it_reaches() {
        let counted = |w: Windows, n: usize, padded: bool| -> Vec<usize> {
            (0..w.count(n)).map(|i| w.counted(i, n, padded)).collect()
        };
        assert_eq!(counted(sliding(3, 2, 1, 1, true), 6, true), [3, 3, 3, 2]);
        assert_eq!(counted(sliding(3, 2, 1, 1, true), 6, false), [2, 3, 3, 1]);
        assert_eq!(counted(Windows::Even { count: 3 }, 5, true), [2, 3, 2]);
        assert_eq!(counted(Windows::Even { count: 2 }, 0, true), [0, 0]);
    }

    #[test]
    fn tiles_have_each_place_in_one_window() {
        assert_eq!(sliding(2, 2, 0, 1, false).tiled(5), Some(4));
        assert_eq!(sliding(2, 2, 0, 1, true).tiled(5), Some(5));
        assert_eq!(Windows::Even { count: 5 }.tiled(5), Some(5));
        assert_eq!(Windows::Even { count: 2 }.tiled(5), None);
        for overlapping in
            [sliding(3, 2, 0, 1, false), sliding(2, 2, 1, 1, false), sliding(2, 2, 0, 2, false)]
        {
            assert_eq!(overlapping.tiled(5), None, "{overlapping:?}");
        }
    }
}

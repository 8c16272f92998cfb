//! Primitives that gather windows of places: pooling over images `[B, H, W, C]` and, with `H` 1, series `[B, T, C]`.

use crate::backend::Dest;
use crate::tensor::View;

/// What an op may ask for to pool; see [`Backend`](crate::backend::Backend).
///
/// Legend: x `[B, H, W, C]`, y `[B, OH, OW, C]`.
pub trait Pool {
    /// The largest number of each window, the first of equals; NaN where there is one, 0 for a window without places.
    /// `winners`, like y, receives the places that they come from.
    fn max_pool(&mut self, x: View, y: View, winners: Option<View>, spec: &PoolSpec);
    /// `dx (+)=` the sum of `dy` over the windows that the place has won.
    fn max_pool_grad(&mut self, winners: View, dy: View, dx: Dest, spec: &PoolSpec);
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
    /// How many places along the width each row has, `[B]`; the others are as if they were not there.
    pub lengths: Option<View>,
}

/// The windows along one axis of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// Windows of one size at even distances.
    Sliding {
        /// Places of a window.
        kernel: usize,
        /// Places from one window to the next.
        stride: usize,
        /// Places that are missing before the axis and after it.
        padding: usize,
        /// Places from one place of a window to the next.
        dilation: usize,
        /// Whether a last window may reach beyond the padding, as long as it starts before the axis ends.
        ceil_mode: bool,
    },
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
    #[inline(always)]
    pub fn count(self, n: usize) -> usize {
        match self {
            Windows::Even { count } => count,
            Windows::Sliding { kernel, stride, padding, dilation, ceil_mode } => {
                let reach = dilation * (kernel - 1) + 1;
                let Some(room) = (n + 2 * padding).checked_sub(reach) else { return 0 };
                if ceil_mode {
                    let count = room.div_ceil(stride) + 1;
                    count - usize::from((count - 1) * stride >= n + padding)
                } else {
                    room / stride + 1
                }
            }
        }
    }

    /// The places of window `i` that `n` places have.
    #[inline(always)]
    pub fn window(self, i: usize, n: usize) -> Extent {
        match self {
            Windows::Even { count } => {
                Extent { start: i * n / count, end: ((i + 1) * n).div_ceil(count), step: 1 }
            }
            Windows::Sliding { kernel, stride, padding, dilation, .. } => {
                let before = padding.saturating_sub(i * stride).div_ceil(dilation);
                let start = i * stride + before * dilation - padding;
                let end = (i * stride + dilation * (kernel - 1) + 1).saturating_sub(padding);
                Extent { start, end: end.min(n), step: dilation }
            }
        }
    }

    /// Where each of the first places is in exactly one window: how many these are.
    #[inline(always)]
    pub fn tiled(self, n: usize) -> Option<usize> {
        match self {
            Windows::Even { count } if n.is_multiple_of(count) => Some(n),
            Windows::Sliding { kernel, stride, padding: 0, dilation: 1, .. } if kernel == stride => {
                Some((self.count(n) * stride).min(n))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of all windows, as plain arithmetic finds them.
    fn places(w: Windows, n: usize) -> Vec<Vec<usize>> {
        let all = (0..w.count(n)).map(|i| {
            let Extent { start, end, step } = w.window(i, n);
            (start..end).step_by(step).collect()
        });
        all.collect()
    }

    #[test]
    fn windows_are_those_of_pytorch() {
        let sliding = |kernel, stride, padding, dilation, ceil_mode| Windows::Sliding {
            kernel,
            stride,
            padding,
            dilation,
            ceil_mode,
        };
        assert_eq!(places(sliding(2, 2, 0, 1, false), 5), [[0, 1], [2, 3]]);
        assert_eq!(places(sliding(2, 2, 0, 1, true), 5), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(places(sliding(3, 2, 1, 1, false), 5), [vec![0, 1], vec![1, 2, 3], vec![3, 4]]);
        assert_eq!(places(sliding(3, 1, 1, 2, false), 5), [vec![1, 3], vec![0, 2, 4], vec![1, 3]]);
        // The last window would start in the padding behind the axis.
        assert_eq!(places(sliding(2, 3, 1, 1, true), 5), [vec![0], vec![2, 3]]);
        assert_eq!(places(sliding(4, 1, 0, 1, false), 3), Vec::<Vec<usize>>::new());
        assert_eq!(places(Windows::Even { count: 3 }, 5), [vec![0, 1], vec![1, 2, 3], vec![3, 4]]);
        assert_eq!(places(Windows::Even { count: 2 }, 1), [[0], [0]]);
        let tiled = |w: Windows| w.tiled(5);
        assert_eq!(tiled(sliding(2, 2, 0, 1, false)), Some(4));
        assert_eq!(tiled(sliding(2, 2, 0, 1, true)), Some(5));
        assert_eq!(tiled(Windows::Even { count: 5 }), Some(5));
        let overlapping =
            [sliding(3, 2, 0, 1, false), sliding(2, 2, 1, 1, false), sliding(2, 2, 0, 2, false)];
        assert!(overlapping.iter().all(|&w| tiled(w).is_none()));
        assert_eq!(tiled(Windows::Even { count: 2 }), None);
    }
}

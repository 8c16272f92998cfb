//! Depthwise convolutions: no channel meets another, so the loops run over the channels.

use std::ops::Range;

use crate::backend::Convolution;
use crate::backend::cpu::convolve::axis::{Axis, Phase, reached};
use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;

/// Channels whose sums are kept in registers together.
const WIDTH: usize = 16;

kernel! {
    /// Maps from images, or with `back` images from maps; weights packed as rows of channels, tap by tap. The result begins with
    /// the bias, if there is one, or else with zero, or with `add` with what is there.
    pub(super) fn gather<T: Scalar>(c: &Convolution, back: bool, source: &[T], packed: &[T], bias: Option<&[T]>, result: &mut [T], add: bool) {
        let axes = [Axis::of(c, 0, back), Axis::of(c, 1, back)];
        let (image, map) = (c.image_len(), c.map_len());
        let (from, to) = if back { (map, image) } else { (image, map) };
        assert!(source.len().is_multiple_of(from) && source.len() / from * to == result.len());
        for (source, result) in source.chunks_exact(from).zip(result.chunks_exact_mut(to)) {
            for yi in 0..axes[0].phases() {
                for xi in 0..axes[1].phases() {
                    let (y, x) = (axes[0].phase(yi), axes[1].phase(xi));
                    let block = y.earlier * c.kernel[1] + y.taps * x.earlier;
                    for j in 0..y.count {
                        for i in 0..x.count {
                            let reach = Reach {
                                y, x, j, i,
                                rows: y.inside(j, axes[0].source),
                                columns: x.inside(i, axes[1].source),
                                width: axes[1].source,
                                block,
                                channels: c.channels,
                            };
                            let at = ((y.first + j * y.step) * axes[1].result + x.first + i * x.step) * c.channels;
                            let out = &mut result[at..at + c.channels];
                            let whole = c.channels / WIDTH * WIDTH;
                            for first in (0..whole).step_by(WIDTH) {
                                reach.sum::<T, WIDTH>(first, source, packed, bias, out, add);
                            }
                            for first in whole..c.channels {
                                reach.sum::<T, 1>(first, source, packed, bias, out, add);
                            }
                        }
                    }
                }
            }
        }
    }

    /// dw[c, t] (=|+=) Σ x · dy for the channels of `range`; `dw` holds those channels alone.
    pub(super) fn gradient<T: Scalar>(c: &Convolution, x: &[T], dy: &[T], range: Range<usize>, dw: &mut [T], add: bool) {
        assert_eq!(x.len() / c.image_len(), dy.len() / c.map_len());
        assert_eq!(dw.len(), range.len() * c.taps());
        let first = range.start;
        let whole = first + range.len() / WIDTH * WIDTH;
        for tap in 0..c.taps() {
            for channel in (first..whole).step_by(WIDTH) {
                let sums = correlate::<T, WIDTH>(c, tap, channel, x, dy);
                for (l, &sum) in sums.iter().enumerate() {
                    put(&mut dw[(channel - first + l) * c.taps() + tap], add, sum);
                }
            }
            for channel in whole..range.end {
                let [sum] = correlate::<T, 1>(c, tap, channel, x, dy);
                put(&mut dw[(channel - first) * c.taps() + tap], add, sum);
            }
        }
    }
}

/// One place of the result and the taps that reach it.
struct Reach {
    y: Phase,
    x: Phase,
    j: usize,
    i: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// Places of a row of the source.
    width: usize,
    /// Taps of earlier phases.
    block: usize,
    channels: usize,
}

impl Reach {
    /// The sums of `N` channels.
    #[inline(always)]
    fn sum<T: Scalar, const N: usize>(
        &self,
        first: usize,
        source: &[T],
        packed: &[T],
        bias: Option<&[T]>,
        out: &mut [T],
        add: bool,
    ) {
        let mut sums = [T::ZERO; N];
        if add {
            sums.copy_from_slice(&out[first..first + N]);
        } else if let Some(bias) = bias {
            sums.copy_from_slice(&bias[first..first + N]);
        }
        for q in self.rows.start..self.rows.end {
            let row = self.y.source(self.j, q) * self.width;
            for p in self.columns.start..self.columns.end {
                let from = (row + self.x.source(self.i, p)) * self.channels + first;
                let tap = (self.block + q * self.x.taps + p) * self.channels + first;
                let (x, w) = (&source[from..from + N], &packed[tap..tap + N]);
                for l in 0..N {
                    sums[l] += x[l] * w[l];
                }
            }
        }
        out[first..first + N].copy_from_slice(&sums);
    }
}

/// Σ x · dy of `N` channels at one tap.
#[inline(always)]
fn correlate<T: Scalar, const N: usize>(
    c: &Convolution,
    tap: usize,
    channel: usize,
    x: &[T],
    dy: &[T],
) -> [T; N] {
    let (ky, kx) = (tap / c.kernel[1], tap % c.kernel[1]);
    let (rows, columns) = (reached(c, 0, ky), reached(c, 1, kx));
    let mut total = [T::ZERO; N];
    for (x, dy) in x.chunks_exact(c.image_len()).zip(dy.chunks_exact(c.map_len())) {
        // Summed image by image: keeps the error of a long sum small.
        let mut sums = [T::ZERO; N];
        for oy in rows.start..rows.end {
            let row = (oy * c.stride[0] + ky * c.dilation[0] - c.before[0]) * c.image[1];
            for ox in columns.start..columns.end {
                let from = (row + ox * c.stride[1] + kx * c.dilation[1] - c.before[1]) * c.channels + channel;
                let at = (oy * c.map[1] + ox) * c.channels + channel;
                let (x, dy) = (&x[from..from + N], &dy[at..at + N]);
                for l in 0..N {
                    sums[l] += x[l] * dy[l];
                }
            }
        }
        for l in 0..N {
            total[l] += sums[l];
        }
    }
    total
}

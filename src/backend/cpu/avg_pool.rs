//! The mean of each window of places, channel by channel.

use crate::backend::cpu::blocks::by_blocks;
use crate::backend::cpu::window::{Taps, clear_rest, present, tiles};
use crate::backend::kernel::kernel;
use crate::backend::pool::PoolSpec;
use crate::backend::scalar::Scalar;

kernel! {
    /// y[b, o, c] = mean of the window o of x[b, ·, c]; padding counts with `padded`.
    ///
    /// x [B, H, W, C], lengths [B], y [B, OH, OW, C].
    pub(super) fn avg_pool_forward<T: Scalar>(
        x: &[T], spec: PoolSpec, lengths: Option<&[T]>, y: &mut [T], padded: bool,
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(x.len() * out_image, y.len() * image);
        for (b, (x, y)) in x.chunks_exact(image).zip(y.chunks_exact_mut(out_image)).enumerate() {
            let steps = present(lengths, b, width);
            let count = spec.windows[1].count_of_row(steps).min(out_width);
            for i in 0..out_height {
                let down = spec.windows[0].extent(i, height);
                let rows = spec.windows[0].counted(i, height, padded);
                let y = &mut y[i * out_width * c..(i + 1) * out_width * c];
                for j in 0..count {
                    let taps = Taps { width, channels: c, down, along: spec.windows[1].extent(j, steps) };
                    let share = share(rows * spec.windows[1].counted(j, steps, padded));
                    let y = &mut y[j * c..(j + 1) * c];
                    by_blocks!(c, mean_of::<T>(x, taps, share, y));
                }
                y[count * c..].fill(T::ZERO);
            }
        }
    }

    /// dx[b, p, c] (=|+=) Σ dy[b, o, c] / |o| over the windows o that p is in.
    ///
    /// dy [B, OH, OW, C], lengths [B], dx [B, H, W, C].
    pub(super) fn avg_pool_backward<T: Scalar>(
        dy: &[T], spec: PoolSpec, lengths: Option<&[T]>, dx: &mut [T], padded: bool, add: bool,
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(dx.len() * out_image, dy.len() * image);
        // Where each place is in one window, nothing is summed.
        let tiles = if add { None } else { tiles(&spec) };
        for (b, (dy, dx)) in dy.chunks_exact(out_image).zip(dx.chunks_exact_mut(image)).enumerate() {
            match tiles {
                Some(covered) => clear_rest(&spec, covered, dx),
                None if !add => dx.fill(T::ZERO),
                None => {}
            }
            let steps = present(lengths, b, width);
            let count = spec.windows[1].count_of_row(steps).min(out_width);
            for i in 0..out_height {
                let down = spec.windows[0].extent(i, height);
                let rows = spec.windows[0].counted(i, height, padded);
                for j in 0..count {
                    let taps = Taps { width, channels: c, down, along: spec.windows[1].extent(j, steps) };
                    let share = share(rows * spec.windows[1].counted(j, steps, padded));
                    let dy = &dy[(i * out_width + j) * c..][..c];
                    by_blocks!(c, spread::<T>(dy, taps, share, dx, tiles.is_none()));
                }
            }
        }
    }
}

/// One of `places`; a window without places has the sum 0.
#[inline(always)]
fn share<T: Scalar>(places: usize) -> T {
    T::from_f64(1.0 / places.max(1) as f64)
}

/// N channels from `first` of one window: x [H, W, C], y [C].
#[inline(always)]
fn mean_of<T: Scalar, const N: usize>(first: usize, x: &[T], taps: Taps, share: T, y: &mut [T]) {
    let mut sum = [T::ZERO; N];
    let mut i = taps.down.start;
    while i < taps.down.end {
        let mut j = taps.along.start;
        while j < taps.along.end {
            let x = &x[(i * taps.width + j) * taps.channels + first..][..N];
            for lane in 0..N {
                sum[lane] += x[lane];
            }
            j += taps.along.step;
        }
        i += taps.down.step;
    }
    let y = &mut y[first..first + N];
    for lane in 0..N {
        y[lane] = sum[lane] * share;
    }
}

/// The gradient of N channels from `first` of one window to its places: dy [C], dx [H, W, C].
#[inline(always)]
fn spread<T: Scalar, const N: usize>(first: usize, dy: &[T], taps: Taps, share: T, dx: &mut [T], add: bool) {
    let mut part = [T::ZERO; N];
    let dy = &dy[first..first + N];
    for lane in 0..N {
        part[lane] = dy[lane] * share;
    }
    let mut i = taps.down.start;
    while i < taps.down.end {
        let mut j = taps.along.start;
        while j < taps.along.end {
            let dx = &mut dx[(i * taps.width + j) * taps.channels + first..][..N];
            for lane in 0..N {
                dx[lane] = if add { dx[lane] + part[lane] } else { part[lane] };
            }
            j += taps.along.step;
        }
        i += taps.down.step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Window;
    use crate::backend::pool::Windows;

    fn pool(x: &[f64], lengths: Option<&[f64]>, window: Window, padded: bool) -> (Vec<f64>, Vec<f64>) {
        let windows = [Windows::Even { count: 1 }, Windows::Sliding(window)];
        let out = [1, window.count(5)];
        // Only whether there are lengths counts here.
        let view = crate::tensor::View { slot: crate::tensor::Slot::Arena, offset: 0, len: 1, row_len: 1 };
        let spec = PoolSpec { places: [1, 5], out, channels: 1, windows, lengths: lengths.map(|_| view) };
        let rows = x.len() / 5;
        let mut y = vec![9.0; rows * out[1]];
        avg_pool_forward(x, spec, lengths, &mut y, padded);
        let mut dx = vec![9.0; x.len()];
        avg_pool_backward(&vec![6.0; y.len()], spec, lengths, &mut dx, padded, false);
        (y, dx)
    }

    #[test]
    fn windows_are_averaged_and_share_their_gradient() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let window = Window { kernel: 3, stride: 2, padding: 2, dilation: 1, ceil_mode: false };
        assert_eq!(pool(&x, None, window, true), (vec![1.0, 3.0, 3.0], vec![2.0, 4.0, 2.0, 4.0, 2.0]));
        assert_eq!(pool(&x, None, window, false), (vec![1.5, 3.0, 4.5], vec![3.0, 5.0, 2.0, 5.0, 3.0]));
        let tiles = Window { kernel: 2, stride: 2, padding: 0, ..window };
        assert_eq!(pool(&x, None, tiles, true), (vec![1.5, 3.5], vec![3.0, 3.0, 3.0, 3.0, 0.0]));
    }

    #[test]
    fn steps_behind_a_rows_end_are_not_there() {
        let window = Window { kernel: 2, stride: 2, padding: 2, dilation: 1, ceil_mode: false };
        let x = [2.0, 4.0, 6.0, f64::NAN, f64::NAN, f64::NAN, 0.0, 0.0, 0.0, 0.0];
        let (y, dx) = pool(&x, Some(&[3.0, 0.0]), window, true);
        assert_eq!(y, [1.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(dx, [3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

//! The largest number of each window of places, channel by channel.

use crate::backend::cpu::blocks::by_blocks;
use crate::backend::cpu::window::{Taps, clear_rest, present, tiles};
use crate::backend::kernel::kernel;
use crate::backend::pool::{Extent, PoolSpec};
use crate::backend::scalar::Scalar;

kernel! {
    /// y[b, o, c] = max of the window o of x[b, ·, c]; `winners` the place it is at, −1 for an empty window.
    ///
    /// x [B, H, W, C], lengths [B], y and winners [B, OH, OW, C].
    pub(super) fn max_pool_forward<T: Scalar>(
        x: &[T], spec: PoolSpec, lengths: Option<&[T]>, y: &mut [T], winners: Option<&mut [T]>,
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(x.len() * out_image, y.len() * image);
        let mut winners = winners;
        let mut at = 0;
        for (b, x) in x.chunks_exact(image).enumerate() {
            let steps = present(lengths, b, width);
            let count = spec.windows[1].count_of_row(steps).min(out_width);
            for i in 0..out_height {
                let down = spec.windows[0].extent(i, height);
                for j in 0..out_width {
                    let along = if j < count { spec.windows[1].extent(j, steps) } else { NOTHING };
                    let taps = Taps { width, channels: c, down, along };
                    if taps.square() {
                        by_blocks!(c, largest_of_four::<T>(x, taps, at, y, &mut winners));
                    } else {
                        by_blocks!(c, largest_of::<T>(x, taps, at, y, &mut winners));
                    }
                    at += c;
                }
            }
        }
    }

    /// dx[b, p, c] (=|+=) Σ dy[b, o, c] over the windows o whose winner is p.
    ///
    /// winners and dy [B, OH, OW, C], dx [B, H, W, C].
    pub(super) fn max_pool_backward<T: Scalar>(winners: &[T], dy: &[T], spec: PoolSpec, dx: &mut [T], add: bool) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert!(winners.len() == dy.len() && dx.len() * out_image == dy.len() * image);
        // Where each place is in one window, the windows themselves write the zeros of those that have not won.
        let tiles = if add { None } else { tiles(&spec) };
        let images = winners.chunks_exact(out_image).zip(dy.chunks_exact(out_image));
        for ((winners, dy), dx) in images.zip(dx.chunks_exact_mut(image)) {
            let Some(covered) = tiles else {
                if !add {
                    dx.fill(T::ZERO);
                }
                for (winners, dy) in winners.chunks_exact(c).zip(dy.chunks_exact(c)) {
                    for (channel, (winner, &dy)) in winners.iter().zip(dy).enumerate() {
                        let place = winner.to_f64();
                        if place >= 0.0 {
                            dx[place as usize * c + channel] += dy;
                        }
                    }
                }
                continue;
            };
            clear_rest(&spec, covered, dx);
            for i in 0..out_height {
                let down = spec.windows[0].extent(i, height);
                for j in 0..out_width {
                    let taps = Taps { width, channels: c, down, along: spec.windows[1].extent(j, width) };
                    let at = (i * out_width + j) * c;
                    by_blocks!(c, give_back::<T>(&winners[at..at + c], &dy[at..at + c], taps, dx));
                }
            }
        }
    }
}

/// A window without places.
const NOTHING: Extent = Extent { start: 0, end: 0, step: 1 };

/// N channels from `first` of one window: x [H, W, C], y and winners from `at` on [C].
#[inline(always)]
fn largest_of<T: Scalar, const N: usize>(
    first: usize,
    x: &[T],
    taps: Taps,
    at: usize,
    y: &mut [T],
    winners: &mut Option<&mut [T]>,
) {
    let mut best = [if taps.none() { T::ZERO } else { T::NEG_INFINITY }; N];
    let start = (taps.down.start * taps.width + taps.along.start) as f64;
    let mut winner = [T::from_f64(if taps.none() { -1.0 } else { start }); N];
    let mut i = taps.down.start;
    while i < taps.down.end {
        let mut j = taps.along.start;
        while j < taps.along.end {
            let place = i * taps.width + j;
            let x = &x[place * taps.channels + first..][..N];
            let place = T::from_f64(place as f64);
            challenge(x, place, &mut best, &mut winner);
            j += taps.along.step;
        }
        i += taps.down.step;
    }
    y[at + first..][..N].copy_from_slice(&best);
    if let Some(winners) = winners {
        winners[at + first..][..N].copy_from_slice(&winner);
    }
}

/// [`largest_of`] a window of two by two neighbours: the common case, without its loops.
#[inline(always)]
fn largest_of_four<T: Scalar, const N: usize>(
    first: usize,
    x: &[T],
    taps: Taps,
    at: usize,
    y: &mut [T],
    winners: &mut Option<&mut [T]>,
) {
    let (width, c) = (taps.width, taps.channels);
    let place = taps.down.start * width + taps.along.start;
    let (top, bottom) = (&x[place * c + first..][..c + N], &x[(place + width) * c + first..][..c + N]);
    let number = [place, place + 1, place + width, place + width + 1];
    let mut best = [T::ZERO; N];
    best.copy_from_slice(&top[..N]);
    let mut winner = [T::from_f64(number[0] as f64); N];
    challenge(&top[c..], T::from_f64(number[1] as f64), &mut best, &mut winner);
    challenge(&bottom[..N], T::from_f64(number[2] as f64), &mut best, &mut winner);
    challenge(&bottom[c..], T::from_f64(number[3] as f64), &mut best, &mut winner);
    y[at + first..][..N].copy_from_slice(&best);
    if let Some(winners) = winners {
        winners[at + first..][..N].copy_from_slice(&winner);
    }
}

/// Puts `x` in the place of the numbers that are smaller, and NaN in the place of any.
#[inline(always)]
fn challenge<T: Scalar, const N: usize>(x: &[T], place: T, best: &mut [T; N], winner: &mut [T; N]) {
    let x = &x[..N];
    for lane in 0..N {
        let x = x[lane];
        // The second comparison finds NaN.
        #[allow(clippy::eq_op)]
        let better = (x > best[lane]) | (x != x);
        best[lane] = T::select(better, x, best[lane]);
        winner[lane] = T::select(better, place, winner[lane]);
    }
}

/// The gradient of N channels from `first` of one window to the places that won, 0 to the others: winners and dy [C], dx [H, W, C].
#[inline(always)]
fn give_back<T: Scalar, const N: usize>(first: usize, winners: &[T], dy: &[T], taps: Taps, dx: &mut [T]) {
    let (winners, dy) = (&winners[first..first + N], &dy[first..first + N]);
    let mut i = taps.down.start;
    while i < taps.down.end {
        let mut j = taps.along.start;
        while j < taps.along.end {
            let place = i * taps.width + j;
            let dx = &mut dx[place * taps.channels + first..][..N];
            let place = T::from_f64(place as f64);
            for lane in 0..N {
                dx[lane] = T::select(winners[lane] == place, dy[lane], T::ZERO);
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
    use crate::backend::check::numbers;
    use crate::backend::pool::Windows;

    fn sliding(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Windows {
        Windows::Sliding(Window { kernel, stride, padding: 2 * padding, dilation, ceil_mode: false })
    }

    fn spec(places: [usize; 2], windows: [Windows; 2], channels: usize) -> PoolSpec {
        let out = [windows[0].count(places[0]), windows[1].count(places[1])];
        PoolSpec { places, out, channels, windows, lengths: None }
    }

    /// The places of a window, row by row.
    fn places(s: &PoolSpec, i: usize, j: usize, steps: usize) -> Vec<usize> {
        let (down, along) = (s.windows[0].extent(i, s.places[0]), s.windows[1].extent(j, steps));
        let rows = (down.start..down.end).step_by(down.step);
        rows.flat_map(|y| (along.start..along.end).step_by(along.step).map(move |x| (y, x)))
            .map(|(y, x)| y * s.places[1] + x)
            .collect()
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        let specs = [
            spec([4, 6], [sliding(2, 2, 0, 1); 2], 32),
            spec([5, 7], [sliding(2, 2, 0, 1); 2], 21),
            spec([5, 7], [sliding(3, 2, 1, 1), sliding(2, 1, 1, 2)], 5),
            spec([1, 9], [Windows::Even { count: 1 }, sliding(3, 3, 0, 1)], 1),
            spec([6, 5], [Windows::Even { count: 3 }, Windows::Even { count: 2 }], 7),
        ];
        for s in specs {
            let (c, n, m) = (s.channels, s.places[0] * s.places[1], s.out[0] * s.out[1]);
            let x = numbers::<f32>("x", 2 * n * c);
            let dy = numbers::<f32>("dy", 2 * m * c);
            let (mut y, mut winners) = (vec![9.0; 2 * m * c], vec![9.0; 2 * m * c]);
            max_pool_forward(&x, s, None, &mut y, Some(&mut winners));
            let mut want_dx = vec![0.0; x.len()];
            for b in 0..2 {
                for o in 0..m {
                    for channel in 0..c {
                        let at = |place: usize| (b * n + place) * c + channel;
                        let window = places(&s, o / s.out[1], o % s.out[1], s.places[1]);
                        let best = window.iter().map(|&p| x[at(p)]).fold(f32::NEG_INFINITY, f32::max);
                        let out = (b * m + o) * c + channel;
                        assert_eq!(y[out], best, "{s:?}");
                        let winner = window.into_iter().find(|&p| x[at(p)] == best).unwrap();
                        want_dx[at(winner)] += dy[out];
                    }
                }
            }
            let mut dx = vec![7.0; x.len()];
            max_pool_backward(&winners, &dy, s, &mut dx, false);
            assert_eq!(dx, want_dx, "{s:?}");
            max_pool_backward(&winners, &dy, s, &mut dx, true);
            for (dx, want) in dx.iter().zip(&want_dx) {
                assert!((dx - 2.0 * want).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_first_of_equals_wins_and_nan_wins_over_all() {
        let s = spec([1, 4], [Windows::Even { count: 1 }, sliding(4, 4, 0, 1)], 3);
        let (mut y, mut winners) = ([0.0f32; 3], [0.0; 3]);
        let low = f32::NEG_INFINITY;
        let x = [1.0, 2.0, low, 3.0, f32::NAN, low, 3.0, 5.0, low, 0.0, 1.0, low];
        max_pool_forward(&x, s, None, &mut y, Some(&mut winners));
        assert!(y[0] == 3.0 && y[1].is_nan() && y[2] == low);
        assert_eq!(winners, [1.0, 1.0, 0.0]);
    }

    #[test]
    fn steps_behind_a_rows_end_are_not_there() {
        let s = spec([1, 5], [Windows::Even { count: 1 }, sliding(2, 2, 1, 1)], 1);
        let x = [-5.0, -4.0, -3.0, 0.0, 0.0].repeat(3);
        let (mut y, mut winners) = ([9.0f32; 9], [9.0; 9]);
        max_pool_forward(&x, s, Some(&[3.0, 2.0, 0.0]), &mut y, Some(&mut winners));
        assert_eq!(y, [-5.0, -3.0, 0.0, -5.0, -4.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(winners, [0.0, 2.0, -1.0, 0.0, 1.0, -1.0, -1.0, -1.0, -1.0]);
    }
}

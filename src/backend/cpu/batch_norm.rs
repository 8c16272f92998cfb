//! Batch normalisation (Ioffe & Szegedy 2015) of x [B, …, C] as a matrix [N, C]: each channel is brought to mean 0 and variance 1
//! over all rows.
//!
//! x̂ = (x − mean[c])·rstd[c], y = x̂·gain[c] + bias[c], with the biased variance and rstd = 1/√(variance + ε), as PyTorch's. What
//! mixes rows works on a range of channels; what does not works on any run of whole rows.

use super::strips::{Moments, Runs, Strip};
use crate::backend::channels::STRIP;
use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;
use std::ops::Range;

/// Numbers of a tile: the constants of narrow channels are repeated until a vector loop is worth it.
const TILE: usize = 64;

/// What normalises the channels, all of them. Each [C].
#[derive(Clone, Copy, Debug)]
pub(super) struct Normal<'a, T> {
    /// Mean of the batch, or the running one.
    pub(super) mean: &'a [T],
    /// 1/√(variance + ε)
    pub(super) rstd: &'a [T],
    /// Factor of x̂.
    pub(super) gain: &'a [T],
}

/// running ← (1 − momentum)·running + momentum·batch, with the unbiased variance n/(n − 1)·variance, as PyTorch.
///
/// `n` is the number of values of a channel; fewer than 2 have no variance, and nothing moves. All [M].
pub(super) fn update_running<T: Scalar>(
    batch: (&[T], &[T]),
    n: usize,
    momentum: T,
    running_mean: &mut [T],
    running_variance: &mut [T],
) {
    if n < 2 {
        return;
    }
    let (mean, variance) = batch;
    let unbias = T::from_f64(n as f64 / (n - 1) as f64);
    for (running, &mean) in running_mean.iter_mut().zip(mean) {
        *running = (T::ONE - momentum) * *running + momentum * mean;
    }
    for (running, &variance) in running_variance.iter_mut().zip(variance) {
        *running = (T::ONE - momentum) * *running + momentum * unbias * variance;
    }
}

/// rstd = 1/√(variance + ε), in place.
pub(super) fn to_rstd<T: Scalar>(variance: &mut [T], epsilon: T) {
    for v in variance {
        *v = (*v + epsilon).sqrt().recip();
    }
}

/// Rows of `cols` numbers that one tile holds.
#[inline(always)]
fn tile_rows(cols: usize) -> usize {
    (TILE / cols.max(1)).max(1)
}

/// The constants of the channels for some rows: repeated in `tile` where the channels are few.
#[inline(always)]
fn repeated<'t, T: Scalar>(values: &'t [T], tile: &'t mut [T; TILE]) -> &'t [T] {
    let rows = tile_rows(values.len());
    if rows == 1 {
        return values;
    }
    for chunk in tile.chunks_exact_mut(values.len()) {
        chunk.copy_from_slice(values);
    }
    &tile[..rows * values.len()]
}

kernel! {
    /// Mean and biased variance of the channels of a range over the rows that count, and their number. x [N, C]; mean, variance
    /// [M].
    pub(super) fn statistics<T: Scalar>(
        x: &[T], runs: Runs<'_, T>, cols: usize, range: Range<usize>, mean: &mut [T], variance: &mut [T],
    ) -> usize {
        let mut n = 0;
        for (i, (mean, variance)) in mean.chunks_mut(STRIP).zip(variance.chunks_mut(STRIP)).enumerate() {
            let strip = Strip::at(cols, &range, i);
            let mut moments = Moments::none();
            for run in 0..runs.count() {
                moments.add(&x[runs.range(run, x.len()).0], strip);
            }
            n = moments.rows;
            let part = T::from_f64(1.0 / n.max(1) as f64);
            for j in 0..strip.width {
                mean[j] = moments.mean[j];
                variance[j] = moments.squares[j] * part;
            }
        }
        n
    }

    /// y = x̂·gain + bias for any run of whole rows. x, y [R, C], bias [C].
    pub(super) fn apply<T: Scalar>(x: &[T], normal: Normal<'_, T>, bias: &[T], y: &mut [T]) {
        let Normal { mean, rstd, gain } = normal;
        let cols = mean.len();
        assert!(x.len() == y.len() && x.len() % cols.max(1) == 0);
        assert!(rstd.len() == cols && gain.len() == cols && bias.len() == cols);
        let mut tiles = [[T::ZERO; TILE]; 4];
        let [means, rstds, gains, biases] = &mut tiles;
        let (mean, rstd) = (repeated(mean, means), repeated(rstd, rstds));
        let (gain, bias) = (repeated(gain, gains), repeated(bias, biases));
        for (y, x) in y.chunks_mut(mean.len().max(1)).zip(x.chunks(mean.len().max(1))) {
            let affine = rstd.iter().zip(gain).zip(bias);
            for (((y, &x), &m), ((&s, &gain), &bias)) in y.iter_mut().zip(x).zip(mean).zip(affine) {
                *y = (x - m) * (s * gain) + bias;
            }
        }
    }

    /// dgain = Σ dy·x̂ and dbias = Σ dy over the rows that count, for the channels of a range; the number of rows. x, dy [N, C];
    /// mean, rstd, dgain, dbias [M].
    pub(super) fn backward_sums<T: Scalar>(
        x: &[T], dy: &[T], runs: Runs<'_, T>, cols: usize, range: Range<usize>, stats: (&[T], &[T]), dgain: &mut [T],
        dbias: &mut [T],
    ) -> usize {
        let (mean, rstd) = stats;
        assert!(x.len() == dy.len() && mean.len() == range.len() && rstd.len() == range.len());
        let mut n = 0;
        for (i, (dgain, dbias)) in dgain.chunks_mut(STRIP).zip(dbias.chunks_mut(STRIP)).enumerate() {
            let strip = Strip::at(cols, &range, i);
            let own = Strip { first: i * STRIP, ..strip };
            let (center, mut tilts, mut flats) = (own.load(mean), [T::ZERO; STRIP], [T::ZERO; STRIP]);
            n = 0;
            for run in 0..runs.count() {
                let (rows, _) = runs.range(run, x.len());
                n += rows.len() / cols;
                strip.add_slopes(&x[rows.clone()], &dy[rows], &center, &mut tilts, &mut flats);
            }
            for j in 0..strip.width {
                dgain[j] = tilts[j] * rstd[i * STRIP + j];
                dbias[j] = flats[j];
            }
        }
        n
    }

    /// What the gradient of a batch of n values takes off: tilt = gain·rstd²·dgain/n and flat = gain·rstd·dbias/n, in the places
    /// of dgain and dbias. All [M].
    pub(super) fn to_slopes<T: Scalar>(rstd: &[T], gain: &[T], n: usize, dgain: &mut [T], dbias: &mut [T]) {
        let part = T::from_f64(1.0 / n.max(1) as f64);
        for (((dgain, dbias), &s), &gain) in dgain.iter_mut().zip(dbias.iter_mut()).zip(rstd).zip(gain) {
            *dgain = gain * s * s * (part * *dgain);
            *dbias = gain * s * (part * *dbias);
        }
    }

    /// dx (=|+=) gain·rstd·dy − flat − (x − mean)·tilt for any run of whole rows. x, dy, dx [R, C]; tilt, flat [C].
    pub(super) fn backward<T: Scalar>(
        x: &[T], dy: &[T], normal: Normal<'_, T>, slopes: (&[T], &[T]), dx: &mut [T], add: bool,
    ) {
        let Normal { mean, rstd, gain } = normal;
        let cols = mean.len();
        assert!(x.len() == dx.len() && x.len() == dy.len() && x.len() % cols.max(1) == 0);
        assert!(rstd.len() == cols && gain.len() == cols && slopes.0.len() == cols && slopes.1.len() == cols);
        let mut tiles = [[T::ZERO; TILE]; 5];
        let [means, rstds, gains, tilts, flats] = &mut tiles;
        let (mean, rstd, gain) = (repeated(mean, means), repeated(rstd, rstds), repeated(gain, gains));
        let (tilt, flat) = (repeated(slopes.0, tilts), repeated(slopes.1, flats));
        let chunk = mean.len().max(1);
        for ((dx, x), dy) in dx.chunks_mut(chunk).zip(x.chunks(chunk)).zip(dy.chunks(chunk)) {
            let normal = mean.iter().zip(rstd).zip(gain).zip(tilt.iter().zip(flat));
            for (((dx, &x), &dy), (((&m, &s), &gain), (&tilt, &flat))) in dx.iter_mut().zip(x).zip(dy).zip(normal) {
                put(dx, add, gain * s * dy - flat - (x - m) * tilt);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Steps;
    use crate::backend::check::{close, dot, double, gradient, numbers};

    const EPSILON: f64 = 1e-5;
    const ALL: Option<(&[f64], Steps)> = None;

    /// Mean and biased variance of each channel.
    fn naive_statistics(x: &[f64], cols: usize) -> (Vec<f64>, Vec<f64>) {
        let of = |c: usize| x.iter().skip(c).step_by(cols);
        let n = (x.len() / cols) as f64;
        let mean: Vec<f64> = (0..cols).map(|c| of(c).sum::<f64>() / n).collect();
        let variance = (0..cols).map(|c| of(c).map(|x| (x - mean[c]).powi(2)).sum::<f64>() / n).collect();
        (mean, variance)
    }

    fn naive(x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
        let (mean, variance) = naive_statistics(x, gain.len());
        let y = |(i, x): (usize, &f64)| {
            let c = i % gain.len();
            (x - mean[c]) / (variance[c] + EPSILON).sqrt() * gain[c] + bias[c]
        };
        x.iter().enumerate().map(y).collect()
    }

    fn agrees<T: Scalar>(rows: usize, cols: usize, limit: f64) {
        let size = rows * cols;
        let (x, dy) = (numbers::<T>("x", size), numbers::<T>("dy", size));
        let (gain, bias) = (numbers::<T>("gain", cols), numbers::<T>("bias", cols));
        let zeros = || vec![T::ZERO; cols];
        let (mut mean, mut rstd, mut dgain, mut dbias) = (zeros(), zeros(), zeros(), zeros());
        let runs = Runs { ends: None };
        // The channels in two parts, as two threads would take them.
        let parts = [0..cols / 2, cols / 2..cols];
        for r in parts.clone().into_iter().filter(|r| !r.is_empty()) {
            let n = statistics(&x, runs, cols, r.clone(), &mut mean[r.clone()], &mut rstd[r]);
            assert_eq!(n, rows);
        }
        let (wx, wgain, wbias, wdy) = (double(&x), double(&gain), double(&bias), double(&dy));
        let (wmean, wvariance) = naive_statistics(&wx, cols);
        close(&mean, &wmean, limit);
        close(&rstd, &wvariance, limit);

        to_rstd(&mut rstd, T::from_f64(EPSILON));
        let normal = Normal { mean: &mean, rstd: &rstd, gain: &gain };
        let mut y = vec![T::ONE; size];
        apply(&x, normal, &bias, &mut y);
        close(&y, &naive(&wx, &wgain, &wbias), limit);
        // Rows one by one give the same as the whole batch.
        let mut each = vec![T::ONE; size];
        each.chunks_mut(cols).zip(x.chunks(cols)).for_each(|(y, x)| apply(x, normal, &bias, y));
        assert_eq!(each, y);

        for r in parts.into_iter().filter(|r| !r.is_empty()) {
            let stats = (&mean[r.clone()], &rstd[r.clone()]);
            let (dgain, dbias) = (&mut dgain[r.clone()], &mut dbias[r.clone()]);
            backward_sums(&x, &dy, runs, cols, r, stats, dgain, dbias);
        }
        gradient(&wgain, &dgain, |gain| dot(&naive(&wx, gain, &wbias), &wdy), limit);
        gradient(&wbias, &dbias, |bias| dot(&naive(&wx, &wgain, bias), &wdy), limit);
        to_slopes(&rstd, &gain, rows, &mut dgain, &mut dbias);
        let mut dx = vec![T::ONE; size];
        backward(&x, &dy, normal, (&dgain, &dbias), &mut dx, false);
        gradient(&wx, &dx, |x| dot(&naive(x, &wgain, &wbias), &wdy), limit);
        let once = double(&dx);
        backward(&x, &dy, normal, (&dgain, &dbias), &mut dx, true);
        close(&dx, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), limit);
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        for (rows, cols) in [(2, 1), (7, 5), (150, 2), (12, 33), (5, 70)] {
            agrees::<f64>(rows, cols, 2e-7);
        }
        for (rows, cols) in [(7, 5), (150, 2), (12, 33)] {
            agrees::<f32>(rows, cols, 1e-5);
        }
    }

    #[test]
    fn only_steps_before_the_end_count() {
        let lengths = [2.0, 0.0, 1.0];
        let runs = Runs { ends: Some((&lengths[..], Steps { count: 2, width: 2 })) };
        let x = [1.0, 10.0, 3.0, 20.0, 99.0, 99.0, 99.0, 99.0, 5.0, 60.0, 99.0, 99.0];
        let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
        assert_eq!(statistics(&x, runs, 2, 0..2, &mut mean, &mut variance), 3);
        close(&mean, &[3.0, 30.0], 1e-15);
        close(&variance, &[8.0 / 3.0, 1400.0 / 3.0], 1e-12);
        let (mut dgain, mut dbias) = ([0.0; 2], [0.0; 2]);
        let stats = (&[3.0, 30.0][..], &[0.5, 0.1][..]);
        assert_eq!(backward_sums(&x, &x, runs, 2, 0..2, stats, &mut dgain, &mut dbias), 3);
        close(&dgain, &[4.0, 140.0], 1e-12);
        close(&dbias, &[9.0, 90.0], 1e-12);
    }

    #[test]
    fn a_large_mean_costs_no_digits_of_the_variance() {
        let x: Vec<f32> = (0..10_000).map(|i| 4000.0 + (i % 2) as f32).collect();
        let (mut mean, mut variance) = ([0.0], [0.0]);
        statistics(&x, Runs { ends: None }, 1, 0..1, &mut mean, &mut variance);
        close(&mean, &[4000.5], 1e-6);
        close(&variance, &[0.25], 1e-6);
    }

    #[test]
    fn running_statistics_move_as_in_pytorch() {
        // torch.nn.BatchNorm1d(1, momentum=0.1) after one batch of [1, 2, 4, 5]: mean 3, unbiased variance 10/3.
        let (mut running_mean, mut running_variance) = ([0.0], [1.0]);
        update_running((&[3.0], &[2.5]), 4, 0.1, &mut running_mean, &mut running_variance);
        close(&running_mean, &[0.3], 1e-15);
        close(&running_variance, &[0.9 + 0.1 * 10.0 / 3.0], 1e-15);
        // One value has no variance.
        update_running((&[7.0], &[0.0]), 1, 0.1, &mut running_mean, &mut running_variance);
        close(&running_mean, &[0.3], 1e-15);
    }

    #[test]
    fn a_channel_without_values_is_finite() {
        let (mut mean, mut variance) = ([9.0; 2], [9.0; 2]);
        let lengths = [0.0];
        for runs in [Runs { ends: ALL }, Runs { ends: Some((&lengths[..], Steps { count: 1, width: 2 })) }] {
            let x: &[f64] = if runs.ends.is_some() { &[1.0, 2.0] } else { &[] };
            assert_eq!(statistics(x, runs, 2, 0..2, &mut mean, &mut variance), 0);
            assert_eq!((mean, variance), ([0.0; 2], [0.0; 2]));
        }
    }
}

//! Batch normalisation (Ioffe & Szegedy 2015): each channel is brought to mean 0 and variance 1 over batch and length.
//!
//! Layout [B, C, L], with L = 1 for tables; n = B·L. x̂ = (x − mean[c])·rstd[c], y = x̂·gain[c] + bias[c], with the
//! biased variance and rstd = 1/√(variance + ε), as PyTorch's `BatchNorm1d`. What mixes rows (the statistics and the sums of the
//! gradient) works on a range of channels; what does not works on any run of whole rows.

use super::columns::{ROWS, STRIP, column_sums};
use crate::backend::kernel::{kernel, lane_sum, put};
use crate::backend::scalar::Scalar;
use std::ops::Range;

/// Which channels of [B, C, L] a call works on.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    /// C
    pub(super) count: usize,
    /// L
    pub(super) length: usize,
    /// The channels of this call: N of them.
    pub(super) range: Range<usize>,
}

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

/// The batch's mean and biased variance of the channels of a range. x [B, C, L], mean, variance [N].
pub(super) fn batch_norm_statistics<T: Scalar>(
    x: &[T],
    channels: Channels,
    mean: &mut [T],
    variance: &mut [T],
) {
    let n = x.len() / channels.count.max(1);
    let part = T::from_f64(1.0 / n as f64);
    if channels.length == 1 {
        column_sums(x, channels.count, channels.range.clone(), mean, false);
    } else {
        sums_along(x, channels.clone(), mean);
    }
    for mean in &mut *mean {
        *mean *= part;
    }
    squares(x, channels, mean, variance);
    for variance in variance {
        *variance *= part;
    }
}

/// running ← (1 − momentum)·running + momentum·batch, with the unbiased variance n/(n − 1)·variance, as PyTorch.
///
/// `n` is the number of elements of a channel, B·L; where it is 1 the variance is taken as it is. All [N].
pub(super) fn batch_norm_update_running<T: Scalar>(
    mean: &[T],
    variance: &[T],
    n: usize,
    momentum: T,
    running_mean: &mut [T],
    running_variance: &mut [T],
) {
    assert!(mean.len() == running_mean.len() && variance.len() == running_variance.len());
    let unbias = T::from_f64(n as f64 / (n.max(2) - 1) as f64);
    for (running, &mean) in running_mean.iter_mut().zip(mean) {
        *running = (T::ONE - momentum) * *running + momentum * mean;
    }
    for (running, &variance) in running_variance.iter_mut().zip(variance) {
        *running = (T::ONE - momentum) * *running + momentum * unbias * variance;
    }
}

/// rstd = 1/√(variance + ε), in place.
pub(super) fn batch_norm_rstd<T: Scalar>(variance: &mut [T], epsilon: T) {
    for v in variance {
        *v = (*v + epsilon).sqrt().recip();
    }
}

kernel! {
    /// sums[N] = Σ_b,l x[b, c, l] where L > 1.
    fn sums_along<T: Scalar>(x: &[T], channels: Channels, sums: &mut [T]) {
        let Channels { count, length, range } = channels;
        sums.fill(T::ZERO);
        for x in x.chunks_exact(count * length) {
            for (sum, x) in sums.iter_mut().zip(x[range.start * length..].chunks_exact(length)) {
                *sum += lane_sum!(T; x in x => x);
            }
        }
    }

    /// sums[N] = Σ_b,l (x[b, c, l] − mean[c])².
    fn squares<T: Scalar>(x: &[T], channels: Channels, mean: &[T], sums: &mut [T]) {
        let Channels { count, length, range } = channels;
        assert!(mean.len() == range.len() && sums.len() == range.len());
        sums.fill(T::ZERO);
        if length > 1 {
            for x in x.chunks_exact(count * length) {
                let rows = x[range.start * length..].chunks_exact(length);
                for ((sum, &m), x) in sums.iter_mut().zip(mean).zip(rows) {
                    *sum += lane_sum!(T; x in x => (x - m).square());
                }
            }
            return;
        }
        let mut scratch = [T::ZERO; STRIP];
        for (strip, (sums, mean)) in sums.chunks_mut(STRIP).zip(mean.chunks(STRIP)).enumerate() {
            let first = range.start + strip * STRIP;
            let partial = &mut scratch[..sums.len()];
            for block in x.chunks(ROWS * count) {
                partial.fill(T::ZERO);
                for x in block.chunks_exact(count) {
                    for ((sum, &m), &x) in partial.iter_mut().zip(mean).zip(&x[first..]) {
                        *sum += (x - m).square();
                    }
                }
                for (sum, &partial) in sums.iter_mut().zip(partial.iter()) {
                    *sum += partial;
                }
            }
        }
    }

    /// y = x̂·gain + bias for any run of whole rows. x, y [R, C, L], bias [C].
    pub(super) fn batch_norm_apply<T: Scalar>(x: &[T], normal: Normal<'_, T>, bias: &[T], length: usize, y: &mut [T]) {
        let Normal { mean, rstd, gain } = normal;
        let cols = mean.len() * length;
        assert!(x.len() == y.len() && x.len() % cols == 0);
        assert!(rstd.len() == mean.len() && gain.len() == mean.len() && bias.len() == mean.len());
        for (y, x) in y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
            if length == 1 {
                let affine = rstd.iter().zip(gain).zip(bias);
                for (((y, &x), &m), ((&s, &gain), &bias)) in y.iter_mut().zip(x).zip(mean).zip(affine) {
                    *y = (x - m) * s * gain + bias;
                }
                continue;
            }
            let rows = y.chunks_exact_mut(length).zip(x.chunks_exact(length));
            for (c, (y, x)) in rows.enumerate() {
                let (m, s, gain, bias) = (mean[c], rstd[c], gain[c], bias[c]);
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - m) * s * gain + bias;
                }
            }
        }
    }

    /// The sums that every gradient needs, over the whole batch, for the channels of a range: dbias = Σ_b,l dy and
    /// dgain = Σ_b,l dy·x̂. x, dy [B, C, L], mean, rstd, dgain, dbias [N].
    pub(super) fn batch_norm_backward_sums<T: Scalar>(
        x: &[T], dy: &[T], channels: Channels, mean: &[T], rstd: &[T], dgain: &mut [T], dbias: &mut [T],
    ) {
        let Channels { count, length, range } = channels;
        assert!(x.len() == dy.len() && mean.len() == range.len() && rstd.len() == range.len());
        assert!(dgain.len() == range.len() && dbias.len() == range.len());
        dgain.fill(T::ZERO);
        dbias.fill(T::ZERO);
        if length > 1 {
            for (x, dy) in x.chunks_exact(count * length).zip(dy.chunks_exact(count * length)) {
                let skip = range.start * length;
                let rows = x[skip..].chunks_exact(length).zip(dy[skip..].chunks_exact(length));
                for (((dgain, dbias), &m), (x, dy)) in dgain.iter_mut().zip(dbias.iter_mut()).zip(mean).zip(rows) {
                    *dgain += lane_sum!(T; x in x, dy in dy => dy * (x - m));
                    *dbias += lane_sum!(T; dy in dy => dy);
                }
            }
        } else {
            let mut scratch = [[T::ZERO; STRIP]; 2];
            let strips = dgain.chunks_mut(STRIP).zip(dbias.chunks_mut(STRIP)).zip(mean.chunks(STRIP));
            for (strip, ((dgain, dbias), mean)) in strips.enumerate() {
                let first = range.start + strip * STRIP;
                let [gains, biases] = &mut scratch;
                let (gains, biases) = (&mut gains[..dgain.len()], &mut biases[..dgain.len()]);
                for (x, dy) in x.chunks(ROWS * count).zip(dy.chunks(ROWS * count)) {
                    gains.fill(T::ZERO);
                    biases.fill(T::ZERO);
                    for (x, dy) in x.chunks_exact(count).zip(dy.chunks_exact(count)) {
                        let sums = gains.iter_mut().zip(biases.iter_mut()).zip(mean);
                        for (((gain, bias), &m), (&x, &dy)) in sums.zip(x[first..].iter().zip(&dy[first..])) {
                            *gain += dy * (x - m);
                            *bias += dy;
                        }
                    }
                    for (d, &sum) in dgain.iter_mut().zip(gains.iter()).chain(dbias.iter_mut().zip(biases.iter())) {
                        *d += sum;
                    }
                }
            }
        }
        for (dgain, &s) in dgain.iter_mut().zip(rstd) {
            *dgain *= s;
        }
    }

    /// dx (=|+=) gain·rstd·(dy − dbias/n − x̂·dgain/n) for any run of whole rows; dgain and dbias are the whole batch's
    /// [sums](batch_norm_backward_sums), `n` = B·L of the whole batch. Where the statistics are fixed numbers, not the
    /// batch's, both sums are zeros. x, dy, dx [R, C, L], dgain, dbias [C].
    pub(super) fn batch_norm_backward<T: Scalar>(
        x: &[T], dy: &[T], normal: Normal<'_, T>, dgain: &[T], dbias: &[T], n: usize, length: usize, dx: &mut [T],
        add: bool,
    ) {
        let Normal { mean, rstd, gain } = normal;
        let cols = mean.len() * length;
        assert!(x.len() == dx.len() && x.len() == dy.len() && x.len() % cols == 0);
        assert!(rstd.len() == mean.len() && gain.len() == mean.len());
        assert!(dgain.len() == mean.len() && dbias.len() == mean.len());
        let part = T::from_f64(1.0 / n as f64);
        for ((dx, x), dy) in dx.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(dy.chunks_exact(cols)) {
            if length == 1 {
                let normal = mean.iter().zip(rstd).zip(gain);
                let sums = dgain.iter().zip(dbias);
                let row = dx.iter_mut().zip(x).zip(dy);
                for (((dx, &x), &dy), (((&m, &s), &gain), (&dgain, &dbias))) in row.zip(normal.zip(sums)) {
                    put(dx, add, gain * s * (dy - part * dbias - (x - m) * s * (part * dgain)));
                }
                continue;
            }
            let rows = dx.chunks_exact_mut(length).zip(x.chunks_exact(length)).zip(dy.chunks_exact(length));
            for (c, ((dx, x), dy)) in rows.enumerate() {
                let (m, s, scale) = (mean[c], rstd[c], gain[c] * rstd[c]);
                let (flat, tilt) = (part * dbias[c], part * dgain[c]);
                for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                    put(dx, add, scale * (dy - flat - (x - m) * s * tilt));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, double, gradient, numbers};

    const EPSILON: f64 = 1e-5;

    /// Channel of element `i` of [B, C, L].
    fn channel(i: usize, count: usize, length: usize) -> usize {
        i / length % count
    }

    /// Mean and biased variance of each channel.
    fn naive_statistics(x: &[f64], count: usize, length: usize) -> (Vec<f64>, Vec<f64>) {
        let of = |c: usize| x.iter().enumerate().filter(move |(i, _)| channel(*i, count, length) == c);
        let n = (x.len() / count) as f64;
        let mean: Vec<f64> = (0..count).map(|c| of(c).map(|(_, x)| x).sum::<f64>() / n).collect();
        let variance =
            (0..count).map(|c| of(c).map(|(_, x)| (x - mean[c]).powi(2)).sum::<f64>() / n).collect();
        (mean, variance)
    }

    fn naive(x: &[f64], gain: &[f64], bias: &[f64], length: usize) -> Vec<f64> {
        let (mean, variance) = naive_statistics(x, gain.len(), length);
        let y = |(i, x): (usize, &f64)| {
            let c = channel(i, gain.len(), length);
            (x - mean[c]) / (variance[c] + EPSILON).sqrt() * gain[c] + bias[c]
        };
        x.iter().enumerate().map(y).collect()
    }

    fn agrees<T: Scalar>(batch: usize, count: usize, length: usize, limit: f64) {
        let size = batch * count * length;
        let (x, dy) = (numbers::<T>("x", size), numbers::<T>("dy", size));
        let (gain, bias) = (numbers::<T>("gain", count), numbers::<T>("bias", count));
        let zeros = || vec![T::ZERO; count];
        let (mut mean, mut rstd, mut dgain, mut dbias) = (zeros(), zeros(), zeros(), zeros());
        // The channels in two parts, as two threads would take them.
        let parts = [0..count / 2, count / 2..count];
        let part = |range: &Range<usize>| Channels { count, length, range: range.clone() };
        for r in &parts {
            batch_norm_statistics(&x, part(r), &mut mean[r.clone()], &mut rstd[r.clone()]);
        }
        let (wx, wgain, wbias, wdy) = (double(&x), double(&gain), double(&bias), double(&dy));
        let (wmean, wvariance) = naive_statistics(&wx, count, length);
        close(&mean, &wmean, limit);
        close(&rstd, &wvariance, limit);

        batch_norm_rstd(&mut rstd, T::from_f64(EPSILON));
        let normal = Normal { mean: &mean, rstd: &rstd, gain: &gain };
        let mut y = vec![T::ONE; size];
        // Rows one by one give the same as the whole batch.
        for (y, x) in y.chunks_mut(count * length).zip(x.chunks(count * length)) {
            batch_norm_apply(x, normal, &bias, length, y);
        }
        close(&y, &naive(&wx, &wgain, &wbias, length), limit);

        for r in &parts {
            let (dgain, dbias) = (&mut dgain[r.clone()], &mut dbias[r.clone()]);
            batch_norm_backward_sums(&x, &dy, part(r), &mean[r.clone()], &rstd[r.clone()], dgain, dbias);
        }
        gradient(&wgain, &dgain, |gain| dot(&naive(&wx, gain, &wbias, length), &wdy), limit);
        gradient(&wbias, &dbias, |bias| dot(&naive(&wx, &wgain, bias, length), &wdy), limit);
        let mut dx = vec![T::ONE; size];
        batch_norm_backward(&x, &dy, normal, &dgain, &dbias, batch * length, length, &mut dx, false);
        gradient(&wx, &dx, |x| dot(&naive(x, &wgain, &wbias, length), &wdy), limit);
        let once = double(&dx);
        batch_norm_backward(&x, &dy, normal, &dgain, &dbias, batch * length, length, &mut dx, true);
        close(&dx, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), limit);
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        for (batch, count, length) in [(2, 1, 1), (7, 5, 1), (300, 2, 1), (3, 4, 5), (2, 3, 37), (1, 2, 16)] {
            agrees::<f64>(batch, count, length, 2e-7);
        }
        for (batch, count, length) in [(7, 5, 1), (300, 2, 1), (3, 4, 5), (2, 3, 37)] {
            agrees::<f32>(batch, count, length, 1e-5);
        }
    }

    #[test]
    fn running_statistics_move_as_in_pytorch() {
        // torch.nn.BatchNorm1d(1, momentum=0.1) after one batch of [1, 2, 4, 5]: mean 3, unbiased variance 10/3.
        let (mut running_mean, mut running_variance) = ([0.0], [1.0]);
        batch_norm_update_running(&[3.0], &[2.5], 4, 0.1, &mut running_mean, &mut running_variance);
        close(&running_mean, &[0.3], 1e-15);
        close(&running_variance, &[0.9 + 0.1 * 10.0 / 3.0], 1e-15);
    }

    #[test]
    fn fixed_statistics_only_scale_the_gradient() {
        let normal = Normal { mean: &[1.0, -1.0], rstd: &[2.0, 0.5], gain: &[3.0, 1.0] };
        let mut dx = [0.0; 4];
        batch_norm_backward(&[5.0; 4], &[1.0; 4], normal, &[0.0; 2], &[0.0; 2], 2, 1, &mut dx, false);
        assert_eq!(dx, [6.0, 0.5, 6.0, 0.5]);
    }
}

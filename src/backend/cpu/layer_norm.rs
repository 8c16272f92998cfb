//! Layer normalisation (Ba, Kiros & Hinton 2016): each row is brought to mean 0 and variance 1.
//!
//! x̂[r, c] = (x[r, c] − mean[r])·rstd[r], y = x̂·gain[c] + bias[c], with the biased variance and
//! rstd = 1/√(variance + ε), as PyTorch's `LayerNorm`.

use super::columns::{ROWS, STRIP};
use crate::backend::kernel::{columns, kernel, lane_sum, put};
use crate::backend::scalar::Scalar;
use std::ops::Range;

kernel! {
    /// y from x; keeps each row's mean and rstd. x, y [R, C], gain, bias [C], mean, rstd [R].
    pub(super) fn layer_norm_forward<T: Scalar>(
        x: &[T], gain: &[T], bias: &[T], epsilon: T, y: &mut [T], mean: &mut [T], rstd: &mut [T],
    ) {
        let cols = columns(x.len(), mean.len());
        assert!(x.len() == y.len() && mean.len() == rstd.len() && gain.len() == cols && bias.len() == cols);
        let part = T::from_f64(1.0 / cols as f64);
        let rows = y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(mean.iter_mut().zip(rstd));
        for ((y, x), (mean, rstd)) in rows {
            let m = part * lane_sum!(T; x in x => x);
            let variance = part * lane_sum!(T; x in x => (x - m).square());
            let s = (variance + epsilon).sqrt().recip();
            for (((y, &x), &gain), &bias) in y.iter_mut().zip(x).zip(gain).zip(bias) {
                *y = (x - m) * s * gain + bias;
            }
            (*mean, *rstd) = (m, s);
        }
    }

    /// With g = dy·gain: dx (=|+=) rstd·(g − mean_c(g) − x̂·mean_c(g·x̂)). x, dy, dx [R, C], gain [C], mean, rstd [R].
    pub(super) fn layer_norm_backward<T: Scalar>(
        x: &[T], dy: &[T], gain: &[T], mean: &[T], rstd: &[T], dx: &mut [T], add: bool,
    ) {
        let cols = columns(x.len(), mean.len());
        assert!(x.len() == dy.len() && x.len() == dx.len() && mean.len() == rstd.len() && gain.len() == cols);
        let part = T::from_f64(1.0 / cols as f64);
        let rows = dx.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(dy.chunks_exact(cols));
        for (((dx, x), dy), (&m, &s)) in rows.zip(mean.iter().zip(rstd)) {
            let flat = part * lane_sum!(T; dy in dy, gain in gain => dy * gain);
            let tilt = part * s * lane_sum!(T; x in x, dy in dy, gain in gain => dy * gain * (x - m));
            for (((dx, &x), &dy), &gain) in dx.iter_mut().zip(x).zip(dy).zip(gain) {
                put(dx, add, s * (dy * gain - flat - (x - m) * s * tilt));
            }
        }
    }

    /// dgain[c − start] += Σ_r dy·x̂ and dbias[c − start] += Σ_r dy for the columns start..end of `range`; the order of a
    /// column's sum does not depend on the range.
    ///
    /// x, dy [R, C], mean, rstd [R], dgain, dbias [end − start] where they are wanted.
    pub(super) fn layer_norm_backward_affine<T: Scalar>(
        x: &[T], dy: &[T], mean: &[T], rstd: &[T], range: Range<usize>, dgain: Option<&mut [T]>, dbias: Option<&mut [T]>,
    ) {
        let cols = columns(x.len(), mean.len());
        assert!(x.len() == dy.len() && mean.len() == rstd.len());
        let mut wanted = [dgain, dbias];
        assert!(wanted.iter().flatten().all(|d| d.len() == range.len()));
        for start in (0..range.len()).step_by(STRIP) {
            let strip = start..range.len().min(start + STRIP);
            let first = range.start + start;
            let mut scratch = [[T::ZERO; STRIP]; 2];
            let blocks = x.chunks(ROWS * cols).zip(dy.chunks(ROWS * cols));
            for ((x, dy), (mean, rstd)) in blocks.zip(mean.chunks(ROWS).zip(rstd.chunks(ROWS))) {
                let [gains, biases] = &mut scratch;
                let (gains, biases) = (&mut gains[..strip.len()], &mut biases[..strip.len()]);
                gains.fill(T::ZERO);
                biases.fill(T::ZERO);
                let rows = x.chunks_exact(cols).zip(dy.chunks_exact(cols)).zip(mean.iter().zip(rstd));
                for ((x, dy), (&m, &s)) in rows {
                    let sums = gains.iter_mut().zip(biases.iter_mut());
                    for ((gain, bias), (&x, &dy)) in sums.zip(x[first..].iter().zip(&dy[first..])) {
                        *gain += dy * ((x - m) * s);
                        *bias += dy;
                    }
                }
                for (d, sums) in wanted.iter_mut().zip(&scratch) {
                    let Some(d) = d else { continue };
                    for (d, &sum) in d[strip.clone()].iter_mut().zip(sums) {
                        *d += sum;
                    }
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

    fn naive(x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
        let cols = gain.len();
        let row = |x: &[f64]| {
            let mean = x.iter().sum::<f64>() / cols as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / cols as f64;
            (0..cols)
                .map(|c| (x[c] - mean) / (variance + EPSILON).sqrt() * gain[c] + bias[c])
                .collect::<Vec<_>>()
        };
        x.chunks(cols).flat_map(row).collect()
    }

    fn agrees<T: Scalar>(rows: usize, cols: usize, limit: f64) {
        let n = rows * cols;
        let (x, dy) = (numbers::<T>("x", n), numbers::<T>("dy", n));
        let (gain, bias) = (numbers::<T>("gain", cols), numbers::<T>("bias", cols));
        let (mut y, mut mean, mut rstd) = (vec![T::ZERO; n], vec![T::ZERO; rows], vec![T::ZERO; rows]);
        layer_norm_forward(&x, &gain, &bias, T::from_f64(EPSILON), &mut y, &mut mean, &mut rstd);
        let (wx, wgain, wbias, wdy) = (double(&x), double(&gain), double(&bias), double(&dy));
        close(&y, &naive(&wx, &wgain, &wbias), limit);

        let mut dx = vec![T::ONE; n];
        layer_norm_backward(&x, &dy, &gain, &mean, &rstd, &mut dx, false);
        gradient(&wx, &dx, |x| dot(&naive(x, &wgain, &wbias), &wdy), limit);
        let once = double(&dx);
        layer_norm_backward(&x, &dy, &gain, &mean, &rstd, &mut dx, true);
        close(&dx, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), limit);

        let (mut dgain, mut dbias) = (vec![T::ZERO; cols], vec![T::ZERO; cols]);
        let cut = cols / 2;
        for range in [0..cut, cut..cols] {
            let (dgain, dbias) = (&mut dgain[range.clone()], &mut dbias[range.clone()]);
            layer_norm_backward_affine(&x, &dy, &mean, &rstd, range.clone(), Some(dgain), None);
            layer_norm_backward_affine(&x, &dy, &mean, &rstd, range, None, Some(dbias));
        }
        gradient(&wgain, &dgain, |gain| dot(&naive(&wx, gain, &wbias), &wdy), limit);
        gradient(&wbias, &dbias, |bias| dot(&naive(&wx, &wgain, bias), &wdy), limit);
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        for (rows, cols) in [(1, 2), (3, 5), (5, 16), (2, 37), (300, 3)] {
            agrees::<f64>(rows, cols, 2e-7);
        }
        for (rows, cols) in [(3, 5), (5, 16), (2, 37)] {
            agrees::<f32>(rows, cols, 1e-5);
        }
    }
}

//! Root mean square normalisation (Zhang & Sennrich 2019), as PyTorch's `RMSNorm`.

use std::ops::Range;

use crate::backend::cpu::columns::ROWS;
use crate::backend::cpu::{Lane, Number};
use crate::backend::kernel::{columns, kernel, lane_sum, put};
use crate::backend::scalar::Scalar;
use crate::backend::{Dest, Rms};
use crate::tensor::View;

impl<T: Number> Rms for Lane<'_, T> {
    fn rms_norm(&mut self, x: View, gain: View, y: View, rstd: View, eps: f64) {
        forward(self.get(x), self.get(gain), T::from_f64(eps), self.get_mut(y), self.get_mut(rstd));
    }

    fn rms_norm_grad(&mut self, x: View, gain: View, rstd: View, dy: View, dx: Dest) {
        let add = self.adds(dx);
        backward(self.get(x), self.get(gain), self.get(rstd), self.get(dy), self.get_mut(dx.view), add);
    }

    fn rms_norm_gain_grad(&mut self, x: View, rstd: View, dy: View, dgain: Dest, units: Range<usize>) {
        let (out, add) = (self.part_mut(dgain.view, units.clone()), self.adds(dgain));
        backward_gain(self.get(x), self.get(rstd), self.get(dy), units, out, add);
    }
}

kernel! {
    /// y from x; keeps each row's rstd. x, y [R, C], gain [C], rstd [R].
    fn forward<T: Scalar>(x: &[T], gain: &[T], epsilon: T, y: &mut [T], rstd: &mut [T]) {
        let cols = columns(x.len(), rstd.len());
        assert!(x.len() == y.len() && gain.len() == cols);
        let part = T::from_f64(1.0 / cols as f64);
        for ((y, x), rstd) in y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(rstd) {
            let s = (part * lane_sum!(T; x in x => x.square()) + epsilon).sqrt().recip();
            for ((y, &x), &gain) in y.iter_mut().zip(x).zip(gain) {
                *y = x * s * gain;
            }
            *rstd = s;
        }
    }

    /// With g = dy·gain: dx (=|+=) rstd·(g − x·rstd²·mean_c(g·x)). x, dy, dx [R, C], gain [C], rstd [R].
    fn backward<T: Scalar>(x: &[T], gain: &[T], rstd: &[T], dy: &[T], dx: &mut [T], add: bool) {
        let cols = columns(x.len(), rstd.len());
        assert!(x.len() == dy.len() && x.len() == dx.len() && gain.len() == cols);
        let part = T::from_f64(1.0 / cols as f64);
        let rows = dx.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(dy.chunks_exact(cols));
        for (((dx, x), dy), &s) in rows.zip(rstd) {
            let tilt = part * s * s * lane_sum!(T; x in x, dy in dy, gain in gain => dy * gain * x);
            for (((dx, &x), &dy), &gain) in dx.iter_mut().zip(x).zip(dy).zip(gain) {
                put(dx, add, s * (dy * gain - x * tilt));
            }
        }
    }

    /// dgain[c − start] (=|+=) Σ_r dy·x·rstd for the columns start..end of `range`; the order of a column's sum does not depend
    /// on the range. x, dy [R, C], rstd [R], dgain [end − start].
    fn backward_gain<T: Scalar>(
        x: &[T], rstd: &[T], dy: &[T], range: Range<usize>, dgain: &mut [T], add: bool,
    ) {
        let cols = columns(x.len(), rstd.len());
        assert!(x.len() == dy.len() && dgain.len() == range.len());
        if !add {
            dgain.fill(T::ZERO);
        }
        for (strip, dgain) in dgain.chunks_mut(STRIP).enumerate() {
            let first = range.start + strip * STRIP;
            let blocks = x.chunks(ROWS * cols).zip(dy.chunks(ROWS * cols)).zip(rstd.chunks(ROWS));
            for ((x, dy), rstd) in blocks {
                let mut room = [T::ZERO; STRIP];
                let sums = &mut room[..dgain.len()];
                for ((x, dy), &s) in x.chunks_exact(cols).zip(dy.chunks_exact(cols)).zip(rstd) {
                    for (sum, (&x, &dy)) in sums.iter_mut().zip(x[first..].iter().zip(&dy[first..])) {
                        *sum += dy * (x * s);
                    }
                }
                for (d, &sum) in dgain.iter_mut().zip(sums.iter()) {
                    *d += sum;
                }
            }
        }
    }
}

/// Columns whose sums are taken together.
const STRIP: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, gradient, numbers};

    const EPSILON: f64 = 1e-5;

    fn naive(x: &[f64], gain: &[f64]) -> Vec<f64> {
        let row = |x: &[f64]| {
            let size = (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + EPSILON).sqrt();
            x.iter().zip(gain).map(|(x, gain)| x / size * gain).collect::<Vec<_>>()
        };
        x.chunks(gain.len()).flat_map(row).collect()
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        for (rows, cols) in [(1, 1), (3, 5), (2, 70), (300, 3)] {
            let n = rows * cols;
            let (x, dy, gain) = (numbers("x", n), numbers("dy", n), numbers("gain", cols));
            let (mut y, mut rstd) = (vec![0.0; n], vec![0.0; rows]);
            forward(&x, &gain, EPSILON, &mut y, &mut rstd);
            close(&y, &naive(&x, &gain), 1e-14);
            let mut dx = vec![1.0; n];
            backward(&x, &gain, &rstd, &dy, &mut dx, false);
            gradient(&x, &dx, |x| dot(&naive(x, &gain), &dy), 1e-7);
            backward(&x, &gain, &rstd, &dy, &mut dx, true);
            gradient(&x, &dx, |x| 2.0 * dot(&naive(x, &gain), &dy), 1e-7);
            let mut dgain = vec![0.0; cols];
            let cut = cols / 2;
            for (add, range) in [(false, 0..cut), (true, cut..cols)] {
                backward_gain(&x, &rstd, &dy, range.clone(), &mut dgain[range], add);
            }
            gradient(&gain, &dgain, |gain| dot(&naive(&x, gain), &dy), 1e-7);
        }
    }
}

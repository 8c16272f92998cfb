//! Cross entropy of logits and class labels, row by row, as PyTorch's `CrossEntropyLoss(reduction="none")`.
//!
//! With p = softmax(x[r]), label y, smoothing ε and class weights w (1 where there are none):
//! loss[r] = (1 − ε)·w[y]·(−ln p[y]) + ε/C·Σ_c w[c]·(−ln p[c]).
//! Smoothing: Szegedy et al. 2016, section 7. A weighted mean divides by Σ_r w[y]: that is the caller's.

use super::softmax::{BLOCK, exponentials, log_sum_exps, rows_of_block};
use crate::backend::kernel::{columns, kernel, lane_sum, put};
use crate::backend::scalar::Scalar;

/// What the loss knows besides logits and labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Targets<'a, T> {
    /// The class of each row, a whole number in 0..C. [R]
    pub(super) labels: &'a [T],
    /// ε in [0, 1).
    pub(super) smoothing: T,
    /// w. [C]
    pub(super) weights: Option<&'a [T]>,
}

impl<T: Scalar> Targets<'_, T> {
    /// Weight of class `c`.
    #[inline(always)]
    fn weight(&self, c: usize) -> T {
        self.weights.map_or(T::ONE, |w| w[c])
    }

    /// Σ_c w[c]
    #[inline(always)]
    fn total_weight(&self, cols: usize) -> T {
        match self.weights {
            Some(w) => lane_sum!(T; w in w => w),
            None => T::from_f64(cols as f64),
        }
    }
}

kernel! {
    /// The loss of each row. x [R, C], loss [R]; saved [R, 2] keeps the two parts of the row's log-sum-exp for the
    /// backward pass.
    ///
    /// # Panics
    /// Where a label is not below C.
    pub(super) fn cross_entropy_forward<T: Scalar>(x: &[T], targets: Targets<'_, T>, loss: &mut [T], saved: &mut [T]) {
        let cols = columns(x.len(), loss.len());
        let saved = saved.as_chunks_mut::<2>().0;
        assert!(saved.len() == loss.len() && targets.labels.len() == loss.len());
        log_sum_exps(x, cols, saved);
        let (keep, spread) = parts(targets.smoothing, cols);
        let rows = x.chunks_exact(cols).zip(targets.labels);
        for ((loss, &mut [most, rest]), (x, label)) in loss.iter_mut().zip(saved).zip(rows) {
            let label = label.to_f64() as usize;
            let hit = keep * targets.weight(label) * (rest - (x[label] - most));
            *loss = if targets.smoothing == T::ZERO {
                hit
            } else {
                let all = match targets.weights {
                    Some(w) => lane_sum!(T; x in x, w in w => w * (rest - (x - most))),
                    None => lane_sum!(T; x in x => rest - (x - most)),
                };
                hit + spread * all
            };
        }
    }

    /// dx[r, c] (=|+=) dloss[r]·(p[c]·((1 − ε)·w[y] + ε/C·Σw) − (1 − ε)·w[y]·[c = y] − ε/C·w[c]).
    ///
    /// x, dx [R, C], saved (by the forward pass) [R, 2], dloss [R].
    ///
    /// # Panics
    /// Where a label is not below C.
    pub(super) fn cross_entropy_backward<T: Scalar>(
        x: &[T], targets: Targets<'_, T>, saved: &[T], dloss: &[T], dx: &mut [T], add: bool,
    ) {
        let cols = columns(x.len(), dloss.len());
        let saved = saved.as_chunks::<2>().0;
        assert!(x.len() == dx.len() && saved.len() == dloss.len() && targets.labels.len() == dloss.len());
        let (keep, spread) = parts(targets.smoothing, cols);
        let spread_all = spread * targets.total_weight(cols);
        let mut scratch = [T::ZERO; BLOCK];
        let step = rows_of_block(cols);
        let blocks = dx.chunks_mut(step * cols).zip(x.chunks(step * cols));
        for (block, (dx, x)) in blocks.enumerate() {
            let narrow = cols <= BLOCK;
            let first = block * step;
            if narrow {
                let p = &mut scratch[..x.len()];
                let rows = p.chunks_exact_mut(cols).zip(x.chunks_exact(cols));
                for ((p, x), &[most, rest]) in rows.zip(&saved[first..]) {
                    for (p, &x) in p.iter_mut().zip(x) {
                        *p = (x - most) - rest;
                    }
                }
                exponentials(p);
            }
            for (i, (dx, x)) in dx.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).enumerate() {
                let row = first + i;
                let label = targets.labels[row].to_f64() as usize;
                let (g, hit) = (dloss[row], keep * targets.weight(label));
                let factor = g * (hit + spread_all);
                if narrow {
                    for (dx, &p) in dx.iter_mut().zip(&scratch[i * cols..]) {
                        put(dx, add, factor * p);
                    }
                } else {
                    let [most, rest] = saved[row];
                    for (dx, &x) in dx.iter_mut().zip(x) {
                        put(dx, add, factor * ((x - most) - rest).exp());
                    }
                }
                dx[label] -= g * hit;
                if targets.smoothing != T::ZERO {
                    match targets.weights {
                        Some(w) => {
                            for (dx, &w) in dx.iter_mut().zip(w) {
                                *dx -= g * spread * w;
                            }
                        }
                        None => {
                            for dx in dx.iter_mut() {
                                *dx -= g * spread;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// (1 − ε, ε/C)
#[inline(always)]
fn parts<T: Scalar>(smoothing: T, cols: usize) -> (T, T) {
    (T::ONE - smoothing, smoothing / T::from_f64(cols as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, double, gradient, labels, numbers};

    const SHAPES: [(usize, usize); 5] = [(1, 2), (200, 3), (5, 16), (3, 37), (2, 600)];

    fn naive(x: &[f64], labels: &[f64], smoothing: f64, w: Option<&[f64]>) -> Vec<f64> {
        let cols = x.len() / labels.len();
        let row = |x: &[f64], label: usize| {
            let lse = x.iter().map(|x| x.exp()).sum::<f64>().ln();
            let w = |c: usize| w.map_or(1.0, |w| w[c]);
            (0..cols)
                .map(|c| {
                    let target = if c == label { 1.0 - smoothing } else { 0.0 } + smoothing / cols as f64;
                    target * w(c) * (lse - x[c])
                })
                .sum()
        };
        x.chunks(cols).zip(labels).map(|(x, &label)| row(x, label as usize)).collect()
    }

    fn agrees<T: Scalar>(limit: f64) {
        for (rows, cols) in SHAPES {
            let x = numbers::<T>("x", rows * cols);
            let labels = labels::<T>("labels", rows, cols);
            let w: Vec<T> = numbers::<T>("w", cols).iter().map(|w| w.abs()).collect();
            for (smoothing, weights) in [(0.0, None), (0.1, None), (0.0, Some(&w[..])), (0.3, Some(&w[..]))] {
                let targets = Targets { labels: &labels, smoothing: T::from_f64(smoothing), weights };
                let (mut loss, mut saved) = (vec![T::ONE; rows], vec![T::ONE; 2 * rows]);
                cross_entropy_forward(&x, targets, &mut loss, &mut saved);
                let wide = weights.map(double);
                let value = |x: &[f64]| naive(x, &double(&labels), smoothing, wide.as_deref());
                close(&loss, &value(&double(&x)), limit);

                let dloss = numbers::<T>("dloss", rows);
                let mut dx = vec![T::ONE; rows * cols];
                let total = |x: &[f64]| dot(&value(x), &double(&dloss));
                cross_entropy_backward(&x, targets, &saved, &dloss, &mut dx, false);
                if rows * cols <= 200 || limit < 1e-7 {
                    gradient(&double(&x), &dx, total, limit.max(2e-7));
                }
                let once = double(&dx);
                cross_entropy_backward(&x, targets, &saved, &dloss, &mut dx, true);
                close(&dx, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), limit.max(1e-12));
            }
        }
    }

    #[test]
    fn losses_and_gradients_agree_with_the_definition() {
        agrees::<f32>(4e-6);
        agrees::<f64>(1e-13);
    }

    #[test]
    fn certain_and_hopeless_rows_keep_their_precision() {
        let targets = Targets { labels: &[1.0f32], smoothing: 0.0, weights: None };
        let (mut loss, mut saved) = ([0.0], [0.0; 2]);
        cross_entropy_forward(&[500.0, -500.0], targets, &mut loss, &mut saved);
        assert_eq!(loss, [1000.0]);
        // Nearly certain: ln(1 + e⁻⁹) to the last place of 1 + e⁻⁹, though the logits' own last place is 3e-5.
        cross_entropy_forward(&[491.0, 500.0], targets, &mut loss, &mut saved);
        close(&loss, &[(-9f64).exp().ln_1p()], 1e-7);
    }
}

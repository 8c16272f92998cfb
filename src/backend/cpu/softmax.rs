//! Softmax and log-sum-exp of each row.

use crate::backend::kernel::{kernel, lane_sum, largest, put};
use crate::backend::scalar::Scalar;

/// Elements that are raised to e together. Rows are often shorter than a vector register (three classes of
/// iris), so a block of rows is prepared first and the exponentials run over the block as one slice.
pub(super) const BLOCK: usize = 512;

/// Rows of `cols` elements that make a block.
#[inline(always)]
pub(super) fn rows_of_block(cols: usize) -> usize {
    (BLOCK / cols).max(1)
}

/// x = eˣ
#[inline(always)]
pub(super) fn exponentials<T: Scalar>(x: &mut [T]) {
    for x in x {
        *x = x.exp();
    }
}

/// Log-sum-exp of each row of `x` in two parts whose sum it is: the largest element m, and ln Σ e^(x − m). Kept
/// apart they lose nothing where the logits are large and the sum is near 1.
#[inline(always)]
pub(super) fn log_sum_exps<T: Scalar>(x: &[T], cols: usize, parts: &mut [[T; 2]]) {
    if cols > BLOCK {
        for (parts, x) in parts.iter_mut().zip(x.chunks_exact(cols)) {
            let most = largest(x);
            *parts = [most, lane_sum!(T; x in x => (x - most).exp()).ln()];
        }
        return;
    }
    let rows = rows_of_block(cols);
    let mut scratch = [T::ZERO; BLOCK];
    for (parts, x) in parts.chunks_mut(rows).zip(x.chunks(rows * cols)) {
        let e = &mut scratch[..x.len()];
        for (([most, _], e), x) in parts.iter_mut().zip(e.chunks_exact_mut(cols)).zip(x.chunks_exact(cols)) {
            *most = largest(x);
            for (e, &x) in e.iter_mut().zip(x) {
                *e = x - *most;
            }
        }
        exponentials(e);
        for ([_, rest], e) in parts.iter_mut().zip(e.chunks_exact(cols)) {
            *rest = lane_sum!(T; e in e => e).ln();
        }
    }
}

kernel! {
    /// y[r, c] = e^x[r, c] / Σ_k e^x[r, k], the largest of the row subtracted first. x, y [R, C].
    pub(super) fn softmax_forward<T: Scalar>(x: &[T], cols: usize, y: &mut [T]) {
        assert_eq!(x.len(), y.len());
        assert_eq!(x.len() % cols, 0);
        let block = rows_of_block(cols) * cols;
        for (y, x) in y.chunks_mut(block).zip(x.chunks(block)) {
            for (y, x) in y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
                let most = largest(x);
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = x - most;
                }
            }
            exponentials(y);
            for y in y.chunks_exact_mut(cols) {
                let total = lane_sum!(T; y in y => y);
                for y in y {
                    *y /= total;
                }
            }
        }
    }

    /// dx[r, c] (=|+=) y[r, c]·(dy[r, c] − Σ_k dy[r, k]·y[r, k]). y, dy, dx [R, C].
    pub(super) fn softmax_backward<T: Scalar>(y: &[T], dy: &[T], cols: usize, dx: &mut [T], add: bool) {
        assert!(y.len() == dy.len() && y.len() == dx.len());
        assert_eq!(y.len() % cols, 0);
        for ((dx, y), dy) in dx.chunks_exact_mut(cols).zip(y.chunks_exact(cols)).zip(dy.chunks_exact(cols)) {
            let inner = lane_sum!(T; y in y, dy in dy => y * dy);
            for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                put(dx, add, y * (dy - inner));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, double, gradient, numbers};

    /// Odd widths, one column, one row, and rows longer than a block.
    const SHAPES: [(usize, usize); 6] = [(1, 1), (300, 3), (5, 16), (3, 37), (1, 512), (2, 1100)];

    fn naive_lse(x: &[f64]) -> f64 {
        x.iter().map(|x| x.exp()).sum::<f64>().ln()
    }

    fn agrees<T: Scalar>(limit: f64) {
        for (rows, cols) in SHAPES {
            let x = numbers::<T>("x", rows * cols);
            let mut y = vec![T::ZERO; rows * cols];
            softmax_forward(&x, cols, &mut y);
            let want_lse: Vec<f64> = double(&x).chunks(cols).map(naive_lse).collect();
            let want: Vec<f64> =
                x.iter().enumerate().map(|(i, x)| (x.to_f64() - want_lse[i / cols]).exp()).collect();
            close(&y, &want, limit);
        }
    }

    #[test]
    fn forward_agrees_with_the_plain_form() {
        agrees::<f32>(1e-6);
        agrees::<f64>(1e-14);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for (rows, cols) in &SHAPES[..4] {
            let n = rows * cols;
            let (x, dy) = (numbers::<f64>("x", n), numbers::<f64>("dy", n));
            let softmax = |x: &[f64]| {
                let mut y = vec![0.0; n];
                softmax_forward(x, *cols, &mut y);
                y
            };
            let mut dx = vec![1.0; n];
            softmax_backward(&softmax(&x), &dy, *cols, &mut dx, false);
            gradient(&x, &dx, |x| dot(&softmax(x), &dy), 1e-7);
            softmax_backward(&softmax(&x), &dy, *cols, &mut dx, true);
            gradient(&x, &dx, |x| 2.0 * dot(&softmax(x), &dy), 1e-7);

            let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
            let mut dx32 = vec![0.0f32; n];
            softmax_backward(&narrow(&softmax(&x)), &narrow(&dy), *cols, &mut dx32, false);
            softmax_backward(&narrow(&softmax(&x)), &narrow(&dy), *cols, &mut dx32, true);
            close(&dx32, &dx, 2e-6);
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let mut y = [0.0f32; 3];
        softmax_forward(&[1000.0, 1000.0, -1000.0], 3, &mut y);
        assert_eq!(y, [0.5, 0.5, 0.0]);
        softmax_forward(&[f32::NAN, 1.0, 2.0], 3, &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }
}

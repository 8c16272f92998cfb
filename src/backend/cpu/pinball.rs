//! The pinball loss of quantile regression (Koenker & Bassett 1978).
//!
//! For a quantile's level q and d = t − p: max(q·d, (q − 1)·d). Legend: R rows, K targets, Q levels.

use crate::backend::kernel::{columns, kernel, put};
use crate::backend::scalar::Scalar;

kernel! {
    /// loss[r] (=|+=) scale·Σ_k,q max(q·d, (q − 1)·d). p [R, K, Q], t [R, K], levels [Q], loss [R].
    pub fn pinball_forward<T: Scalar>(p: &[T], t: &[T], levels: &[T], scale: T, loss: &mut [T], add: bool) {
        let targets = columns(t.len(), loss.len());
        assert_eq!(p.len(), t.len() * levels.len());
        let rows = p.chunks_exact(targets * levels.len()).zip(t.chunks_exact(targets));
        for (loss, (p, t)) in loss.iter_mut().zip(rows) {
            let mut sum = T::ZERO;
            for (p, &t) in p.chunks_exact(levels.len()).zip(t) {
                for (&p, &q) in p.iter().zip(levels) {
                    let d = t - p;
                    sum += (q * d).max((q - T::ONE) * d);
                }
            }
            put(loss, add, scale * sum);
        }
    }

    /// dp (=|+=) scale·dloss[r]·(−q where p < t, 1 − q where p > t, ½ − q where they meet).
    ///
    /// p, dp [R, K, Q], t [R, K], levels [Q], dloss [R].
    pub fn pinball_backward<T: Scalar>(
        p: &[T], t: &[T], levels: &[T], scale: T, dloss: &[T], dp: &mut [T], add: bool,
    ) {
        let targets = columns(t.len(), dloss.len());
        assert!(p.len() == t.len() * levels.len() && p.len() == dp.len());
        let width = levels.len();
        let half = T::from_f64(0.5);
        for (n, ((dp, p), &t)) in dp.chunks_exact_mut(width).zip(p.chunks_exact(width)).zip(t).enumerate() {
            let g = scale * dloss[n / targets];
            for ((dp, &p), &q) in dp.iter_mut().zip(p).zip(levels) {
                let above = T::select(p > t, T::ONE, T::select(p < t, T::ZERO, half));
                put(dp, add, g * (above - q));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, double, gradient, numbers};

    fn naive(p: &[f64], t: &[f64], levels: &[f64], rows: usize) -> Vec<f64> {
        let mut loss = vec![0.0; rows];
        for (i, p) in p.iter().enumerate() {
            let (target, level) = (i / levels.len(), levels[i % levels.len()]);
            let d = t[target] - p;
            loss[target / (t.len() / rows)] += 0.5 * if d >= 0.0 { level * d } else { (level - 1.0) * d };
        }
        loss
    }

    fn agrees<T: Scalar>(rows: usize, targets: usize, levels: &[f64], limit: f64) {
        let n = rows * targets;
        let (p, t) = (numbers::<T>("p", n * levels.len()), numbers::<T>("t", n));
        let dloss = numbers::<T>("dloss", rows);
        let q: Vec<T> = levels.iter().map(|&q| T::from_f64(q)).collect();
        let half = T::from_f64(0.5);
        let mut loss = vec![T::ONE; rows];
        pinball_forward(&p, &t, &q, half, &mut loss, true);
        let value = |p: &[f64]| naive(p, &double(&t), levels, rows);
        close(&loss, &value(&double(&p)).iter().map(|l| l + 1.0).collect::<Vec<_>>(), limit);
        let mut dp = vec![T::ONE; p.len()];
        pinball_backward(&p, &t, &q, half, &dloss, &mut dp, false);
        gradient(&double(&p), &dp, |p| dot(&value(p), &double(&dloss)), limit);
        let once = double(&dp);
        pinball_backward(&p, &t, &q, half, &dloss, &mut dp, true);
        close(&dp, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), limit);
    }

    #[test]
    fn losses_and_gradients_agree_with_the_definition() {
        for (rows, targets) in [(1, 1), (5, 1), (4, 3), (1, 17)] {
            for levels in [&[0.5][..], &[0.1, 0.5, 0.9]] {
                agrees::<f64>(rows, targets, levels, 1e-7);
                agrees::<f32>(rows, targets, levels, 2e-6);
            }
        }
    }

    #[test]
    fn where_prediction_and_target_meet_the_slope_is_the_middle_one() {
        let mut dp = [9.0];
        pinball_backward(&[2.0], &[2.0], &[0.9], 1.0, &[1.0], &mut dp, false);
        close(&dp, &[-0.4], 1e-15);
    }
}

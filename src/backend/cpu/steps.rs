//! Loops over the steps of series [R, T, C] up to the end of each row: steps come in their order, whatever T is.

use crate::backend::Steps;
use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;

/// Steps of row `r`.
#[inline(always)]
pub(super) fn end<T: Scalar>(lengths: Option<&[T]>, r: usize, steps: Steps) -> usize {
    match lengths {
        Some(lengths) => (lengths[r].to_f64() as usize).min(steps.count),
        None => steps.count,
    }
}

/// Numbers of a row; 1 for an empty one, so that chunks can be taken.
#[inline(always)]
fn row(steps: Steps) -> usize {
    (steps.count * steps.width).max(1)
}

kernel! {
    /// y (=|+=) x before the end of each row, 0 behind it. x, y [R, T, C], lengths [R].
    pub(super) fn mask<T: Scalar>(x: &[T], lengths: &[T], steps: Steps, y: &mut [T], add: bool) {
        assert!(x.len() == y.len() && x.len() == lengths.len() * steps.count * steps.width);
        for (r, (x, y)) in x.chunks_exact(row(steps)).zip(y.chunks_exact_mut(row(steps))).enumerate() {
            let (y, rest) = y.split_at_mut(end(Some(lengths), r, steps) * steps.width);
            for (y, &x) in y.iter_mut().zip(x) {
                put(y, add, x);
            }
            if !add {
                rest.fill(T::ZERO);
            }
        }
    }

    /// y = Σ x / n over the n steps of each row, 0 where n is 0. x [R, T, C], y [R, C].
    pub(super) fn mean<T: Scalar>(x: &[T], lengths: Option<&[T]>, steps: Steps, y: &mut [T]) {
        assert_eq!(x.len(), y.len() * steps.count);
        for (r, (x, y)) in x.chunks_exact(row(steps)).zip(y.chunks_exact_mut(steps.width)).enumerate() {
            let n = end(lengths, r, steps);
            y.fill(T::ZERO);
            for x in x.chunks_exact(steps.width).take(n) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += x;
                }
            }
            let n = T::from_f64(n.max(1) as f64);
            for y in y {
                *y /= n;
            }
        }
    }

    /// dx (=|+=) dy / n in the n steps of each row, 0 behind them. dx [R, T, C], dy [R, C].
    pub(super) fn mean_backward<T: Scalar>(dy: &[T], lengths: Option<&[T]>, steps: Steps, dx: &mut [T], add: bool) {
        assert_eq!(dx.len(), dy.len() * steps.count);
        for (r, (dx, dy)) in dx.chunks_exact_mut(row(steps)).zip(dy.chunks_exact(steps.width)).enumerate() {
            let n = end(lengths, r, steps);
            let (dx, rest) = dx.split_at_mut(n * steps.width);
            let n = T::from_f64(n.max(1) as f64);
            for dx in dx.chunks_exact_mut(steps.width) {
                for (dx, &dy) in dx.iter_mut().zip(dy) {
                    put(dx, add, dy / n);
                }
            }
            if !add {
                rest.fill(T::ZERO);
            }
        }
    }

    /// y = max x over the steps of each row and `at` the first step that holds it; a NaN stays. x [R, T, C], y, at [R, C].
    pub(super) fn max<T: Scalar>(x: &[T], lengths: Option<&[T]>, steps: Steps, y: &mut [T], at: &mut [T]) {
        assert!(x.len() == y.len() * steps.count && y.len() == at.len());
        let out = y.chunks_exact_mut(steps.width).zip(at.chunks_exact_mut(steps.width));
        for (r, (x, (y, at))) in x.chunks_exact(row(steps)).zip(out).enumerate() {
            let mut rows = x.chunks_exact(steps.width).take(end(lengths, r, steps)).enumerate();
            let Some((_, first)) = rows.next() else {
                y.fill(T::ZERO);
                at.fill(-T::ONE);
                continue;
            };
            y.copy_from_slice(first);
            at.fill(T::ZERO);
            for (t, x) in rows {
                let t = T::from_f64(t as f64);
                for ((y, at), &x) in y.iter_mut().zip(at.iter_mut()).zip(x) {
                    // A NaN in y is no number above −∞: it is kept.
                    let (stays, number) = (x <= *y, *y >= T::NEG_INFINITY);
                    *at = T::select(stays, *at, T::select(number, t, *at));
                    *y = T::select(stays, *y, T::select(number, x, *y));
                }
            }
        }
    }

    /// y = the last step of each row and `at` its place, or the first step in the channels from `turned` on. x [R, T, C],
    /// y, at [R, C].
    pub(super) fn last<T: Scalar>(
        x: &[T], lengths: Option<&[T]>, steps: Steps, turned: usize, y: &mut [T], at: &mut [T],
    ) {
        assert!(x.len() == y.len() * steps.count && y.len() == at.len());
        let out = y.chunks_exact_mut(steps.width).zip(at.chunks_exact_mut(steps.width));
        for (r, (x, (y, at))) in x.chunks_exact(row(steps)).zip(out).enumerate() {
            let n = end(lengths, r, steps);
            at.fill(T::from_f64(n as f64 - 1.0));
            match n.checked_sub(1) {
                Some(t) => {
                    y.copy_from_slice(&x[t * steps.width..n * steps.width]);
                    y[turned..].copy_from_slice(&x[turned..steps.width]);
                    at[turned..].fill(T::ZERO);
                }
                None => y.fill(T::ZERO),
            }
        }
    }

    /// dx (=|+=) dy in the step `at`, 0 in the others. dx [R, T, C], dy, at [R, C].
    pub(super) fn pick_backward<T: Scalar>(dy: &[T], at: &[T], steps: Steps, dx: &mut [T], add: bool) {
        assert!(dx.len() == dy.len() * steps.count && dy.len() == at.len());
        let picked = dy.chunks_exact(steps.width).zip(at.chunks_exact(steps.width));
        for (dx, (dy, at)) in dx.chunks_exact_mut(row(steps)).zip(picked) {
            for (t, dx) in dx.chunks_exact_mut(steps.width).enumerate() {
                let t = T::from_f64(t as f64);
                for (dx, (&dy, &at)) in dx.iter_mut().zip(dy.iter().zip(at)) {
                    put(dx, add, T::select(at == t, dy, T::ZERO));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Steps = Steps { count: 3, width: 2 };
    /// Two rows of three steps of two numbers; the second ends after two steps.
    const X: [f64; 12] = [1.0, 6.0, 2.0, 5.0, 6.0, 4.0, 7.0, 9.0, 8.0, 9.0, 9.0, 99.0];
    const LENGTHS: [f64; 2] = [3.0, 2.0];

    #[test]
    fn nothing_behind_the_end_is_read() {
        let (mut y, mut at) = ([9.0; 4], [9.0; 4]);
        mean(&X, Some(&LENGTHS), STEPS, &mut y);
        assert_eq!(y, [3.0, 5.0, 7.5, 9.0]);
        max(&X, Some(&LENGTHS), STEPS, &mut y, &mut at);
        assert_eq!((y, at), ([6.0, 6.0, 8.0, 9.0], [2.0, 0.0, 1.0, 0.0]));
        last(&X, Some(&LENGTHS), STEPS, 2, &mut y, &mut at);
        assert_eq!((y, at), ([6.0, 4.0, 8.0, 9.0], [2.0, 2.0, 1.0, 1.0]));
        last(&X, Some(&LENGTHS), STEPS, 1, &mut y, &mut at);
        assert_eq!((y, at), ([6.0, 6.0, 8.0, 9.0], [2.0, 0.0, 1.0, 0.0]));
        mean(&X, None, STEPS, &mut y);
        assert_eq!(y[2..], [8.0, 39.0]);
        let mut masked = [1.0; 12];
        mask(&X, &LENGTHS, STEPS, &mut masked, false);
        assert_eq!((&masked[..10], &masked[10..]), (&X[..10], &[0.0, 0.0][..]));
        mask(&X, &LENGTHS, STEPS, &mut masked, true);
        assert_eq!((masked[0], masked[11]), (2.0, 0.0));
    }

    #[test]
    fn gradients_go_to_the_steps_that_were_read() {
        let mut dx = [9.0; 12];
        mean_backward(&[3.0, 6.0, 4.0, 8.0], Some(&LENGTHS), STEPS, &mut dx, false);
        assert_eq!(dx, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 2.0, 4.0, 2.0, 4.0, 0.0, 0.0]);
        pick_backward(&[3.0, 6.0, 4.0, 8.0], &[2.0, 0.0, 1.0, -1.0], STEPS, &mut dx, true);
        assert_eq!(dx, [1.0, 8.0, 1.0, 2.0, 4.0, 2.0, 2.0, 4.0, 6.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn a_row_without_steps_is_zero_and_a_nan_stays() {
        let (mut y, mut at) = ([9.0; 2], [9.0; 2]);
        max(&[f64::NAN; 6], Some(&[0.0]), STEPS, &mut y, &mut at);
        assert_eq!((y, at), ([0.0; 2], [-1.0; 2]));
        for turned in [2, 1, 0] {
            (y, at) = ([9.0; 2], [9.0; 2]);
            last(&[f64::NAN; 6], Some(&[0.0]), STEPS, turned, &mut y, &mut at);
            assert_eq!((y, at), ([0.0; 2], [-1.0; 2]));
        }
        mean(&[f64::NAN; 6], Some(&[0.0]), STEPS, &mut y);
        assert_eq!(y, [0.0; 2]);
        max(&[1.0, f64::NAN, f64::NAN, 2.0, 3.0, 4.0], None, STEPS, &mut y, &mut at);
        assert!(y.iter().all(|y| y.is_nan()) && at == [1.0, 0.0]);
    }
}

//! Arithmetic on whole slices, and their sums. All slices of a call have the same length.

use crate::backend::kernel::{columns, kernel, lane_sum, largest, put};
use crate::backend::scalar::Scalar;

/// Elements that [`sum`] and [`sum_squares`] add up before they start the next partial sum.
pub const SUM_BLOCK: usize = 4096;

kernel! {
    /// y (=|+=) a·x
    pub fn scale<T: Scalar>(a: T, x: &[T], y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            put(y, add, a * x);
        }
    }

    /// y = a·y
    pub fn scale_in_place<T: Scalar>(a: T, y: &mut [T]) {
        for y in y {
            *y *= a;
        }
    }

    /// y (=|+=) x
    pub fn copy<T: Scalar>(x: &[T], y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            put(y, add, x);
        }
    }

    /// z (=|+=) x + y
    pub fn sum_of_two<T: Scalar>(x: &[T], y: &[T], z: &mut [T], add: bool) {
        assert!(x.len() == y.len() && x.len() == z.len());
        for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
            put(z, add, x + y);
        }
    }

    /// z (=|+=) x·y
    pub fn multiply<T: Scalar>(x: &[T], y: &[T], z: &mut [T], add: bool) {
        assert!(x.len() == y.len() && x.len() == z.len());
        for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
            put(z, add, x * y);
        }
    }

    /// y[r, c] (=|+=) a[r]·x[r, c]. x, y [R, C], a [R].
    pub fn scale_rows<T: Scalar>(a: &[T], x: &[T], y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        let cols = columns(x.len(), a.len());
        for ((y, x), &a) in y.chunks_exact_mut(cols).zip(x.chunks_exact(cols)).zip(a) {
            for (y, &x) in y.iter_mut().zip(x) {
                put(y, add, a * x);
            }
        }
    }

    /// Σ xᵢ in double precision: blocks of [`SUM_BLOCK`], one after the other. Adding the sums of such blocks in
    /// order gives the same bits.
    pub fn sum<T: Scalar>(x: &[T]) -> f64 {
        let mut total = 0.0;
        for block in x.chunks(SUM_BLOCK) {
            total += lane_sum!(f64; x in block => x.to_f64());
        }
        total
    }

    /// Σ xᵢ² in double precision, ordered like [`sum`].
    pub fn sum_squares<T: Scalar>(x: &[T]) -> f64 {
        let mut total = 0.0;
        for block in x.chunks(SUM_BLOCK) {
            total += lane_sum!(f64; x in block => x.to_f64().square());
        }
        total
    }

    /// out[r] = max_c x[r, c], NaNs passed over. x [R, C], out [R].
    pub fn row_max<T: Scalar>(x: &[T], out: &mut [T]) {
        let cols = columns(x.len(), out.len());
        for (out, x) in out.iter_mut().zip(x.chunks_exact(cols)) {
            *out = largest(x);
        }
    }

    /// out[r] = the first c at which x[r, c] is largest; 0 where all are NaN. x [R, C], out [R].
    pub fn row_argmax<T: Scalar>(x: &[T], out: &mut [usize]) {
        let cols = columns(x.len(), out.len());
        for (out, x) in out.iter_mut().zip(x.chunks_exact(cols)) {
            let most = largest(x);
            *out = x.iter().position(|&x| x == most).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, double, numbers};

    /// A loop into z, and what it should put there from x and y.
    type Case<'a, T> = (&'a dyn Fn(&mut [T], bool), fn(f64, f64) -> f64);

    fn arithmetic<T: Scalar>(limit: f64) {
        for n in [0, 1, 16, 35] {
            let (x, y, old) = (numbers::<T>("x", n), numbers::<T>("y", n), numbers::<T>("z", n));
            let a = T::from_f64(1.5);
            let cases: [Case<'_, T>; 4] = [
                (&|z, add| scale(a, &x, z, add), |x, _| 1.5 * x),
                (&|z, add| copy(&x, z, add), |x, _| x),
                (&|z, add| sum_of_two(&x, &y, z, add), |x, y| x + y),
                (&|z, add| multiply(&x, &y, z, add), |x, y| x * y),
            ];
            for (run, f) in cases {
                for add in [false, true] {
                    let mut z = old.clone();
                    run(&mut z, add);
                    let base = if add { 1.0 } else { 0.0 };
                    let want: Vec<f64> =
                        (0..n).map(|i| base * old[i].to_f64() + f(x[i].to_f64(), y[i].to_f64())).collect();
                    close(&z, &want, limit);
                }
            }
            let mut z = x.clone();
            scale_in_place(a, &mut z);
            close(&z, &double(&x).iter().map(|x| 1.5 * x).collect::<Vec<_>>(), limit);
        }
    }

    #[test]
    fn arithmetic_agrees_with_the_plain_form() {
        arithmetic::<f32>(1e-6);
        arithmetic::<f64>(1e-15);
    }

    #[test]
    fn rows_are_scaled_each_by_its_own_number() {
        let mut y = [1.0; 6];
        scale_rows(&[2.0, -1.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut y, true);
        assert_eq!(y, [3.0, 5.0, 7.0, -3.0, -4.0, -5.0]);
    }

    #[test]
    fn sums_have_the_bits_of_their_blocks() {
        let x = numbers::<f32>("x", 3 * SUM_BLOCK + 77);
        let by_blocks = |f: fn(&[f32]) -> f64| x.chunks(SUM_BLOCK).map(f).fold(0.0, |a, b| a + b);
        assert_eq!(sum(&x).to_bits(), by_blocks(sum).to_bits());
        assert_eq!(sum_squares(&x).to_bits(), by_blocks(sum_squares).to_bits());
        let exact = double(&x);
        assert!((sum(&x) - exact.iter().sum::<f64>()).abs() < 1e-9);
        assert!((sum_squares(&x) - exact.iter().map(|x| x * x).sum::<f64>()).abs() < 1e-9);
    }

    #[test]
    fn the_first_largest_of_a_row_is_found() {
        for cols in [1, 5, 16, 40] {
            let mut x = numbers::<f32>("x", 3 * cols);
            x[cols / 2] = 9.0;
            x[cols - 1] = 9.0;
            x[2 * cols - 1] = 9.0;
            let (mut most, mut at) = ([0.0; 3], [usize::MAX; 3]);
            row_max(&x, &mut most);
            row_argmax(&x, &mut at);
            let third = x[2 * cols..].iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(most, [9.0, 9.0, third]);
            assert_eq!(at[..2], [cols / 2, cols - 1]);
            assert_eq!(x[2 * cols + at[2]], third);
        }
        let mut at = [7];
        row_argmax(&[f32::NAN, 1.0, 2.0], &mut at);
        assert_eq!(at, [2]);
    }
}

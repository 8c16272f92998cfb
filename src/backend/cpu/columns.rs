//! Sums down the columns of a matrix, and copies of some of its columns.

use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;
use std::ops::Range;

/// Columns whose partial sums are kept at hand together.
pub(super) const STRIP: usize = 512;

/// Columns whose partial sums are kept in registers together.
const WIDE: usize = 32;
/// The same for what is left of the columns.
const NARROW: usize = 8;

/// Rows that are summed before the partial sum is added to the total: keeps the error of a long sum small.
pub(super) const ROWS: usize = 256;

/// Some neighbouring columns of a matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Columns of the whole matrix.
    pub(super) cols: usize,
    /// The first column of the window.
    pub(super) first: usize,
}

kernel! {
    /// out[c − start] (=|+=) Σ_r x[r, c] for the columns start..end of `range`; the order of a column's sum does not
    /// depend on the range. x [R, C], out [end − start].
    pub(super) fn column_sums<T: Scalar>(x: &[T], cols: usize, range: Range<usize>, out: &mut [T], add: bool) {
        assert_eq!(x.len() % cols, 0);
        assert_eq!(out.len(), range.len());
        if !add {
            out.fill(T::ZERO);
        }
        for rows in x.chunks(ROWS * cols) {
            let mut done = 0;
            while done + WIDE <= out.len() {
                strip::<T, WIDE>(rows, cols, range.start + done, &mut out[done..done + WIDE]);
                done += WIDE;
            }
            while done + NARROW <= out.len() {
                strip::<T, NARROW>(rows, cols, range.start + done, &mut out[done..done + NARROW]);
                done += NARROW;
            }
            while done < out.len() {
                strip::<T, 1>(rows, cols, range.start + done, &mut out[done..done + 1]);
                done += 1;
            }
        }
    }

    /// y[r, c] (=|+=) x[r, c] for the `width` columns c of two windows: the parts of a concatenation, or, with `add`
    /// and the windows exchanged, its gradient. x and y have the same number of rows.
    pub(super) fn copy_columns<T: Scalar>(x: &[T], from: Window, y: &mut [T], to: Window, width: usize, add: bool) {
        assert!(x.len() % from.cols == 0 && y.len() % to.cols == 0);
        assert_eq!(x.len() / from.cols, y.len() / to.cols);
        for (x, y) in x.chunks_exact(from.cols).zip(y.chunks_exact_mut(to.cols)) {
            let (x, y) = (&x[from.first..from.first + width], &mut y[to.first..to.first + width]);
            for (y, &x) in y.iter_mut().zip(x) {
                put(y, add, x);
            }
        }
    }
}

/// out[c − first] += Σ_r x[r, c] for N columns, whose sums stay in registers.
#[inline(always)]
fn strip<T: Scalar, const N: usize>(x: &[T], cols: usize, first: usize, out: &mut [T]) {
    let mut sums = [T::ZERO; N];
    for row in x.chunks_exact(cols) {
        let row = &row[first..first + N];
        for lane in 0..N {
            sums[lane] += row[lane];
        }
    }
    for lane in 0..N {
        out[lane] += sums[lane];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, numbers};

    fn agrees<T: Scalar>(limit: f64) {
        for (rows, cols) in [(0, 3), (1, 1), (7, 3), (600, 40), (2, 1300)] {
            let x = numbers::<T>("x", rows * cols);
            let mut out = vec![T::ONE; cols];
            column_sums(&x, cols, 0..cols, &mut out, true);
            let sum = |c: usize| (0..rows).map(|r| x[r * cols + c].to_f64()).sum::<f64>();
            close(&out, &(0..cols).map(|c| 1.0 + sum(c)).collect::<Vec<_>>(), limit);

            // Any split of the columns gives the same bits.
            let mut parts = vec![T::ZERO; cols];
            column_sums(&x, cols, 0..cols, &mut out, false);
            let (left, right) = parts.split_at_mut(cols / 3);
            column_sums(&x, cols, 0..cols / 3, left, false);
            column_sums(&x, cols, cols / 3..cols, right, false);
            assert_eq!(out, parts);
        }
    }

    #[test]
    fn column_sums_agree_with_the_plain_form_and_do_not_depend_on_the_split() {
        agrees::<f32>(2e-5);
        agrees::<f64>(1e-13);
    }

    #[test]
    fn windows_are_copied_and_added() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut y = [10.0; 8];
        copy_columns(&x, Window { cols: 3, first: 1 }, &mut y, Window { cols: 4, first: 2 }, 2, false);
        assert_eq!(y, [10.0, 10.0, 2.0, 3.0, 10.0, 10.0, 5.0, 6.0]);
        copy_columns(&x, Window { cols: 3, first: 0 }, &mut y, Window { cols: 4, first: 3 }, 1, true);
        assert_eq!(y, [10.0, 10.0, 2.0, 4.0, 10.0, 10.0, 5.0, 10.0]);
    }
}

//! Each row's matrix with rows and columns exchanged.

use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;

/// Rows and columns that are exchanged together: a block of cache lines on both sides.
const BLOCK: usize = 16;

kernel! {
    /// y[b, j, i] (=|+=) x[b, i, j]; x [B, rows, cols], y [B, cols, rows].
    pub(super) fn transpose<T: Scalar>(x: &[T], rows: usize, cols: usize, y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        let size = (rows * cols).max(1);
        assert_eq!(x.len() % size, 0);
        for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
            for first in (0..cols).step_by(BLOCK) {
                let last = (first + BLOCK).min(cols);
                for top in (0..rows).step_by(BLOCK) {
                    let bottom = (top + BLOCK).min(rows);
                    for j in first..last {
                        for (i, y) in (top..bottom).zip(&mut y[j * rows + top..j * rows + bottom]) {
                            put(y, add, x[i * cols + j]);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::numbers;

    #[test]
    fn rows_and_columns_change_places() {
        for (batch, rows, cols) in [(1, 1, 1), (2, 3, 5), (3, 17, 33), (1, 40, 2), (0, 2, 2)] {
            let x = numbers::<f32>("x", batch * rows * cols);
            let mut y = vec![1.0; x.len()];
            transpose(&x, rows, cols, &mut y, true);
            let mut back = vec![0.0; x.len()];
            transpose(&y, cols, rows, &mut back, false);
            assert!(back.iter().zip(&x).all(|(back, x)| *back == x + 1.0));
            for b in 0..batch {
                assert_eq!(y[b * rows * cols + rows - 1], x[b * rows * cols + (rows - 1) * cols] + 1.0);
            }
        }
    }
}

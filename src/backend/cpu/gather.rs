//! Rows of a table by their numbers: the embedding.

use crate::backend::kernel::kernel;
use crate::backend::scalar::Scalar;
use std::ops::Range;

kernel! {
    /// y[n] = table[ids[n]]. table [V, C], ids [N] (whole numbers in 0..V), y [N, C].
    ///
    /// # Panics
    /// Where an id is not below V.
    pub(super) fn gather<T: Scalar>(table: &[T], ids: &[T], cols: usize, y: &mut [T]) {
        assert_eq!(y.len(), ids.len() * cols);
        for (y, id) in y.chunks_exact_mut(cols).zip(ids) {
            let at = id.to_f64() as usize * cols;
            y.copy_from_slice(&table[at..at + cols]);
        }
    }

    /// dtable[ids[n] − start] += dy[n] for every id in start..end of `range`, n in order: each thread owns some rows of
    /// the table, and any split of them gives the same bits.
    ///
    /// dy [N, C], ids [N], dtable [end − start, C].
    pub(super) fn scatter_add<T: Scalar>(dy: &[T], ids: &[T], cols: usize, range: Range<usize>, dtable: &mut [T]) {
        assert!(dy.len() == ids.len() * cols && dtable.len() == range.len() * cols);
        for (dy, id) in dy.chunks_exact(cols).zip(ids) {
            let id = id.to_f64() as usize;
            if range.contains(&id) {
                let at = (id - range.start) * cols;
                for (d, &dy) in dtable[at..at + cols].iter_mut().zip(dy) {
                    *d += dy;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, double, gradient, labels, numbers};

    #[test]
    fn rows_are_gathered_and_their_gradient_agrees_with_differences() {
        for (ids, rows, cols) in [(1, 1, 1), (9, 4, 3), (40, 7, 33)] {
            let at = labels::<f64>("ids", ids, rows);
            let (table, dy) = (numbers::<f64>("table", rows * cols), numbers::<f64>("dy", ids * cols));
            let run = |table: &[f64]| {
                let mut y = vec![0.0; ids * cols];
                gather(table, &at, cols, &mut y);
                y
            };
            for (n, y) in run(&table).chunks(cols).enumerate() {
                assert_eq!(y, &table[at[n] as usize * cols..][..cols]);
            }
            let mut dtable = vec![0.0; rows * cols];
            let (low, high) = dtable.split_at_mut(rows / 2 * cols);
            scatter_add(&dy, &at, cols, 0..rows / 2, low);
            scatter_add(&dy, &at, cols, rows / 2..rows, high);
            gradient(&table, &dtable, |table| dot(&run(table), &dy), 1e-7);

            let mut whole = vec![1.0f32; rows * cols];
            let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
            scatter_add(&narrow(&dy), &narrow(&at), cols, 0..rows, &mut whole);
            close(&whole, &double(&dtable).iter().map(|d| d + 1.0).collect::<Vec<_>>(), 2e-6);
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn an_id_beyond_the_table_is_refused() {
        gather(&[0.0f32; 6], &[3.0], 2, &mut [0.0; 2]);
    }
}

//! The places of steps, on one lane.

use std::ops::Range;

use crate::backend::cpu::{Lane, Number};
use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;
use crate::backend::{Dest, Positions, Rotation};
use crate::tensor::View;

impl<T: Number> Positions for Lane<'_, T> {
    fn add_positions(&mut self, x: View, table: View, position: Option<View>, y: View, columns: usize) {
        let position = position.map(|p| self.get(p));
        add(self.get(x), self.get(table), position, [x.row_len, columns], self.get_mut(y));
    }

    fn rotate(
        &mut self,
        x: View,
        table: View,
        position: Option<View>,
        y: Dest,
        rotation: Rotation,
        back: bool,
    ) {
        let (position, add) = (position.map(|p| self.get(p)), self.adds(y));
        turn(self.get(x), self.get(table), position, x.row_len, rotation, back, self.get_mut(y.view), add);
    }

    fn clear(&mut self, dst: Dest, part: Range<usize>) {
        if !self.adds(dst) {
            self.part_mut(dst.view, part).fill(T::ZERO);
        }
    }
}

/// The first row of the table that row `r` of the batch reads.
#[inline(always)]
fn first<T: Scalar>(position: Option<&[T]>, r: usize) -> usize {
    position.map_or(0, |position| position[r].to_f64() as usize)
}

kernel! {
    /// y[r, t] = x[r, t] + table[position[r] + t]; `sizes` are the numbers of a row and of a step.
    fn add<T: Scalar>(x: &[T], table: &[T], position: Option<&[T]>, sizes: [usize; 2], y: &mut [T]) {
        assert_eq!(x.len(), y.len());
        let [row, columns] = sizes;
        for (r, (x, y)) in x.chunks_exact(row).zip(y.chunks_exact_mut(row)).enumerate() {
            let table = &table[first(position, r) * columns..][..row];
            for ((y, &x), &place) in y.iter_mut().zip(x).zip(table) {
                *y = x + place;
            }
        }
    }

    /// y (=|+=) x with pairs turned; `row` is the numbers of a row of the batch.
    fn turn<T: Scalar>(
        x: &[T], table: &[T], position: Option<&[T]>, row: usize, rotation: Rotation, back: bool, y: &mut [T], add: bool,
    ) {
        assert_eq!(x.len(), y.len());
        let Rotation { columns, heads, width } = rotation;
        for (r, (x, y)) in x.chunks_exact(row).zip(y.chunks_exact_mut(row)).enumerate() {
            let table = &table[first(position, r) * width..][..row / columns * width];
            let steps = x.chunks_exact(columns).zip(y.chunks_exact_mut(columns));
            for ((x, y), angles) in steps.zip(table.chunks_exact(width)) {
                let (cos, sin) = angles.split_at(width / 2);
                let (turned, rest) = y.split_at_mut(heads * width);
                for (x, y) in x.chunks_exact(width).zip(turned.chunks_exact_mut(width)) {
                    let (a, b) = x.split_at(width / 2);
                    let (ya, yb) = y.split_at_mut(width / 2);
                    let pairs = a.iter().zip(b).zip(ya.iter_mut().zip(yb));
                    for (((&a, &b), (ya, yb)), (&cos, &sin)) in pairs.zip(cos.iter().zip(sin)) {
                        let sin = T::select(back, -sin, sin);
                        put(ya, add, a * cos - b * sin);
                        put(yb, add, b * cos + a * sin);
                    }
                }
                for (y, &x) in rest.iter_mut().zip(&x[heads * width..]) {
                    put(y, add, x);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_batch_has_a_place_of_its_own() {
        let (x, table) = ([1.0, 2.0, 3.0, 4.0], [0.0, 10.0, 20.0, 30.0]);
        let mut y = [0.0; 4];
        add(&x, &table, None, [2, 1], &mut y);
        assert_eq!(y, [1.0, 12.0, 3.0, 14.0]);
        add(&x, &table, Some(&[2.0, 1.0]), [2, 1], &mut y);
        assert_eq!(y, [21.0, 32.0, 13.0, 24.0]);
    }

    #[test]
    fn pairs_are_turned_and_turned_back() {
        // A quarter turn at step 1; the last column stays.
        let table = [1.0, 0.0, 0.0, 1.0];
        let rotation = Rotation { columns: 3, heads: 1, width: 2 };
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (mut y, mut back) = ([0.0; 6], [1.0; 6]);
        turn(&x, &table, None, 6, rotation, false, &mut y, false);
        assert_eq!(y, [1.0, 2.0, 3.0, -5.0, 4.0, 6.0]);
        turn(&y, &table, None, 6, rotation, true, &mut back, true);
        assert_eq!(back, x.map(|x| x + 1.0));
        turn(&x[3..], &table, Some(&[1.0]), 3, rotation, false, &mut y[..3], false);
        assert_eq!(y[..3], [-5.0, 4.0, 6.0]);
    }
}

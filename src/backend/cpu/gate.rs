//! Whole channels of a row weighed: x [B, P, C], gate [B, C].

use crate::backend::channels::STRIP;
use crate::backend::cpu::strips::Strip;
use crate::backend::cpu::{Lane, Number};
use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;
use crate::backend::{Dest, Gate};
use crate::tensor::{Key, View};

impl<T: Number> Gate for Lane<'_, T> {
    fn gate(&mut self, x: View, gate: View, y: Dest) {
        let add = self.adds(y);
        apply(self.get(x), self.get(gate), gate.row_len, self.get_mut(y.view), add);
    }

    fn gate_grad(&mut self, x: View, dy: View, dgate: Dest) {
        let add = self.adds(dgate);
        sums(self.get(x), self.get(dy), dgate.view.row_len, self.get_mut(dgate.view), add);
    }

    fn dropout_gate(&mut self, gate: View, p: f64, key: Key) {
        let first = self.rows.start * gate.row_len;
        draw(key, first, p, self.get_mut(gate));
    }

    fn swiglu(&mut self, x: View, y: View, width: usize) {
        swiglu(self.get(x), width, self.get_mut(y));
    }

    fn swiglu_grad(&mut self, x: View, dy: View, dx: Dest, width: usize) {
        let add = self.adds(dx);
        swiglu_backward(self.get(x), self.get(dy), width, self.get_mut(dx.view), add);
    }
}

kernel! {
    /// y[b, p, c] (=|+=) x[b, p, c]·gate[b, c]
    fn apply<T: Scalar>(x: &[T], gate: &[T], cols: usize, y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        let row = x.len() / (gate.len() / cols.max(1)).max(1);
        let rows = x.chunks_exact(row.max(1)).zip(y.chunks_exact_mut(row.max(1)));
        for ((x, y), gate) in rows.zip(gate.chunks_exact(cols)) {
            for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact_mut(cols)) {
                for ((y, &x), &gate) in y.iter_mut().zip(x).zip(gate) {
                    put(y, add, x * gate);
                }
            }
        }
    }

    /// dgate[b, c] (=|+=) Σ_p x[b, p, c]·dy[b, p, c]
    fn sums<T: Scalar>(x: &[T], dy: &[T], cols: usize, dgate: &mut [T], add: bool) {
        assert_eq!(x.len(), dy.len());
        let row = x.len() / (dgate.len() / cols.max(1)).max(1);
        let rows = x.chunks_exact(row.max(1)).zip(dy.chunks_exact(row.max(1)));
        for ((x, dy), dgate) in rows.zip(dgate.chunks_exact_mut(cols)) {
            for (i, dgate) in dgate.chunks_mut(STRIP).enumerate() {
                let (mut products, mut plain) = ([T::ZERO; STRIP], [T::ZERO; STRIP]);
                let strip = Strip::at(cols, &(0..cols), i);
                strip.add_slopes(x, dy, &[T::ZERO; STRIP], &mut products, &mut plain);
                for (dgate, &sum) in dgate.iter_mut().zip(&products) {
                    put(dgate, add, sum);
                }
            }
        }
    }

    /// gate[i] = 0 with probability `p`, to 2⁻⁵³, and else 1 / (1 − p); `first` is the place of gate[0] in the batch.
    fn draw<T: Scalar>(key: Key, first: usize, p: f64, gate: &mut [T]) {
        let threshold = (p * (1u64 << 53) as f64) as u64;
        let scale = T::from_f64(1.0 / (1.0 - p));
        for (i, gate) in (first as u64..).zip(gate) {
            *gate = T::select(key.bits(i) >> 11 >= threshold, scale, T::ZERO);
        }
    }
}

kernel! {
    /// y = a·σ(a)·b. x [R, 2 width], its halves a and b, y [R, width].
    fn swiglu<T: Scalar>(x: &[T], width: usize, y: &mut [T]) {
        assert_eq!(x.len(), 2 * y.len());
        for (x, y) in x.chunks_exact(2 * width).zip(y.chunks_exact_mut(width)) {
            let (a, b) = x.split_at(width);
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = a * a.sigmoid() * b;
            }
        }
    }

    /// da (=|+=) dy·b·σ(a)·(1 + a·(1 − σ(a))), db (=|+=) dy·a·σ(a).
    fn swiglu_backward<T: Scalar>(x: &[T], dy: &[T], width: usize, dx: &mut [T], add: bool) {
        assert!(x.len() == 2 * dy.len() && x.len() == dx.len());
        let rows = x.chunks_exact(2 * width).zip(dx.chunks_exact_mut(2 * width));
        for ((x, dx), dy) in rows.zip(dy.chunks_exact(width)) {
            let ((a, b), (da, db)) = (x.split_at(width), dx.split_at_mut(width));
            for (((&a, &b), (da, db)), &dy) in a.iter().zip(b).zip(da.iter_mut().zip(db)).zip(dy) {
                let s = a.sigmoid();
                put(da, add, dy * b * s * (T::ONE + a * (T::ONE - s)));
                put(db, add, dy * a * s);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, dot, gradient, numbers};

    #[test]
    fn swiglu_and_its_gradient_agree_with_the_definition() {
        for (rows, width) in [(1, 1), (3, 5), (2, 33)] {
            let (x, dy) = (numbers::<f64>("x", 2 * rows * width), numbers::<f64>("dy", rows * width));
            let plain = |x: &[f64]| -> Vec<f64> {
                let at = |i: usize| i / width * 2 * width + i % width;
                let y = |i: usize| x[at(i)] / (1.0 + (-x[at(i)]).exp()) * x[at(i) + width];
                (0..rows * width).map(y).collect()
            };
            let mut y = vec![9.0; dy.len()];
            swiglu(&x, width, &mut y);
            close(&y, &plain(&x), 1e-14);
            let mut dx = vec![9.0; x.len()];
            swiglu_backward(&x, &dy, width, &mut dx, false);
            gradient(&x, &dx, |x| dot(&plain(x), &dy), 1e-7);
            swiglu_backward(&x, &dy, width, &mut dx, true);
            gradient(&x, &dx, |x| 2.0 * dot(&plain(x), &dy), 1e-7);
        }
    }

    #[test]
    fn each_place_of_a_channel_is_weighed_alike() {
        for (batch, places, cols) in [(1, 1, 1), (2, 3, 5), (3, 70, 18)] {
            let x = numbers::<f64>("x", batch * places * cols);
            let (gate, dy) = (numbers::<f64>("gate", batch * cols), numbers::<f64>("dy", x.len()));
            let at = |i: usize| i / (places * cols) * cols + i % cols;
            let mut y = vec![1.0; x.len()];
            apply(&x, &gate, cols, &mut y, true);
            close(&y, &x.iter().enumerate().map(|(i, x)| 1.0 + x * gate[at(i)]).collect::<Vec<_>>(), 1e-15);
            let mut want = vec![0.0; gate.len()];
            x.iter().zip(&dy).enumerate().for_each(|(i, (x, dy))| want[at(i)] += x * dy);
            let mut dgate = vec![9.0; gate.len()];
            sums(&x, &dy, cols, &mut dgate, false);
            close(&dgate, &want, 1e-13);
        }
    }

    #[test]
    fn a_gate_is_drawn_by_place_and_keeps_the_mean() {
        let mut gate = vec![9.0f32; 20_000];
        draw(Key::new(1), 0, 0.25, &mut gate);
        let mean = gate.iter().sum::<f32>() / gate.len() as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!(gate.iter().all(|&g| g == 0.0 || g == (1.0 / 0.75) as f32));
        let mut part = vec![9.0f32; 100];
        draw(Key::new(1), 300, 0.25, &mut part);
        assert_eq!(part, gate[300..400]);
    }
}

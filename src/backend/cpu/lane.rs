//! The primitives on one lane: views become slices, and the loops of this folder run on them.

use std::ops::Range;

use crate::backend::cpu::cross_entropy::{Targets, cross_entropy_backward, cross_entropy_forward};
use crate::backend::cpu::layer_norm::{layer_norm_backward, layer_norm_backward_affine, layer_norm_forward};
use crate::backend::cpu::matmul::{
    Packed, Rhs, Start, Strided, Window, matmul, pack_straight, pack_transposed,
};
use crate::backend::cpu::{Cpu, Lane, Number, columns, convolve, dropout, gather, slices, softmax};
use crate::backend::pointwise::{BinaryLoops, UnaryLoops};
use crate::backend::{Backend, CrossEntropy, Dest, Device, Form, Matrix};
use crate::tensor::{Key, View};

impl<T: Number> Lane<'_, T> {
    /// A matrix as the product reads it.
    fn strided<'s>(&self, m: &Matrix) -> Strided<'s, T>
    where
        Self: 's,
    {
        let data = self.get(m.view);
        let window =
            Strided::row_major(data, data.len() / m.width.max(1), m.width).cols_in(m.columns.clone());
        if m.transposed { window.transposed() } else { window }
    }

    /// The window of columns `m` of its rows, one row at a time.
    fn window_rows<'s>(&self, m: &Matrix) -> impl Iterator<Item = &'s [T]> + use<'s, T>
    where
        Self: 's,
    {
        let columns = m.columns.clone();
        self.get(m.view).chunks_exact(m.width).map(move |row| &row[columns.clone()])
    }

    fn is_whole(m: &Matrix) -> bool {
        m.columns == (0..m.width)
    }

    fn targets<'s>(&self, spec: CrossEntropy, labels: View) -> Targets<'s, T>
    where
        Self: 's,
    {
        let weights = spec.weights.map(|w| self.get(w));
        Targets { labels: self.get(labels), smoothing: T::from_f64(spec.smoothing), weights }
    }
}

impl<T: Number> Backend for Lane<'_, T> {
    fn key(&self) -> Key {
        self.key
    }

    fn matmul(
        &mut self,
        a: &Matrix,
        b: &Matrix,
        c: Dest,
        width: usize,
        rows: Option<Range<usize>>,
        bias: Option<View>,
    ) {
        let left = self.strided(a);
        let right = match b.packed {
            Some(packed) => {
                let summed = if b.transposed { b.width } else { self.get(b.view).len() / b.width.max(1) };
                Rhs::Packed(Packed::new(self.get(packed), width, summed))
            }
            _ => Rhs::Strided(self.strided(b)),
        };
        let start = match bias {
            Some(bias) => Start::Bias(self.get(bias)),
            None if self.adds(c) => Start::Keep,
            None => Start::Zero,
        };
        let out = match rows {
            Some(rows) => self.part_mut(c.view, rows.start * width..rows.end * width),
            None => self.get_mut(c.view),
        };
        let count = out.len() / width.max(1);
        matmul(left, right, Window::row_major(out, count, width), start, self.scratch);
    }

    fn map(&mut self, f: &dyn UnaryLoops, x: View, y: View) {
        f.forward(self.get(x), self.get_mut(y));
    }

    fn map_grad(&mut self, f: &dyn UnaryLoops, x: View, y: View, dy: View, dx: Dest) {
        let add = self.adds(dx);
        f.backward(self.get(x), self.get(y), self.get(dy), self.get_mut(dx.view), add);
    }

    fn zip(&mut self, f: &dyn BinaryLoops, a: View, b: View, z: View) {
        f.forward(self.get(a), self.get(b), self.get_mut(z));
    }

    fn zip_grad_a(&mut self, f: &dyn BinaryLoops, a: View, b: View, dz: View, da: Dest) {
        let add = self.adds(da);
        f.backward_a(self.get(a), self.get(b), self.get(dz), self.get_mut(da.view), add);
    }

    fn zip_grad_b(&mut self, f: &dyn BinaryLoops, a: View, b: View, dz: View, db: Dest) {
        let add = self.adds(db);
        f.backward_b(self.get(a), self.get(b), self.get(dz), self.get_mut(db.view), add);
    }

    fn row_loss(&mut self, f: &dyn BinaryLoops, p: &Matrix, t: &Matrix, scale: f64, loss: Dest) {
        let (scale, add) = (T::from_f64(scale), self.adds(loss));
        let out = self.get_mut(loss.view);
        if Self::is_whole(p) && Self::is_whole(t) {
            return f.rows_forward(self.get(p.view), self.get(t.view), scale, out, add);
        }
        for ((p, t), out) in self.window_rows(p).zip(self.window_rows(t)).zip(out.chunks_exact_mut(1)) {
            f.rows_forward(p, t, scale, out, add);
        }
    }

    fn row_loss_grad(
        &mut self,
        f: &dyn BinaryLoops,
        p: &Matrix,
        t: &Matrix,
        scale: f64,
        dloss: View,
        dp: Dest,
    ) {
        let (scale, add) = (T::from_f64(scale), self.adds(dp));
        let (dloss, out) = (self.get(dloss), self.get_mut(dp.view));
        if Self::is_whole(p) && Self::is_whole(t) {
            return f.rows_backward_a(self.get(p.view), self.get(t.view), scale, dloss, out, add);
        }
        let rows = out.chunks_exact_mut(p.width).zip(dloss.chunks_exact(1));
        for (((out, dloss), pr), tr) in rows.zip(self.window_rows(p)).zip(self.window_rows(t)) {
            f.rows_backward_a(pr, tr, scale, dloss, &mut out[p.columns.clone()], add);
        }
    }

    fn cross_entropy(&mut self, spec: CrossEntropy, logits: View, labels: View, loss: View, lse: View) {
        let targets = self.targets(spec, labels);
        cross_entropy_forward(self.get(logits), targets, self.get_mut(loss), self.get_mut(lse));
    }

    fn cross_entropy_grad(
        &mut self,
        spec: CrossEntropy,
        logits: View,
        labels: View,
        lse: View,
        dloss: View,
        dlogits: Dest,
    ) {
        let (targets, add) = (self.targets(spec, labels), self.adds(dlogits));
        let out = self.get_mut(dlogits.view);
        cross_entropy_backward(self.get(logits), targets, self.get(lse), self.get(dloss), out, add);
    }

    fn softmax(&mut self, x: View, y: View, width: usize) {
        softmax::softmax_forward(self.get(x), width, self.get_mut(y));
    }

    fn softmax_grad(&mut self, y: View, dy: View, dx: Dest, width: usize) {
        let add = self.adds(dx);
        softmax::softmax_backward(self.get(y), self.get(dy), width, self.get_mut(dx.view), add);
    }

    fn axpy(&mut self, a: f64, x: View, y: Dest) {
        let add = self.adds(y);
        slices::scale(T::from_f64(a), self.get(x), self.get_mut(y.view), add);
    }

    fn copy_columns(&mut self, x: &Matrix, y: &Matrix, add: bool) {
        let window = |m: &Matrix| columns::Window { cols: m.width, first: m.columns.start };
        let (from, to) = (self.get(x.view), self.get_mut(y.view));
        columns::copy_columns(from, window(x), to, window(y), x.columns.len(), add);
    }

    fn column_sums(&mut self, x: &Matrix, dst: Dest) {
        let add = self.adds(dst);
        let out = self.part_mut(dst.view, x.columns.clone());
        columns::column_sums(self.get(x.view), x.width, x.columns.clone(), out, add);
    }

    fn dropout(&mut self, x: View, y: Dest, p: f64, key: Key) {
        let add = self.adds(y);
        let first = self.rows.start * x.row_len;
        dropout::dropout(self.get(x), key, first, p, self.get_mut(y.view), add);
    }

    fn gather(&mut self, table: View, ids: View, y: View, width: usize) {
        gather::gather(self.get(table), self.get(ids), width, self.get_mut(y));
    }

    fn scatter(&mut self, ids: View, dy: View, dtable: Dest, width: usize, units: Range<usize>) {
        let out = self.part_mut(dtable.view, units.start * width..units.end * width);
        if !self.adds(dtable) {
            out.fill(T::ZERO);
        }
        gather::scatter_add(self.get(dy), self.get(ids), width, units, out);
    }

    fn layer_norm(&mut self, x: View, affine: (View, View), y: View, stats: (View, View), eps: f64) {
        let (gain, bias) = (self.get(affine.0), self.get(affine.1));
        let (mean, rstd) = (self.get_mut(stats.0), self.get_mut(stats.1));
        layer_norm_forward(self.get(x), gain, bias, T::from_f64(eps), self.get_mut(y), mean, rstd);
    }

    fn layer_norm_grad(&mut self, x: View, gain: View, stats: (View, View), dy: View, dx: Dest) {
        let add = self.adds(dx);
        let (mean, rstd) = (self.get(stats.0), self.get(stats.1));
        layer_norm_backward(
            self.get(x),
            self.get(dy),
            self.get(gain),
            mean,
            rstd,
            self.get_mut(dx.view),
            add,
        );
    }

    fn layer_norm_affine_grad(
        &mut self,
        x: View,
        stats: (View, View),
        dy: View,
        affine: (Option<Dest>, Option<Dest>),
        units: Range<usize>,
    ) {
        let mut place = |dest: Dest| {
            let out = self.part_mut(dest.view, units.clone());
            if !self.adds(dest) {
                out.fill(T::ZERO);
            }
            out
        };
        let (dgain, dbias) = (affine.0.map(&mut place), affine.1.map(&mut place));
        let (mean, rstd) = (self.get(stats.0), self.get(stats.1));
        layer_norm_backward_affine(self.get(x), self.get(dy), mean, rstd, units, dgain, dbias);
    }

    fn pack(&mut self, w: View, packed: View, form: &Form, units: Range<usize>) {
        let count = Cpu::<T>::pack_units(form);
        let unit = Cpu::<T>::packed_len(form) / count.max(1);
        let out = self.part_mut(packed, units.start * unit..units.end * unit);
        match form {
            Form::Transposed { outputs, inputs } => {
                pack_transposed(self.get(w), *outputs, *inputs, units, out);
            }
            Form::Straight { outputs, inputs } => {
                pack_straight(self.get(w), *outputs, *inputs, units, out);
            }
            Form::Recur(r) => pack_transposed(self.get(w), r.width(), r.hidden, units, out),
            Form::RecurBack(r) => pack_straight(self.get(w), r.width(), r.hidden, units, out),
            Form::Convolve(c) => convolve::pack(self.get(w), c, false, units, out),
            Form::ConvolveBack(c) => convolve::pack(self.get(w), c, true, units, out),
            Form::Attention(_) => {}
        }
    }
}

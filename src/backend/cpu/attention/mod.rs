//! Attention on one lane, row by row of the batch, head by head.
//!
//! A tile is [`ROWS`] queries by [`KEYS`] keys, counted from the first of each: where a tile ends follows from neither T nor S, so
//! longer padding and later steps change no bit. Tiles that no query sees are left out.

use crate::backend::cpu::matmul::{Packed, Scratch, Start, Strided, Window, matmul, pack, packed_len};
use crate::backend::cpu::{Lane, Number};
use crate::backend::{Attend, Attended, AttentionSpec, Dest, Matrix, Steps};
use crate::tensor::View;

mod pool;
mod softmax;
#[cfg(test)]
mod tests;

use softmax::Seen;

/// Queries of a tile.
const ROWS: usize = 32;

/// Keys of a tile; whole panels of a packed operand.
const KEYS: usize = 128;

/// Elements of scratch that a lane needs for an attention and its gradients.
pub(super) fn scratch_len(a: &AttentionSpec) -> usize {
    2 * packed_len(a.keys, a.heads.width) + 2 * ROWS * KEYS
}

/// The columns of a matrix whose rows are steps, for one row of the batch.
#[derive(Clone, Copy)]
struct Columns {
    /// Columns of the whole matrix.
    width: usize,
    /// The first that counts.
    first: usize,
    /// Columns of a head.
    head: usize,
}

impl Columns {
    fn of(m: &Matrix, head: usize) -> Columns {
        Columns { width: m.width, first: m.columns.start, head }
    }

    /// Steps `from..to` of a head, to read.
    fn read<'a, T>(self, row: &'a [T], head: usize, steps: std::ops::Range<usize>) -> Strided<'a, T> {
        let first = self.first + head * self.head;
        let all = Strided::row_major(row, row.len() / self.width, self.width);
        all.cols_in(first..first + self.head).rows_in(steps)
    }

    /// Steps `from..to` of a head, to write.
    fn write<'a, T>(self, row: &'a mut [T], head: usize, steps: std::ops::Range<usize>) -> Window<'a, T> {
        let first = steps.start * self.width + self.first + head * self.head;
        Window::new(&mut row[first..], steps.len(), self.head, self.width)
    }

    /// Zeros in all heads.
    fn clear<T: Number>(self, row: &mut [T], heads: usize) {
        let columns = self.first..self.first + heads * self.head;
        row.chunks_exact_mut(self.width).for_each(|step| step[columns.clone()].fill(T::ZERO));
    }
}

/// How far one row of the batch reaches.
#[derive(Clone, Copy)]
struct Reach {
    queries: usize,
    keys: usize,
    /// Keys that the first query sees, where a query sees no later ones.
    first: Option<usize>,
}

impl Reach {
    /// Keys that some of the queries before `end` see.
    fn seen(&self, end: usize) -> usize {
        self.first.map_or(self.keys, |first| (first + end).saturating_sub(1).min(self.keys))
    }

    /// What the queries from `query` on see of keys `from..to`.
    fn of_tile(&self, query: usize, from: usize, to: usize) -> Seen {
        let first = self.first.map(|first| (first + query) as isize - from as isize);
        Seen { keys: to - from, first }
    }
}

/// What all rows of the batch have in common.
#[derive(Clone, Copy)]
struct Layout {
    a: AttentionSpec,
    query: Columns,
    key: Columns,
    value: Columns,
    out: Columns,
}

impl Layout {
    fn of(a: &AttentionSpec, x: &Attended) -> Layout {
        let head = a.heads.width;
        let out = Columns { width: a.heads.query_columns(), first: 0, head };
        let [query, key, value] = [&x.query, &x.key, &x.value].map(|m| Columns::of(m, head));
        Layout { a: *a, query, key, value, out }
    }

    /// The heads of queries that a head of keys serves.
    fn group(&self, key_head: usize) -> std::ops::Range<usize> {
        let each = self.a.heads.queries / self.a.heads.keys;
        key_head * each..(key_head + 1) * each
    }

    fn scale<T: Number>(&self) -> T {
        T::from_f64(1.0 / (self.a.heads.width as f64).sqrt())
    }
}

/// The numbers of one row of the batch that an attention reads.
#[derive(Clone, Copy)]
struct Sources<'a, T> {
    query: &'a [T],
    key: &'a [T],
    value: &'a [T],
}

/// Where the gradients of one row of the batch go.
enum Gradients<'a, T> {
    /// Into one matrix.
    Joint(&'a mut [T]),
    /// Into that of the queries, and that of the keys and values.
    Apart(Option<&'a mut [T]>, Option<&'a mut [T]>),
}

impl<T> Gradients<'_, T> {
    fn query(&mut self) -> Option<&mut [T]> {
        match self {
            Gradients::Joint(all) => Some(all),
            Gradients::Apart(query, _) => query.as_deref_mut(),
        }
    }

    fn key(&mut self) -> Option<&mut [T]> {
        match self {
            Gradients::Joint(all) => Some(all),
            Gradients::Apart(_, key) => key.as_deref_mut(),
        }
    }
}

/// Room for tiles and packed operands.
struct Tiles<'w, T> {
    scores: &'w mut [T],
    slopes: &'w mut [T],
    keys: &'w mut [T],
    values: &'w mut [T],
    scratch: &'w mut Scratch,
}

impl<'w, T: Number> Tiles<'w, T> {
    fn new(a: &AttentionSpec, room: &'w mut [T], scratch: &'w mut Scratch) -> Self {
        let (scores, room) = room.split_at_mut(ROWS * KEYS);
        let (slopes, room) = room.split_at_mut(ROWS * KEYS);
        let (keys, room) = room.split_at_mut(packed_len(a.keys, a.heads.width));
        let values = &mut room[..keys.len()];
        Tiles { scores, slopes, keys, values, scratch }
    }

    /// One row of the batch: y `[T, Hq D]`, lse `[T, Hq]`.
    fn forward(&mut self, l: &Layout, reach: Reach, x: Sources<'_, T>, y: &mut [T], lse: &mut [T]) {
        let heads = l.a.heads;
        y[reach.queries * l.out.width..].fill(T::ZERO);
        lse[reach.queries * heads.queries..].fill(T::ZERO);
        if reach.keys == 0 {
            y.fill(T::ZERO);
            return lse.fill(T::ZERO);
        }
        for key_head in 0..heads.keys {
            pack(l.key.read(x.key, key_head, 0..reach.keys).transposed(), self.keys);
            for head in l.group(key_head) {
                for first in (0..reach.queries).step_by(ROWS) {
                    let rows = first..reach.queries.min(first + ROWS);
                    self.forward_rows(l, reach, x, [head, key_head], rows, y, lse);
                }
            }
        }
    }

    fn forward_rows(
        &mut self,
        l: &Layout,
        reach: Reach,
        x: Sources<'_, T>,
        [head, key_head]: [usize; 2],
        rows: std::ops::Range<usize>,
        y: &mut [T],
        lse: &mut [T],
    ) {
        let (m, depth, scale) = (rows.len(), l.a.heads.width, l.scale());
        let query = l.query.read(x.query, head, rows.clone());
        let mut running = softmax::Running::new();
        let seen = reach.seen(rows.end);
        for from in (0..seen).step_by(KEYS) {
            let to = seen.min(from + KEYS);
            let n = to - from;
            let packed = Packed::new(&self.keys[from * depth..], n, depth);
            let scores = Window::new(self.scores, m, n, KEYS);
            matmul(query, packed.into(), scores, Start::Zero, self.scratch);
            softmax::absorb(
                &mut self.scores[..m * KEYS],
                reach.of_tile(rows.start, from, to),
                scale,
                &mut running,
            );
            let start = if from == 0 {
                Start::Zero
            } else {
                let first = rows.start * l.out.width + head * depth;
                softmax::scale_rows(&mut y[first..], l.out.width, depth, &running.fade[..m]);
                Start::Keep
            };
            let weights = Strided::new(self.scores, m, n, KEYS, 1);
            let value = l.value.read(x.value, key_head, from..to);
            matmul(weights, value.into(), l.out.write(y, head, rows.clone()), start, self.scratch);
        }
        let first = rows.start * l.out.width + head * depth;
        let shares = running.shares(m);
        softmax::scale_rows(&mut y[first..], l.out.width, depth, &shares[..m]);
        for (i, step) in rows.enumerate() {
            lse[step * l.a.heads.queries + head] = running.log_sum_exp(i);
        }
    }

    /// One row of the batch: `forward` is its y and lse.
    fn backward(
        &mut self,
        l: &Layout,
        reach: Reach,
        x: Sources<'_, T>,
        forward: (&[T], &[T]),
        dy: &[T],
        d: &mut Gradients<'_, T>,
    ) {
        for key_head in 0..l.a.heads.keys {
            pack(l.key.read(x.key, key_head, 0..reach.keys).transposed(), self.keys);
            pack(l.value.read(x.value, key_head, 0..reach.keys).transposed(), self.values);
            for head in l.group(key_head) {
                for first in (0..reach.queries).step_by(ROWS) {
                    let rows = first..reach.queries.min(first + ROWS);
                    self.backward_rows(l, reach, x, [head, key_head], rows, forward, dy, d);
                }
            }
        }
    }

    fn backward_rows(
        &mut self,
        l: &Layout,
        reach: Reach,
        x: Sources<'_, T>,
        [head, key_head]: [usize; 2],
        rows: std::ops::Range<usize>,
        (y, lse): (&[T], &[T]),
        dy: &[T],
        d: &mut Gradients<'_, T>,
    ) {
        let (m, depth, scale) = (rows.len(), l.a.heads.width, l.scale());
        let query = l.query.read(x.query, head, rows.clone());
        let d_out = l.out.read(dy, head, rows.clone());
        let mut known = softmax::Known::new();
        for (i, step) in rows.clone().enumerate() {
            known.lse[i] = lse[step * l.a.heads.queries + head];
        }
        let first = rows.start * l.out.width + head * depth;
        softmax::row_dots(&y[first..], &dy[first..], l.out.width, depth, &mut known.dot[..m]);
        let seen = reach.seen(rows.end);
        for from in (0..seen).step_by(KEYS) {
            let to = seen.min(from + KEYS);
            let n = to - from;
            let packed = Packed::new(&self.keys[from * depth..], n, depth);
            matmul(query, packed.into(), Window::new(self.scores, m, n, KEYS), Start::Zero, self.scratch);
            let packed = Packed::new(&self.values[from * depth..], n, depth);
            matmul(d_out, packed.into(), Window::new(self.slopes, m, n, KEYS), Start::Zero, self.scratch);
            let tile = (&mut self.scores[..m * KEYS], &mut self.slopes[..m * KEYS]);
            softmax::slopes(tile.0, tile.1, reach.of_tile(rows.start, from, to), scale, &known);
            let weights = Strided::new(self.scores, m, n, KEYS, 1);
            let slopes = Strided::new(self.slopes, m, n, KEYS, 1);
            if let Some(d) = d.key() {
                let dv = l.value.write(d, key_head, from..to);
                matmul(weights.transposed(), d_out.into(), dv, Start::Keep, self.scratch);
                let dk = l.key.write(d, key_head, from..to);
                matmul(slopes.transposed(), query.into(), dk, Start::Keep, self.scratch);
            }
            if let Some(d) = d.query() {
                let key = l.key.read(x.key, key_head, from..to);
                let dq = l.query.write(d, head, rows.clone());
                matmul(slopes, key.into(), dq, Start::Keep, self.scratch);
            }
        }
    }
}

/// The part of row `r` of the batch; `view` has rows.
fn row<T>(all: &[T], view: View, r: usize) -> &[T] {
    &all[r * view.row_len..(r + 1) * view.row_len]
}

fn row_mut<T>(all: &mut [T], view: View, r: usize) -> &mut [T] {
    &mut all[r * view.row_len..(r + 1) * view.row_len]
}

impl<T: Number> Lane<'_, T> {
    /// How far row `r` of the lane reaches.
    fn reach(&self, a: &AttentionSpec, x: &Attended, r: usize) -> Reach {
        let whole = |view: View| self.get(view)[r].to_f64() as usize;
        let before = x.position.map_or(0, whole);
        let queries = x.query_lengths.map_or(a.queries, |v| whole(v).min(a.queries));
        let keys = match (x.key_lengths, x.position) {
            (Some(lengths), _) => whole(lengths).min(a.keys),
            (None, Some(_)) => (before + queries).min(a.keys),
            (None, None) => a.keys,
        };
        Reach { queries, keys, first: a.causal.then_some(before + 1) }
    }

    fn sources<'s>(&self, x: &Attended, r: usize) -> Sources<'s, T>
    where
        Self: 's,
    {
        let part = |m: &Matrix| row(self.get(m.view), m.view, r);
        Sources { query: part(&x.query), key: part(&x.key), value: part(&x.value) }
    }
}

impl<T: Number> Attend for Lane<'_, T> {
    fn attention(&mut self, a: &AttentionSpec, x: &Attended, y: View, lse: View) {
        let l = Layout::of(a, x);
        let (ys, lses) = (self.get_mut(y), self.get_mut(lse));
        for r in 0..self.rows.len() {
            let (reach, sources) = (self.reach(a, x, r), self.sources(x, r));
            let mut tiles = Tiles::new(a, self.room, self.scratch);
            tiles.forward(&l, reach, sources, row_mut(ys, y, r), row_mut(lses, lse, r));
        }
    }

    fn attention_grad(
        &mut self,
        a: &AttentionSpec,
        x: &Attended,
        forward: (View, View),
        dy: View,
        dquery: Option<Dest>,
        dkey: Option<Dest>,
    ) {
        let l = Layout::of(a, x);
        let joint = x.query.view == x.key.view;
        let adds = [dquery, dkey].map(|d| d.is_some_and(|d| self.adds(d)));
        let mut to_query = dquery.map(|d| self.get_mut(d.view));
        let mut to_key = dkey.filter(|_| !joint).map(|d| self.get_mut(d.view));
        for r in 0..self.rows.len() {
            let part = |v: View| row(self.get(v), v, r);
            let (reach, sources) = (self.reach(a, x, r), self.sources(x, r));
            let (forward, dy) = ((part(forward.0), part(forward.1)), part(dy));
            let query = to_query.as_deref_mut().map(|d| row_mut(d, x.query.view, r));
            let key = to_key.as_deref_mut().map(|d| row_mut(d, x.key.view, r));
            let mut d = match (joint, query) {
                (true, Some(all)) => Gradients::Joint(all),
                (_, query) => Gradients::Apart(query, key),
            };
            if let Some(d) = d.query().filter(|_| !adds[0]) {
                l.query.clear(d, a.heads.queries);
            }
            if let Some(d) = d.key().filter(|_| !adds[1]) {
                l.key.clear(d, a.heads.keys);
                l.value.clear(d, a.heads.keys);
            }
            Tiles::new(a, self.room, self.scratch).backward(&l, reach, sources, forward, dy, &mut d);
        }
    }

    fn remember(&mut self, from: &Matrix, cache: View, position: View) {
        let (all, position, to) = (self.get(from.view), self.get(position), self.get_mut(cache));
        let rows = all.chunks_exact(from.view.row_len).zip(to.chunks_exact_mut(cache.row_len));
        for ((row, cache), &position) in rows.zip(position) {
            let steps = row.chunks_exact(from.width);
            let places = cache.chunks_exact_mut(from.columns.len()).skip(position.to_f64() as usize);
            for (step, place) in steps.zip(places) {
                place.copy_from_slice(&step[from.columns.clone()]);
            }
        }
    }

    fn weigh_steps(
        &mut self,
        x: View,
        scores: View,
        lengths: Option<View>,
        weights: View,
        y: View,
        steps: Steps,
    ) {
        let lengths = lengths.map(|l| self.get(l));
        pool::forward(self.get(x), self.get(scores), lengths, steps, self.get_mut(weights), self.get_mut(y));
    }

    fn weigh_steps_grad(
        &mut self,
        (x, weights): (View, View),
        lengths: Option<View>,
        dy: View,
        dx: Option<Dest>,
        dscores: Option<Dest>,
        steps: Steps,
    ) {
        let (lengths, weights) = (lengths.map(|l| self.get(l)), self.get(weights));
        if let Some(dx) = dx {
            let add = self.adds(dx);
            pool::backward_x(weights, lengths, self.get(dy), steps, self.get_mut(dx.view), add);
        }
        if let Some(ds) = dscores {
            let add = self.adds(ds);
            let (x, dy) = (self.get(x), self.get(dy));
            pool::backward_scores(x, weights, lengths, dy, steps, self.get_mut(ds.view), add);
        }
    }
}

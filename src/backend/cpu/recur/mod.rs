//! Recurrent networks on one lane.
//!
//! The product of all steps with W_ih is one. Then step follows step: the product of h with W_hh, packed and in the cache, for
//! all rows at hand, and one pass over the gates. What a step hands to the next lies in the lane's room without gaps: steps of
//! neighbouring rows are a whole row apart, which a cache with few ways does not bear.

use std::ops::Range;

use crate::backend::cpu::matmul::{Packed, Rhs, Scratch, Start, Strided, Window, matmul};
use crate::backend::cpu::steps::end;
use crate::backend::cpu::{Lane, Number};
use crate::backend::scalar::Scalar;
use crate::backend::{Cell, Incoming, Recur, Recurrence, Recurring, Steps};
use crate::tensor::View;

mod gru;
mod lstm;
mod simple;

/// Numbers of a product that are at hand at one time.
const PRODUCT: usize = 64 * 1024;

/// Rows that go through the steps together: enough to pay for the weights that a step reads.
fn rows_together(r: &Recurrence) -> usize {
    (PRODUCT / r.width().max(1)).clamp(16, 256)
}

/// Elements of scratch that a lane needs: a product, and h and c or their gradients.
pub(super) fn scratch_len(r: &Recurrence) -> usize {
    rows_together(r) * (r.width() + 2 * r.hidden)
}

/// One step of the walk through a series, of some rows.
struct Now<'a, T> {
    r: Recurrence,
    /// Which step in the order of the walk.
    step: usize,
    /// Steps of each row.
    lengths: Option<&'a [T]>,
}

impl<T: Scalar> Now<'_, T> {
    /// The step of row `i` in all steps of these rows; `None` where its walk is over.
    #[inline(always)]
    fn place(&self, i: usize) -> Option<usize> {
        let end = end(self.lengths, i, Steps { count: self.r.steps, width: 1 });
        let t = if self.r.reverse { end.wrapping_sub(self.step + 1) } else { self.step };
        if self.step < end { Some(i * self.r.steps + t) } else { None }
    }
}

/// What a step reads and writes going forward.
struct Forward<'a, T> {
    now: Now<'a, T>,
    /// h̃ `[R, G·H]`.
    product: &'a [T],
    /// x̃, which becomes the gates, `[R, T, G·H]`.
    gates: &'a mut [T],
    /// h and c, `[R, H]`.
    h: &'a mut [T],
    c: &'a mut [T],
    /// See [`crate::backend::Kept`]; empty where nothing is kept.
    hidden: &'a mut [T],
    second: &'a mut [T],
    y: &'a mut [T],
}

/// What a step reads and writes going back.
struct Back<'a, T> {
    now: Now<'a, T>,
    dy: &'a [T],
    /// The gradient by h̃ `[R, G·H]`.
    product: &'a mut [T],
    /// The gates, which become the gradient by x̃.
    gates: &'a mut [T],
    /// Gradients by h and c.
    h: &'a mut [T],
    c: &'a mut [T],
    /// See [`crate::backend::Kept`].
    hidden: &'a [T],
    second: &'a mut [T],
}

/// The part of a slice with `width` elements for each of `rows`; nothing of an empty one.
fn rows_of<'s, T>(all: &'s mut [T], rows: &Range<usize>, width: usize) -> &'s mut [T] {
    if all.is_empty() { all } else { &mut all[rows.start * width..rows.end * width] }
}

/// Zeros behind the end of each row of `all`, `[R, T, width]`.
fn clear_ends<T: Scalar>(all: &mut [T], lengths: Option<&[T]>, r: &Recurrence, width: usize) {
    if all.is_empty() || lengths.is_none() {
        return;
    }
    let steps = Steps { count: r.steps, width };
    for (i, row) in all.chunks_exact_mut(r.steps * width).enumerate() {
        row[end(lengths, i, steps) * width..].fill(T::ZERO);
    }
}

/// Steps of the longest of so many rows.
fn longest<T: Scalar>(lengths: Option<&[T]>, rows: usize, r: &Recurrence) -> usize {
    let steps = Steps { count: r.steps, width: 1 };
    (0..rows).map(|i| end(lengths, i, steps)).max().unwrap_or(0)
}

/// The slices of a lane that a recurrence works on, all its rows.
struct Slices<'a, T> {
    lengths: Option<&'a [T]>,
    gates: &'a mut [T],
    hidden: &'a mut [T],
    second: &'a mut [T],
    packed: &'a [T],
}

impl<T: Number> Lane<'_, T> {
    fn recurring<'s>(&mut self, at: &Recurring) -> Slices<'s, T>
    where
        Self: 's,
    {
        let second = at.kept.and_then(|kept| kept.second);
        Slices {
            lengths: at.lengths.map(|view| self.get(view)),
            gates: self.get_mut(at.gates),
            hidden: at.kept.map_or(&mut [], |kept| self.get_mut(kept.hidden)),
            second: second.map_or(&mut [], |view| self.get_mut(view)),
            packed: self.get(at.hidden.packed.expect("the plan packs the weights of a recurrence")),
        }
    }
}

impl<T: Number> Recur for Lane<'_, T> {
    fn recur(
        &mut self,
        r: &Recurrence,
        at: &Recurring,
        incoming: &Incoming,
        state: Option<(View, Option<View>)>,
        y: View,
    ) {
        let Slices { lengths, gates, hidden, second, packed } = self.recurring(at);
        let (x, y) = (self.get(incoming.x), self.get_mut(y));
        let mut state = state.map(|(h, c)| (self.get_mut(h), c.map(|c| self.get_mut(c))));
        let (below, above) = match incoming.bias {
            Some((below, above)) => (Start::Bias(self.get(below)), Start::Bias(self.get(above))),
            None => (Start::Zero, Start::Zero),
        };
        let weights = incoming.weights.packed.expect("the plan packs the weights of a recurrence");
        let weights = Packed::new(self.get(weights), r.width(), r.inputs);
        let all = Strided::row_major(x, gates.len() / r.width(), r.inputs);
        matmul(
            all,
            Rhs::Packed(weights),
            Window::row_major(gates, all.rows(), r.width()),
            below,
            self.scratch,
        );

        let rows = y.len() / (r.steps * r.hidden);
        for first in (0..rows).step_by(rows_together(r)) {
            let rows = first..rows.min(first + rows_together(r));
            let mut walk = Walk::new(r, packed, lengths, &rows, self.room);
            if let Some((h, c)) = &state {
                walk.h.copy_from_slice(&h[rows.start * r.hidden..rows.end * r.hidden]);
                if let Some(c) = c {
                    walk.c.copy_from_slice(&c[rows.start * r.hidden..rows.end * r.hidden]);
                }
            }
            walk.forward(
                rows_of(gates, &rows, r.steps * r.width()),
                rows_of(hidden, &rows, r.steps * r.hidden),
                rows_of(second, &rows, r.steps * r.hidden),
                rows_of(y, &rows, r.steps * r.hidden),
                above,
                self.scratch,
            );
            if let Some((h, c)) = &mut state {
                rows_of(h, &rows, r.hidden).copy_from_slice(walk.h);
                if let Some(c) = c {
                    rows_of(c, &rows, r.hidden).copy_from_slice(walk.c);
                }
            }
        }
    }

    fn recur_back(&mut self, r: &Recurrence, at: &Recurring, dy: View) {
        let Slices { lengths, gates, hidden, second, packed } = self.recurring(at);
        let dy = self.get(dy);
        let rows = dy.len() / (r.steps * r.hidden);
        for first in (0..rows).step_by(rows_together(r)) {
            let rows = first..rows.min(first + rows_together(r));
            Walk::new(r, packed, lengths, &rows, self.room).back(
                rows_of(gates, &rows, r.steps * r.width()),
                rows_of(hidden, &rows, r.steps * r.hidden),
                rows_of(second, &rows, r.steps * r.hidden),
                &dy[rows.start * r.steps * r.hidden..rows.end * r.steps * r.hidden],
                self.scratch,
            );
        }
    }
}

/// Some rows on their way through the steps.
struct Walk<'a, T> {
    r: &'a Recurrence,
    /// W_hh.
    packed: &'a [T],
    lengths: Option<&'a [T]>,
    rows: usize,
    product: &'a mut [T],
    h: &'a mut [T],
    c: &'a mut [T],
}

impl<'a, T: Number> Walk<'a, T> {
    /// Rows that remember nothing yet.
    fn new(
        r: &'a Recurrence,
        packed: &'a [T],
        lengths: Option<&'a [T]>,
        rows: &Range<usize>,
        room: &'a mut [T],
    ) -> Self {
        let (product, rest) = room.split_at_mut(rows.len() * r.width());
        let (h, rest) = rest.split_at_mut(rows.len() * r.hidden);
        let c = &mut rest[..rows.len() * r.hidden];
        h.fill(T::ZERO);
        c.fill(T::ZERO);
        let lengths = lengths.map(|lengths| &lengths[rows.clone()]);
        Walk { r, packed, lengths, rows: rows.len(), product, h, c }
    }

    fn now(&self, step: usize) -> Now<'a, T> {
        Now { r: *self.r, step, lengths: self.lengths }
    }

    fn forward(
        &mut self,
        gates: &mut [T],
        hidden: &mut [T],
        second: &mut [T],
        y: &mut [T],
        bias: Start<'_, T>,
        scratch: &mut Scratch,
    ) {
        let (r, rows) = (*self.r, self.rows);
        let packed = Packed::new(self.packed, r.width(), r.hidden);
        for step in 0..longest(self.lengths, rows, &r) {
            let h = Strided::row_major(&*self.h, rows, r.hidden);
            let product = Window::row_major(self.product, rows, r.width());
            matmul(h, Rhs::Packed(packed), product, bias, scratch);
            let step = Forward {
                now: self.now(step),
                product: self.product,
                gates,
                h: self.h,
                c: self.c,
                hidden,
                second,
                y,
            };
            match r.cell {
                Cell::Tanh => simple::forward_tanh(step),
                Cell::Relu => simple::forward_relu(step),
                Cell::Lstm => lstm::forward(step),
                Cell::Gru => gru::forward(step),
            }
        }
        for all in [hidden, second, y] {
            clear_ends(all, self.lengths, &r, r.hidden);
        }
    }

    fn back(&mut self, gates: &mut [T], hidden: &mut [T], second: &mut [T], dy: &[T], scratch: &mut Scratch) {
        let (r, rows) = (*self.r, self.rows);
        let packed = Packed::new(self.packed, r.hidden, r.width());
        clear_ends(gates, self.lengths, &r, r.width());
        for step in (0..longest(self.lengths, rows, &r)).rev() {
            let now = Back {
                now: self.now(step),
                dy,
                product: self.product,
                gates,
                h: self.h,
                c: self.c,
                hidden,
                second,
            };
            match r.cell {
                Cell::Tanh => simple::back_tanh(now),
                Cell::Relu => simple::back_relu(now),
                Cell::Lstm => lstm::back(now),
                Cell::Gru => gru::back(now),
            }
            // The gate z hands a part of the gradient straight to h.
            let start = if r.cell == Cell::Gru { Start::Keep } else { Start::Zero };
            let product = Strided::row_major(&*self.product, rows, r.width());
            if step > 0 {
                matmul(
                    product,
                    Rhs::Packed(packed),
                    Window::row_major(self.h, rows, r.hidden),
                    start,
                    scratch,
                );
            }
        }
    }
}

/// y ← σ(y + x)
#[inline(always)]
fn add_sigmoid<T: Scalar>(y: &mut [T], x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (*y + x).sigmoid();
    }
}

/// y ← tanh(y + x)
#[inline(always)]
fn add_tanh<T: Scalar>(y: &mut [T], x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (*y + x).tanh();
    }
}

/// y ← y + x
#[inline(always)]
fn add<T: Scalar>(y: &mut [T], x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// The `width` elements at `place`; nothing where nothing is kept.
#[inline(always)]
fn keep<T: Scalar>(kept: &mut [T], place: usize, x: &[T]) {
    if !kept.is_empty() {
        kept[place * x.len()..(place + 1) * x.len()].copy_from_slice(x);
    }
}

//! LSTM: i, f, o = σ, g = tanh, c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh c.
//!
//! Each loop writes one slice: so the compiler sees that vectors of it do not meet what the loop reads.

use super::{Back, Forward, add, add_sigmoid, add_tanh, keep};
use crate::backend::kernel::kernel;
use crate::backend::scalar::Scalar;

kernel! {
    /// A step.
    pub(super) fn forward<T: Scalar>(s: Forward<'_, T>) {
        let hidden = s.now.r.hidden;
        let remembered = s.h.chunks_exact_mut(hidden).zip(s.c.chunks_exact_mut(hidden));
        for (row, ((h, c), product)) in remembered.zip(s.product.chunks_exact(4 * hidden)).enumerate() {
            let Some(place) = s.now.place(row) else { continue };
            keep(s.hidden, place, h);
            keep(s.second, place, c);
            let gates = &mut s.gates[place * 4 * hidden..][..4 * hidden];
            add_sigmoid(&mut gates[..2 * hidden], &product[..2 * hidden]);
            add_tanh(&mut gates[2 * hidden..3 * hidden], &product[2 * hidden..3 * hidden]);
            add_sigmoid(&mut gates[3 * hidden..], &product[3 * hidden..]);
            let [i, f, g, o] = split(gates);
            for (((c, &f), &i), &g) in c.iter_mut().zip(f).zip(i).zip(g) {
                *c = f * *c + i * g;
            }
            for ((h, &o), &c) in h.iter_mut().zip(o).zip(&*c) {
                *h = o * c.tanh();
            }
            keep(s.y, place, h);
        }
    }

    /// The way back; the gradient by h is done with when it is through the gates.
    pub(super) fn back<T: Scalar>(s: Back<'_, T>) {
        let hidden = s.now.r.hidden;
        let gradients = s.h.chunks_exact_mut(hidden).zip(s.c.chunks_exact_mut(hidden));
        for (row, ((dh, dc), d)) in gradients.zip(s.product.chunks_exact_mut(4 * hidden)).enumerate() {
            let Some(place) = s.now.place(row) else {
                d.fill(T::ZERO);
                continue;
            };
            let gates = &mut s.gates[place * 4 * hidden..][..4 * hidden];
            let before = &s.second[place * hidden..][..hidden];
            add(dh, &s.dy[place * hidden..][..hidden]);
            {
                let [i, f, g, o] = split(gates);
                let (di, rest) = d.split_at_mut(hidden);
                let (df, rest) = rest.split_at_mut(hidden);
                let (dg, dout) = rest.split_at_mut(hidden);
                // tanh of c after the step, until its gradient takes its place.
                for ((((tanh, &f), &before), &i), &g) in dout.iter_mut().zip(f).zip(before).zip(i).zip(g) {
                    *tanh = (f * before + i * g).tanh();
                }
                for (((dc, &dh), &o), &tanh) in dc.iter_mut().zip(&*dh).zip(o).zip(&*dout) {
                    *dc += dh * o * (T::ONE - tanh.square());
                }
                for ((dout, &dh), &o) in dout.iter_mut().zip(&*dh).zip(o) {
                    *dout *= dh * o * (T::ONE - o);
                }
                for (((di, &dc), &g), &i) in di.iter_mut().zip(&*dc).zip(g).zip(i) {
                    *di = dc * g * i * (T::ONE - i);
                }
                for (((df, &dc), &before), &f) in df.iter_mut().zip(&*dc).zip(before).zip(f) {
                    *df = dc * before * f * (T::ONE - f);
                }
                for (((dg, &dc), &i), &g) in dg.iter_mut().zip(&*dc).zip(i).zip(g) {
                    *dg = dc * i * (T::ONE - g.square());
                }
                for (dc, &f) in dc.iter_mut().zip(f) {
                    *dc *= f;
                }
            }
            gates.copy_from_slice(d);
        }
    }
}

/// i, f, g and o.
#[inline(always)]
fn split<T>(gates: &[T]) -> [&[T]; 4] {
    let n = gates.len() / 4;
    [&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &gates[3 * n..]]
}

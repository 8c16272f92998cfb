//! Elman's network: h ← f(x̃ + h̃). The gate is h itself.

use super::{Back, Forward, add, add_tanh, keep};
use crate::backend::kernel::kernel;
use crate::backend::scalar::Scalar;

kernel! {
    /// A step with tanh.
    pub(super) fn forward_tanh<T: Scalar>(s: Forward<'_, T>) {
        forward(s, false);
    }

    /// A step with max(0, x).
    pub(super) fn forward_relu<T: Scalar>(s: Forward<'_, T>) {
        forward(s, true);
    }

    /// The way back of [`forward_tanh`].
    pub(super) fn back_tanh<T: Scalar>(s: Back<'_, T>) {
        back(s, false);
    }

    /// The way back of [`forward_relu`].
    pub(super) fn back_relu<T: Scalar>(s: Back<'_, T>) {
        back(s, true);
    }
}

#[inline(always)]
fn forward<T: Scalar>(s: Forward<'_, T>, relu: bool) {
    let hidden = s.now.r.hidden;
    for (i, (h, product)) in s.h.chunks_exact_mut(hidden).zip(s.product.chunks_exact(hidden)).enumerate() {
        let Some(place) = s.now.place(i) else { continue };
        keep(s.hidden, place, h);
        let gate = &mut s.gates[place * hidden..][..hidden];
        if relu {
            for (gate, &x) in gate.iter_mut().zip(product) {
                *gate = (*gate + x).max(T::ZERO);
            }
        } else {
            add_tanh(gate, product);
        }
        h.copy_from_slice(gate);
        keep(s.y, place, h);
    }
}

#[inline(always)]
fn back<T: Scalar>(s: Back<'_, T>, relu: bool) {
    let hidden = s.now.r.hidden;
    for (i, (dh, d)) in s.h.chunks_exact_mut(hidden).zip(s.product.chunks_exact_mut(hidden)).enumerate() {
        let Some(place) = s.now.place(i) else {
            d.fill(T::ZERO);
            continue;
        };
        let gate = &mut s.gates[place * hidden..][..hidden];
        add(dh, &s.dy[place * hidden..][..hidden]);
        for ((d, &dh), &gate) in d.iter_mut().zip(&*dh).zip(&*gate) {
            let slope =
                if relu { T::select(gate > T::ZERO, T::ONE, T::ZERO) } else { T::ONE - gate.square() };
            *d = dh * slope;
        }
        gate.copy_from_slice(d);
    }
}

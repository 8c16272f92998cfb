//! GRU: r, z = σ, n = tanh(x̃ + r ⊙ h̃), h ← (1 − z) ⊙ n + z ⊙ h.

use super::{Back, Forward, add, add_sigmoid, keep};
use crate::backend::kernel::kernel;
use crate::backend::scalar::Scalar;

kernel! {
    /// A step.
    pub(super) fn forward<T: Scalar>(s: Forward<'_, T>) {
        let hidden = s.now.r.hidden;
        for (row, (h, product)) in s.h.chunks_exact_mut(hidden).zip(s.product.chunks_exact(3 * hidden)).enumerate() {
            let Some(place) = s.now.place(row) else { continue };
            let (both, part) = product.split_at(2 * hidden);
            keep(s.hidden, place, h);
            keep(s.second, place, part);
            let (rz, n) = s.gates[place * 3 * hidden..][..3 * hidden].split_at_mut(2 * hidden);
            add_sigmoid(rz, both);
            let (r, z) = rz.split_at(hidden);
            for ((n, &r), &part) in n.iter_mut().zip(r).zip(part) {
                *n = (*n + r * part).tanh();
            }
            for ((h, &n), &z) in h.iter_mut().zip(&*n).zip(z) {
                *h = (T::ONE - z) * n + z * *h;
            }
            keep(s.y, place, h);
        }
    }

    /// The way back.
    pub(super) fn back<T: Scalar>(s: Back<'_, T>) {
        let hidden = s.now.r.hidden;
        for (row, (dh, d)) in s.h.chunks_exact_mut(hidden).zip(s.product.chunks_exact_mut(3 * hidden)).enumerate() {
            let Some(place) = s.now.place(row) else {
                d.fill(T::ZERO);
                continue;
            };
            let before = &s.hidden[place * hidden..][..hidden];
            let part = &mut s.second[place * hidden..][..hidden];
            add(dh, &s.dy[place * hidden..][..hidden]);
            let (rz, n) = s.gates[place * 3 * hidden..][..3 * hidden].split_at_mut(2 * hidden);
            let (r, z) = rz.split_at(hidden);
            let (dr, rest) = d.split_at_mut(hidden);
            let (dz, dpart) = rest.split_at_mut(hidden);
            for ((((dz, &dh), &before), &n), &z) in dz.iter_mut().zip(&*dh).zip(before).zip(&*n).zip(z) {
                *dz = dh * (before - n) * z * (T::ONE - z);
            }
            for ((n, &dh), &z) in n.iter_mut().zip(&*dh).zip(z) {
                *n = dh * (T::ONE - z) * (T::ONE - n.square());
            }
            for (((dr, &dn), &part), &r) in dr.iter_mut().zip(&*n).zip(&*part).zip(r) {
                *dr = dn * part * r * (T::ONE - r);
            }
            for ((dpart, &dn), &r) in dpart.iter_mut().zip(&*n).zip(r) {
                *dpart = dn * r;
            }
            for (dh, &z) in dh.iter_mut().zip(z) {
                *dh *= z;
            }
            part.copy_from_slice(dpart);
            rz.copy_from_slice(&d[..2 * hidden]);
        }
    }
}

//! The packed layout of a right operand, and copying into it.

use super::blocked::{Packing, Set};
use super::views::Strided;

/// Columns of a panel: two AVX-512 vectors of f32.
pub const NR: usize = 32;

/// Number of panels of a packed matrix of `n` columns.
#[inline]
pub const fn panels(n: usize) -> usize {
    n.div_ceil(NR)
}

/// Number of elements of a packed right operand `[k, n]`, the transpose of a weight `[n, k]`.
#[inline]
pub const fn packed_len(n: usize, k: usize) -> usize {
    panels(n) * NR * k
}

/// Copies `b` into panels, one after the other from `to` on.
///
/// # Safety
/// The CPU must have the instructions of `set`, and `to` must be valid for `packed_len(b.cols(), b.rows())`
/// writes.
#[allow(unsafe_code)]
pub(super) unsafe fn panels_of(set: &Set, b: Strided<'_, f32>, to: *mut f32) {
    let rows = b.rows();
    for panel in 0..panels(b.cols()) {
        let b = b.cols_in(panel * NR..b.cols().min((panel + 1) * NR));
        let to = to.wrapping_add(panel * NR * rows);
        let cols = b.cols();
        let job = |from_stride| Packing { rows, cols, from: b.as_ptr(), from_stride, to };
        if b.col_stride() == 1 {
            // SAFETY: the elements of `b` are in bounds since it was made; the caller vouches for the rest.
            unsafe { (set.pack_rows)(&job(b.row_stride())) }
        } else if b.row_stride() == 1 {
            // SAFETY: as above.
            unsafe { (set.pack_cols)(&job(b.col_stride())) }
        } else {
            for i in 0..rows {
                for j in 0..NR {
                    // SAFETY: as above; (i, j) is an element of `b` where `j < cols`.
                    unsafe {
                        let from = b.as_ptr().wrapping_add(i * b.row_stride() + j * b.col_stride());
                        *to.add(i * NR + j) = if j < cols { *from } else { 0.0 };
                    }
                }
            }
        }
    }
}

/// Copies `a`, the rows of one tile, column after column.
///
/// # Safety
/// `to` must be valid for as many writes as `a` has elements.
#[allow(unsafe_code)]
pub(super) unsafe fn tile(a: Strided<'_, f32>, to: *mut f32) {
    for p in 0..a.cols() {
        for i in 0..a.rows() {
            // SAFETY: (i, p) is an element of `a`; the caller vouches for the rest.
            unsafe { *to.add(p * a.rows() + i) = *a.as_ptr().add(i * a.row_stride() + p * a.col_stride()) }
        }
    }
}

//! The packed layout of a right operand, and copying into it.

use super::blocked::{Packing, Parts, Set};
use super::views::Strided;

/// Columns of a panel: two AVX-512 vectors of f32. A panel holds its rows one after the other, with narrower vectors those of its
/// left half before those of its right half: each is a strip that tiles read from one end to the other.
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
    let (rows, width) = (b.rows(), set.width());
    if b.col_stride() == 1 {
        let job = Packing { rows, cols: b.cols(), from: b.as_ptr(), from_stride: b.row_stride(), to };
        // SAFETY: the elements of `b` are in bounds since it was made; the caller vouches for the rest.
        return unsafe { (set.pack_rows)(&job) };
    }
    for panel in 0..panels(b.cols()) {
        let b = b.cols_in(panel * NR..b.cols().min((panel + 1) * NR));
        let to = to.wrapping_add(panel * NR * rows);
        let cols = b.cols();
        if b.row_stride() == 1 {
            let job = Packing { rows, cols, from: b.as_ptr(), from_stride: b.col_stride(), to };
            // SAFETY: as above.
            unsafe { (set.pack_cols)(&job) }
        } else {
            for i in 0..rows {
                for j in 0..NR {
                    // SAFETY: as above; (i, j) is an element of `b` where `j < cols`.
                    unsafe {
                        let from = b.as_ptr().wrapping_add(i * b.row_stride() + j * b.col_stride());
                        let at = j / width * width * rows + i * width + j % width;
                        *to.add(at) = if j < cols { *from } else { 0.0 };
                    }
                }
            }
        }
    }
}

/// Copies `a` into tiles of the set's height, one after the other, each column after column with room for a vector.
///
/// # Safety
/// The CPU must have the instructions of `set`, and `to` must be valid for as many vectors as there are tiles, for each
/// column.
#[allow(unsafe_code)]
pub(super) unsafe fn tiles_of(set: &Set, a: Strided<'_, f32>, to: *mut f32) {
    let lanes = set.tiles.lanes;
    if a.row_stride() == 1 {
        let job =
            Packing { rows: a.cols(), cols: a.rows(), from: a.as_ptr(), from_stride: a.col_stride(), to };
        // SAFETY: the elements of `a` are in bounds since it was made; the caller vouches for the rest.
        return unsafe { (set.pack_tiles)(&job) };
    }
    for (tile, rows) in Parts::of(a.rows(), set.tiles.height).ranges().enumerate() {
        let (a, to) = (a.rows_in(rows), to.wrapping_add(tile * a.cols() * lanes));
        for p in 0..a.cols() {
            for i in 0..a.rows() {
                // SAFETY: (i, p) is an element of `a`; the caller vouches for the rest.
                unsafe {
                    *to.add(p * lanes + i) = *a.as_ptr().add(i * a.row_stride() + p * a.col_stride());
                }
            }
        }
    }
}

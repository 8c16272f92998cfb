//! The packed layout of a right operand, and copying into it.

use super::blocked::Kernels;
use super::views::Strided;
use crate::backend::simd::{Loop, dispatch};

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

/// Packs `b`, of at most [`NR`] columns: row i goes to `out[i * NR..]`, filled up with zeros.
///
/// # Safety
/// The CPU must have the instructions of `kernels`; `out` must be valid for `b.rows() * NR` writes.
#[allow(unsafe_code)]
pub(super) unsafe fn panel(kernels: &Kernels, b: Strided<'_, f32>, out: *mut f32) {
    debug_assert!(b.cols() <= NR);
    if b.col_stride() == 1 {
        dispatch(CopyRows { b, out });
    } else if b.row_stride() == 1 {
        // SAFETY: column j is `rows` elements from `j * col_stride` on, in bounds since `b` was made.
        unsafe { (kernels.transpose)(b.as_ptr(), b.col_stride(), b.cols(), b.rows(), out) }
    } else {
        for i in 0..b.rows() {
            for j in 0..NR {
                // SAFETY: (i, j) is an element of `b`; `out` has `NR` elements for each row.
                unsafe {
                    let x = if j < b.cols() {
                        *b.as_ptr().add(i * b.row_stride() + j * b.col_stride())
                    } else {
                        0.0
                    };
                    *out.add(i * NR + j) = x;
                }
            }
        }
    }
}

/// Packs rows of adjacent elements.
struct CopyRows<'a> {
    b: Strided<'a, f32>,
    out: *mut f32,
}

impl Loop for CopyRows<'_> {
    type Output = ();

    #[allow(unsafe_code)]
    #[inline(always)]
    fn run(self) {
        let cols = self.b.cols();
        for i in 0..self.b.rows() {
            // SAFETY: row i is `cols` adjacent elements, in bounds since `b` was made; `out` has `NR` for each row.
            unsafe {
                let from = self.b.as_ptr().add(i * self.b.row_stride());
                let to = self.out.add(i * NR);
                if cols == NR {
                    to.cast::<[f32; NR]>().write_unaligned(from.cast::<[f32; NR]>().read_unaligned());
                } else {
                    std::ptr::copy_nonoverlapping(from, to, cols);
                    to.add(cols).write_bytes(0, NR - cols);
                }
            }
        }
    }
}

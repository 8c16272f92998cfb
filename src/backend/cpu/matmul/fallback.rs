//! Products through `matrixmultiply`: f64 everywhere, f32 on a CPU without AVX2.

use super::pack::NR;
use super::views::{Rhs, Strided, Window};
use super::{Element, Start};

/// C `[m, n]` = alpha · A `[m, k]` · B `[k, n]` + beta · C; each operand with its row and column stride.
pub(super) type Gemm<T> = unsafe fn(
    usize,
    usize,
    usize,
    T,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    *mut T,
    isize,
    isize,
);

/// A [`Gemm`] with the constants that it needs.
pub(super) struct Library<T> {
    gemm: Gemm<T>,
    zero: T,
    one: T,
}

pub(super) const SGEMM: Library<f32> = Library { gemm: matrixmultiply::sgemm, zero: 0.0, one: 1.0 };
pub(super) const DGEMM: Library<f64> = Library { gemm: matrixmultiply::dgemm, zero: 0.0, one: 1.0 };

/// [`super::matmul`] with checked shapes.
#[allow(unsafe_code)]
pub(super) fn matmul<T: Element>(
    library: &Library<T>,
    a: Strided<'_, T>,
    b: Rhs<'_, T>,
    mut c: Window<'_, T>,
    start: Start<'_, T>,
) {
    let beta = match start {
        Start::Zero => library.zero,
        Start::Keep => library.one,
        Start::Bias(bias) => {
            for i in 0..c.rows() {
                c.row_mut(i).copy_from_slice(bias);
            }
            library.one
        }
    };
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let (out, stride) = (c.as_mut_ptr(), c.stride());
    let product = |col: usize, cols: usize, b: *const T, b_rows: usize, b_cols: usize| {
        // SAFETY: strides and shapes are those of views that were checked when they were made, and
        // `super::matmul` checked that they agree; the window alone owns the result.
        unsafe {
            (library.gemm)(
                m,
                k,
                cols,
                library.one,
                a.as_ptr(),
                a.row_stride() as isize,
                a.col_stride() as isize,
                b,
                b_rows as isize,
                b_cols as isize,
                beta,
                out.wrapping_add(col),
                stride as isize,
                1,
            );
        }
    };
    match b {
        Rhs::Strided(b) => product(0, n, b.as_ptr(), b.row_stride(), b.col_stride()),
        Rhs::Packed(b) => {
            for panel in 0..b.panels() {
                let col = panel * NR;
                product(col, (n - col).min(NR), b.as_ptr().wrapping_add(col * k), NR, 1);
            }
        }
    }
}

/// Packs `b` into `out`, of [`packed_len`](super::packed_len)`(b.cols(), b.rows())` elements.
#[allow(unsafe_code)]
pub(super) fn pack<T: Element>(library: &Library<T>, b: Strided<'_, T>, out: &mut [T]) {
    for (i, row) in out.chunks_exact_mut(NR).enumerate() {
        let (panel, i) = (i / b.rows(), i % b.rows());
        for (j, to) in (panel * NR..).zip(row) {
            let at = i * b.row_stride() + j * b.col_stride();
            // SAFETY: (i, j) is an element of `b`.
            *to = if j < b.cols() { unsafe { *b.as_ptr().add(at) } } else { library.zero };
        }
    }
}

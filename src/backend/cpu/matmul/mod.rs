//! Matrix products: one function, [`matmul`], for every product that the CPU backend computes.
//!
//! # Bits
//!
//! In f32 on a CPU with AVX2, every element of the result is one chain of fused multiply-adds over the summed
//! dimension in ascending order, begun with what [`Start`] names. So its bits do not depend on how rows or
//! columns are split among threads, on where tiles end, on which operand is packed, nor on the vector width:
//! the same chain written with [`f32::mul_add`] gives them too.
//!
//! # Speed
//!
//! The result is cut into tiles that fit the vector registers; a microkernel for each tile height (so that a
//! few left-over rows cost no more than their share) runs along a block of the summed dimension. A left operand
//! with adjacent elements in rows or in columns is read where it lies, and so is a right operand with adjacent
//! elements in rows; any other is copied block by block into the [`Scratch`], unless it was packed beforehand
//! into panels of [`NR`] columns. Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
//! 2008, describe the scheme.
//!
//! Large operands that stride over many pages are copied even if they could be read in place. With AVX-512, where a row of a
//! tile is done twice as fast, each tile also fetches a share of what tiles to come will read, if it is from beyond the
//! second-level cache.
//!
//! f64 serves gradient checks and goes through `matrixmultiply`, as does f32 on a CPU without AVX2.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocked;
mod fallback;
mod pack;
mod plain;
#[cfg(test)]
mod tests;
mod tile;
mod views;

use std::ops::Range;

pub use blocked::{Parts, Scratch};
pub use pack::{NR, packed_len, panels};
pub use tile::{Ahead, Kernels, PANELS, Segments, TRANSPOSED, Tile, TileKernel};
pub use views::{Packed, Rhs, Strided, Window};

use crate::backend::simd::Isa;

/// What the sums begin with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a, T> {
    /// Zero: the result is written.
    Zero,
    /// What the window holds: the product is added.
    Keep,
    /// A row `[n]` that is the same for every row of the result.
    Bias(&'a [T]),
}

/// C `[m, n]` = start + A `[m, k]` · B `[k, n]`, on the calling thread.
///
/// In f32 on a CPU with AVX2 it allocates nothing.
///
/// # Panics
/// If the shapes do not agree.
#[inline]
pub fn matmul<T: Element>(
    a: Strided<'_, T>,
    b: Rhs<'_, T>,
    c: Window<'_, T>,
    start: Start<'_, T>,
    scratch: &mut Scratch,
) {
    matmul_on(Isa::detect(), a, b, c, start, scratch);
}

/// Packs the transpose of W `[n, k]` (row-major, as a linear layer stores its weight) for use as the right
/// operand `[k, n]` of a product.
///
/// `out` receives the panels in the range `which`, of [`panels`]`(n)` in all, so that threads can share the
/// work: panel `p` belongs at `p * NR * k` of the whole. Columns past `n` are filled with zeros.
///
/// # Panics
/// If `w` is not `n * k` long, if there are no such panels, or if `out` is shorter than they are.
pub fn pack_transposed<T: Element>(w: &[T], n: usize, k: usize, which: Range<usize>, out: &mut [T]) {
    assert_eq!(w.len(), n * k, "a weight [{n}, {k}]");
    pack_on(Isa::detect(), Strided::row_major(w, n, k).transposed(), which, out);
}

/// Packs W `[k, n]` (row-major) itself for use as the right operand of a product; `which` and `out` as for
/// [`pack_transposed`].
///
/// # Panics
/// As [`pack_transposed`].
pub fn pack_straight<T: Element>(w: &[T], k: usize, n: usize, which: Range<usize>, out: &mut [T]) {
    assert_eq!(w.len(), n * k, "a weight [{k}, {n}]");
    pack_on(Isa::detect(), Strided::row_major(w, k, n), which, out);
}

/// Packs B `[k, n]`, of any layout, for use as the right operand of a product, into the first
/// [`packed_len`]`(n, k)` elements of `out`. Columns past `n` are filled with zeros.
///
/// # Panics
/// If `out` is shorter than that.
pub fn pack<T: Element>(b: Strided<'_, T>, out: &mut [T]) {
    pack_on(Isa::detect(), b, 0..panels(b.cols()), out);
}

/// The tile kernels of an instruction set, for products whose operands lie in [`Segments`].
///
/// # Panics
/// If this CPU lacks the instructions.
pub fn kernels<T: Element>(isa: Isa) -> &'static Kernels<T> {
    assert!(isa <= Isa::detect(), "this CPU lacks {isa:?}");
    T::kernels(isa)
}

/// An element type that [`matmul`] multiplies: f32 or f64.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {}

impl Element for f32 {}
impl Element for f64 {}

mod sealed {
    use super::{Isa, Kernels, Rhs, Scratch, Start, Strided, Window};

    /// What tells the element types apart. Shapes have been checked.
    pub trait Sealed: Sized + 'static {
        fn kernels(isa: Isa) -> &'static Kernels<Self>;

        fn matmul(
            isa: Isa,
            a: Strided<'_, Self>,
            b: Rhs<'_, Self>,
            c: Window<'_, Self>,
            start: Start<'_, Self>,
            scratch: &mut Scratch,
        );

        /// Packs `b` into `out`, of `packed_len(b.cols(), b.rows())` elements.
        fn pack(isa: Isa, b: Strided<'_, Self>, out: &mut [Self]);
    }
}

impl sealed::Sealed for f32 {
    fn kernels(isa: Isa) -> &'static Kernels<f32> {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &avx512::KERNELS.tiles,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &avx2::KERNELS.tiles,
            _ => &plain::F32,
        }
    }

    #[allow(unsafe_code)]
    #[inline]
    fn matmul(
        isa: Isa,
        a: Strided<'_, f32>,
        b: Rhs<'_, f32>,
        c: Window<'_, f32>,
        start: Start<'_, f32>,
        scratch: &mut Scratch,
    ) {
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `matmul_on` checked that the CPU has the instructions, and the shapes.
            Isa::Avx512 => unsafe { blocked::matmul(&avx512::KERNELS, a, b, c, start, scratch) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { blocked::matmul(&avx2::KERNELS, a, b, c, start, scratch) },
            _ => fallback::matmul(&fallback::SGEMM, a, b, c, start),
        }
    }

    #[allow(unsafe_code)]
    fn pack(isa: Isa, b: Strided<'_, f32>, out: &mut [f32]) {
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `pack_on` checked that the CPU has the instructions, and the length of `out`.
            Isa::Avx512 => unsafe { pack::panels_of(&avx512::KERNELS, b, out.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { pack::panels_of(&avx2::KERNELS, b, out.as_mut_ptr()) },
            _ => fallback::pack(&fallback::SGEMM, b, out),
        }
    }
}

impl sealed::Sealed for f64 {
    fn kernels(_: Isa) -> &'static Kernels<f64> {
        &plain::F64
    }

    fn matmul(
        _: Isa,
        a: Strided<'_, f64>,
        b: Rhs<'_, f64>,
        c: Window<'_, f64>,
        start: Start<'_, f64>,
        _: &mut Scratch,
    ) {
        fallback::matmul(&fallback::DGEMM, a, b, c, start);
    }

    fn pack(_: Isa, b: Strided<'_, f64>, out: &mut [f64]) {
        fallback::pack(&fallback::DGEMM, b, out);
    }
}

/// [`matmul`] with the instructions of `isa`.
#[inline]
fn matmul_on<T: Element>(
    isa: Isa,
    a: Strided<'_, T>,
    b: Rhs<'_, T>,
    c: Window<'_, T>,
    start: Start<'_, T>,
    scratch: &mut Scratch,
) {
    assert!(isa <= Isa::detect(), "this CPU lacks {isa:?}");
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    assert!(
        a.rows() == m && b.rows() == k && b.cols() == n,
        "[{}, {}] times [{}, {}] is not [{m}, {n}]",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
    );
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), n, "one bias for each column");
    }
    if m > 0 && n > 0 {
        T::matmul(isa, a, b, c, start, scratch);
    }
}

/// Packs some panels of `b` with the instructions of `isa`.
fn pack_on<T: Element>(isa: Isa, b: Strided<'_, T>, which: Range<usize>, out: &mut [T]) {
    assert!(isa <= Isa::detect(), "this CPU lacks {isa:?}");
    assert!(which.start <= which.end && which.end <= panels(b.cols()), "panels {which:?}");
    let b = b.cols_in((which.start * NR).min(b.cols())..(which.end * NR).min(b.cols()));
    let len = packed_len(b.cols(), b.rows());
    assert!(out.len() >= len, "{} panels do not fit {} elements", which.len(), out.len());
    T::pack(isa, b, &mut out[..len]);
}

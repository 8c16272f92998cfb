//! Microkernels for AVX-512: tiles of up to 14 rows by 2 vectors of 16 columns.

use std::arch::x86_64::*;

use super::blocked::{Kernels, Tile, TileKernel};
use super::pack::NR;

/// 14 rows of 2 vectors, with 2 vectors of B and 1 element of A, fill the 32 registers but one.
const HEIGHT: usize = 14;
const LANES: usize = 16;

pub(super) static KERNELS: Kernels = Kernels {
    height: HEIGHT,
    lanes: LANES,
    row_major: [&tiles::<1, true>(), &tiles::<2, true>()],
    col_major: [&tiles::<1, false>(), &tiles::<2, false>()],
    transpose,
};

const fn tiles<const NV: usize, const ROW_MAJOR: bool>() -> [TileKernel; HEIGHT] {
    [
        tile::<1, NV, ROW_MAJOR>,
        tile::<2, NV, ROW_MAJOR>,
        tile::<3, NV, ROW_MAJOR>,
        tile::<4, NV, ROW_MAJOR>,
        tile::<5, NV, ROW_MAJOR>,
        tile::<6, NV, ROW_MAJOR>,
        tile::<7, NV, ROW_MAJOR>,
        tile::<8, NV, ROW_MAJOR>,
        tile::<9, NV, ROW_MAJOR>,
        tile::<10, NV, ROW_MAJOR>,
        tile::<11, NV, ROW_MAJOR>,
        tile::<12, NV, ROW_MAJOR>,
        tile::<13, NV, ROW_MAJOR>,
        tile::<14, NV, ROW_MAJOR>,
    ]
}

/// The first `count` lanes, all of them if there are more.
#[inline]
fn first(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}

/// A tile of `MR` rows and more than `NV - 1`, at most `NV` vectors.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn tile<const MR: usize, const NV: usize, const ROW_MAJOR: bool>(t: &Tile) {
    let mut masks = [!0; NV];
    masks[NV - 1] = first(t.cols - (NV - 1) * LANES);
    let mut sums = [[_mm512_setzero_ps(); NV]; MR];
    // SAFETY: the caller vouches for every element that `t` names; masks leave out columns past `t.cols`.
    unsafe {
        for (i, sums) in sums.iter_mut().enumerate() {
            load_row(t.start.add(i * t.start_stride), masks, sums);
        }
        let (mut a, mut b) = (t.a, t.b);
        let mut row = [_mm512_setzero_ps(); NV];
        for _ in 0..t.k {
            load_row(b, masks, &mut row);
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = _mm512_set1_ps(*a.add(if ROW_MAJOR { i * t.a_stride } else { i }));
                for (sum, y) in sums.iter_mut().zip(row) {
                    *sum = _mm512_fmadd_ps(x, y, *sum);
                }
            }
            a = a.wrapping_add(if ROW_MAJOR { 1 } else { t.a_stride });
            b = b.wrapping_add(t.b_stride);
        }
        for (i, sums) in sums.iter().enumerate() {
            let c = t.c.add(i * t.c_stride);
            for (v, (mask, sum)) in masks.into_iter().zip(sums).enumerate() {
                _mm512_mask_storeu_ps(c.add(v * LANES), mask, *sum);
            }
        }
    }
}

/// Loads `NV` vectors from `from`, of each the lanes in its mask.
///
/// # Safety
/// Those elements must be valid.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load_row<const NV: usize>(from: *const f32, masks: [__mmask16; NV], to: &mut [__m512; NV]) {
    for (v, (mask, to)) in masks.into_iter().zip(to).enumerate() {
        // SAFETY: see the caller's promise.
        *to = unsafe { _mm512_maskz_loadu_ps(mask, from.wrapping_add(v * LANES)) };
    }
}

/// See [`super::blocked::TransposeKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn transpose(from: *const f32, stride: usize, cols: usize, rows: usize, to: *mut f32) {
    for col in (0..NR).step_by(LANES) {
        let count = cols.saturating_sub(col).min(LANES);
        for row in (0..rows).step_by(LANES) {
            // SAFETY: rows and columns past the end are neither read nor written; see the caller's promise.
            unsafe {
                let from = from.wrapping_add(col * stride + row);
                transpose_16(from, stride, count, (rows - row).min(LANES), to.add(row * NR + col));
            }
        }
    }
}

/// `to[i * NR + j] = from[j * stride + i]` for i in `0..rows` and j in `0..cols`, zero for j in `cols..16`.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn transpose_16(from: *const f32, stride: usize, cols: usize, rows: usize, to: *mut f32) {
    let mask = first(rows);
    let mut x = [_mm512_setzero_ps(); LANES];
    for (j, x) in x.iter_mut().enumerate() {
        if j < cols {
            // SAFETY: the caller vouches for column j.
            *x = unsafe { _mm512_maskz_loadu_ps(mask, from.add(j * stride)) };
        }
    }
    // Within each 128-bit quarter q, after two rounds x[4g + r] holds row 4q + r of columns 4g..4g + 4.
    for g in 0..4 {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        x[4 * g] = _mm512_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low);
        x[4 * g + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low);
        x[4 * g + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high);
        x[4 * g + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high);
    }
    // Two more rounds gather the quarters of each row.
    let mut y = [_mm512_setzero_ps(); LANES];
    for r in 0..4 {
        let (even_low, odd_low) = (
            _mm512_shuffle_f32x4::<0b10_00_10_00>(x[r], x[4 + r]),
            _mm512_shuffle_f32x4::<0b11_01_11_01>(x[r], x[4 + r]),
        );
        let (even_high, odd_high) = (
            _mm512_shuffle_f32x4::<0b10_00_10_00>(x[8 + r], x[12 + r]),
            _mm512_shuffle_f32x4::<0b11_01_11_01>(x[8 + r], x[12 + r]),
        );
        y[r] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_low, even_high);
        y[8 + r] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_low, even_high);
        y[4 + r] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_low, odd_high);
        y[12 + r] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_low, odd_high);
    }
    for (i, y) in y.iter().enumerate() {
        if i < rows {
            // SAFETY: the caller vouches for row i.
            unsafe { _mm512_storeu_ps(to.add(i * NR), *y) }
        }
    }
}

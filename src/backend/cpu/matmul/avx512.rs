//! Microkernels for AVX-512: tiles of up to 14 rows by 2 vectors of 16 columns.

use std::arch::x86_64::*;

use super::blocked::{Copied, Packing, Parts, Set, Sizes};
use super::pack::NR;
use super::tile::{Kernels, Tile, TileKernel};

/// 14 rows of 2 vectors, with 2 vectors of B and 1 element of A, fill the 32 registers but one.
const HEIGHT: usize = 14;
const LANES: usize = 16;

pub(super) static KERNELS: Set = Set {
    tiles: Kernels {
        height: HEIGHT,
        lanes: LANES,
        tiles: [
            [&tiles::<1, ROWS, PACKED>(), &tiles::<2, ROWS, PACKED>()],
            [&tiles::<1, ROWS, IN_PLACE>(), &tiles::<2, ROWS, IN_PLACE>()],
            [&tiles::<1, COLS, IN_PLACE>(), &tiles::<2, COLS, IN_PLACE>()],
            [&tiles::<1, ROWS, PACKED>(), &tiles::<2, ROWS, FLOW>()],
            [&tiles::<1, COLS, PACKED>(), &tiles::<2, COLS, FLOW>()],
        ],
        zeros: &[0.0; NR],
    },
    pack_rows,
    pack_cols,
    pack_tiles,
    copied: Copied { elements: 1 << 19, side: 128 },
    // A panel of B is 32 KiB.
    down: Sizes::new(256, 256, 12, HEIGHT, LANES),
    // A tile of A is 21 KiB, a block of each operand stays in the second-level cache, and the sums are kept in registers for
    // longer.
    flow: Some(Sizes::new(384, 512, 12, HEIGHT, LANES)),
};

/// How A lies: adjacent elements in a row, or in a column.
const ROWS: bool = true;
const COLS: bool = false;
/// How B lies: in panels, in its own rows, or in panels of which each tile reads another.
const PACKED: u8 = 0;
const IN_PLACE: u8 = 1;
const FLOW: u8 = 2;
/// How far ahead rows of a panel are fetched that flows by.
const ROWS_AHEAD: usize = 16;
/// How far ahead rows are fetched that are copied: few of them fill the first-level cache.
const COPIED_AHEAD: usize = 2;

const fn tiles<const NV: usize, const A: bool, const B: u8>() -> [TileKernel<f32>; HEIGHT] {
    [
        tile::<1, NV, A, B>,
        tile::<2, NV, A, B>,
        tile::<3, NV, A, B>,
        tile::<4, NV, A, B>,
        tile::<5, NV, A, B>,
        tile::<6, NV, A, B>,
        tile::<7, NV, A, B>,
        tile::<8, NV, A, B>,
        tile::<9, NV, A, B>,
        tile::<10, NV, A, B>,
        tile::<11, NV, A, B>,
        tile::<12, NV, A, B>,
        tile::<13, NV, A, B>,
        tile::<14, NV, A, B>,
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
unsafe fn tile<const MR: usize, const NV: usize, const A: bool, const B: u8>(t: &Tile<f32>) {
    let mut masks = [!0; NV];
    masks[NV - 1] = first(t.cols - (NV - 1) * LANES);
    let mut sums = [[_mm512_setzero_ps(); NV]; MR];
    // SAFETY: the caller vouches for every element that `t` names; masks leave out columns past `t.cols`.
    unsafe {
        for (i, sums) in sums.iter_mut().enumerate() {
            load_row(t.start.add(i * t.start_stride), masks, sums);
        }
        for u in 0..t.segments.count[0] {
            for v in 0..t.segments.count[1] {
                let t = Tile {
                    a: t.a.wrapping_add(u * t.segments.a[0] + v * t.segments.a[1]),
                    b: t.b.wrapping_add(u * t.segments.b[0] + v * t.segments.b[1]),
                    ..*t
                };
                let mut p = 0;
                if NV == 1 {
                    // One vector leaves little work beside each address; four steps share it.
                    while p + 4 <= t.k {
                        steps::<MR, NV, 4, A, B>(&t, p, masks, &mut sums);
                        p += 4;
                    }
                }
                let ahead = t.ahead;
                if B == FLOW && A == COLS {
                    // Four steps in a row share what they fetch ahead; with A in rows they would take too many registers.
                    while p + 4 <= t.k {
                        _mm_prefetch::<_MM_HINT_T0>(ahead.a.wrapping_add(p * ahead.a_step).cast());
                        _mm_prefetch::<_MM_HINT_T1>(ahead.b.wrapping_add(p * ahead.b_step).cast());
                        for p in p..p + 4 {
                            steps::<MR, NV, 1, A, B>(&t, p, masks, &mut sums);
                        }
                        p += 4;
                    }
                }
                while p < t.k {
                    if B == FLOW {
                        _mm_prefetch::<_MM_HINT_T0>(ahead.a.wrapping_add(p * ahead.a_step).cast());
                        _mm_prefetch::<_MM_HINT_T1>(ahead.b.wrapping_add(p * ahead.b_step).cast());
                    }
                    steps::<MR, NV, 1, A, B>(&t, p, masks, &mut sums);
                    p += 1;
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let c = t.c.add(i * t.c_stride);
            for (v, (mask, sum)) in masks.into_iter().zip(sums).enumerate() {
                _mm512_mask_storeu_ps(c.add(v * LANES), mask, *sum);
            }
        }
    }
}

/// Adds the products of elements `p..p + U` of the summed dimension, in order.
///
/// # Safety
/// Those elements of `t` must be valid.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn steps<const MR: usize, const NV: usize, const U: usize, const A: bool, const B: u8>(
    t: &Tile<f32>,
    p: usize,
    masks: [__mmask16; NV],
    sums: &mut [[__m512; NV]; MR],
) {
    let a = t.a.wrapping_add(if A == ROWS { p } else { p * t.a_stride });
    let b = t.b.wrapping_add(p * t.b_stride);
    let mut rows = [[_mm512_setzero_ps(); NV]; U];
    // SAFETY: see the caller's promise; a prefetch may name any address.
    unsafe {
        for (u, row) in rows.iter_mut().enumerate() {
            load_row(b.wrapping_add(u * t.b_stride), masks, row);
            // Strides of a page or so defeat the prefetchers of the CPU.
            if B == IN_PLACE {
                let ahead = b.wrapping_add((u + 8) * t.b_stride);
                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(LANES).cast());
            }
            if B == FLOW {
                let ahead = b.wrapping_add((u + ROWS_AHEAD) * NR);
                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(LANES).cast());
            }
            if A == COLS && B == IN_PLACE {
                let ahead = a.wrapping_add((u + 12) * t.a_stride);
                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(MR - 1).cast());
            }
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            for (u, row) in rows.iter().enumerate() {
                let x = a.wrapping_add(if A == ROWS { i * t.a_stride + u } else { i + u * t.a_stride });
                let x = _mm512_set1_ps(*x);
                for (sum, y) in sums.iter_mut().zip(row) {
                    *sum = _mm512_fmadd_ps(x, *y, *sum);
                }
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

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn pack_rows(p: &Packing) {
    for row in 0..p.rows {
        for (panel, first_col) in (0..p.cols).step_by(NR).enumerate() {
            for col in (0..NR).step_by(LANES) {
                let mask = first(p.cols.saturating_sub(first_col + col));
                // SAFETY: the caller vouches for every element that `p` names; the mask leaves out columns past its end.
                unsafe {
                    let from = p.from.wrapping_add(row * p.from_stride + first_col + col);
                    _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(COPIED_AHEAD * p.from_stride).cast());
                    let to = p.to.wrapping_add((panel * p.rows + row) * NR + col);
                    _mm512_storeu_ps(to, _mm512_maskz_loadu_ps(mask, from));
                }
            }
        }
    }
}

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn pack_tiles(p: &Packing) {
    let tiles = Parts::of(p.cols, HEIGHT);
    for row in 0..p.rows {
        for (tile, cols) in tiles.ranges().enumerate() {
            // SAFETY: as above.
            unsafe {
                let from = p.from.wrapping_add(row * p.from_stride + cols.start);
                _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(COPIED_AHEAD * p.from_stride).cast());
                let to = p.to.wrapping_add((tile * p.rows + row) * LANES);
                _mm512_storeu_ps(to, _mm512_maskz_loadu_ps(first(cols.len()), from));
            }
        }
    }
}

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn pack_cols(p: &Packing) {
    for col in (0..NR).step_by(LANES) {
        for row in (0..p.rows).step_by(LANES) {
            let block = Packing {
                rows: (p.rows - row).min(LANES),
                cols: p.cols.saturating_sub(col).min(LANES),
                from: p.from.wrapping_add(col * p.from_stride + row),
                to: p.to.wrapping_add(row * NR + col),
                ..*p
            };
            // SAFETY: the block is a part of what the caller vouches for.
            unsafe { transpose(&block) }
        }
    }
}

/// Packs a block of at most 16 rows and columns, stored column after column.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
unsafe fn transpose(p: &Packing) {
    let mask = first(p.rows);
    let mut x = [_mm512_setzero_ps(); LANES];
    for (j, x) in x.iter_mut().enumerate() {
        if j < p.cols {
            // SAFETY: the caller vouches for column j.
            *x = unsafe { _mm512_maskz_loadu_ps(mask, p.from.add(j * p.from_stride)) };
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
        if i < p.rows {
            // SAFETY: the caller vouches for row i.
            unsafe { _mm512_storeu_ps(p.to.add(i * NR), *y) }
        }
    }
}

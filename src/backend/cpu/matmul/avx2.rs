//! Microkernels for AVX2 with FMA: tiles of up to 6 rows by 2 vectors of 8 columns.

use std::arch::x86_64::*;

use super::blocked::{Copied, Packing, Parts, Set, Sizes};
use super::pack::NR;
use super::tile::{Kernels, Tile, TileKernel};

/// 6 rows of 2 vectors, with 2 vectors of B and 1 element of A, fill the 16 registers but one.
const HEIGHT: usize = 6;
const LANES: usize = 8;
/// Columns of a strip.
const WIDTH: usize = 2 * LANES;

pub(super) static KERNELS: Set = Set {
    tiles: Kernels {
        height: HEIGHT,
        lanes: LANES,
        tiles: [
            [&tiles::<1, ROWS, PACKED>(), &tiles::<2, ROWS, PACKED>()],
            [&tiles::<1, ROWS, IN_PLACE>(), &tiles::<2, ROWS, IN_PLACE>()],
            [&tiles::<1, COLS, IN_PLACE>(), &tiles::<2, COLS, IN_PLACE>()],
            [&tiles::<1, ROWS, PACKED>(), &tiles::<2, ROWS, PACKED>()],
            [&tiles::<1, COLS, PACKED>(), &tiles::<2, COLS, PACKED>()],
        ],
        zeros: &[0.0; NR],
    },
    pack_rows,
    pack_cols,
    pack_tiles,
    copied: Copied { elements: 1 << 17, side: 64 },
    // A strip of B is 24 KiB, a block of A 144 KiB; shorter sums would read C anew too often.
    down: Sizes::new(384, 96, 9, HEIGHT, LANES),
    flow: None,
};

/// How A lies: adjacent elements in a row, or in a column.
const ROWS: bool = true;
const COLS: bool = false;
/// How B lies: in panels, or in its own rows.
const PACKED: bool = true;
const IN_PLACE: bool = false;
/// Whether a tile has all columns of its vectors.
const FULL: bool = true;
const CUT: bool = false;

/// Length of the sums that gives time to fetch what the next tile begins with.
const LONG: usize = 64;
/// How far ahead rows are fetched that are copied.
const COPIED_AHEAD: usize = 2;

const fn tiles<const NV: usize, const A: bool, const B: bool>() -> [TileKernel<f32>; HEIGHT] {
    [
        tile::<1, NV, A, B>,
        tile::<2, NV, A, B>,
        tile::<3, NV, A, B>,
        tile::<4, NV, A, B>,
        tile::<5, NV, A, B>,
        tile::<6, NV, A, B>,
    ]
}

/// The first `count` lanes, all of them if there are more.
#[target_feature(enable = "avx2")]
#[inline]
fn first(count: usize) -> __m256i {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(LANES) as i32), lanes)
}

/// A tile of `MR` rows and more than `NV - 1`, at most `NV` vectors.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const MR: usize, const NV: usize, const A: bool, const B: bool>(t: &Tile<f32>) {
    // SAFETY: the caller vouches for every element that `t` names.
    unsafe {
        if t.cols == NV * LANES {
            sum_tile::<MR, NV, A, B, FULL>(t);
        } else {
            sum_tile::<MR, NV, A, B, CUT>(t);
        }
    }
}

/// Computes a tile; `WHOLE` says whether it has all columns of its `NV` vectors.
///
/// # Safety
/// As [`TileKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn sum_tile<const MR: usize, const NV: usize, const A: bool, const B: bool, const WHOLE: bool>(
    t: &Tile<f32>,
) {
    let last = first(t.cols - (NV - 1) * LANES);
    let mut sums = [[_mm256_setzero_ps(); NV]; MR];
    // SAFETY: the caller vouches for every element that `t` names; the mask leaves out columns past `t.cols`. Rows of a panel
    // have whole vectors.
    unsafe {
        for (i, sums) in sums.iter_mut().enumerate() {
            load_row::<NV, WHOLE>(t.start.add(i * t.start_stride), last, sums);
        }
        if t.k >= LONG {
            // The tile below comes next; a prefetch may name any address.
            for i in 0..MR {
                _mm_prefetch::<_MM_HINT_T0>(t.c.wrapping_add((MR + i) * t.c_stride).cast_const().cast());
            }
        }
        let mut row = [_mm256_setzero_ps(); NV];
        for u in 0..t.segments.count[0] {
            for v in 0..t.segments.count[1] {
                let mut a = t.a.wrapping_add(u * t.segments.a[0] + v * t.segments.a[1]);
                let mut b = t.b.wrapping_add(u * t.segments.b[0] + v * t.segments.b[1]);
                for _ in 0..t.k {
                    // A masked load takes twice as long as a plain one on CPUs that halve vectors of 256 bits.
                    if B == PACKED {
                        load_row::<NV, FULL>(b, last, &mut row);
                    } else {
                        load_row::<NV, WHOLE>(b, last, &mut row);
                    }
                    // Strides of a page or so defeat the prefetchers of the CPU; a prefetch may name any address.
                    if B == IN_PLACE {
                        _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(8 * t.b_stride).cast());
                    }
                    if A == COLS && B == IN_PLACE {
                        _mm_prefetch::<_MM_HINT_T0>(a.wrapping_add(12 * t.a_stride).cast());
                    }
                    for (i, sums) in sums.iter_mut().enumerate() {
                        let x = _mm256_set1_ps(*a.add(if A == ROWS { i * t.a_stride } else { i }));
                        for (sum, y) in sums.iter_mut().zip(row) {
                            *sum = _mm256_fmadd_ps(x, y, *sum);
                        }
                    }
                    a = a.wrapping_add(if A == ROWS { 1 } else { t.a_stride });
                    b = b.wrapping_add(t.b_stride);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let c = t.c.add(i * t.c_stride);
            for (v, sum) in sums.iter().enumerate() {
                // Some CPUs take long over a masked store.
                if WHOLE || v < NV - 1 {
                    _mm256_storeu_ps(c.add(v * LANES), *sum);
                } else {
                    _mm256_maskstore_ps(c.add(v * LANES), last, *sum);
                }
            }
        }
    }
}

/// Loads `NV` vectors from `from`, of the last only the lanes in `last` unless all of them are there.
///
/// # Safety
/// Those elements must be valid.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load_row<const NV: usize, const WHOLE: bool>(
    from: *const f32,
    last: __m256i,
    to: &mut [__m256; NV],
) {
    for (v, to) in to.iter_mut().enumerate() {
        let from = from.wrapping_add(v * LANES);
        let plain = WHOLE || v < NV - 1;
        // SAFETY: see the caller's promise.
        *to = unsafe { if plain { _mm256_loadu_ps(from) } else { _mm256_maskload_ps(from, last) } };
    }
}

/// Loads the first `count` elements from `from`, at most a vector of them; zeros take the place of the others.
///
/// # Safety
/// Those elements must be valid.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load(from: *const f32, count: usize) -> __m256 {
    // SAFETY: see the caller's promise.
    unsafe { if count >= LANES { _mm256_loadu_ps(from) } else { _mm256_maskload_ps(from, first(count)) } }
}

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn pack_rows(p: &Packing) {
    for row in 0..p.rows {
        for (strip, first_col) in (0..p.cols.next_multiple_of(NR)).step_by(WIDTH).enumerate() {
            for col in [0, LANES] {
                let count = p.cols.saturating_sub(first_col + col);
                // SAFETY: the caller vouches for every element that `p` names; columns past its end are left out.
                unsafe {
                    let from = p.from.wrapping_add(row * p.from_stride + first_col + col);
                    _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(COPIED_AHEAD * p.from_stride).cast());
                    let to = p.to.add((strip * p.rows + row) * WIDTH + col);
                    _mm256_storeu_ps(to, load(from, count));
                }
            }
        }
    }
}

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn pack_tiles(p: &Packing) {
    let tiles = Parts::of(p.cols, HEIGHT);
    for row in 0..p.rows {
        for (tile, cols) in tiles.ranges().enumerate() {
            // SAFETY: as above; a prefetch may name any address.
            unsafe {
                let from = p.from.wrapping_add(row * p.from_stride + cols.start);
                _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(COPIED_AHEAD * p.from_stride).cast());
                let to = p.to.wrapping_add((tile * p.rows + row) * LANES);
                _mm256_storeu_ps(to, _mm256_maskload_ps(from, first(cols.len())));
            }
        }
    }
}

/// See [`super::blocked::PackKernel`].
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn pack_cols(p: &Packing) {
    for col in (0..NR).step_by(LANES) {
        for row in (0..p.rows).step_by(LANES) {
            let block = Packing {
                rows: (p.rows - row).min(LANES),
                cols: p.cols.saturating_sub(col).min(LANES),
                from: p.from.wrapping_add(col * p.from_stride + row),
                to: p.to.wrapping_add((col / WIDTH * p.rows + row) * WIDTH + col % WIDTH),
                ..*p
            };
            // SAFETY: the block is a part of what the caller vouches for.
            unsafe { transpose(&block) }
        }
    }
}

/// Packs a block of at most 8 rows and columns, stored column after column.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn transpose(p: &Packing) {
    let mut x = [_mm256_setzero_ps(); LANES];
    for (j, x) in x.iter_mut().enumerate() {
        if j < p.cols {
            // SAFETY: the caller vouches for column j.
            *x = unsafe { load(p.from.add(j * p.from_stride), p.rows) };
        }
    }
    // Within each 128-bit half h, after two rounds x[4g + r] holds row 4h + r of columns 4g..4g + 4.
    for g in 0..2 {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        x[4 * g] = _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low);
        x[4 * g + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low);
        x[4 * g + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high);
        x[4 * g + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high);
    }
    let mut y = [_mm256_setzero_ps(); LANES];
    for r in 0..4 {
        y[r] = _mm256_permute2f128_ps::<0x20>(x[r], x[4 + r]);
        y[4 + r] = _mm256_permute2f128_ps::<0x31>(x[r], x[4 + r]);
    }
    for (i, y) in y.iter().enumerate() {
        if i < p.rows {
            // SAFETY: the caller vouches for row i.
            unsafe { _mm256_storeu_ps(p.to.add(i * WIDTH), *y) }
        }
    }
}

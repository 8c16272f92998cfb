//! The loops around the microkernels: which tile is computed when, and from which copy of the operands.

use std::ops::Range;

use super::Start;
use super::pack::{self, NR};
use super::views::{Rhs, Strided, Window};

/// Rows of B in a block: a panel of it (32 KiB) stays in the first-level cache.
const KC: usize = 256;
/// Rows of A in a block: at `KC` columns it stays in the second-level cache.
const MC: usize = 256;

/// One tile of the result, and the pieces of the operands that it is made of.
///
/// The tile has as many rows as its kernel is made for. Where A is row-major, its element (i, p) is
/// `a[i * a_stride + p]`, otherwise `a[i + p * a_stride]`; element (p, j) of B is `b[p * b_stride + j]`.
pub(super) struct Tile {
    /// Length of the sums.
    pub(super) k: usize,
    /// Columns, at most the kernel's width.
    pub(super) cols: usize,
    pub(super) a: *const f32,
    pub(super) a_stride: usize,
    pub(super) b: *const f32,
    pub(super) b_stride: usize,
    /// What the sums begin with: element (i, j) is `start[i * start_stride + j]`.
    pub(super) start: *const f32,
    pub(super) start_stride: usize,
    pub(super) c: *mut f32,
    pub(super) c_stride: usize,
}

/// Computes one tile.
///
/// # Safety
/// The CPU must have the kernel's instructions and every element that the [`Tile`] names must be valid.
pub(super) type TileKernel = unsafe fn(&Tile);

/// `transpose(from, stride, cols, rows, to)`: for i in `0..rows` and j in `0..cols`, `to[i * NR + j]` becomes
/// `from[j * stride + i]`; for j in `cols..NR` it becomes zero.
///
/// # Safety
/// The CPU must have the kernel's instructions, `cols` be at most `NR` and every element named be valid.
pub(super) type TransposeKernel = unsafe fn(*const f32, usize, usize, usize, *mut f32);

/// The microkernels of one instruction set.
pub(super) struct Kernels {
    /// Rows of the tallest tile.
    pub(super) height: usize,
    /// Columns of a vector.
    pub(super) lanes: usize,
    /// `row_major[v][m]` has `m + 1` rows of `v + 1` vectors and reads a row-major A.
    pub(super) row_major: [&'static [TileKernel]; 2],
    /// The same for the transposed layout of A.
    pub(super) col_major: [&'static [TileKernel]; 2],
    pub(super) transpose: TransposeKernel,
}

/// Room for packed blocks, made once and used by every product of a thread.
pub struct Scratch {
    a: Box<[Line]>,
    b: Box<[Line]>,
}

/// A cache line: vectors that are loaded from packed blocks cross no line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "reached through pointers")] [f32; 16]);

impl Scratch {
    /// Room for a product of any shape, some 300 KiB.
    pub fn new() -> Self {
        let lines = |elements: usize| vec![Line([0.0; 16]); elements / 16].into_boxed_slice();
        Scratch { a: lines(MC * KC), b: lines(KC * NR) }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// Cuts `0..len` into `parts` ranges whose lengths differ by one at most.
#[inline]
fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    let (each, longer) = (len / parts, len % parts);
    let start = index * each + index.min(longer);
    start..start + each + usize::from(index < longer)
}

/// [`super::matmul`] with checked shapes, `m` and `n` not zero.
///
/// # Safety
/// The CPU must have the instructions of `kernels` and the shapes must agree.
#[allow(unsafe_code)]
pub(super) unsafe fn matmul(
    kernels: &Kernels,
    a: Strided<'_, f32>,
    b: Rhs<'_, f32>,
    mut c: Window<'_, f32>,
    start: Start<'_, f32>,
    scratch: &mut Scratch,
) {
    static ZEROS: [f32; NR] = [0.0; NR];
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let (out, c_stride) = (c.as_mut_ptr(), c.stride());
    let a_room = scratch.a.as_mut_ptr().cast::<f32>();
    let b_room = scratch.b.as_mut_ptr().cast::<f32>();
    // One round even when there is nothing to sum: the result still starts with `start`.
    let k_parts = k.div_ceil(KC).max(1);
    let m_parts = m.div_ceil(MC);
    for k_part in 0..k_parts {
        let ks = part(k, k_parts, k_part);
        for m_part in 0..m_parts {
            let rows = part(m, m_parts, m_part);
            let left = Left::new(kernels.height, a.rows_in(rows.clone()).cols_in(ks.clone()), a_room);
            for col in (0..n).step_by(NR) {
                let cols = NR.min(n - col);
                // SAFETY: the ranges are within the operands, which were checked when they were made.
                let (b, b_stride) = unsafe { right(kernels, b, ks.clone(), col..col + cols, b_room) };
                for rows_part in 0..left.parts {
                    let tile_rows = part(left.rows, left.parts, rows_part);
                    let (a, a_stride) = left.at(&tile_rows);
                    for sub in (0..cols).step_by(2 * kernels.lanes) {
                        let c = out.wrapping_add((rows.start + tile_rows.start) * c_stride + col + sub);
                        let (start, start_stride) = match start {
                            Start::Keep => (c.cast_const(), c_stride),
                            _ if k_part > 0 => (c.cast_const(), c_stride),
                            Start::Zero => (ZEROS.as_ptr(), 0),
                            Start::Bias(bias) => (bias.as_ptr().wrapping_add(col + sub), 0),
                        };
                        let cols = (cols - sub).min(2 * kernels.lanes);
                        let tile = Tile {
                            k: ks.len(),
                            cols,
                            a,
                            a_stride,
                            b: b.wrapping_add(sub),
                            b_stride,
                            start,
                            start_stride,
                            c,
                            c_stride,
                        };
                        let set = if left.row_major { &kernels.row_major } else { &kernels.col_major };
                        let kernel = set[usize::from(cols > kernels.lanes)][tile_rows.len() - 1];
                        // SAFETY: the caller vouches for the instructions; the tile lies within the operands.
                        unsafe { kernel(&tile) }
                    }
                }
            }
        }
    }
}

/// A block of A, as the kernels read it.
struct Left {
    /// Its rows, which are cut into `parts` tiles.
    rows: usize,
    parts: usize,
    row_major: bool,
    /// Where tile rows starting at i begin: `i * step` from `data`.
    data: *const f32,
    step: usize,
    /// 0 for packed tiles: their stride is their number of rows.
    stride: usize,
}

impl Left {
    fn new(height: usize, a: Strided<'_, f32>, room: *mut f32) -> Left {
        let rows = a.rows();
        let parts = rows.div_ceil(height);
        let data = a.as_ptr();
        if a.col_stride() == 1 {
            return Left { rows, parts, row_major: true, data, step: a.row_stride(), stride: a.row_stride() };
        }
        if a.row_stride() == 1 {
            return Left { rows, parts, row_major: false, data, step: 1, stride: a.col_stride() };
        }
        for index in 0..parts {
            let tile = part(rows, parts, index);
            for p in 0..a.cols() {
                for i in 0..tile.len() {
                    // SAFETY: the block has at most `MC` rows and `KC` columns, for which there is room.
                    #[allow(unsafe_code)]
                    unsafe {
                        let from = data.add((tile.start + i) * a.row_stride() + p * a.col_stride());
                        *room.add(tile.start * a.cols() + p * tile.len() + i) = *from;
                    }
                }
            }
        }
        Left { rows, parts, row_major: false, data: room, step: a.cols(), stride: 0 }
    }

    #[inline]
    fn at(&self, tile: &Range<usize>) -> (*const f32, usize) {
        let stride = if self.stride == 0 { tile.len() } else { self.stride };
        (self.data.wrapping_add(tile.start * self.step), stride)
    }
}

/// A block of B of at most [`NR`] columns, as the kernels read it: its first element and its row stride.
///
/// # Safety
/// The CPU must have the instructions of `kernels`, and the ranges must be within `b`.
#[allow(unsafe_code)]
#[inline]
unsafe fn right(
    kernels: &Kernels,
    b: Rhs<'_, f32>,
    rows: Range<usize>,
    cols: Range<usize>,
    room: *mut f32,
) -> (*const f32, usize) {
    match b {
        Rhs::Packed(b) => (b.as_ptr().wrapping_add(cols.start * b.rows() + rows.start * NR), NR),
        Rhs::Strided(b) if b.col_stride() == 1 => {
            (b.as_ptr().wrapping_add(rows.start * b.row_stride() + cols.start), b.row_stride())
        }
        Rhs::Strided(b) => {
            // SAFETY: the block has at most `KC` rows, for which there is room.
            unsafe { pack::panel(kernels, b.rows_in(rows).cols_in(cols), room) }
            (room, NR)
        }
    }
}

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

/// A matrix `[rows, cols]` on its way into a panel.
///
/// Element (i, j) of it is `from[i * from_stride + j]`, or `from[i + j * from_stride]` where the kernel packs
/// columns. It goes to `to[i * NR + j]`; zeros fill the rest of the row.
pub(super) struct Packing {
    pub(super) rows: usize,
    /// At most [`NR`].
    pub(super) cols: usize,
    pub(super) from: *const f32,
    pub(super) from_stride: usize,
    pub(super) to: *mut f32,
}

/// Fills a panel.
///
/// # Safety
/// The CPU must have the kernel's instructions and every element that the [`Packing`] names must be valid.
pub(super) type PackKernel = unsafe fn(&Packing);

/// The microkernels of one instruction set.
pub(super) struct Kernels {
    /// Rows of the tallest tile.
    pub(super) height: usize,
    /// Columns of a vector.
    pub(super) lanes: usize,
    /// `tiles[layout][v][i]` has `i + 1` rows of `v + 1` vectors. Layouts: A row-major and B packed; A row-major
    /// and B in place; A transposed.
    pub(super) tiles: [[&'static [TileKernel]; 2]; 3],
    /// Fills a panel from adjacent elements in rows.
    pub(super) pack_rows: PackKernel,
    /// Fills a panel from adjacent elements in columns.
    pub(super) pack_cols: PackKernel,
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
    let (c, c_stride) = (c.as_mut_ptr(), c.stride());
    let (a_room, b_room) = (scratch.a.as_mut_ptr().cast::<f32>(), scratch.b.as_mut_ptr().cast::<f32>());
    let width = 2 * kernels.lanes;
    // One round even when there is nothing to sum: the result still starts with `start`.
    let k_blocks = Parts::of(k, KC);
    for ks in k_blocks.ranges() {
        for rows in Parts::of(m, MC).ranges() {
            let c = c.wrapping_add(rows.start * c_stride);
            // SAFETY: the block is within A and within what the scratch has room for.
            let left = unsafe { Left::new(kernels, a.rows_in(rows).cols_in(ks.clone()), a_room) };
            for panel in (0..n).step_by(NR) {
                let panel_cols = panel..n.min(panel + NR);
                // SAFETY: the block is within B and within what the scratch has room for.
                let right = unsafe { Right::new(kernels, b, ks.clone(), panel_cols.clone(), b_room) };
                let layout = if !left.row_major { 2 } else { usize::from(!right.packed) };
                for tile_rows in left.tiles.ranges() {
                    for col in panel_cols.clone().step_by(width) {
                        let c = c.wrapping_add(tile_rows.start * c_stride + col);
                        let (start, start_stride) = match start {
                            Start::Zero if ks.start == 0 => (ZEROS.as_ptr(), 0),
                            Start::Bias(bias) if ks.start == 0 => (bias.as_ptr().wrapping_add(col), 0),
                            _ => (c.cast_const(), c_stride),
                        };
                        let cols = width.min(panel_cols.end - col);
                        let (a, a_stride) = left.tile(&tile_rows);
                        let b = right.data.wrapping_add(col - panel);
                        let b_stride = right.stride;
                        let tile = Tile {
                            k: ks.len(),
                            cols,
                            a,
                            a_stride,
                            b,
                            b_stride,
                            start,
                            start_stride,
                            c,
                            c_stride,
                        };
                        let vectors = &kernels.tiles[layout][usize::from(cols > kernels.lanes)];
                        // SAFETY: the caller vouches for the instructions; the tile lies within the operands.
                        unsafe { vectors[tile_rows.len() - 1](&tile) }
                    }
                }
            }
        }
    }
}

/// A length cut into parts that differ by one at most.
#[derive(Clone, Copy)]
struct Parts {
    each: usize,
    longer: usize,
    count: usize,
}

impl Parts {
    /// As few parts as `most` allows, at least one.
    #[inline]
    fn of(len: usize, most: usize) -> Parts {
        let count = len.div_ceil(most).max(1);
        Parts { each: len / count, longer: len % count, count }
    }

    #[inline]
    fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).map(move |index| {
            let start = index * self.each + index.min(self.longer);
            start..start + self.each + usize::from(index < self.longer)
        })
    }
}

/// A block of A, as the kernels read it.
struct Left {
    tiles: Parts,
    data: *const f32,
    row_major: bool,
    /// Elements from one row to the next.
    row_step: usize,
    /// [`Tile::a_stride`], or 0 where tiles are packed one after the other: then it is a tile's number of rows.
    stride: usize,
}

impl Left {
    /// # Safety
    /// If `a` has adjacent elements neither in rows nor in columns, there must be `room` for a copy of it.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn new(kernels: &Kernels, a: Strided<'_, f32>, room: *mut f32) -> Left {
        let tiles = Parts::of(a.rows(), kernels.height);
        let data = a.as_ptr();
        if a.col_stride() == 1 {
            Left { tiles, data, row_major: true, row_step: a.row_stride(), stride: a.row_stride() }
        } else if a.row_stride() == 1 {
            Left { tiles, data, row_major: false, row_step: 1, stride: a.col_stride() }
        } else {
            for rows in tiles.ranges() {
                // SAFETY: see the caller's promise.
                unsafe { pack::tile(a.rows_in(rows.clone()), room.wrapping_add(rows.start * a.cols())) }
            }
            Left { tiles, data: room, row_major: false, row_step: a.cols(), stride: 0 }
        }
    }

    /// [`Tile::a`] and [`Tile::a_stride`] for a tile with these rows.
    #[inline]
    fn tile(&self, rows: &Range<usize>) -> (*const f32, usize) {
        let stride = if self.stride == 0 { rows.len() } else { self.stride };
        (self.data.wrapping_add(rows.start * self.row_step), stride)
    }
}

/// A block of a panel of B, as the kernels read it.
struct Right {
    data: *const f32,
    packed: bool,
    /// Elements from one row to the next.
    stride: usize,
}

impl Right {
    /// # Safety
    /// The CPU must have the instructions of `kernels`. If `b` is neither packed nor has adjacent elements in rows,
    /// there must be `room` for a copy of the block.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn new(
        kernels: &Kernels,
        b: Rhs<'_, f32>,
        rows: Range<usize>,
        cols: Range<usize>,
        room: *mut f32,
    ) -> Right {
        match b {
            Rhs::Packed(b) => {
                let data = b.as_ptr().wrapping_add(cols.start * b.rows() + rows.start * NR);
                Right { data, packed: true, stride: NR }
            }
            Rhs::Strided(b) => {
                let block = b.rows_in(rows).cols_in(cols);
                if b.col_stride() == 1 {
                    return Right { data: block.as_ptr(), packed: false, stride: b.row_stride() };
                }
                // SAFETY: see the caller's promise.
                unsafe { pack::panels_of(kernels, block, room) }
                Right { data: room, packed: true, stride: NR }
            }
        }
    }
}

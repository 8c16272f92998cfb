//! The loops around the microkernels: which tile is computed when, and from which copy of the operands.

use std::ops::Range;

use super::Start;
use super::pack::{self, NR};
use super::tile::{IN_PLACE, Kernels, PANELS, Segments, TRANSPOSED, Tile};
use super::views::{Rhs, Strided, Window};

/// Rows of B in a block: a panel of it (32 KiB) stays in the first-level cache.
const KC: usize = 256;
/// Rows of A in a block: at `KC` columns it stays in the second-level cache.
const MC: usize = 256;

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

/// The kernels of one instruction set for f32.
pub(super) struct Set {
    pub(super) tiles: Kernels<f32>,
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
/// The CPU must have the instructions of `set` and the shapes must agree.
#[allow(unsafe_code)]
pub(super) unsafe fn matmul(
    set: &Set,
    a: Strided<'_, f32>,
    b: Rhs<'_, f32>,
    mut c: Window<'_, f32>,
    start: Start<'_, f32>,
    scratch: &mut Scratch,
) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let (c, c_stride) = (c.as_mut_ptr(), c.stride());
    let (a_room, b_room) = (scratch.a.as_mut_ptr().cast::<f32>(), scratch.b.as_mut_ptr().cast::<f32>());
    let panels = (0..n).step_by(NR).map(|col| col..n.min(col + NR));
    // One round even when there is nothing to sum: the result still starts with `start`.
    for ks in Parts::of(k, KC).ranges() {
        let start = if ks.start == 0 { start } else { Start::Keep };
        for rows in Parts::of(m, MC).ranges() {
            // SAFETY: the block is within A and within what the scratch has room for.
            let left = unsafe { Left::new(set, a.rows_in(rows.clone()).cols_in(ks.clone()), a_room) };
            let c = c.wrapping_add(rows.start * c_stride);
            let block = Block { set, left: &left, k: ks.len(), start, c, c_stride };
            // SAFETY: the block is within B and within what the scratch has room for; so are its tiles, and the
            // caller vouches for the instructions.
            unsafe {
                if let Rhs::Strided(b) = b
                    && b.col_stride() == 1
                {
                    // Along the rows of C: the CPU's prefetchers follow them.
                    for tile_rows in left.tiles.ranges() {
                        for cols in panels.clone() {
                            block.tile(&tile_rows, &cols, &Right::in_place(b, &ks, &cols));
                        }
                    }
                } else {
                    // Down the rows of A: the panel stays in the first-level cache.
                    for cols in panels.clone() {
                        let right = Right::panel(set, b, &ks, &cols, b_room);
                        for tile_rows in left.tiles.ranges() {
                            block.tile(&tile_rows, &cols, &right);
                        }
                    }
                }
            }
        }
    }
}

/// A block of C, over a block of the summed dimension.
struct Block<'a> {
    set: &'a Set,
    left: &'a Left,
    k: usize,
    start: Start<'a, f32>,
    c: *mut f32,
    c_stride: usize,
}

impl Block<'_> {
    /// Computes some rows of a tile's height and some columns of a panel's width.
    ///
    /// # Safety
    /// The CPU must have the instructions of the kernels, and rows, columns and `right` must lie within the
    /// operands.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn tile(&self, rows: &Range<usize>, cols: &Range<usize>, right: &Right) {
        let (kernels, c_stride) = (&self.set.tiles, self.c_stride);
        let layout = match (self.left.row_major, right.packed) {
            (true, true) => PANELS,
            (true, false) => IN_PLACE,
            (false, _) => TRANSPOSED,
        };
        let (a, a_stride) = self.left.tile(rows);
        for col in cols.clone().step_by(2 * kernels.lanes) {
            let c = self.c.wrapping_add(rows.start * c_stride + col);
            let (start, start_stride) = match self.start {
                Start::Zero => (kernels.zeros.as_ptr(), 0),
                Start::Keep => (c.cast_const(), c_stride),
                Start::Bias(bias) => (bias.as_ptr().wrapping_add(col), 0),
            };
            let tile = Tile {
                k: self.k,
                segments: Segments::ONE,
                cols: (2 * kernels.lanes).min(cols.end - col),
                a,
                a_stride,
                b: right.data.wrapping_add(col - cols.start),
                b_stride: right.stride,
                start,
                start_stride,
                c,
                c_stride,
            };
            // SAFETY: see the caller's promise.
            unsafe { kernels.run(layout, rows.len(), &tile) }
        }
    }
}

/// A length cut into parts that differ by one at most.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    each: usize,
    longer: usize,
    count: usize,
}

impl Parts {
    /// As few parts as `most` allows, at least one.
    #[inline]
    pub fn of(len: usize, most: usize) -> Parts {
        let count = len.div_ceil(most).max(1);
        Parts { each: len / count, longer: len % count, count }
    }

    /// The parts, in order.
    #[inline]
    pub fn ranges(self) -> impl Iterator<Item = Range<usize>> {
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
    unsafe fn new(set: &Set, a: Strided<'_, f32>, room: *mut f32) -> Left {
        let tiles = Parts::of(a.rows(), set.tiles.height);
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

/// Some rows of a panel of B, as the kernels read them.
struct Right {
    data: *const f32,
    packed: bool,
    /// Elements from one row to the next.
    stride: usize,
}

impl Right {
    /// Rows with adjacent elements, read where they lie: prefetching them costs less than copying them.
    #[inline]
    fn in_place(b: Strided<'_, f32>, rows: &Range<usize>, cols: &Range<usize>) -> Right {
        let data = b.as_ptr().wrapping_add(rows.start * b.row_stride() + cols.start);
        Right { data, packed: false, stride: b.row_stride() }
    }

    /// Rows of a panel, which is packed now unless it was before.
    ///
    /// # Safety
    /// The CPU must have the instructions of `set`. Unless `b` is packed, there must be `room` for a copy.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn panel(
        set: &Set,
        b: Rhs<'_, f32>,
        rows: &Range<usize>,
        cols: &Range<usize>,
        room: *mut f32,
    ) -> Right {
        let data = match b {
            Rhs::Packed(b) => b.as_ptr().wrapping_add(cols.start * b.rows() + rows.start * NR),
            Rhs::Strided(b) => {
                // SAFETY: see the caller's promise.
                unsafe { pack::panels_of(set, b.rows_in(rows.clone()).cols_in(cols.clone()), room) }
                room
            }
        };
        Right { data, packed: true, stride: NR }
    }
}

//! The loops around the microkernels: which tile is computed when, and from which copy of the operands.

use std::ops::Range;

use super::Start;
use super::pack::{self, NR, panels};
use super::tile::{Ahead, FLOW_ROWS, IN_PLACE, Kernels, PANELS, Segments, TILES, TRANSPOSED, Tile};
use super::views::{Rhs, Strided, Window};

/// How the operands are cut into blocks.
pub(super) struct Sizes {
    /// Length of the sums.
    sums: usize,
    /// Rows of A.
    rows: usize,
    /// Panels of B.
    panels: usize,
}

impl Sizes {
    /// Blocks for tiles of a height, each row of which has room for some `lanes`.
    ///
    /// # Panics
    /// If a [`Scratch`] has no room for them.
    pub(super) const fn new(sums: usize, rows: usize, panels: usize, height: usize, lanes: usize) -> Sizes {
        assert!(rows.div_ceil(height) * lanes * sums <= LEFT && sums * panels * NR <= RIGHT);
        Sizes { sums, rows, panels }
    }
}

/// Elements of a block of A in tiles, at most.
const LEFT: usize = 1 << 18;
/// Elements of a block of B in panels, at most.
const RIGHT: usize = 384 * 12 * NR;

/// Elements of B from which on it is not in the second-level cache beside what else a network reads between two products
/// with it.
const LARGE: usize = 1 << 17;
/// Rows of A that pay for reading ahead what is.
const LARGE_ROWS: usize = 256;

/// From where on operands that could be read in place are copied, because they stride over more pages than the caches
/// remember.
pub(super) struct Copied {
    /// Elements of both operands.
    pub(super) elements: usize,
    /// Rows of A and columns of B, which pay for the copies.
    pub(super) side: usize,
}

/// A matrix `[rows, cols]` on its way into a panel.
///
/// Element (i, j) of it is `from[i * from_stride + j]`, or `from[i + j * from_stride]` where the kernel packs
/// columns. In a panel of one strip it goes to `to[i * NR + j]`; strips, panels and tiles lie one after the other, and zeros
/// fill the rest of a row.
pub(super) struct Packing {
    pub(super) rows: usize,
    /// At most [`NR`] where the kernel packs columns.
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
    /// Fills panels from adjacent elements in rows.
    pub(super) pack_rows: PackKernel,
    /// Fills a panel from adjacent elements in columns.
    pub(super) pack_cols: PackKernel,
    /// Fills tiles of A, given by its columns, from adjacent elements in columns.
    pub(super) pack_tiles: PackKernel,
    /// See there.
    pub(super) copied: Copied,
    /// Blocks where a strip of B stays in the first-level cache.
    pub(super) down: Sizes,
    /// Blocks where a tile of A does and panels flow by; for kernels that fetch them ahead.
    pub(super) flow: Option<Sizes>,
}

impl Set {
    /// Columns of a tile and of a strip of a panel; [`NR`] or a divisor of it.
    #[inline]
    pub(super) fn width(&self) -> usize {
        2 * self.tiles.lanes
    }
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
    /// Room for a product of any shape, some 2 MiB, of which small products touch little.
    pub fn new() -> Self {
        let lines = |elements: usize| vec![Line([0.0; 16]); elements / 16].into_boxed_slice();
        Scratch { a: lines(LEFT), b: lines(RIGHT) }
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
    let in_place = matches!(b, Rhs::Strided(b) if b.col_stride() == 1);
    let wide = n > set.tiles.lanes;
    let copies = wide && m.min(n) >= set.copied.side && (m + n) * k >= set.copied.elements;
    let large = wide && (copies || !in_place && m >= LARGE_ROWS && n * k >= LARGE);
    let flow = set.flow.as_ref().filter(|_| large);
    let (flows, sizes) = (flow.is_some(), flow.unwrap_or(&set.down));
    // One round even when there is nothing to sum: the result still starts with `start`.
    for ks in Parts::of(k, sizes.sums).ranges() {
        let start = if ks.start == 0 { start } else { Start::Keep };
        for panels in Parts::of(panels(n), sizes.panels).ranges() {
            let cols = panels.start * NR..n.min(panels.end * NR);
            // SAFETY: the block is within B and within what the scratch has room for; the caller vouches for the
            // instructions.
            let right = unsafe { Right::new(set, b, &ks, &cols, in_place && !copies, b_room) };
            for rows in Parts::of(m, sizes.rows).ranges() {
                let a = a.rows_in(rows.clone()).cols_in(ks.clone());
                // SAFETY: as above, for A.
                let left = unsafe { Left::new(set, a, !copies, a_room) };
                let c = c.wrapping_add(rows.start * c_stride);
                let block = Block { set, left: &left, right: &right, flows, k: ks.len(), start, c, c_stride };
                // SAFETY: the tiles are within the block, and the caller vouches for the instructions.
                unsafe { block.run(rows.len(), &cols) }
            }
        }
    }
}

/// A block of C, over a block of the summed dimension.
struct Block<'a> {
    set: &'a Set,
    left: &'a Left,
    right: &'a Right,
    /// Whether panels flow by.
    flows: bool,
    k: usize,
    start: Start<'a, f32>,
    c: *mut f32,
    c_stride: usize,
}

impl Block<'_> {
    /// Computes the block.
    ///
    /// # Safety
    /// The CPU must have the instructions of the kernels, and rows and columns must lie within the operands.
    #[allow(unsafe_code)]
    unsafe fn run(&self, rows: usize, cols: &Range<usize>) {
        let tiles = self.left.tiles;
        let strips = Strips { cols, width: self.set.width() };
        if self.flows {
            let count = strips.all().len();
            for (tile, tile_rows) in tiles.ranges().enumerate() {
                for strip in strips.all() {
                    let (a, a_step) = self.left.ahead(tile, &tile_rows, rows, strip, count, self.k);
                    let (b, b_step) = self.right.ahead(strip, tile, tiles.count, self.k);
                    let ahead = Ahead { a, a_step, b, b_step };
                    // SAFETY: see the caller's promise.
                    unsafe { self.tile(tile, &tile_rows, strips, strip, ahead) }
                }
            }
            return;
        }
        let ahead = Ahead::nothing(self.left.data);
        if self.right.packed {
            // Down the rows of A: the strip stays in the first-level cache.
            for strip in strips.all() {
                for (tile, tile_rows) in tiles.ranges().enumerate() {
                    // SAFETY: see the caller's promise.
                    unsafe { self.tile(tile, &tile_rows, strips, strip, ahead) }
                }
            }
        } else {
            // Along the rows of C: the CPU's prefetchers follow them.
            for (tile, tile_rows) in tiles.ranges().enumerate() {
                for strip in strips.all() {
                    // SAFETY: see the caller's promise.
                    unsafe { self.tile(tile, &tile_rows, strips, strip, ahead) }
                }
            }
        }
    }

    /// Computes some rows of a tile's height and the columns of a strip.
    ///
    /// # Safety
    /// As [`Block::run`].
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn tile(
        &self,
        tile: usize,
        rows: &Range<usize>,
        strips: Strips<'_>,
        strip: usize,
        ahead: Ahead<f32>,
    ) {
        let (kernels, c_stride) = (&self.set.tiles, self.c_stride);
        let layout = match (self.left.lies, self.right.packed) {
            (Lies::Rows, true) if self.flows => FLOW_ROWS,
            (Lies::Rows, true) => PANELS,
            (Lies::Rows, false) => IN_PLACE,
            (Lies::Tiles, true) => TILES,
            (Lies::Tiles | Lies::Cols, _) => TRANSPOSED,
        };
        let col = strips.cols.start + strip * strips.width;
        let c = self.c.wrapping_add(rows.start * c_stride + col);
        let (start, start_stride) = match self.start {
            Start::Zero => (kernels.zeros.as_ptr(), 0),
            Start::Keep => (c.cast_const(), c_stride),
            Start::Bias(bias) => (bias.as_ptr().wrapping_add(col), 0),
        };
        let tile = Tile {
            k: self.k,
            segments: Segments::ONE,
            cols: strips.width.min(strips.cols.end - col),
            a: self.left.tile(tile, rows, self.k),
            a_stride: self.left.stride,
            b: self.right.data.wrapping_add(strip * self.right.strip_step),
            b_stride: self.right.stride,
            start,
            start_stride,
            c,
            c_stride,
            ahead,
        };
        // SAFETY: see the caller's promise.
        unsafe { kernels.run(layout, rows.len(), &tile) }
    }
}

/// The columns of a block, in strips of a tile's width.
#[derive(Clone, Copy)]
struct Strips<'a> {
    cols: &'a Range<usize>,
    width: usize,
}

impl Strips<'_> {
    /// Their numbers.
    #[inline]
    fn all(self) -> Range<usize> {
        0..self.cols.len().div_ceil(self.width)
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

/// How a block of A lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lies {
    Rows,
    Cols,
    Tiles,
}

/// A block of A, as the kernels read it.
struct Left {
    tiles: Parts,
    data: *const f32,
    lies: Lies,
    /// [`Tile::a_stride`].
    stride: usize,
}

impl Left {
    /// # Safety
    /// The CPU must have the instructions of `set`, and there must be `room` for a copy of A.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn new(set: &Set, a: Strided<'_, f32>, in_place: bool, room: *mut f32) -> Left {
        let tiles = Parts::of(a.rows(), set.tiles.height);
        let data = a.as_ptr();
        if a.col_stride() == 1 {
            Left { tiles, data, lies: Lies::Rows, stride: a.row_stride() }
        } else if a.row_stride() == 1 && in_place {
            Left { tiles, data, lies: Lies::Cols, stride: a.col_stride() }
        } else {
            // SAFETY: see the caller's promise.
            unsafe { pack::tiles_of(set, a, room) }
            Left { tiles, data: room, lies: Lies::Tiles, stride: set.tiles.lanes }
        }
    }

    /// [`Tile::a`] for a tile with these rows.
    #[inline]
    fn tile(&self, tile: usize, rows: &Range<usize>, k: usize) -> *const f32 {
        self.data.wrapping_add(match self.lies {
            Lies::Rows => rows.start * self.stride,
            Lies::Cols => rows.start,
            Lies::Tiles => tile * k * self.stride,
        })
    }

    /// [`Ahead::a`] and its step for one of `strips` and a tile with these `rows` of `all`: a share of the next tile.
    #[inline]
    fn ahead(
        &self,
        tile: usize,
        rows: &Range<usize>,
        all: usize,
        strip: usize,
        strips: usize,
        k: usize,
    ) -> (*const f32, usize) {
        let row = rows.end + strip;
        match self.lies {
            // A row for each strip, as far as there are.
            Lies::Rows if strip < rows.len() && row < all => (self.data.wrapping_add(row * self.stride), 1),
            Lies::Tiles if rows.end < all => {
                let first = (tile + 1) * k * self.stride + strip * k * self.stride / strips;
                (self.data.wrapping_add(first), self.stride.div_ceil(strips))
            }
            _ => (self.data, 0),
        }
    }
}

/// Some panels of B, as the kernels read them.
struct Right {
    data: *const f32,
    packed: bool,
    /// Elements from one row to the next.
    stride: usize,
    /// Elements from one strip to the next.
    strip_step: usize,
    /// Where the panels begin that are read after these.
    next: Option<*const f32>,
}

impl Right {
    /// # Safety
    /// The CPU must have the instructions of `set`. Unless `b` is packed or has rows to read `in_place`, there must be
    /// `room` for a copy.
    #[allow(unsafe_code)]
    #[inline]
    unsafe fn new(
        set: &Set,
        b: Rhs<'_, f32>,
        rows: &Range<usize>,
        cols: &Range<usize>,
        in_place: bool,
        room: *mut f32,
    ) -> Right {
        let width = set.width();
        match b {
            Rhs::Packed(b) => {
                let at = |row: usize, col: usize| b.as_ptr().wrapping_add(col * b.rows() + row * width);
                let next = if cols.end < b.cols() {
                    Some(at(rows.start, cols.end))
                } else {
                    (rows.end < b.rows()).then(|| at(rows.end, 0))
                };
                Right {
                    data: at(rows.start, cols.start),
                    packed: true,
                    stride: width,
                    strip_step: b.rows() * width,
                    next,
                }
            }
            // Prefetching rows costs less than copying them.
            Rhs::Strided(b) if in_place => {
                let data = b.as_ptr().wrapping_add(rows.start * b.row_stride() + cols.start);
                Right { data, packed: false, stride: b.row_stride(), strip_step: width, next: None }
            }
            Rhs::Strided(b) => {
                // SAFETY: see the caller's promise.
                unsafe { pack::panels_of(set, b.rows_in(rows.clone()).cols_in(cols.clone()), room) }
                Right { data: room, packed: true, stride: width, strip_step: rows.len() * width, next: None }
            }
        }
    }

    /// [`Ahead::b`] and its step for a strip and one of `tiles`: a share of the strip that comes as many strips later.
    #[inline]
    fn ahead(&self, strip: usize, tile: usize, tiles: usize, k: usize) -> (*const f32, usize) {
        self.next.map_or((self.data, 0), |next| {
            let first = strip * self.strip_step + k * self.stride * tile / tiles;
            (next.wrapping_add(first), self.stride.div_ceil(tiles))
        })
    }
}

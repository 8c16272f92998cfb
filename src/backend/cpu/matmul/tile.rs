//! What the microkernels compute: tiles of a product, and panels.

use super::pack::NR;

/// One tile of the result, and the pieces of the operands that it is made of.
///
/// The tile has as many rows as its kernel is made for. Where A is row-major, its element (i, p) is
/// `a[i * a_stride + p]`, otherwise `a[i + p * a_stride]`; element (p, j) of B is `b[p * b_stride + j]`. Both hold for the
/// first of the [`Segments`].
#[derive(Clone, Copy, Debug)]
pub struct Tile<T> {
    /// Length of the sums over a segment.
    pub k: usize,
    /// Where the sums go on.
    pub segments: Segments,
    /// Columns, at most the kernel's width. Of a panel whole vectors are read, whatever they hold behind these.
    pub cols: usize,
    /// A.
    pub a: *const T,
    /// See above.
    pub a_stride: usize,
    /// B.
    pub b: *const T,
    /// See above.
    pub b_stride: usize,
    /// What the sums begin with: element (i, j) is `start[i * start_stride + j]`.
    pub start: *const T,
    /// See above.
    pub start_stride: usize,
    /// The result: element (i, j) is `c[i * c_stride + j]`.
    pub c: *mut T,
    /// See above.
    pub c_stride: usize,
    /// What `FLOW_ROWS` and `TILES` fetch into the caches meanwhile.
    pub ahead: Ahead<T>,
}

/// Elements that tiles to come will read: at step p of the sums, `a[p * a_step]` and `b[p * b_step]`.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<T> {
    /// Of A, into the first-level cache.
    pub a: *const T,
    /// See above.
    pub a_step: usize,
    /// Of B, into the second-level cache.
    pub b: *const T,
    /// See above.
    pub b_step: usize,
}

impl<T> Ahead<T> {
    /// What is there already, from `at` on.
    #[inline]
    pub fn nothing(at: *const T) -> Self {
        Ahead { a: at, a_step: 0, b: at, b_step: 0 }
    }
}

/// A summed dimension that lies in pieces: the sums stay in registers while they go on from one to the next.
///
/// Segment (u, v), with `u < count[0]` and `v < count[1]`, lies `u * a[0] + v * a[1]` elements behind the first one in A,
/// and likewise in B; v runs faster.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// How many, outer and inner.
    pub count: [usize; 2],
    /// Steps in A.
    pub a: [usize; 2],
    /// Steps in B.
    pub b: [usize; 2],
}

impl Segments {
    /// One piece.
    pub const ONE: Segments = Segments { count: [1, 1], a: [0, 0], b: [0, 0] };
}

/// Computes one tile.
///
/// # Safety
/// The CPU must have the kernel's instructions and every element that the [`Tile`] names must be valid.
pub type TileKernel<T> = unsafe fn(&Tile<T>);

/// The microkernels of one element type and instruction set.
#[derive(Debug)]
pub struct Kernels<T: 'static> {
    /// Rows of the tallest tile.
    pub height: usize,
    /// Columns of a vector.
    pub lanes: usize,
    /// `tiles[layout][v][i]` has `i + 1` rows of `v + 1` vectors; see [`PANELS`] and the other layouts.
    pub tiles: [[&'static [TileKernel<T>]; 2]; 5],
    /// Where sums begin that begin with nothing.
    pub zeros: &'static [T; NR],
}

/// A row-major, B in panels of [`NR`] columns.
pub const PANELS: usize = 0;
/// A row-major, B in rows of its own.
pub(super) const IN_PLACE: usize = 1;
/// A transposed, B in rows of its own or in panels.
pub const TRANSPOSED: usize = 2;
/// As [`PANELS`], for panels that flow by from the second-level cache while A stays in the first one.
pub(super) const FLOW_ROWS: usize = 3;
/// A copied, in tiles whose columns lie one after the other, B as in [`FLOW_ROWS`].
pub(super) const TILES: usize = 4;

impl<T> Kernels<T> {
    /// Computes a tile of `rows` rows.
    ///
    /// # Safety
    /// See [`TileKernel`]; `rows` is at most the height, and there is a column at least.
    #[allow(unsafe_code)]
    #[inline]
    pub unsafe fn run(&self, layout: usize, rows: usize, tile: &Tile<T>) {
        let heights = &self.tiles[layout][usize::from(tile.cols > self.lanes)];
        // SAFETY: the caller's promise.
        unsafe { heights[rows - 1](tile) }
    }
}

//! The three operands of a product: what is read through strides, what is read packed, what is written.

use std::marker::PhantomData;
use std::ops::Range;

use super::pack::{NR, packed_len};

/// A matrix that is read: element (i, j) is `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Strided<'a, T> {
    /// A matrix `[rows, cols]` of any layout, strides counted in elements.
    ///
    /// # Panics
    /// If an element would lie outside `data`.
    #[inline]
    pub fn new(data: &'a [T], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Self {
        if rows > 0 && cols > 0 {
            let last =
                (rows - 1).saturating_mul(row_stride).saturating_add((cols - 1).saturating_mul(col_stride));
            assert!(last < data.len(), "a [{rows}, {cols}] matrix does not fit {} elements", data.len());
        }
        Strided { data, rows, cols, row_stride, col_stride }
    }

    /// A matrix `[rows, cols]` stored row after row without gaps.
    #[inline]
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        Self::new(data, rows, cols, cols, 1)
    }

    /// The same elements with rows and columns exchanged; nothing moves.
    #[inline]
    pub fn transposed(self) -> Self {
        Strided {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If `range` is not within the rows.
    #[inline]
    pub fn rows_in(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.rows, "rows {range:?} of {}", self.rows);
        let skip = (range.start * self.row_stride).min(self.data.len());
        Strided { data: &self.data[skip..], rows: range.len(), ..self }
    }

    /// The columns of `range`.
    ///
    /// # Panics
    /// If `range` is not within the columns.
    #[inline]
    pub fn cols_in(self, range: Range<usize>) -> Self {
        self.transposed().rows_in(range).transposed()
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from one row to the next.
    #[inline]
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Elements from one column to the next.
    #[inline]
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Element (0, 0); the constructor checked that every other element is in bounds.
    #[inline]
    pub(super) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}

/// A right operand `[k, n]` in the layout of [`super::pack_transposed`]: panels of [`NR`] columns, each with
/// all `k` rows.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    data: &'a [T],
    k: usize,
    n: usize,
}

impl<'a, T> Packed<'a, T> {
    /// The panels in `data`, which hold a matrix of `k` rows and `n` columns.
    ///
    /// # Panics
    /// If `data` is shorter than [`packed_len`]`(n, k)`.
    #[inline]
    pub fn new(data: &'a [T], n: usize, k: usize) -> Self {
        assert!(data.len() >= packed_len(n, k), "[{k}, {n}] packed does not fit {} elements", data.len());
        Packed { data, k, n }
    }

    /// The columns of a range of panels: panel `p` holds columns `p * NR` up to `(p + 1) * NR`.
    ///
    /// # Panics
    /// If `range` is not within the panels.
    #[inline]
    pub fn panels_in(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.panels(), "panels {range:?}");
        let n = (range.end * NR).min(self.n) - (range.start * NR).min(self.n);
        Packed { data: &self.data[range.start * NR * self.k..], k: self.k, n }
    }

    /// Number of panels.
    #[inline]
    pub fn panels(&self) -> usize {
        self.n.div_ceil(NR)
    }

    /// Number of rows of the unpacked matrix.
    #[inline]
    pub fn rows(&self) -> usize {
        self.k
    }

    /// Number of columns of the unpacked matrix.
    #[inline]
    pub fn cols(&self) -> usize {
        self.n
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}

/// The right operand of a product.
#[derive(Clone, Copy, Debug)]
pub enum Rhs<'a, T> {
    /// Read where it lies, or copied into the scratch a panel at a time.
    Strided(Strided<'a, T>),
    /// Packed beforehand.
    Packed(Packed<'a, T>),
}

impl<T> Rhs<'_, T> {
    /// Number of rows, the dimension that is summed.
    #[inline]
    pub fn rows(&self) -> usize {
        match self {
            Rhs::Strided(b) => b.rows(),
            Rhs::Packed(b) => b.rows(),
        }
    }

    /// Number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        match self {
            Rhs::Strided(b) => b.cols(),
            Rhs::Packed(b) => b.cols(),
        }
    }
}

impl<'a, T> From<Strided<'a, T>> for Rhs<'a, T> {
    #[inline]
    fn from(b: Strided<'a, T>) -> Self {
        Rhs::Strided(b)
    }
}

impl<'a, T> From<Packed<'a, T>> for Rhs<'a, T> {
    #[inline]
    fn from(b: Packed<'a, T>) -> Self {
        Rhs::Packed(b)
    }
}

/// A matrix that is written: rows of `cols` adjacent elements, `stride` apart.
///
/// Windows split into parts that share no element, so that threads can fill them at the same time.
#[derive(Debug)]
pub struct Window<'a, T> {
    data: *mut T,
    rows: usize,
    cols: usize,
    stride: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a window is a `&mut` to its elements; no two windows share one.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Window<'_, T> {}

impl<'a, T> Window<'a, T> {
    /// The matrix `[rows, cols]` whose row i starts at `data[i * stride]`.
    ///
    /// # Panics
    /// If it does not fit `data`, or if rows would overlap.
    #[inline]
    pub fn new(data: &'a mut [T], rows: usize, cols: usize, stride: usize) -> Self {
        if rows > 0 && cols > 0 {
            assert!(rows == 1 || stride >= cols, "rows of {cols} elements overlap at stride {stride}");
            let end = (rows - 1).saturating_mul(stride).saturating_add(cols);
            assert!(end <= data.len(), "a [{rows}, {cols}] window does not fit {} elements", data.len());
        }
        Window { data: data.as_mut_ptr(), rows, cols, stride, owner: PhantomData }
    }

    /// The matrix `[rows, cols]` stored row after row without gaps.
    #[inline]
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        Self::new(data, rows, cols, cols)
    }

    /// The matrix `[rows, cols]` at `data`, for a caller that hands disjoint parts to several threads.
    ///
    /// # Safety
    /// For `'a`, the elements `data[i * stride + j]` with `i < rows` and `j < cols` must be valid for reads and
    /// writes, and nothing else may touch them.
    #[allow(unsafe_code)]
    #[inline]
    pub unsafe fn from_raw(data: *mut T, rows: usize, cols: usize, stride: usize) -> Self {
        Window { data, rows, cols, stride, owner: PhantomData }
    }

    /// The same window for a shorter time.
    #[inline]
    pub fn reborrow(&mut self) -> Window<'_, T> {
        Window { owner: PhantomData, ..*self }
    }

    /// The rows before `row` and the rows from it on.
    ///
    /// # Panics
    /// If there are fewer than `row` rows.
    #[inline]
    pub fn split_rows(self, row: usize) -> (Self, Self) {
        assert!(row <= self.rows, "row {row} of {}", self.rows);
        let below = self.data.wrapping_add(row * self.stride);
        (Window { rows: row, ..self }, Window { data: below, rows: self.rows - row, ..self })
    }

    /// The columns before `col` and the columns from it on.
    ///
    /// # Panics
    /// If there are fewer than `col` columns.
    #[inline]
    pub fn split_cols(self, col: usize) -> (Self, Self) {
        assert!(col <= self.cols, "column {col} of {}", self.cols);
        let right = self.data.wrapping_add(col);
        (Window { cols: col, ..self }, Window { data: right, cols: self.cols - col, ..self })
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from one row to the next.
    #[inline]
    pub fn stride(&self) -> usize {
        self.stride
    }

    #[inline]
    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        self.data
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[allow(unsafe_code)]
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows, "row {i} of {}", self.rows);
        // SAFETY: row `i` is inside the window, which alone owns its elements.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(i * self.stride), self.cols) }
    }
}

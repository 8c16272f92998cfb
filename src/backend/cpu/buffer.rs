//! Flat buffers that start on a cache line.

#![allow(unsafe_code)]

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Zeroed elements on the heap, the first one on a cache line of 64 bytes.
#[derive(Debug)]
pub(super) struct Buffer<T> {
    lines: Vec<Line>,
    len: usize,
    element: std::marker::PhantomData<T>,
}

/// Elements that any bits of a [`Line`] are valid for.
pub(super) trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for f64 {}

impl<T: Plain> Buffer<T> {
    pub(super) fn new(len: usize) -> Self {
        let lines = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        Buffer { lines: vec![Line([0; 8]); lines], len, element: std::marker::PhantomData }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` elements, are aligned for them, and any bits are an element.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// The elements, for lanes that write disjoint parts of them through a shared reference.
    pub(super) fn raw(&self) -> (*mut T, usize) {
        (self.lines.as_ptr().cast_mut().cast(), self.len)
    }
}

//! Flat buffers that start on a cache line.

#![allow(unsafe_code)]

use std::marker::PhantomData;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Zeroed elements on the heap, the first one on a cache line of 64 bytes.
pub(super) struct Buffer<T> {
    lines: *mut [Line],
    len: usize,
    element: PhantomData<T>,
}

/// Elements that any bits of a [`Line`] are valid for.
pub trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for f64 {}

// SAFETY: a buffer owns its lines; it hands out references by the usual rules, and a raw pointer whose users answer for it.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    pub(super) fn new(len: usize) -> Self {
        let lines = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let lines = Box::into_raw(vec![Line([0; 8]); lines].into_boxed_slice());
        Buffer { lines, len, element: PhantomData }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` elements, are aligned for them, and any bits are an element.
        unsafe { std::slice::from_raw_parts(self.lines.cast(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.cast(), self.len) }
    }

    /// The elements, for lanes that write disjoint parts of them.
    pub(super) fn raw(&self) -> (*mut T, usize) {
        (self.lines.cast(), self.len)
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::into_raw` and is freed once.
        drop(unsafe { Box::from_raw(self.lines) });
    }
}

//! Flat buffers that start on a cache line.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use memmap2::MmapMut;

/// Bytes from which on a buffer is worth pages of its own, which may be huge.
const LARGE: usize = 4 << 20;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Zeroed elements, the first one on a cache line of 64 bytes.
///
/// A large buffer asks for huge pages: a product walks down rows of which each lies on a small page of its own, and looking
/// those up costs a tenth of the time of a network that is beyond the caches.
pub(super) struct Buffer<T> {
    room: Room,
    len: usize,
    element: PhantomData<T>,
}

/// What a buffer owns. Its elements are reached through the pointer alone.
enum Room {
    Heap(*mut [Line]),
    Pages(*mut u8, #[expect(dead_code, reason = "holds the pages")] MmapMut),
}

/// Elements that any bits of a [`Line`] are valid for.
pub trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for f64 {}

// SAFETY: a buffer owns its room; it hands out references by the usual rules, and a raw pointer whose users answer for it.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    pub(super) fn new(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        let pages = if bytes < LARGE { None } else { pages(bytes) };
        let room = pages.unwrap_or_else(|| {
            let lines = vec![Line([0; 8]); bytes.div_ceil(size_of::<Line>())];
            Room::Heap(Box::into_raw(lines.into_boxed_slice()))
        });
        Buffer { room, len, element: PhantomData }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: the room holds at least `len` elements, is aligned for them, and any bits are an element.
        unsafe { std::slice::from_raw_parts(self.raw().0, self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.raw().0, self.len) }
    }

    /// The elements, for lanes that write disjoint parts of them.
    pub(super) fn raw(&self) -> (*mut T, usize) {
        match &self.room {
            Room::Heap(lines) => (lines.cast(), self.len),
            Room::Pages(first, _) => (first.cast(), self.len),
        }
    }
}

/// Zeroed pages, huge ones where the system has them.
fn pages(bytes: usize) -> Option<Room> {
    let mut pages = MmapMut::map_anon(bytes).ok()?;
    // A system that says no gives small pages, which serve as well.
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::HugePage);
    Some(Room::Pages(pages.as_mut_ptr(), pages))
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Room::Heap(lines) = self.room {
            // SAFETY: the pointer came from `Box::into_raw` and is freed once.
            drop(unsafe { Box::from_raw(lines) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_ones_are_zeroed_lines() {
        for len in [0, 1, 17, LARGE / 4, LARGE / 4 + 1] {
            let mut buffer = Buffer::<f32>::new(len);
            assert_eq!(buffer.as_slice().len(), len);
            assert!(buffer.as_slice().iter().all(|&x| x == 0.0));
            assert_eq!(buffer.raw().0 as usize % 64, 0);
            assert_eq!(matches!(buffer.room, Room::Pages(..)), 4 * len >= LARGE);
            buffer.as_mut_slice().fill(1.0);
            assert_eq!(buffer.as_slice().iter().sum::<f32>(), len as f32);
        }
    }
}

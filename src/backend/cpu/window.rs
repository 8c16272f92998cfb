//! The windows of a pool over one image, for the loops of this folder.

use crate::backend::pool::{Extent, PoolSpec};
use crate::backend::scalar::Scalar;

/// The numbers of one window: x [H, W, C] at the places of `down` and `along`.
#[derive(Clone, Copy)]
pub(super) struct Taps {
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) down: Extent,
    pub(super) along: Extent,
}

impl Taps {
    /// Whether it has no place.
    #[inline(always)]
    pub(super) fn none(self) -> bool {
        self.down.start >= self.down.end || self.along.start >= self.along.end
    }

    /// Whether its places are two by two neighbours.
    #[inline(always)]
    pub(super) fn square(self) -> bool {
        let (down, along) = (self.down, self.along);
        down.end == down.start + 2 && along.end == along.start + 2 && down.step == 1 && along.step == 1
    }
}

/// Steps that row `b` has.
#[inline(always)]
pub(super) fn present<T: Scalar>(lengths: Option<&[T]>, b: usize, width: usize) -> usize {
    match lengths {
        Some(lengths) => (lengths[b].to_f64() as usize).min(width),
        None => width,
    }
}

/// How many rows and columns of each image lie in exactly one window; none where some lie in several.
pub(super) fn tiles(spec: &PoolSpec) -> Option<(usize, usize)> {
    match spec.lengths {
        Some(_) => None,
        None => spec.windows[0].tiled(spec.places[0]).zip(spec.windows[1].tiled(spec.places[1])),
    }
}

/// Zeroes the places below and right of the covered ones: dx [H, W, C].
#[inline(always)]
pub(super) fn clear_rest<T: Scalar>(spec: &PoolSpec, covered: (usize, usize), dx: &mut [T]) {
    let row = spec.places[1] * spec.channels;
    dx[covered.0 * row..].fill(T::ZERO);
    if covered.1 < spec.places[1] {
        for i in 0..covered.0 {
            dx[i * row + covered.1 * spec.channels..(i + 1) * row].fill(T::ZERO);
        }
    }
}

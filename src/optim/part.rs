//! A piece of the flat buffers, and what one step does to it.

use std::array;
use std::mem;

use super::chain::{CHUNK, Chain, Chunk};
use super::segment::Segment;

/// The most moments that a chain may have.
pub(super) const MAX_MOMENTS: usize = 4;

/// The same run of elements of every flat buffer.
#[derive(Debug)]
pub struct Part<'a> {
    pub(super) start: usize,
    pub(super) weights: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    /// One slice a moment; those that the chain does not have are empty.
    pub(super) moments: [&'a mut [f32]; MAX_MOMENTS],
}

impl Part<'_> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The first `at` elements, and the rest.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let (weights, weights_2) = self.weights.split_at_mut(at);
        let (gradients, gradients_2) = self.gradients.split_at(at);
        let mut rest: [&mut [f32]; MAX_MOMENTS] = Default::default();
        let mut moments = self.moments;
        for (moment, rest) in moments.iter_mut().zip(&mut rest) {
            let whole = mem::take(moment);
            (*moment, *rest) = whole.split_at_mut(at.min(whole.len()));
        }
        (
            Part { start: self.start, weights, gradients, moments },
            Part { start: self.start + at, weights: weights_2, gradients: gradients_2, moments: rest },
        )
    }
}

/// What one step does to every element; ready to act on parts, from any thread.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    pub(super) chain: &'a Chain,
    pub(super) segments: &'a [Segment],
    pub(super) learning_rate: f64,
    pub(super) gradient_scale: f32,
    /// Number of moments of the chain.
    pub(super) moments: usize,
}

impl Update<'_> {
    /// Updates the trained elements of `part` on this thread.
    pub fn apply(&self, part: Part<'_>) {
        let Part { start, weights, gradients, mut moments } = part;
        let end = start + weights.len();
        let first = self.segments.partition_point(|s| s.range.end <= start);
        for segment in self.segments[first..].iter().take_while(|s| s.range.start < end) {
            let rate = self.learning_rate * f64::from(segment.lr_scale);
            let keep = if segment.decay { self.chain.keep(rate) } else { 1.0 };
            let mut at = segment.range.start.max(start) - start;
            let stop = segment.range.end.min(end) - start;
            while at < stop {
                let run = at..stop.min(at + CHUNK);
                let mut own: [&mut [f32]; MAX_MOMENTS] = Default::default();
                for (own, moment) in own.iter_mut().zip(&mut moments[..self.moments]) {
                    *own = &mut moment[run.clone()];
                }
                let chunk = Chunk {
                    weights: &mut weights[run.clone()],
                    gradients: &gradients[run.clone()],
                    gradient_scale: self.gradient_scale,
                    rate: rate as f32,
                    keep,
                    penalties: segment.decay,
                };
                self.chain.apply(chunk, &mut own[..self.moments]);
                at = run.end;
            }
        }
    }

    /// Updates the trained elements of `part` on the threads of the current rayon pool.
    pub fn apply_parallel(&self, part: Part<'_>) {
        if part.len() <= BLOCK {
            return self.apply(part);
        }
        let at = (part.len() / 2).next_multiple_of(BLOCK);
        let (left, right) = part.split_at(at);
        rayon::join(|| self.apply_parallel(left), || self.apply_parallel(right));
    }
}

/// Elements that one thread takes at a time; small enough to balance, large enough to pay for a fork.
pub(super) const BLOCK: usize = 16 * 1024;

/// Cuts whole buffers into the part that covers them.
pub(super) fn whole<'a>(
    weights: &'a mut [f32],
    gradients: &'a [f32],
    moments: &'a mut [Vec<f32>],
) -> Part<'a> {
    let mut moments = moments.iter_mut();
    let moments = array::from_fn(|_| moments.next().map(Vec::as_mut_slice).unwrap_or_default());
    Part { start: 0, weights, gradients, moments }
}

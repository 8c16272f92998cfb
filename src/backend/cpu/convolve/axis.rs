//! One axis of a convolution, read from the image to the map or back: which places of the source make a place of the result.

use std::ops::Range;

use crate::backend::Convolution;

/// An axis with the direction in which it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Places of what is read.
    pub(super) source: usize,
    /// Places of what is written.
    pub(super) result: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    back: bool,
}

/// Places of the result that the same taps reach, and the places of the source that they reach them from.
///
/// Place `first + j · step` of the result, `j < count`, is the sum over `q < taps` of the source at
/// `origin + j · advance + q · hop`, where that is inside. Forward there is one phase; back, one for each remainder of a
/// place by the stride, with the taps that hit it, last tap first: so the source is read in ascending order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    pub(super) origin: isize,
    pub(super) advance: usize,
    pub(super) hop: usize,
    pub(super) taps: usize,
    /// Taps of the phases whose packed weights come before.
    pub(super) earlier: usize,
}

impl Axis {
    /// Axis 0 or 1 of `c`.
    pub(super) fn of(c: &Convolution, axis: usize, back: bool) -> Axis {
        let (image, map) = (c.image[axis], c.map[axis]);
        let (source, result) = if back { (map, image) } else { (image, map) };
        Axis {
            source,
            result,
            kernel: c.kernel[axis],
            stride: c.stride[axis],
            dilation: c.dilation[axis],
            before: c.before[axis],
            back,
        }
    }

    /// Number of phases.
    pub(super) fn phases(self) -> usize {
        if self.back { self.stride.min(self.result) } else { 1 }
    }

    /// One of the phases.
    pub(super) fn phase(self, index: usize) -> Phase {
        if !self.back {
            let (advance, hop, taps) = (self.stride, self.dilation, self.kernel);
            let origin = -(self.before as isize);
            return Phase { first: 0, step: 1, count: self.result, origin, advance, hop, taps, earlier: 0 };
        }
        let (every, hop) = self.classes();
        let count = (self.result - index).div_ceil(self.stride);
        let mut phase =
            Phase { first: index, step: self.stride, count, origin: 0, advance: 1, hop, taps: 0, earlier: 0 };
        // Tap t hits place i from place (i + before − t · dilation) / stride, if that is whole.
        let stride = self.stride as isize;
        for first in 0..every.min(self.kernel) {
            let from = (index + self.before) as isize - (first * self.dilation) as isize;
            if from % stride == 0 {
                phase.taps = (self.kernel - first).div_ceil(every);
                phase.earlier = self.before_class(first, every);
                phase.origin = from / stride - ((phase.taps - 1) * hop) as isize;
            }
        }
        phase
    }

    /// Where the packed weights of a tap stand: taps of earlier phases, taps of its phase, and its place among these.
    pub(super) fn place(self, tap: usize) -> (usize, usize, usize) {
        if !self.back {
            return (0, self.kernel, tap);
        }
        let (every, _) = self.classes();
        let first = tap % every;
        let taps = (self.kernel - first).div_ceil(every);
        (self.before_class(first, every), taps, taps - 1 - tap / every)
    }

    /// Zeros that the source needs before and after it.
    pub(super) fn padding(self) -> (usize, usize) {
        let (mut before, mut after) = (0, 0);
        for index in 0..self.phases() {
            let p = self.phase(index);
            if p.taps > 0 && p.count > 0 {
                let last = p.origin + ((p.count - 1) * p.advance + (p.taps - 1) * p.hop) as isize;
                before = before.max(-p.origin);
                after = after.max(last + 1 - self.source as isize);
            }
        }
        (before as usize, after as usize)
    }

    /// Taps of one phase are this far apart, and so far in the source.
    fn classes(self) -> (usize, usize) {
        let (mut a, mut b) = (self.stride, self.dilation);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        (self.stride / a, self.dilation / a)
    }

    /// Taps t with `t mod every < first`.
    fn before_class(self, first: usize, every: usize) -> usize {
        self.kernel / every * first + (self.kernel % every).min(first)
    }
}

impl Phase {
    /// The taps that reach place `j` of the phase from inside the source.
    pub(super) fn inside(&self, j: usize, source: usize) -> Range<usize> {
        let at = self.origin + (j * self.advance) as isize;
        let first = if at < 0 { (-at as usize).div_ceil(self.hop) } else { 0 };
        let room = source as isize - at;
        let end = if room <= 0 { 0 } else { (room as usize).div_ceil(self.hop) };
        first.min(self.taps)..end.min(self.taps).max(first.min(self.taps))
    }

    /// The place of the source that tap `q` reaches place `j` from; only for taps inside.
    pub(super) fn source(&self, j: usize, q: usize) -> usize {
        (self.origin + (j * self.advance + q * self.hop) as isize) as usize
    }
}

/// The places of the map that tap `tap` of an axis reaches from inside the image.
pub(super) fn reached(c: &Convolution, axis: usize, tap: usize) -> Range<usize> {
    let (shift, before, stride) = (tap * c.dilation[axis], c.before[axis], c.stride[axis]);
    let first = before.saturating_sub(shift).div_ceil(stride);
    let end = (c.image[axis] + before).saturating_sub(shift).div_ceil(stride).min(c.map[axis]);
    first.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every axis of up to 7 places.
    fn all() -> impl Iterator<Item = Convolution> {
        let sizes = (1usize..8).flat_map(|n| (1..5).map(move |k| (n, k)));
        let steps = sizes.flat_map(|(n, k)| (1..5).flat_map(move |s| (1..4).map(move |d| (n, k, s, d))));
        steps.flat_map(|(n, k, s, d)| (0..4).map(move |p| (n, k, s, d, p))).filter_map(|(n, k, s, d, p)| {
            let map = (n + 2 * p).checked_sub(d * (k - 1) + 1)? / s + 1;
            Some(Convolution {
                image: [1, n],
                channels: 1,
                map: [1, map],
                outputs: 1,
                groups: 1,
                kernel: [1, k],
                stride: [1, s],
                dilation: [1, d],
                before: [0, p],
            })
        })
    }

    /// Pairs of image place and map place that tap `t` connects.
    fn pairs(c: &Convolution, t: usize) -> Vec<(usize, usize)> {
        let reach = |o: usize| (o * c.stride[1] + t * c.dilation[1]).checked_sub(c.before[1]);
        (0..c.map[1]).filter_map(|o| Some((reach(o)?, o))).filter(|&(i, _)| i < c.image[1]).collect()
    }

    #[test]
    fn phases_connect_what_the_definition_connects() {
        for c in all() {
            for back in [false, true] {
                let axis = Axis::of(&c, 1, back);
                let mut found: Vec<(usize, usize, usize)> = Vec::new();
                for p in (0..axis.phases()).map(|i| axis.phase(i)) {
                    for j in 0..p.count {
                        for q in p.inside(j, axis.source) {
                            found.push((p.source(j, q), p.first + j * p.step, p.earlier + q));
                        }
                    }
                }
                let mut expected: Vec<(usize, usize, usize)> = Vec::new();
                for t in 0..c.kernel[1] {
                    let (earlier, taps, at) = axis.place(t);
                    assert!(at < taps);
                    let order = |(i, o)| if back { (o, i, earlier + at) } else { (i, o, earlier + at) };
                    expected.extend(pairs(&c, t).into_iter().map(order));
                }
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{c:?} {back}");
            }
        }
    }

    #[test]
    fn the_reached_places_are_those_of_the_definition() {
        for c in all() {
            for t in 0..c.kernel[1] {
                let places: Vec<usize> = pairs(&c, t).into_iter().map(|(_, o)| o).collect();
                assert_eq!(reached(&c, 1, t).collect::<Vec<_>>(), places, "{c:?} {t}");
            }
        }
    }

    #[test]
    fn padding_holds_every_place_that_a_tap_reads() {
        for c in all() {
            for back in [false, true] {
                let axis = Axis::of(&c, 1, back);
                let (before, after) = axis.padding();
                let reads = (0..axis.phases()).map(|i| axis.phase(i)).flat_map(|p| {
                    let places = (0..p.count).flat_map(move |j| (0..p.taps).map(move |q| (j, q)));
                    places.map(move |(j, q)| p.origin + (j * p.advance + q * p.hop) as isize)
                });
                for at in reads {
                    assert!(at >= -(before as isize) && at < (axis.source + after) as isize, "{c:?} {back}");
                }
            }
        }
    }
}

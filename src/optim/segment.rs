//! Which parameters are trained, and how.

use std::ops::Range;

/// A run of parameters that are treated alike. Parameters in no segment are frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The elements of the flat buffers.
    pub range: Range<usize>,
    /// Whether penalties on the weights act here.
    pub decay: bool,
    /// What the learning rate is multiplied with here.
    pub lr_scale: f32,
}

impl Segment {
    /// Trains `range` with the given rate and every penalty.
    pub fn new(range: Range<usize>) -> Self {
        Segment { range, decay: true, lr_scale: 1.0 }
    }

    /// A segment for each trained parameter, as (elements, number of axes).
    ///
    /// With `decay_bias_and_norm == false`, parameters of fewer than two axes (biases, the scales of norms) get no
    /// penalties.
    pub fn for_parameters(
        parameters: impl IntoIterator<Item = (Range<usize>, usize)>,
        decay_bias_and_norm: bool,
    ) -> Vec<Segment> {
        let one = |(range, axes)| Segment { range, decay: decay_bias_and_norm || axes >= 2, lr_scale: 1.0 };
        parameters.into_iter().map(one).collect()
    }

    /// Sorts segments and joins neighbours that are treated alike.
    ///
    /// # Panics
    ///
    /// If two overlap or one ends after `len`.
    pub(super) fn merge(mut segments: Vec<Segment>, len: usize) -> Vec<Segment> {
        segments.retain(|s| !s.range.is_empty());
        segments.sort_by_key(|s| s.range.start);
        let mut merged: Vec<Segment> = Vec::with_capacity(segments.len());
        for next in segments {
            assert!(next.range.end <= len, "the segment {:?} ends after {len}", next.range);
            match merged.last_mut() {
                Some(last) if next.range.start < last.range.end => {
                    panic!("the segments {:?} and {:?} overlap", last.range, next.range)
                }
                Some(last)
                    if (last.range.end, last.decay, last.lr_scale)
                        == (next.range.start, next.decay, next.lr_scale) =>
                {
                    last.range.end = next.range.end;
                }
                _ => merged.push(next),
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_treated_alike_become_one() {
        let parameters = [(0..12, 2), (12..15, 1), (15..30, 2), (40..45, 2)];
        let all = Segment::merge(Segment::for_parameters(parameters.clone(), true), 45);
        assert_eq!(all.iter().map(|s| s.range.clone()).collect::<Vec<_>>(), [0..30, 40..45]);
        let apart = Segment::merge(Segment::for_parameters(parameters, false), 45);
        assert_eq!(apart.iter().map(|s| s.decay).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_segments_are_refused() {
        Segment::merge(vec![Segment::new(0..5), Segment::new(4..6)], 6);
    }
}

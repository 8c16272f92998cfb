//! Which steps of each series make its sample.

use std::ops::Range;

/// For series of so many steps, which stand one after the other, the last `length` of each; and what a user should know of the others.
pub(super) fn last(
    steps: impl Iterator<Item = usize>,
    length: Option<usize>,
) -> (Vec<Range<usize>>, Option<String>) {
    let (mut end, mut cut, mut left_out) = (0, 0usize, 0);
    let mut spans = Vec::with_capacity(steps.size_hint().0);
    for steps in steps {
        end += steps;
        let kept = steps.min(length.unwrap_or(steps));
        cut += usize::from(kept < steps);
        left_out += steps - kept;
        spans.push(end - kept..end);
    }
    let more = |length: usize| {
        let steps = |n: usize| if n == 1 { "step" } else { "steps" };
        let (have, their) = if cut == 1 { ("has", "its") } else { ("have", "their") };
        let are = if left_out == 1 { "is" } else { "are" };
        format!(
            "{cut} series {have} more than {length} {}, as data.series.length says: {left_out} {} before {their} last \
             {length} {are} left out",
            steps(length),
            steps(left_out),
        )
    };
    (spans, length.filter(|_| cut > 0).map(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_are_taken_and_the_others_told() {
        let (spans, note) = last([3, 1, 5].into_iter(), Some(2));
        assert_eq!(spans, [1..3, 3..4, 7..9]);
        let told = "2 series have more than 2 steps, as data.series.length says: 4 steps before their last 2 are left out";
        assert_eq!(note.as_deref(), Some(told));
        let told =
            "1 series has more than 1 step, as data.series.length says: 1 step before its last 1 is left out";
        assert_eq!(last([1, 2].into_iter(), Some(1)).1.as_deref(), Some(told));
        assert_eq!(last([2, 1].into_iter(), Some(2)), (vec![0..2, 2..3], None));
        assert_eq!(last([2, 1].into_iter(), None), (vec![0..2, 2..3], None));
    }
}

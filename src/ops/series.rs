//! What the ops over the steps of series share: x `[B, T, …, C]`, and lengths `[B]` where rows may end before T.

use crate::backend::{Backend, Dest, Ends, Steps};
use crate::ops::{Case, CaseInput, Content, Io, Op, Saved, ShapeError};
use crate::tensor::{Shape, View};

/// The axes of a series.
///
/// # Errors
/// Where x is no series or the lengths are not one number a row.
pub(super) fn steps(inputs: &[Shape]) -> Result<Steps, ShapeError> {
    let (x, lengths) = match inputs {
        [x] => (x, None),
        [x, lengths] => (x, Some(lengths)),
        _ => return Err(ShapeError::new("a series and perhaps lengths", format!("{} inputs", inputs.len()))),
    };
    if let Some(odd) = lengths.filter(|l| !l.axes().is_empty()) {
        return Err(ShapeError::new("one length a row", odd.to_string()));
    }
    match x.axes() {
        [count, rest @ ..] if !rest.is_empty() => Ok(Steps { count: *count, width: rest.iter().product() }),
        _ => Err(ShapeError::new("a series [T, C]", x.to_string())),
    }
}

/// The shape that is left without the time axis.
///
/// # Errors
/// Those of [`steps`].
pub(super) fn without_steps(inputs: &[Shape]) -> Result<Shape, ShapeError> {
    steps(inputs).map(|_| Shape::new(&inputs[0].axes()[1..]))
}

/// The axes of the series that an op was planned with.
pub(super) fn planned(io: &Io) -> Steps {
    let axes = io.inputs[0].shape.axes();
    Steps { count: axes[0], width: axes[1..].iter().product() }
}

/// The lengths of the rows, where there are some.
pub(super) fn lengths(io: &Io) -> Option<View> {
    io.inputs.get(1).map(|lengths| lengths.view)
}

/// Where the rows of the first input end, with lengths as the input `at`, where they are given.
pub(super) fn ends(io: &Io, at: usize) -> Option<Ends> {
    io.inputs.get(at).map(|lengths| Ends { lengths: lengths.view, steps: planned(io) })
}

/// A place for a copy of the lengths: with it backward need not keep the series itself.
pub(super) fn saved(inputs: &[Shape]) -> Vec<Saved> {
    inputs[1..].iter().map(|lengths| Saved { shape: lengths.clone(), rows: true }).collect()
}

/// Copies the lengths to their place.
pub(super) fn save(be: &mut dyn Backend, io: &Io) {
    if let Some((lengths, &saved)) = lengths(io).zip(io.saved.first()) {
        be.axpy(1.0, lengths, Dest::store(saved));
    }
}

/// Series with and without lengths.
pub(super) fn cases(op: impl Op + Clone + 'static, lengths_needed: bool) -> Vec<Case> {
    let shapes: [(usize, &[usize]); 6] =
        [(1, &[1, 1]), (1, &[4, 3]), (2, &[5, 1]), (7, &[3, 2, 2]), (33, &[2, 17]), (5, &[9, 4])];
    let with = shapes.iter().map(|&(b, s)| {
        let lengths = CaseInput::data([], Content::Labels(s[0] + 1));
        Case::new(op.clone(), vec![CaseInput::rows(Shape::new(s)), lengths], b)
    });
    let without = shapes.iter().map(|&(b, s)| Case::new(op.clone(), vec![CaseInput::rows(Shape::new(s))], b));
    if lengths_needed { with.collect() } else { with.chain(without).collect() }
}

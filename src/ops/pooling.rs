//! What the pools share: their windows, the shapes that fit, and the lengths of ragged series.

use crate::backend::{PoolSpec, Window, Windows};
use crate::ops::{Io, ShapeError};
use crate::tensor::{Shape, View};

/// The windows of a pool over the places of an image `[H, W, C]` or a series `[T, C]`, one for each axis of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling(pub Vec<Windows>);

/// Places of an image that single precision can number.
const MOST_PLACES: usize = 1 << 24;

impl Pooling {
    /// The shape of the output. Inputs are x and, for a ragged series, the lengths of its rows.
    pub(super) fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let dims = self.0.len();
        let x = places_and_lengths(inputs, dims)?;
        let mut out: Vec<usize> = self.0.iter().zip(x.axes()).map(|(w, &n)| w.count(n)).collect();
        if out.contains(&0) {
            let least: Vec<String> = self.0.iter().map(|&w| at_least(w)).collect();
            return Err(ShapeError::new(format!("at least {} places", least.join(" x ")), places(x)));
        }
        if x.outer() > MOST_PLACES {
            return Err(ShapeError::new(format!("at most {MOST_PLACES} places"), x.to_string()));
        }
        out.push(x.last());
        Ok(Shape::new(out))
    }

    /// What the backend is to pool.
    pub(super) fn spec(&self, io: &Io, lengths: Option<View>) -> PoolSpec {
        let windows = match self.0[..] {
            [columns] => [Windows::Even { count: 1 }, columns],
            [rows, columns] => [rows, columns],
            _ => panic!("a pool has one axis of places or two"),
        };
        let (places, out) = (image(&io.inputs[0].shape), image(&io.output_shape));
        PoolSpec { places, out, channels: io.output_shape.last(), windows, lengths }
    }
}

/// x, with `dims` axes of places and then channels, of `inputs` that may hold lengths behind it.
pub(super) fn places_and_lengths(inputs: &[Shape], dims: usize) -> Result<&Shape, ShapeError> {
    let x = match inputs {
        [x] => x,
        [x, lengths] if lengths.axes().is_empty() && dims == 1 => x,
        _ => {
            return Err(ShapeError::new(
                "one input, or a series and its lengths",
                format!("{} inputs", inputs.len()),
            ));
        }
    };
    if x.axes().len() != dims + 1 || x.is_empty() {
        let expected =
            if dims == 1 { "a series: steps, channels" } else { "an image: height, width, channels" };
        return Err(ShapeError::new(expected, x.to_string()));
    }
    Ok(x)
}

/// Height and width; a series is an image of height 1.
pub(super) fn image(x: &Shape) -> [usize; 2] {
    match *x.axes() {
        [h, w, _] => [h, w],
        [w, _] => [1, w],
        _ => panic!("{x} has no places"),
    }
}

/// The fewest places that have a window.
fn at_least(w: Windows) -> String {
    match w {
        Windows::Even { .. } => "1".into(),
        Windows::Sliding(Window { kernel, padding, dilation, .. }) => {
            (dilation * (kernel - 1) + 1).saturating_sub(padding).max(1).to_string()
        }
    }
}

/// The places of x as a message says them.
pub(super) fn places(x: &Shape) -> String {
    let places: Vec<String> = x.axes()[..x.axes().len() - 1].iter().map(usize::to_string).collect();
    places.join(" x ")
}

/// A pool of the conformance test; each window is kernel, stride, padding, dilation and ceil_mode.
pub(super) fn sliding(windows: &[(usize, usize, usize, usize, bool)]) -> Pooling {
    let window = |&(kernel, stride, padding, dilation, ceil_mode): &(usize, usize, usize, usize, bool)| {
        Windows::Sliding(Window { kernel, stride, padding: 2 * padding, dilation, ceil_mode })
    };
    Pooling(windows.iter().map(window).collect())
}

/// A pool of the conformance test with so many even windows.
pub(super) fn even(counts: &[usize]) -> Pooling {
    Pooling(counts.iter().map(|&count| Windows::Even { count }).collect())
}

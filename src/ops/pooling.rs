//! What the pools share: their windows, the shapes that fit, and the lengths of ragged series.

use crate::backend::{PoolSpec, Windows};
use crate::ops::{Io, ShapeError};
use crate::tensor::Shape;

/// The windows of a pool over the places of an image `[H, W, C]` or a series `[T, C]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// For each axis of places.
    pub windows: Vec<Windows>,
    /// Whether the output has no axes of places, only channels; then there is one window.
    pub global: bool,
}

/// Places of an image that single precision can number.
const MOST_PLACES: usize = 1 << 24;

impl Pooling {
    /// The shape of the output. Inputs are x and, for a ragged series, the lengths of its rows.
    pub(super) fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let x = match inputs {
            [x] => x,
            [x, lengths] if lengths.axes().is_empty() && self.windows.len() == 1 => x,
            _ => {
                return Err(ShapeError::new("one input and its lengths", format!("{} inputs", inputs.len())));
            }
        };
        let (windows, dims) = (&self.windows, self.windows.len());
        if x.axes().len() != dims + 1 || x.is_empty() {
            return Err(ShapeError::new(format!("{dims} axes of places, then channels"), x.to_string()));
        }
        let mut out: Vec<usize> = windows.iter().zip(x.axes()).map(|(w, &n)| w.count(n)).collect();
        if out.contains(&0) {
            let least: Vec<String> = windows.iter().map(|w| at_least(*w)).collect();
            return Err(ShapeError::new(format!("at least {} places", least.join(" x ")), places(x)));
        }
        if x.outer() > MOST_PLACES {
            return Err(ShapeError::new(format!("at most {MOST_PLACES} places"), x.to_string()));
        }
        if self.global {
            out.clear();
        }
        out.push(x.last());
        Ok(Shape::new(out))
    }

    /// What the backend is to pool.
    pub(super) fn spec(&self, io: &Io) -> PoolSpec {
        let (x, y) = (io.inputs[0].shape.axes(), io.output_shape.axes());
        // A series is an image of height 1.
        let image = |axes: &[usize]| match *axes {
            [h, w, _] => [h, w],
            [w, _] => [1, w],
            _ => [1, 1],
        };
        let windows = match self.windows[..] {
            [rows, columns] => [rows, columns],
            [columns] => [Windows::Even { count: 1 }, columns],
            _ => panic!("a pool has one axis of places or two"),
        };
        PoolSpec {
            places: image(x),
            out: image(y),
            channels: io.output_shape.last(),
            windows,
            lengths: io.inputs.get(1).map(|l| l.view),
        }
    }
}

/// The fewest places that have a window.
fn at_least(w: Windows) -> String {
    match w {
        Windows::Even { .. } => "1".into(),
        Windows::Sliding { kernel, padding, dilation, .. } => {
            (dilation * (kernel - 1) + 1).saturating_sub(2 * padding).max(1).to_string()
        }
    }
}

fn places(x: &Shape) -> String {
    let places: Vec<String> = x.axes()[..x.axes().len() - 1].iter().map(usize::to_string).collect();
    format!("{} in {x}", places.join(" x "))
}

/// Windows of the cases that the conformance test runs: kernel, stride, padding, dilation, ceil_mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid(pub usize, pub usize, pub usize, pub usize, pub bool);

impl From<Grid> for Windows {
    fn from(Grid(kernel, stride, padding, dilation, ceil_mode): Grid) -> Self {
        Windows::Sliding { kernel, stride, padding, dilation, ceil_mode }
    }
}

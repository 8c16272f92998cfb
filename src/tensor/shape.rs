//! Sizes of a tensor's axes.

use std::fmt;

/// The sizes of a tensor's axes, outermost first. For an activation the batch axis is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape from its axes.
    pub fn new(axes: impl Into<Vec<usize>>) -> Self {
        Shape(axes.into())
    }

    /// The axes, outermost first.
    pub fn axes(&self) -> &[usize] {
        &self.0
    }

    /// Number of elements; 1 for a shape without axes.
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Number of elements, or `None` where it does not fit a `usize`.
    pub fn checked_len(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |n, &a| n.checked_mul(a))
    }

    /// Whether an axis is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last axis; 1 for a shape without axes.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// Everything but the last axis, multiplied.
    pub fn outer(&self) -> usize {
        self.len() / self.last().max(1)
    }

    /// The same shape with another last axis.
    pub fn with_last(&self, last: usize) -> Self {
        let mut axes = self.0.clone();
        match axes.last_mut() {
            Some(a) => *a = last,
            None => axes.push(last),
        }
        Shape(axes)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(axes: [usize; N]) -> Self {
        Shape(axes.to_vec())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[")?;
        for (i, a) in self.0.iter().enumerate() {
            write!(f, "{}{a}", if i > 0 { ", " } else { "" })?;
        }
        write!(f, "]")
    }
}

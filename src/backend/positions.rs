//! Primitives for the places of steps in series `[B, T, C]`: what a step's place adds to it, or turns it by.

use std::ops::Range;

use crate::backend::Dest;
use crate::tensor::View;

/// Heads that turn with their step: the first columns of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Columns of the series.
    pub columns: usize,
    /// Heads that turn; the columns behind them stay.
    pub heads: usize,
    /// D: columns of a head, an even number.
    pub width: usize,
}

/// What an op may ask for on the places of steps; see [`Backend`](crate::backend::Backend).
///
/// A table has a row for each step of a sequence; step t of a row of the batch is step `position + t` of its sequence, with
/// position 0 where none is given.
pub trait Positions {
    /// `y[r, t] = x[r, t] + table[position[r] + t]`: x, y `[R, T, C]`, table `[N, C]`.
    fn add_positions(&mut self, x: View, table: View, position: Option<View>, y: View, columns: usize);

    /// `y (+)=` x with each pair (i, i + D/2) of a head turned by an angle, or with `back` turned back by it. A row of the table
    /// holds the cosines of the D/2 angles, then their sines.
    fn rotate(
        &mut self,
        x: View,
        table: View,
        position: Option<View>,
        y: Dest,
        rotation: Rotation,
        back: bool,
    );

    /// 0 into a part of `dst`, unless what is written there is added.
    fn clear(&mut self, dst: Dest, part: Range<usize>);
}

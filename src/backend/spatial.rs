//! Primitives for tensors with places: images `[B, H, W, C]` and series `[B, T, C]`, channels last.

use crate::backend::Dest;
use crate::tensor::View;

/// What an op may ask for on tensors with places; see [`Backend`](crate::backend::Backend).
pub trait Spatial {
    /// The transpose of each row's matrix: x `[B, rows, columns]`, y (+)= `[B, columns, rows]`.
    fn transpose(&mut self, x: View, y: Dest, rows: usize, columns: usize);
}

//! The primitives for tensors with places, on one lane.

use crate::backend::cpu::{Lane, Number, transpose};
use crate::backend::{Dest, Spatial};
use crate::tensor::View;

impl<T: Number> Spatial for Lane<'_, T> {
    fn transpose(&mut self, x: View, y: Dest, rows: usize, columns: usize) {
        let add = self.adds(y);
        transpose::transpose(self.get(x), rows, columns, self.get_mut(y.view), add);
    }
}

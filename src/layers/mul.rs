//! The product of two layers, element by element.

use crate::layers::LayerEntry;
use crate::ops::mul::Mul;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "mul",
    doc: "The product of its two inputs, element by element: a gate.",
    keys: &[],
    lower: |b, _, inputs| b.node(Mul, inputs),
};

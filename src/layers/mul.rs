//! The product of two layers, element by element.

use crate::layers::LayerEntry;
use crate::ops::mul::Mul;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "mul",
    doc: "The product of its two inputs, element by element: a gate. A gate [C] weighs the channels of an image or a series.",
    keys: &[],
    example: r#"[{ type = "linear", name = "a", out_features = 3 }, { type = "linear", name = "b", input = "x", out_features = 3, activation = "sigmoid" }, { type = "mul", input = ["a", "b"] }]"#,
    lower: |b, _, inputs| {
        let inputs = b.joined(inputs, false)?;
        b.node(Mul, &inputs)
    },
};

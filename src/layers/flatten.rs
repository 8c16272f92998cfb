//! All numbers of a row in one run, in PyTorch's order.

use crate::layers::LayerEntry;
use crate::tensor::Shape;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "flatten",
    doc: "All numbers of a row in one run; those of images and series channel by channel, as PyTorch has them, so that \
          weights behind it are PyTorch's. A ragged series comes with the zeros behind its end.",
    keys: &[],
    example: r#"[{ type = "linear", input = "image", out_features = 3 }, { type = "flatten" }]"#,
    lower: |b, _, inputs| {
        let x = b.one(inputs)?;
        let numbers = b.shape(x).len();
        b.in_order(x, Shape::from([numbers]))
    },
};

//! All numbers of a row in one run, in PyTorch's order.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering};
use crate::ops::reshape::Reshape;
use crate::tensor::Shape;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "flatten",
    doc: "All numbers of a row in one run; those of images and series channel by channel, as PyTorch has them, so that \
          weights behind it are PyTorch's.",
    keys: &[],
    example: r#"[{ type = "linear", input = "image", out_features = 3 }, { type = "flatten" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, _: &crate::spec::Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_first(x)?;
    let n = b.shape(x).len();
    if b.shape(x).axes().len() == 1 {
        return Ok(x);
    }
    b.node(Reshape { shape: Shape::from([n]) }, &[x])
}

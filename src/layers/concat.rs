//! Several layers side by side.

use crate::layers::LayerEntry;
use crate::ops::concat::Concat;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "concat",
    doc: "Its inputs side by side along the last axis, of images and series along the channels: { type = \"concat\", input = [\"a\", \"b\"] }.",
    keys: &[],
    example: r#"[{ type = "linear", name = "a", out_features = 2 }, { type = "linear", name = "b", input = "x", out_features = 3 }, { type = "concat", input = ["a", "b", "x"] }]"#,
    lower: |b, _, inputs| {
        let inputs = b.joined(inputs, true)?;
        b.node(Concat, &inputs)
    },
};

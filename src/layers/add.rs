//! The sum of several layers.

use crate::layers::{ACTIVATION_KEY, LayerEntry};
use crate::ops::add::Add;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "add",
    doc: "The sum of its inputs, all of one shape: { type = \"add\", input = [\"a\", \"b\"] }.",
    keys: &[ACTIVATION_KEY],
    example: r#"[{ type = "linear", name = "a", out_features = 3 }, { type = "linear", name = "b", input = "x", out_features = 3 }, { type = "add", input = ["a", "b"], activation = "tanh" }]"#,
    lower: |b, values, inputs| {
        let inputs = b.joined(inputs, false)?;
        let y = b.node(Add, &inputs)?;
        b.activation(values, y)
    },
};

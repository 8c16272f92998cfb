//! Gated recurrent units.

use crate::backend::Cell;
use crate::layers::LayerEntry;
use crate::layers::recurrent::{KEYS, recurrent};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "gru",
    doc: "As lstm with three gates and one state: tensors weight_ih_l0 [3H, C], weight_hh_l0 [3H, H], bias_ih_l0 and bias_hh_l0 \
          [3H], gates r, z, n, the reset gate behind the product as in PyTorch. Cho et al. 2014.",
    keys: KEYS,
    example: r#"[{ type = "gru", input = "series", hidden_size = 4, bidirectional = true }, { type = "gru", hidden_size = 3, num_layers = 2 }, { type = "mean" }]"#,
    lower: |b, values, inputs| recurrent(b, values, inputs, Cell::Gru),
};

//! Long short-term memory.

use crate::backend::Cell;
use crate::layers::LayerEntry;
use crate::layers::recurrent::{KEYS, recurrent};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "lstm",
    doc: "Reads a series [T, C] step by step and gives what it has in mind after each, [T, hidden_size]; what it remembers goes \
          through gates. Tensors weight_ih_l0 [4H, C], weight_hh_l0 [4H, H], bias_ih_l0 and bias_hh_l0 [4H], gates i, f, g, o; \
          _l1 of the layer above, _l0_reverse of the other direction. Hochreiter & Schmidhuber 1997, Gers et al. 2000.",
    keys: KEYS,
    example: r#"[{ type = "lstm", input = "series", hidden_size = 4, num_layers = 2, bidirectional = true }, { type = "lstm", hidden_size = 3, bias = false }, { type = "last" }]"#,
    lower: |b, values, inputs| recurrent(b, values, inputs, Cell::Lstm),
};

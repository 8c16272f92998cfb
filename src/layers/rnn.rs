//! Elman's recurrent network.

use crate::backend::Cell;
use crate::layers::LayerEntry;
use crate::layers::recurrent::{
    BIAS, BIDIRECTIONAL, DROPOUT, HIDDEN_SIZE, INIT, NUM_LAYERS, recurrent,
};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "rnn",
    doc: "As lstm without gates, h ← tanh(W_ih·x + b_ih + W_hh·h + b_hh): tensors weight_ih_l0 [H, C], weight_hh_l0 [H, H], \
          bias_ih_l0 and bias_hh_l0 [H]. It forgets after some tens of steps; lstm and gru remember longer. Elman 1990.",
    keys: &[
        HIDDEN_SIZE,
        NUM_LAYERS,
        Key {
            name: "nonlinearity",
            kind: Kind::OneOf(&["tanh", "relu"]),
            default: Preset::Str("tanh"),
            doc: "what the sum goes through",
        },
        BIAS,
        DROPOUT,
        BIDIRECTIONAL,
        INIT,
    ],
    example: r#"[{ type = "rnn", input = "series", hidden_size = 4, bidirectional = true, num_layers = 2 }, { type = "rnn", hidden_size = 3, nonlinearity = "relu" }, { type = "last" }]"#,
    lower: |b, values, inputs| {
        let cell = if values.str("nonlinearity") == "relu" { Cell::Relu } else { Cell::Tanh };
        recurrent(b, values, inputs, cell)
    },
};

//! The last step.

use crate::layers::LayerEntry;
use crate::ops::last::Last;
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "last",
    doc: "The last step of a series [T, C]: C numbers. Where a series ends early, the step before its end.",
    keys: &[Key {
        name: "bidirectional",
        kind: Kind::Bool,
        default: Preset::Bool(false),
        doc: "whether its input is a bidirectional rnn, lstm or gru: the reverse direction has read the whole series at its first \
              step, which is then taken of that half of the channels (PyTorch's h_n)",
    }],
    example: r#"[{ type = "linear", input = "series", out_features = 4, activation = "tanh" }, { type = "last", name = "end" }, { type = "last", name = "ends", input = "linear_0", bidirectional = true }, { type = "concat", input = ["end", "ends"] }]"#,
    lower: |b, values, inputs| b.over_steps(Last { bidirectional: values.bool("bidirectional") }, inputs),
};

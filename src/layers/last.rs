//! The last step.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering};
use crate::ops::last::Last;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "last",
    doc: "The last step of a series [T, C]: C numbers. Where a series ends early, the step before its end. Behind a bidirectional rnn, \
          lstm or gru the end of each direction.",
    keys: &[Key {
        name: "bidirectional",
        kind: Kind::Bool,
        default: Preset::Absent,
        doc: "whether the second half of the channels is a reverse direction, which has read the whole series at its first step \
              (PyTorch's h_n); so it is behind a bidirectional layer if left out",
    }],
    example: r#"[{ type = "gru", input = "series", hidden_size = 2, bidirectional = true }, { type = "last", name = "ends" }, { type = "last", name = "end", input = "gru_0", bidirectional = false }, { type = "concat", input = ["end", "ends"] }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let two = b.has_two_directions(b.one(inputs)?);
    let bidirectional = if values.has("bidirectional") { values.bool("bidirectional") } else { two };
    if bidirectional && !two {
        return Err(Problem::new(b.place(), "there is no reverse direction whose end is another")
            .expected("a bidirectional rnn, lstm or gru before it")
            .help("leave bidirectional out"));
    }
    b.over_steps(Last { bidirectional }, inputs)
}

//! The same layers several times over, each time with weights of its own.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering, children};
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "repeat",
    doc: "Its layers `times` times over, each time with weights of its own (NAME.0.linear_0.weight, …).",
    keys: &[
        Key { name: "times", kind: Kind::int(1, 10_000), default: Preset::Required, doc: "how often" },
        Key {
            name: "layers",
            kind: Kind::List(&Kind::Choice(Family::Layer)),
            default: Preset::Required,
            doc: "the layers",
        },
    ],
    example: r#"[{ type = "linear", out_features = 3 }, { type = "repeat", times = 3, layers = [{ type = "residual", layers = [{ type = "linear", out_features = 3, activation = "silu" }] }] }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let mut x = b.one(inputs)?;
    let path = b.path.clone();
    let layers = children(values);
    for i in 0..values.usize("times") {
        b.path = format!("{path}.{i}");
        x = b.list(&layers, x)?;
    }
    Ok(x)
}

//! A learned vector for each id.

use crate::error::{Problem, quote};
use crate::graph::{Init, ValueId};
use crate::layers::{LayerEntry, Lowering, weight_init};
use crate::ops::ShapeError;
use crate::ops::embedding::Embedding;
use crate::spec::{Family, Key, Kind, Preset, Value, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "embedding",
    doc: "A learned vector for each id; tensor weight [ids, embedding_dim], that of the unknown value or token is zeros until training meets it. Its input is a category column with \
          encoding = \"embedding\", by name, or text: then it gives a vector for each token, [T, embedding_dim].",
    keys: &[
        Key {
            name: "embedding_dim",
            kind: Kind::int(1, 65_536),
            default: Preset::Absent,
            doc: "length of the vectors; 1.6 · n^0.56 for n ids, at most 100, if left out",
        },
        Key {
            name: "init",
            kind: Kind::Choice(Family::Initializer),
            default: Preset::Absent,
            doc: "first vectors; normal if left out, with standard deviation 1 as in PyTorch, or 1/√embedding_dim where model.tie_weights makes them the weight of the output too",
        },
    ],
    example: r#"[{ type = "embedding", name = "e", input = "ids", embedding_dim = 3 }, { type = "concat", input = ["x", "e"] }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let ids = b.one(inputs)?;
    let width = values.has("embedding_dim").then(|| values.usize("embedding_dim"));
    lookup(b, values, ids, width)
}

/// Vectors of `width` (or the default for that many ids) for an input that holds ids.
pub(super) fn lookup(
    b: &mut Lowering<'_>,
    values: &Values,
    ids: ValueId,
    width: Option<usize>,
) -> Result<ValueId, Problem> {
    let Some(&cardinality) = b.cardinalities.get(&ids) else {
        let found = format!("numbers {}", b.shape(ids));
        let expected = "a text, or a category column with encoding = \"embedding\"";
        let problem = b.problem(&ShapeError::new(expected, found));
        let of_ids: Vec<String> =
            b.cardinalities.keys().map(|v| quote(&b.graph.values[v.index()].name)).collect();
        return Err(match &of_ids[..] {
            [] => problem,
            names => problem.help(format!("name what it reads: input = {}", names.join(" or "))),
        });
    };
    let width = width.unwrap_or_else(|| default_width(cardinality));
    let init = if values.has("init") || b.init.is_some() {
        weight_init(b, values, cardinality, width)
    } else {
        // PyTorch's default; but as the weight of an output it would give logits of standard deviation √width.
        let std = if b.tied { (width as f64).sqrt().recip() } else { 1.0 };
        let values = Values::default().with("mean", Value::Float(0.0)).with("std", Value::Float(std));
        Init { name: "normal".into(), values, fan_in: cardinality, fan_out: width, zero_row: None }
    };
    // What training never saw never learns: zeros say nothing.
    let init = Init { zero_row: b.unknown.get(&ids).copied(), ..init };
    let table = b.param("weight", [cardinality, width], init)?;
    let y = b.node(Embedding, &[ids, table])?;
    b.embeddings.entry(ids).or_insert(table);
    b.follows(ids, y);
    Ok(y)
}

/// fast.ai's rule of thumb, 1.6 · n^0.56, but at most 100.
fn default_width(cardinality: usize) -> usize {
    (1.6 * (cardinality as f64).powf(0.56)).round().clamp(1.0, 100.0) as usize
}

//! A vector for the place of each step, added to it.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{Carry, LayerEntry, Lowering, weight_init};
use crate::ops::add_positions::AddPositions;
use crate::spec::{Family, Key, Kind, Preset, Value, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "positional_embedding",
    doc: "Adds a vector for its place to each step of a sequence [T, C]: learned (tensor weight [places, C], Gehring et al. 2017), \
          or sines and cosines of wavelengths up to 10000 · 2π (Vaswani et al. 2017). With model.tie_weights both are as small as the \
          embedding's first vectors: 1/√C.",
    keys: &[
        Key {
            name: "kind",
            kind: Kind::OneOf(&["learned", "sinusoidal"]),
            default: Preset::Str("learned"),
            doc: "where the vectors come from",
        },
        Key {
            name: "num_embeddings",
            kind: Kind::int(1, 1_000_000),
            default: Preset::Absent,
            doc: "places in the table: no sequence may be longer; as many as the input has steps if left out",
        },
        Key {
            name: "init",
            kind: Kind::Choice(Family::Initializer),
            default: Preset::Absent,
            doc: "first vectors; those of model.init, else normal with the standard deviation of an embedding's, if left out",
        },
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 4 }, { type = "positional_embedding", num_embeddings = 12 }, { type = "positional_embedding", kind = "sinusoidal", name = "waves" }, { type = "linear", out_features = 3, activation = "tanh" }, { type = "mean" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let x = b.channels_last(x, 1)?;
    let (steps, width) = (b.shape(x).outer(), b.shape(x).last());
    let longest = match b.carry {
        Carry::Fresh | Carry::Streams => steps,
        Carry::Decode { context } => context.max(steps),
    };
    let learned = values.str("kind") == "learned";
    let places = if values.has("num_embeddings") { values.usize("num_embeddings") } else { longest };
    // Waves go on for ever.
    if places < longest && (learned || values.has("num_embeddings")) {
        let problem = Problem::new(b.place(), "the sequence is longer than its table of positions");
        let problem = problem.expected(format!("at most {places} steps")).found(longest.to_string());
        return Err(problem.help(format!("set num_embeddings = {longest}, or shorten the sequence")));
    }
    // As large as the vectors that they are added to: see `super::embedding`. The paper multiplies those by √C instead.
    let scale = if b.tied { (width as f64).sqrt().recip() } else { 1.0 };
    let table = if learned {
        let init = if values.has("init") || b.init.is_some() {
            weight_init(b, values, places, width)
        } else {
            let values = Values::default().with("mean", Value::Float(0.0)).with("std", Value::Float(scale));
            Init { name: "normal".into(), values, fan_in: places, fan_out: width, zero_row: None }
        };
        b.param("weight", [places, width], init)?
    } else {
        b.graph.constant("waves", waves(longest, width).into_iter().map(|x| x * scale).collect())
    };
    let position = b.position();
    b.node(AddPositions, &[&[x, table][..], position.as_slice()].concat())
}

/// Of step t: sin(t / 10000^(2i/C)) at 2i and cos of the same at 2i + 1.
fn waves(steps: usize, width: usize) -> Vec<f64> {
    let wave = |t: usize, column: usize| {
        let angle = t as f64 / 10_000f64.powf((column / 2 * 2) as f64 / width as f64);
        if column.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    (0..steps).flat_map(|t| (0..width).map(move |column| wave(t, column))).collect()
}

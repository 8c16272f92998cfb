//! What the layers with attention share: their keys, and the products around it under PyTorch's names.

use crate::backend::Heads;
use crate::error::{Problem, quote};
use crate::graph::{Init, ValueId};
use crate::layers::{Carry, Lowering, weight_init};
use crate::ops::ShapeError;
use crate::ops::attention::{Attention, Over};
use crate::ops::cached_attention::CachedAttention;
use crate::ops::dropout::Dropout;
use crate::ops::linear::Linear;
use crate::ops::linear_rows::LinearRows;
use crate::ops::rope::{Rope, table};
use crate::spec::{Key, Kind, Preset, Values};

/// Base of the angles of rotary positions, as in the paper.
const BASE: f64 = 10_000.0;

pub(super) const NUM_HEADS: Key = Key {
    name: "num_heads",
    kind: Kind::int(1, 65_536),
    default: Preset::Required,
    doc: "heads, which share out the width evenly",
};
pub(super) const NUM_KV_HEADS: Key = Key {
    name: "num_kv_heads",
    kind: Kind::int(1, 65_536),
    default: Preset::Absent,
    doc: "heads of keys and values, each for as many neighbouring heads of queries (Ainslie et al. 2023); num_heads if left out",
};
pub(super) const CAUSAL: Key = Key {
    name: "causal",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "whether a step sees none that comes after it",
};
pub(super) const BIAS: Key =
    Key { name: "bias", kind: Kind::Bool, default: Preset::Bool(true), doc: "whether there are biases" };
pub(super) const ROTARY: Key = Key {
    name: "rotary",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "whether queries and keys turn with their step (Su et al. 2021; halves of a head in pairs as in GPT-NeoX and Llama, base \
          10000)",
};

/// An attention as its layer's keys describe it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attending<'v> {
    values: &'v Values,
    causal: bool,
    rotary: bool,
}

impl<'v> Attending<'v> {
    /// From the keys of this file.
    pub(super) fn of(values: &'v Values) -> Self {
        Attending { values, causal: values.bool("causal"), rotary: values.bool("rotary") }
    }

    /// The same over all steps of another sequence: neither causal nor rotary, which compare places of one sequence.
    pub(super) fn whole(self) -> Self {
        Attending { causal: false, rotary: false, ..self }
    }

    fn heads(&self, b: &Lowering<'_>, width: usize) -> Result<Heads, Problem> {
        let queries = self.values.usize("num_heads");
        let keys = if self.values.has("num_kv_heads") { self.values.usize("num_kv_heads") } else { queries };
        if !width.is_multiple_of(queries) {
            let expected = format!("a width that num_heads = {queries} heads share out evenly");
            return Err(b.problem(&ShapeError::new(expected, width.to_string())));
        }
        if !queries.is_multiple_of(keys) {
            let what = format!("num_kv_heads = {keys} heads cannot serve num_heads = {queries} evenly");
            return Err(Problem::new(b.place(), what).expected(format!("a divisor of {queries}")));
        }
        let heads = Heads { queries, keys, width: width / queries };
        if self.rotary && !heads.width.is_multiple_of(2) {
            let problem = Problem::new(b.place(), "rotary positions turn pairs of a head's numbers");
            let help = "set another num_heads, or leave rotary out";
            return Err(problem
                .expected("an even width of a head")
                .found(heads.width.to_string())
                .help(help));
        }
        Ok(heads)
    }

    /// The attention of the steps of x to each other, or to those of `memory`, with the products before and after it.
    ///
    /// # Errors
    /// Where widths or heads do not fit, or where a sequence that sees what comes after is to be generated.
    pub(super) fn lower(
        &self,
        b: &mut Lowering<'_>,
        x: ValueId,
        memory: Option<ValueId>,
    ) -> Result<ValueId, Problem> {
        let width = b.shape(x).last();
        let heads = self.heads(b, width)?;
        let rows = heads.query_columns() + 2 * heads.key_columns();
        let init = in_proj_init(b, self.values, width, rows);
        let weight = b.param("in_proj_weight", [rows, width], init)?;
        let bias = match self.values.bool("bias") {
            true => Some(b.param("in_proj_bias", [rows], Init::constant(0.0))?),
            false => None,
        };
        let y = match memory {
            None => {
                let qkv = b.node(Linear, &[&[x, weight][..], bias.as_slice()].concat())?;
                self.own(b, heads, qkv)?
            }
            Some(memory) => self.other(b, heads, x, memory, &[&[weight][..], bias.as_slice()].concat())?,
        };
        b.ends_as(x, y);
        b.part("out_proj", |b| {
            let init = weight_init(b, self.values, width, width);
            let weight = b.param("weight", [width, width], init)?;
            let bias = match self.values.bool("bias") {
                true => Some(b.param("bias", [width], Init::constant(0.0))?),
                false => None,
            };
            b.node(Linear, &[&[y, weight][..], bias.as_slice()].concat())
        })
    }

    /// Over the sequence's own steps.
    fn own(&self, b: &mut Lowering<'_>, heads: Heads, qkv: ValueId) -> Result<ValueId, Problem> {
        let steps = b.shape(qkv).outer();
        let context = match b.carry {
            Carry::Fresh | Carry::Streams => None,
            Carry::Decode { .. } if !self.causal => {
                let problem =
                    Problem::new(b.place(), "a step that sees what comes after it cannot be generated");
                return Err(problem.help("set causal = true and train again"));
            }
            Carry::Decode { context } => Some(context),
        };
        let position = b.position();
        let mut qkv = qkv;
        if self.rotary {
            let angles = table(context.unwrap_or(steps).max(steps), heads.width, BASE);
            let angles = b.graph.constant("angles", angles);
            let turned = Rope { heads: heads.queries + heads.keys, width: heads.width };
            qkv = b.node(turned, &[&[qkv, angles][..], position.as_slice()].concat())?;
        }
        match b.cache("cache", 2 * heads.key_columns())?.zip(position) {
            Some((cache, position)) => b.node(CachedAttention { heads }, &[qkv, cache, position]),
            None => {
                let lengths = b.lengths_of(qkv);
                let op = Attention { heads, causal: self.causal, over: Over::Own };
                b.node(op, &[&[qkv][..], lengths.as_slice()].concat())
            }
        }
    }

    /// Over the steps of `memory`; `params` are weight and perhaps bias of all three products.
    fn other(
        &self,
        b: &mut Lowering<'_>,
        heads: Heads,
        x: ValueId,
        memory: ValueId,
        params: &[ValueId],
    ) -> Result<ValueId, Problem> {
        if matches!(b.carry, Carry::Decode { .. }) {
            let problem = Problem::new(b.place(), "only one sequence can be generated: it reads two");
            return Err(problem.help("predict with this model"));
        }
        let (width, other) = (b.shape(x).last(), b.shape(memory).last());
        if width != other {
            let name = quote(&b.graph.values[memory.index()].name);
            let help = format!("put {{ type = \"linear\", out_features = {width} }} behind {name}");
            return Err(b.problem(&ShapeError::new(format!("width {width}"), other.to_string())).help(help));
        }
        let queries = LinearRows { first: 0, count: heads.query_columns() };
        let keys = LinearRows { first: queries.count, count: 2 * heads.key_columns() };
        let q = b.node(queries, &[&[x], params].concat())?;
        let kv = b.node(keys, &[&[memory], params].concat())?;
        let (query, key) = (b.lengths_of(x), b.lengths_of(memory));
        let over = Over::Other { query_lengths: query.is_some(), key_lengths: key.is_some() };
        let op = Attention { heads, causal: self.causal, over };
        b.node(op, &[&[q, kv][..], query.as_slice(), key.as_slice()].concat())
    }
}

/// PyTorch's first weights of the products before an attention, `xavier_uniform`, where the config names none.
fn in_proj_init(b: &Lowering<'_>, values: &Values, fan_in: usize, fan_out: usize) -> Init {
    if values.has("init") || b.init.is_some() {
        return weight_init(b, values, fan_in, fan_out);
    }
    let name = "xavier_uniform";
    let keys = crate::init::find(name).map_or(&[][..], |entry| entry.keys);
    Init { name: name.into(), values: Values::defaults(keys), fan_in, fan_out, zero_row: None }
}

/// x with dropout, where p is not 0.
pub(super) fn dropped(b: &mut Lowering<'_>, p: f64, x: ValueId) -> Result<ValueId, Problem> {
    if p > 0.0 { b.node(Dropout { p }, &[x]) } else { Ok(x) }
}

/// The sequence, and the other one that it looks at where there are two inputs.
///
/// # Errors
/// Where there is another number of inputs, or where they are no sequences.
pub(super) fn sequences(
    b: &mut Lowering<'_>,
    inputs: &[ValueId],
) -> Result<(ValueId, Option<ValueId>), Problem> {
    match *inputs {
        [x] => Ok((b.channels_last(x, 1)?, None)),
        [x, memory] => Ok((b.channels_last(x, 1)?, Some(b.channels_last(memory, 1)?))),
        _ => {
            let found = format!("{} inputs", inputs.len());
            Err(b.problem(&ShapeError::new(
                "one sequence, or two of which the first looks at the second",
                found,
            )))
        }
    }
}

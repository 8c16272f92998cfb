//! What the transformer layers share: the keys of a block, and the block under the names of PyTorch's encoder and decoder layers.

use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::attention::{Attending, BIAS, NUM_HEADS, NUM_KV_HEADS, ROTARY, dropped};
use crate::layers::linear::affine;
use crate::layers::{Lowering, activation};
use crate::ops::add::Add;
use crate::ops::layer_norm::LayerNorm;
use crate::ops::rms_norm::RmsNorm;
use crate::ops::swiglu::Swiglu;
use crate::spec::{Family, Key, Kind, Preset, Value, Values};

const DIM_FEEDFORWARD: Key = Key {
    name: "dim_feedforward",
    kind: Kind::int(1, i64::MAX),
    default: Preset::Absent,
    doc: "hidden units behind the attention; 4 times the width if left out, or 8/3 times rounded up to a multiple of 8 for swiglu",
};
const DROPOUT: Key = Key {
    name: "dropout",
    kind: Kind::below(0.0, 1.0),
    default: Preset::Float(0.0),
    doc: "probability that a number is dropped in training: behind each attention, the hidden units and the second linear layer; \
          PyTorch drops weights of the attention, too",
};
const ACTIVATION: Key = Key {
    name: "activation",
    kind: Kind::Any(&[Kind::OneOf(&["swiglu"]), Kind::Choice(Family::Activation)]),
    default: Preset::Str("gelu"),
    doc: "activation of the hidden units; \"swiglu\": silu of one half of linear1's outputs times the other half (Shazeer 2020)",
};
const NORM_FIRST: Key = Key {
    name: "norm_first",
    kind: Kind::Bool,
    default: Preset::Bool(true),
    doc: "whether norms come before attention and linear layers (Xiong et al. 2020) or behind the sums",
};
const NORM: Key = Key {
    name: "norm",
    kind: Kind::OneOf(&["layer_norm", "rms_norm"]),
    default: Preset::Str("layer_norm"),
    doc: "the norms",
};
const EPS: Key = Key {
    name: "eps",
    kind: Kind::above(0.0),
    default: Preset::Float(1e-5),
    doc: "ε below the root of the norms",
};
const INIT: Key = Key {
    name: "init",
    kind: Kind::Choice(Family::Initializer),
    default: Preset::Absent,
    doc: "initial weights; PyTorch's default if left out",
};
const NUM_LAYERS: Key = Key {
    name: "num_layers",
    kind: Kind::int(1, 10_000),
    default: Preset::Required,
    doc: "blocks one after the other",
};

/// The keys of a block.
pub(super) const fn block_keys(causal: Key) -> [Key; 12] {
    [
        NUM_HEADS,
        NUM_KV_HEADS,
        causal,
        DIM_FEEDFORWARD,
        DROPOUT,
        ACTIVATION,
        NORM_FIRST,
        NORM,
        EPS,
        ROTARY,
        BIAS,
        INIT,
    ]
}

/// The keys of a stack of blocks.
pub(super) const fn stack_keys(causal: Key) -> [Key; 13] {
    let mut keys = [NUM_LAYERS; 13];
    let (block, mut i) = (block_keys(causal), 0);
    while i < block.len() {
        keys[i + 1] = block[i];
        i += 1;
    }
    keys
}

/// A block over the steps of x, which also looks at those of `memory` where there is one.
///
/// # Errors
/// Those of its parts.
pub(super) fn block(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    memory: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let attending = Attending::of(values);
    let mut x = around(b, values, "norm1", x, |b, x| b.part("self_attn", |b| attending.lower(b, x, None)))?;
    let mut last = "norm2";
    if let Some(memory) = memory {
        let attending = attending.whole();
        x = around(b, values, "norm2", x, |b, x| {
            b.part("multihead_attn", |b| attending.lower(b, x, Some(memory)))
        })?;
        last = "norm3";
    }
    around(b, values, last, x, |b, x| feed_forward(b, values, x))
}

/// `num_layers` blocks, each from the one before; with `norm_first` a norm behind the last, whose sum no other norm reads.
///
/// # Errors
/// Those of its parts.
pub(super) fn stack(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    memory: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let mut x = x;
    for layer in 0..values.usize("num_layers") {
        x = b.part(&format!("layers.{layer}"), |b| block(b, values, x, memory))?;
    }
    if values.bool("norm_first") { normed(b, values, "norm", x) } else { Ok(x) }
}

/// x + f(norm(x)), or norm(x + f(x)).
fn around(
    b: &mut Lowering<'_>,
    values: &Values,
    norm: &str,
    x: ValueId,
    f: impl FnOnce(&mut Lowering<'_>, ValueId) -> Result<ValueId, Problem>,
) -> Result<ValueId, Problem> {
    let first = values.bool("norm_first");
    let y = if first { normed(b, values, norm, x)? } else { x };
    let y = f(b, y)?;
    let y = dropped(b, values.f64("dropout"), y)?;
    let sum = b.node(Add, &[x, y])?;
    if first { Ok(sum) } else { normed(b, values, norm, sum) }
}

fn normed(b: &mut Lowering<'_>, values: &Values, name: &str, x: ValueId) -> Result<ValueId, Problem> {
    let (width, eps) = (b.shape(x).last(), values.f64("eps"));
    b.part(name, |b| {
        let gain = b.param("weight", [width], Init::constant(1.0))?;
        if values.str("norm") == "rms_norm" {
            return b.node(RmsNorm { eps }, &[x, gain]);
        }
        let bias = match values.bool("bias") {
            true => b.param("bias", [width], Init::constant(0.0))?,
            false => b.graph.constant("zeros", vec![0.0; width]),
        };
        b.node(LayerNorm { eps }, &[x, gain, bias])
    })
}

/// linear2(dropout(activation(linear1(x)))).
fn feed_forward(b: &mut Lowering<'_>, values: &Values, x: ValueId) -> Result<ValueId, Problem> {
    let (width, bias) = (b.shape(x).last(), values.bool("bias"));
    let chosen = values.get("activation");
    let gated = chosen == Some(&Value::Str("swiglu".into()));
    let hidden = match values.has("dim_feedforward") {
        true => values.usize("dim_feedforward"),
        // As many weights as without a gate: three products of 8/3 for two of 4.
        false if gated => (8 * width).div_ceil(3).next_multiple_of(8),
        false => 4 * width,
    };
    let columns = if gated { hidden.saturating_mul(2) } else { hidden };
    let y = b.part("linear1", |b| affine(b, values, x, columns, bias))?;
    let y = match chosen.filter(|_| !gated) {
        Some(choice) => activation::lower_choice(b, choice, y)?,
        None => b.node(Swiglu, &[y])?,
    };
    let y = dropped(b, values.f64("dropout"), y)?;
    b.part("linear2", |b| affine(b, values, y, width, bias))
}

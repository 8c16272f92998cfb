//! What the recurrent layers share: their keys, PyTorch's tensors, and the ops of each layer and direction.

use crate::backend::Cell;
use crate::error::Problem;
use crate::graph::{Init, ValueId};
use crate::layers::{Carry, Lowering, weight_init};
use crate::ops::ShapeError;
use crate::ops::concat::Concat;
use crate::ops::dropout::Dropout;
use crate::ops::recur::Recur;
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const HIDDEN_SIZE: Key = Key {
    name: "hidden_size",
    kind: Kind::int(1, i64::MAX),
    default: Preset::Required,
    doc: "numbers that each direction remembers, and gives at each step",
};
pub(super) const NUM_LAYERS: Key = Key {
    name: "num_layers",
    kind: Kind::int(1, 1000),
    default: Preset::Int(1),
    doc: "networks one above the other, each of which reads the steps of the one below",
};
pub(super) const BIAS: Key =
    Key { name: "bias", kind: Kind::Bool, default: Preset::Bool(true), doc: "whether there are biases" };
pub(super) const DROPOUT: Key = Key {
    name: "dropout",
    kind: Kind::below(0.0, 1.0),
    default: Preset::Float(0.0),
    doc: "probability of a zero in the steps that one network hands to the one above",
};
pub(super) const BIDIRECTIONAL: Key = Key {
    name: "bidirectional",
    kind: Kind::Bool,
    default: Preset::Bool(false),
    doc: "whether a second network reads from the end; each step then has 2·hidden_size numbers",
};
pub(super) const INIT: Key = Key {
    name: "init",
    kind: Kind::Choice(Family::Initializer),
    default: Preset::Absent,
    doc: "initial weights; PyTorch's default, U(−1/√hidden_size, 1/√hidden_size), if left out",
};

/// Keys of lstm and gru.
pub(super) const KEYS: &[Key] = &[HIDDEN_SIZE, NUM_LAYERS, BIAS, DROPOUT, BIDIRECTIONAL, INIT];

/// The layers of `cell` over the one series in `inputs`.
pub(super) fn recurrent(
    b: &mut Lowering<'_>,
    values: &Values,
    inputs: &[ValueId],
    cell: Cell,
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    if b.cardinalities.contains_key(&x) {
        let found = format!("ids {}", b.shape(x));
        return Err(b
            .problem(&ShapeError::new("a series of numbers", found))
            .help("put an embedding before it"));
    }
    let (layers, dropout) = (values.usize("num_layers"), values.f64("dropout"));
    if dropout > 0.0 && layers == 1 {
        let problem = Problem::new(b.place(), "its dropout acts between its layers, and there is one");
        return Err(problem.help("set num_layers = 2, or put { type = \"dropout\" } behind it"));
    }
    let bidirectional = values.bool("bidirectional");
    if bidirectional && b.carry != Carry::Fresh {
        let problem = Problem::new(b.place(), "a bidirectional layer needs the whole sequence");
        return Err(problem.help("set bidirectional = false: text is read and written from its beginning on"));
    }
    let mut x = b.channels_last(x, 1)?;
    for layer in 0..layers {
        if dropout > 0.0 && layer > 0 {
            x = b.node(Dropout { p: dropout }, &[x])?;
        }
        let forward = direction(b, values, x, cell, layer, false)?;
        x = if bidirectional {
            let reverse = direction(b, values, x, cell, layer, true)?;
            let both = b.node(Concat, &[forward, reverse])?;
            b.two_directions.insert(both);
            both
        } else {
            forward
        };
    }
    Ok(x)
}

/// One layer in one direction, with the tensors `weight_ih_l0` and so on.
fn direction(
    b: &mut Lowering<'_>,
    values: &Values,
    x: ValueId,
    cell: Cell,
    layer: usize,
    reverse: bool,
) -> Result<ValueId, Problem> {
    let suffix = format!("l{layer}{}", if reverse { "_reverse" } else { "" });
    let (inputs, hidden) = (b.shape(x).last(), values.usize("hidden_size"));
    let width = hidden.checked_mul(cell.gates()).filter(|&w| w <= 1 << 31).ok_or_else(|| {
        Problem::new(b.place(), format!("{hidden} hidden numbers are too many"))
            .help("make the layer smaller")
    })?;
    let init = |b: &Lowering<'_>, fan_in: usize| {
        let init = weight_init(b, values, fan_in, width);
        // PyTorch draws all tensors of the layer from one range, whatever they read.
        if init.name == "pytorch" { Init { fan_in: hidden, ..init } } else { init }
    };
    let (below, above) = (init(b, inputs), init(b, hidden));
    let mut all = vec![x, b.param(&format!("weight_ih_{suffix}"), [width, inputs], below.clone())?];
    all.push(b.param(&format!("weight_hh_{suffix}"), [width, hidden], above)?);
    let bias = values.bool("bias");
    if bias {
        // Other initialisers leave biases zero, as their papers do.
        let init = if below.name == "pytorch" { below } else { Init::constant(0.0) };
        all.push(b.param(&format!("bias_ih_{suffix}"), [width], init.clone())?);
        all.push(b.param(&format!("bias_hh_{suffix}"), [width], init)?);
    }
    let states = ["h", "c"].into_iter().take(1 + usize::from(cell.has_memory()));
    let mut carried = false;
    for state in states {
        if let Some(state) = b.hidden_state(&format!("{state}_{suffix}"), [hidden])? {
            all.push(state);
            carried = true;
        }
    }
    let ragged = b.lengths_of(x).is_some();
    b.up_to_ends(Recur { cell, reverse, bias, ragged, carried }, &all)
}

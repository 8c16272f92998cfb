//! Layers: what a config names. Each lowers itself to ops and holds no maths.
//!
//! One file a layer; the list below is the registry. A layer's tensors are named `LAYER.weight` and so on, LAYER being its
//! `name` or else its type and its position in its list (`linear_0`); inside a residual or repeated block the block's
//! name comes before it (`residual_1.linear_0`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::{Graph, Init, Source, ValueId};
use crate::ops::{ACTIVATIONS, Op, ShapeError};
use crate::spec::{Described, Family, Key, Kind, Preset, Value, Values};
use crate::tensor::Shape;

mod activation;
mod attention;
mod carry;
mod convolution;
mod network;
mod places;
mod pooling;
mod recurrent;
mod transformer;

pub use carry::{Carry, POSITION};
pub use network::{
    Branched, Input, Layout, MixedLoss, Network, Output, OutputLayer, Port, build, build_branched,
};

/// What keeps layers from being a network, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where the layer stands: its position in the list, then in the list of that layer, and so on; empty for the output layer.
    pub at: Vec<usize>,
    /// Its place is the layer's name.
    pub problem: Problem,
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        Error::new(Code::Usage, misfit.problem)
    }
}

/// Declares the files of layers and lists their entries.
macro_rules! registry {
    ($($file:ident),* $(,)?) => {
        $(mod $file;)*
        const OWN: &[LayerEntry] = &[$($file::ENTRY),*];
    };
}

registry!(
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    add,
    attention_pool,
    avg_pool1d,
    avg_pool2d,
    batch_norm,
    concat,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    dropout,
    dropout2d,
    embedding,
    flatten,
    global_avg_pool,
    global_max_pool,
    group_norm,
    gru,
    instance_norm,
    last,
    layer_norm,
    linear,
    lstm,
    max,
    max_pool1d,
    max_pool2d,
    mean,
    mul,
    multi_head_attention,
    pad,
    positional_embedding,
    repeat,
    reshape,
    residual,
    rms_norm,
    rnn,
    softmax,
    squeeze_excitation,
    transformer_block,
    transformer_decoder,
    transformer_encoder,
    upsample
);

/// A row of the registry.
#[derive(Clone, Copy)]
pub(crate) struct LayerEntry {
    /// The file's name and the word in a config.
    name: &'static str,
    /// One sentence for the reference.
    doc: &'static str,
    /// Its keys, besides those that every layer has.
    keys: &'static [Key],
    /// Layers that use it, for the gradient check: their inputs are numbers `x` and ids `ids`.
    example: &'static str,
    /// Adds its nodes and tensors.
    lower: fn(&mut Lowering<'_>, &Values, &[ValueId]) -> Result<ValueId, Problem>,
}

/// Keys that every layer may carry.
pub const COMMON_KEYS: &[Key] = &[
    Key {
        name: "name",
        kind: Kind::Str,
        default: Preset::Absent,
        doc: "what other layers and the files call it; its type and position if left out",
    },
    Key {
        name: "input",
        kind: Kind::Any(&[Kind::Str, Kind::List(&Kind::Str)]),
        default: Preset::Absent,
        doc: "name of its input, or a list of names; the layer before if left out",
    },
];

/// The key of layers that can end in an activation.
const ACTIVATION_KEY: Key = Key {
    name: "activation",
    kind: Kind::Choice(Family::Activation),
    default: Preset::Absent,
    doc: "activation of its output",
};

/// All layers: those with a file here and the activations.
pub static LAYERS: LazyLock<Vec<Described>> = LazyLock::new(|| {
    let own = OWN.iter().map(|l| Described { name: l.name, doc: l.doc, keys: l.keys });
    let mut all: Vec<Described> = own.chain(POINTWISE.iter().copied()).collect();
    all.sort_by_key(|d| d.name);
    all
});

/// Every layer with a list of layers that uses it, as TOML; the gradient check trains each of them.
pub fn examples() -> Vec<(&'static str, String)> {
    let own = OWN.iter().map(|l| (l.name, l.example.to_owned()));
    let activation = |a: &crate::ops::ActivationEntry| {
        (a.name, format!("[{{ type = \"linear\", out_features = 4 }}, {{ type = \"{}\" }}]", a.name))
    };
    own.chain(ACTIVATIONS.iter().map(activation)).collect()
}

/// Activations as a key of a layer.
pub static ACTIVATION_CHOICES: LazyLock<Vec<Described>> = LazyLock::new(|| {
    let softmax = OWN.iter().find(|l| l.name == "softmax");
    let softmax = softmax.map(|l| Described { name: l.name, doc: l.doc, keys: l.keys });
    POINTWISE.iter().copied().chain(softmax).collect()
});

static POINTWISE: LazyLock<Vec<Described>> = LazyLock::new(|| {
    ACTIVATIONS.iter().map(|a| Described { name: a.name, doc: a.doc, keys: a.keys }).collect()
});

/// The most nodes that a graph may have.
const MAX_NODES: usize = 100_000;

/// Bytes as a message shows them.
pub(crate) fn amount(bytes: f64) -> String {
    if bytes < 1e12 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.1} TB", bytes / 1e12) }
}

/// A graph while layers are added to it.
#[derive(Debug)]
pub(crate) struct Lowering<'g> {
    graph: &'g mut Graph,
    /// Named values: the network's inputs and all layers so far.
    names: BTreeMap<String, ValueId>,
    /// Number of different ids of an input that holds ids.
    cardinalities: BTreeMap<ValueId, usize>,
    /// The id of what training may never see, of an input that has one.
    unknown: BTreeMap<ValueId, usize>,
    /// Whether an output has the weight of an embedding.
    tied: bool,
    /// For each input that holds ids, the vectors that its first embedding looks up.
    embeddings: BTreeMap<ValueId, ValueId>,
    /// Values whose channels are those of two directions, side by side.
    two_directions: BTreeSet<ValueId>,
    /// What the rows of a pass have to do with those of the pass before.
    carry: Carry,
    /// The number of steps before this pass, for [`Carry::Decode`].
    position: Option<ValueId>,
    /// The layer that made a value first, and its position: see `at`.
    made: BTreeMap<ValueId, (String, Vec<usize>)>,
    /// What is known of values with places.
    places: places::Places,
    /// First weights of layers that name none.
    init: Option<&'g Value>,
    /// The name of the layer being lowered, outer blocks first.
    path: String,
    /// The position of the layer being lowered in its list, outer blocks first.
    at: Vec<usize>,
    /// Bytes that the machine has for it.
    memory: u64,
}

impl Lowering<'_> {
    fn shape(&self, value: ValueId) -> &Shape {
        self.graph.shape(value)
    }

    fn problem(&self, error: &ShapeError) -> Problem {
        Problem::new(format!("layer {}", quote(&self.path)), "its input does not fit")
            .expected(error.expected.clone())
            .found(error.got.clone())
    }

    fn node(&mut self, op: impl Op + 'static, inputs: &[ValueId]) -> Result<ValueId, Problem> {
        self.boxed(Box::new(op), inputs)
    }

    fn boxed(&mut self, op: Box<dyn Op>, inputs: &[ValueId]) -> Result<ValueId, Problem> {
        let output = self.graph.node(self.path.clone(), op, inputs).map_err(|e| match self.mend(inputs) {
            Some(help) => self.problem(&e).help(help),
            None => self.problem(&e),
        })?;
        if self.graph.nodes.len() > MAX_NODES {
            let what = format!("the network has more than {MAX_NODES} layers");
            return Err(Problem::new(self.place(), what).help("repeat fewer layers"));
        }
        self.affordable("its output", self.shape(output), 0)?;
        self.places.inherit(self.graph, inputs, output);
        Ok(output)
    }

    fn place(&self) -> String {
        format!("layer {}", quote(&self.path))
    }

    /// The values on the way from an input of the network to `x`, the last one first: of a node its first input that depends on
    /// the row.
    fn way(&self, x: ValueId) -> Vec<ValueId> {
        let before = |&v: &ValueId| match self.graph.values[v.index()].source {
            Source::Node(node) => {
                let inputs = self.graph.nodes[node].inputs.iter();
                inputs.copied().find(|v| self.graph.values[v.index()].has_rows())
            }
            _ => None,
        };
        std::iter::successors(Some(x), before).collect()
    }

    /// Whether the channels of x are those of a recurrent layer's two directions, changed at most each by itself or by its norm.
    fn has_two_directions(&self, x: ValueId) -> bool {
        let way = self.way(x);
        let alike = |pair: &[ValueId]| {
            let (y, x) = (pair[0], pair[1]);
            let Source::Node(node) = self.graph.values[y.index()].source else { return false };
            // A matrix would mix the directions, and so may what is added.
            let mixes = |&&v: &&ValueId| {
                let value = &self.graph.values[v.index()];
                v != x && value.shape.axes().len() > 1
            };
            self.shape(x) == self.shape(y) && self.graph.nodes[node].inputs.iter().find(mixes).is_none()
        };
        let from = way.iter().position(|v| self.two_directions.contains(v));
        from.is_some_and(|from| way[..=from].windows(2).all(alike))
    }

    /// What brings inputs that must be alike to one width.
    fn mend(&self, inputs: &[ValueId]) -> Option<String> {
        let (&first, rest) = inputs.split_first()?;
        let wanted = self.shape(first);
        let odd = *rest
            .iter()
            .find(|&&v| self.shape(v).with_last(wanted.last()) == *wanted && self.shape(v) != wanted)?;
        let name = &self.graph.values[odd.index()].name;
        let weight = format!("{name}.weight");
        let linear =
            |p: &crate::graph::Tensor| p.name == weight && p.shape.axes()[0] == self.shape(odd).last();
        let width = wanted.last();
        Some(if self.graph.params.iter().any(linear) {
            format!("set out_features = {width} in {}", quote(name))
        } else {
            format!("put {{ type = \"linear\", out_features = {width} }} behind {}", quote(name))
        })
    }

    /// Refuses a tensor that cannot be held beside `before` other elements.
    fn affordable(&self, what: &str, shape: &Shape, before: usize) -> Result<(), Problem> {
        let elements = shape.checked_len().and_then(|n| n.checked_add(before)).and_then(|n| n.checked_mul(4));
        if elements.is_some_and(|bytes| bytes as u64 <= self.memory) {
            return Ok(());
        }
        let bytes = shape.axes().iter().map(|&a| a as f64).product::<f64>() * 4.0;
        let problem = Problem::new(self.place(), format!("{what} {shape} takes {} of memory", amount(bytes)));
        let limit = format!(
            "at most {} for the whole network: what this machine has free",
            amount(self.memory as f64)
        );
        Err(problem.expected(limit).help("make the layer smaller"))
    }

    /// A trainable tensor `LAYER.suffix`.
    fn param(&mut self, suffix: &str, shape: impl Into<Shape>, init: Init) -> Result<ValueId, Problem> {
        let shape = shape.into();
        self.affordable(&format!("its {suffix}"), &shape, self.graph.param_len())?;
        let name = format!("{}.{suffix}", self.path);
        Ok(self.graph.param(name, shape, init))
    }

    /// Runs `f` for a part of the layer, whose name follows the layer's.
    fn part<R>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<R, Problem>) -> Result<R, Problem> {
        let path = self.path.clone();
        self.path = format!("{path}.{name}");
        let made = f(self);
        self.path = path;
        made
    }

    fn buffer(&mut self, suffix: &str, shape: impl Into<Shape>, init: Init) -> ValueId {
        let name = format!("{}.{suffix}", self.path);
        self.graph.buffer(name, shape, init)
    }

    /// The one input of a layer that takes one.
    fn one(&self, inputs: &[ValueId]) -> Result<ValueId, Problem> {
        match inputs {
            [x] => Ok(*x),
            _ => Err(self.problem(&ShapeError::new("one input", format!("{} inputs", inputs.len())))),
        }
    }

    /// Adds the activation that the key of that name holds.
    fn activation(&mut self, values: &Values, x: ValueId) -> Result<ValueId, Problem> {
        match values.get("activation") {
            Some(choice) => activation::lower_choice(self, choice, x),
            None => Ok(x),
        }
    }

    /// Lowers a list of layers, each from the one before unless it names its input.
    fn list(&mut self, layers: &[Value], input: ValueId) -> Result<ValueId, Problem> {
        let block = self.path.clone();
        let mut last = input;
        for (i, layer) in layers.iter().enumerate() {
            self.at.push(i);
            let (kind, own) = type_of(layer);
            let entry = own.map(|e| e.keys).or_else(|| activation::keys(kind)).unwrap_or_default();
            let values = Values::from_table(layer, &[entry, COMMON_KEYS]).unwrap_or_default();
            let name = if values.has("name") { values.str("name").to_owned() } else { format!("{kind}_{i}") };
            let prefix = if block.is_empty() { String::new() } else { format!("{block}.") };
            self.path = format!("{prefix}{name}");
            let inputs = self.inputs(&values, &prefix, last)?;
            last = match own {
                Some(e) => (e.lower)(self, &values, &inputs)?,
                None => activation::lower(self, kind, &values, &inputs)?,
            };
            self.path = format!("{prefix}{name}");
            self.made.entry(last).or_insert_with(|| (self.path.clone(), self.at.clone()));
            if self.names.insert(self.path.clone(), last).is_some() {
                let problem = Problem::new(format!("layer {}", quote(&self.path)), "the name is taken");
                return Err(problem.help("give each layer a name of its own"));
            }
            self.at.pop();
        }
        self.path = block;
        Ok(last)
    }

    /// The values that a layer's `input` names; inside a block, names of the block come first.
    fn inputs(&self, values: &Values, prefix: &str, before: ValueId) -> Result<Vec<ValueId>, Problem> {
        if !values.has("input") {
            return Ok(vec![before]);
        }
        values.strs("input").iter().map(|name| self.named(name, prefix)).collect()
    }

    /// The value of that name; the layer being lowered reads it.
    fn named(&self, name: &str, prefix: &str) -> Result<ValueId, Problem> {
        let inner = self.names.get(&format!("{prefix}{name}"));
        inner.or_else(|| self.names.get(name)).copied().ok_or_else(|| {
            let known: Vec<String> = self.names.keys().map(|k| quote(k)).collect();
            Problem::new(
                format!("layer {}", quote(&self.path)),
                format!("no layer or input {} comes before it", quote(name)),
            )
            .expected(format!("one of {}", known.join(", ")))
        })
    }
}

/// The type of a checked layer, and its entry unless it is an activation.
fn type_of(layer: &Value) -> (&str, Option<&'static LayerEntry>) {
    let Value::Table(entries) = layer else { return ("", None) };
    let kind = entries.iter().find_map(|(k, v)| match v {
        Value::Str(s) if k == "type" => Some(s.as_str()),
        _ => None,
    });
    let kind = kind.unwrap_or_default();
    (kind, OWN.iter().find(|e| e.name == kind))
}

/// The layers in a list under `key`.
fn children(values: &Values) -> Vec<Value> {
    match values.get("layers") {
        Some(Value::List(layers)) => layers.clone(),
        _ => Vec::new(),
    }
}

/// First numbers of a weight that reads `fan_in` numbers and feeds `fan_out`: the `init` key, the model's, or PyTorch's
/// default.
fn weight_init(b: &Lowering<'_>, values: &Values, fan_in: usize, fan_out: usize) -> Init {
    let (name, values) = match values.get("init").or(b.init) {
        Some(Value::Table(entries)) => {
            let name = entries.iter().find_map(|(k, v)| match v {
                Value::Str(s) if k == "type" => Some(s.clone()),
                _ => None,
            });
            let name = name.unwrap_or_default();
            let keys = crate::init::INITIALIZERS.iter().find(|e| e.name == name).map_or(&[][..], |e| e.keys);
            let table = Value::Table(entries.clone());
            (name, Values::from_table(&table, &[keys]).unwrap_or_default())
        }
        _ => ("pytorch".to_owned(), Values::default()),
    };
    Init { name, values, fan_in, fan_out, zero_row: None }
}

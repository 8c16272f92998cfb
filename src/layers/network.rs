//! From inputs, layers and outputs to a graph with its losses.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::available_memory;
use crate::error::{Problem, Result, quote};
use crate::graph::{Graph, Init, LossTerm, ValueId};
use crate::layers::linear::affine;
use crate::layers::places::Places;
use crate::layers::{Carry, Lowering, Misfit, POSITION, embedding};
use crate::ops::concat::Concat;
use crate::ops::linear::Linear;
use crate::ops::{LossEntry, ShapeError, TargetKind};
use crate::spec::{Value, Values, toml_key};
use crate::tensor::Shape;

/// An input of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What layers call it.
    pub name: String,
    /// Shape of one row: `[columns]` for numbers, `[]` for one id, `[T]` for a sequence of ids, `[H, W, C]` and `[T, C]` or channels first for tensors with
    /// places.
    pub shape: Shape,
    /// Number of different ids, for an input that holds ids.
    pub cardinality: Option<usize>,
    /// The id of what training may never see: its vector starts at zero, which says nothing.
    pub unknown: Option<usize>,
    /// The order of the axes, where there are two or more.
    pub layout: Layout,
    /// Whether rows may be shorter than the first axis: then zeros follow, and a second input `NAME.lengths` holds the lengths.
    pub ragged: bool,
}

/// Where the channels of a tensor with places stand.
///
/// Layers with places (convolutions, pooling, channel norms) compute with channels last. In PyTorch's eyes such a value is
/// `[C, H, W]` or `[C, T]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[C, H, W]`, `[C, T]`: as PyTorch has them; also anything else that a table's columns spell out.
    ChannelsFirst,
    /// `[H, W, C]`, `[T, C]`.
    ChannelsLast,
}

impl Input {
    /// Numbers in the order of their columns.
    pub fn numbers(name: impl Into<String>, shape: impl Into<Shape>) -> Self {
        Input {
            name: name.into(),
            shape: shape.into(),
            cardinality: None,
            unknown: None,
            layout: Layout::ChannelsFirst,
            ragged: false,
        }
    }

    /// Images `[H, W, C]` or series `[T, C]`; with `ragged` some series end before T.
    pub fn channels_last(name: impl Into<String>, shape: impl Into<Shape>, ragged: bool) -> Self {
        Input { layout: Layout::ChannelsLast, ragged, ..Input::numbers(name, shape) }
    }

    /// One of `cardinality` ids.
    pub fn ids(name: impl Into<String>, cardinality: usize) -> Self {
        Input { cardinality: Some(cardinality), ..Input::numbers(name, Shape::default()) }
    }

    /// A sequence of `steps` tokens, each one of `vocabulary` ids; with `ragged` some sequences end before.
    pub fn tokens(name: impl Into<String>, steps: usize, vocabulary: usize, ragged: bool) -> Self {
        Input { cardinality: Some(vocabulary), ragged, ..Input::numbers(name, [steps]) }
    }

    /// With this id for what training may never see, if there is one.
    pub fn unknown(self, unknown: Option<usize>) -> Self {
        Input { unknown, ..self }
    }

    /// Whether it is a sequence of ids.
    fn is_tokens(&self) -> bool {
        self.cardinality.is_some() && !self.shape.axes().is_empty()
    }
}

/// What the network is to predict.
#[derive(Clone, Debug)]
pub struct Output {
    /// The loss.
    pub loss: &'static LossEntry,
    /// The loss's keys.
    pub loss_values: Values,
    /// Classes, labels or target columns.
    pub outputs: usize,
    /// A weight for each class.
    pub class_weights: Option<Vec<f64>>,
}

/// The linear layer at the end of one output of several.
#[derive(Clone, Debug)]
pub struct OutputLayer {
    /// NAME in `output_NAME`, `target_NAME` and so on; `None` for the only output, whose parts have no name behind them.
    pub name: Option<String>,
    /// The layer or input that it reads; `None`: the last layer.
    pub input: Option<String>,
    /// What it is to predict.
    pub output: Output,
    /// Whether it has a second loss of the same kind, for the targets of the rows that are mixed into others.
    pub mixed: bool,
    /// Whether there is a target for each step of a sequence: then targets, row weights and losses are `[T]` a row.
    pub steps: bool,
    /// Whether its weight is that of the embedding of the first input of tokens (Press & Wolf 2017).
    pub tied: bool,
}

impl OutputLayer {
    /// The only output: it reads the last layer, and a row has one target.
    pub fn only(output: Output) -> Self {
        OutputLayer { name: None, input: None, output, mixed: false, steps: false, tied: false }
    }
}

/// A network of one output with its handles for the trainer.
#[derive(Debug)]
pub struct Network {
    /// The graph.
    pub graph: Graph,
    /// The inputs, in the order given.
    pub inputs: Vec<ValueId>,
    /// For each input that is ragged: the input that holds the lengths of its rows, as whole numbers.
    pub lengths: Vec<Option<ValueId>>,
    /// The target, as the loss wants it.
    pub target: ValueId,
    /// What each row's loss counts.
    pub row_weight: ValueId,
    /// The network's raw output `[B, columns]`.
    pub output: ValueId,
    /// The loss of each row.
    pub loss: ValueId,
}

/// A network of any number of outputs.
#[derive(Debug)]
pub struct Branched {
    /// The graph.
    pub graph: Graph,
    /// The inputs, in the order given.
    pub inputs: Vec<ValueId>,
    /// For each input that is ragged: the input that holds the lengths of its rows, as whole numbers.
    pub lengths: Vec<Option<ValueId>>,
    /// What belongs to each output, in the order given.
    pub outputs: Vec<Port>,
    /// The input that holds the number of steps before a pass, for [`Carry::Decode`].
    pub position: Option<ValueId>,
}

/// The values that belong to one output.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// The target, as the loss wants it.
    pub target: ValueId,
    /// What each row's loss counts.
    pub row_weight: ValueId,
    /// The raw output `[B, columns]`.
    pub output: ValueId,
    /// The loss of each row.
    pub loss: ValueId,
    /// What belongs to its second loss, if it has one.
    pub mixed: Option<MixedLoss>,
}

/// The values that belong to the second loss of an output.
#[derive(Clone, Copy, Debug)]
pub struct MixedLoss {
    /// The target of the row that is mixed in.
    pub target: ValueId,
    /// What the loss of each row counts.
    pub row_weight: ValueId,
    /// The loss of each row.
    pub loss: ValueId,
}

/// The input that all inputs of plain numbers and ids make together.
const FEATURES: &str = "features";

/// Builds the graph of `layers` over `inputs`, ending in a linear layer `output` that fits `output`, with its loss.
///
/// # Errors
/// As [`build_branched`].
pub fn build(
    inputs: &[Input],
    layers: &[Value],
    init: Option<&Value>,
    output: &Output,
) -> Result<Network, Misfit> {
    let only = OutputLayer::only(output.clone());
    let Branched { graph, inputs, lengths, outputs, .. } =
        build_branched(inputs, layers, init, &[only], Carry::Fresh)?;
    let Port { target, row_weight, output, loss, .. } = outputs[0];
    Ok(Network { graph, inputs, lengths, target, row_weight, output, loss })
}

/// Builds the graph of `layers` over `inputs` with, for each of `outputs`, a linear layer that fits it and its loss.
///
/// The first layer's input, unless it names one, is `features`: all inputs of plain numbers side by side with a learned
/// vector for each input of ids; an input with places only if there is no other. Where the first layer names an input and
/// some layer names `features`, inputs that layers name themselves are not among them. `init` gives first weights to
/// layers that name none.
///
/// # Errors
/// The layer whose input does not fit, that is too large for this machine, or that does what the loss does again.
pub fn build_branched(
    inputs: &[Input],
    layers: &[Value],
    init: Option<&Value>,
    outputs: &[OutputLayer],
    carry: Carry,
) -> Result<Branched, Misfit> {
    let mut graph = Graph::new();
    let ids: Vec<ValueId> = inputs.iter().map(|i| graph.input(i.name.clone(), i.shape.clone())).collect();
    let names: BTreeMap<String, ValueId> =
        inputs.iter().map(|i| i.name.clone()).zip(ids.iter().copied()).collect();
    let lengths: Vec<Option<ValueId>> = inputs
        .iter()
        .map(|i| i.ragged.then(|| graph.input(format!("{}.lengths", i.name), Shape::default())))
        .collect();
    let position = matches!(carry, Carry::Decode { .. }).then(|| graph.input(POSITION, Shape::default()));
    let many_axes = inputs.iter().zip(&ids).filter(|(i, _)| i.shape.axes().len() > 1);
    let layouts = many_axes.map(|(i, &v)| (v, i.layout)).collect();
    let cardinalities = inputs.iter().zip(&ids).filter_map(|(i, &v)| i.cardinality.map(|n| (v, n))).collect();
    let unknown = inputs.iter().zip(&ids).filter_map(|(i, &v)| i.unknown.map(|id| (v, id))).collect();
    let mut b = Lowering {
        graph: &mut graph,
        names,
        cardinalities,
        unknown,
        tied: outputs.iter().any(|o| o.tied),
        embeddings: BTreeMap::new(),
        two_directions: BTreeSet::new(),
        made: BTreeMap::new(),
        carry,
        position,
        places: Places::new(
            layouts,
            ids.iter().zip(&lengths).filter_map(|(&v, l)| Some((v, (*l)?))).collect(),
        ),
        init,
        path: String::new(),
        at: Vec::new(),
        memory: available_memory(),
    };
    let ends = lower(&mut b, inputs, &ids, layers, outputs)
        .map_err(|problem| Misfit { at: std::mem::take(&mut b.at), problem })?;
    if let Some(input) =
        inputs.iter().zip(&ids).find(|(_, id)| !b.graph.nodes.iter().any(|n| n.inputs.contains(id)))
    {
        let problem = Problem::new(format!("input {}", quote(&input.0.name)), "no layer reads it");
        let help = "name it as the input of a layer, and join what comes of it with concat; or leave its columns out with data.exclude";
        return Err(Misfit { at: Vec::new(), problem: problem.help(help) });
    }
    let mut ports = Vec::with_capacity(outputs.len());
    for (output, end) in outputs.iter().zip(ends) {
        let port = add_loss(&mut graph, output, end).map_err(|problem| Misfit { at: Vec::new(), problem })?;
        graph.outputs.push(port.output);
        graph.losses.push(LossTerm { value: port.loss, row_weight: port.row_weight });
        let mixed = port.mixed.map(|mixed| LossTerm { value: mixed.loss, row_weight: mixed.row_weight });
        graph.losses.extend(mixed);
        ports.push(port);
    }
    Ok(Branched { graph, inputs: ids, lengths, outputs: ports, position })
}

/// The target, the row weights and the loss of an output that ends in `end`; a second time for what is mixed in.
fn add_loss(graph: &mut Graph, layer: &OutputLayer, end: ValueId) -> Result<Port, Problem> {
    let weights = layer.output.class_weights.as_ref();
    let weights = weights.map(|weights| graph.constant(layer.called("class_weights"), weights.clone()));
    let mut add = |prefix: &str| -> Result<MixedLoss, Problem> {
        let (columns, steps) = if layer.steps {
            (graph.shape(end).last(), Shape::from([graph.shape(end).outer()]))
        } else {
            (graph.shape(end).len(), Shape::default())
        };
        let entry = layer.output.loss;
        let target_shape = match entry.target {
            TargetKind::Class if layer.steps => steps.clone(),
            TargetKind::Class => Shape::default(),
            TargetKind::Quantiles => Shape::from([1]),
            TargetKind::Binary | TargetKind::Number => Shape::from([columns]),
        };
        let named = |part: &str| layer.called(&format!("{prefix}{part}"));
        let target = graph.input(named("target"), target_shape);
        let row_weight = graph.input(named("row_weight"), steps);
        let inputs: Vec<ValueId> = [end, target].into_iter().chain(weights).collect();
        let op = (entry.build)(&layer.output.loss_values);
        let loss = graph.node(named("loss"), op, &inputs).map_err(|e| {
            let what = "it does not fit the network's output";
            Problem::new(format!("loss {}", quote(entry.name)), what).expected(e.expected).found(e.got)
        })?;
        Ok(MixedLoss { target, row_weight, loss })
    };
    let MixedLoss { target, row_weight, loss } = add("")?;
    let mixed = if layer.mixed { Some(add("mixed_")?) } else { None };
    Ok(Port { target, row_weight, output: end, loss, mixed })
}

impl OutputLayer {
    /// `part`, or `part_NAME` of several outputs.
    fn called(&self, part: &str) -> String {
        match &self.name {
            Some(name) => format!("{part}_{name}"),
            None => part.to_owned(),
        }
    }
}

/// Lowers all layers and the layer of each output.
fn lower(
    b: &mut Lowering<'_>,
    inputs: &[Input],
    ids: &[ValueId],
    layers: &[Value],
    outputs: &[OutputLayer],
) -> Result<Vec<ValueId>, Problem> {
    let mut named = Named::default();
    named.look(layers);
    named.read.extend(outputs.iter().filter_map(|o| o.input.clone()));
    // A network whose first layers all name their inputs does not use the joined features, unless some layer names them.
    let explicit = names_its_input(layers.first());
    let first = if !explicit {
        let joined = features(b, inputs, ids, |_| true)?;
        if named.features() {
            b.names.insert(FEATURES.into(), joined);
        }
        joined
    } else {
        if named.features() && inputs.iter().any(|i| is_plain(i) && named.leaves(i)) {
            let joined = features(b, inputs, ids, |input| is_plain(input) && named.leaves(input))?;
            b.names.insert(FEATURES.into(), joined);
        }
        ids[0]
    };
    b.path.clear();
    let last = b.list(layers, first)?;
    outputs.iter().map(|layer| end(b, layer, last, layers.len())).collect()
}

/// The layer of an output; `last` is what the last of `layers` gives.
fn end(b: &mut Lowering<'_>, layer: &OutputLayer, last: ValueId, layers: usize) -> Result<ValueId, Problem> {
    let output = &layer.output;
    b.path = layer.called("output");
    let x = match &layer.input {
        None => last,
        Some(name) => b.named(name, "").map_err(|problem| match &layer.name {
            Some(own) => problem.help(format!("name one of them in model.outputs.{}.input", toml_key(own))),
            None => problem,
        })?,
    };
    let columns = (output.loss.columns)(&output.loss_values, output.outputs);
    if let Some(problem) = twice(b, x, output, columns) {
        b.at = if x == last { vec![layers - 1] } else { Vec::new() };
        return Err(problem);
    }
    if b.names.contains_key(&b.path) {
        let problem = Problem::new(b.place(), "the name is taken: the layer of an output has it");
        return Err(problem.help("give each layer a name of its own"));
    }
    fits(b, layer, x)?;
    if !layer.tied {
        return affine(b, &Values::default(), x, columns, true);
    }
    let Some(&table) = b.embeddings.values().next() else {
        let problem = Problem::new(b.place(), "its weight is to be that of the embedding, and there is none");
        return Err(problem.help("put an embedding first, or leave model.tie_weights out"));
    };
    let width = b.shape(x).last();
    if b.shape(table).axes() != [columns, width] {
        let expected = format!("a last layer as wide as the embedding: {}", b.shape(table).last());
        return Err(b
            .problem(&ShapeError::new(expected, width.to_string()))
            .help("set embedding_dim to the width of the last layer, or leave model.tie_weights out"));
    }
    let bias = b.param("bias", [columns], Init::constant(0.0))?;
    b.node(Linear, &[x, table, bias])
}

/// Refuses a last layer that is not what an output reads: one row of numbers, or one for each step. The problem is that of the layer
/// that must change.
fn fits(b: &mut Lowering<'_>, layer: &OutputLayer, x: ValueId) -> Result<(), Problem> {
    if layer.steps {
        return keeps_steps(b, x);
    }
    let (found, help) = match b.shape(x).axes().len() {
        1 => return Ok(()),
        2 => ("a series", "put a layer mean, max, last, attention_pool or flatten behind it"),
        3 => ("an image", "put a layer global_avg_pool or flatten behind it"),
        _ => {
            let found = b.shape(x).to_string();
            return Err(b
                .problem(&ShapeError::new("one row of numbers", found))
                .help("put an embedding before it"));
        }
    };
    let found = format!("{found} {}", b.shape(x));
    let place = blame(b, x).unwrap_or_else(|| "model.layers".to_owned());
    let problem = Problem::new(place, "its output does not fit the target, which has one value a row");
    Err(problem.expected("one row of numbers").found(found).help(help))
}

/// Refuses layers that do not keep the steps of the sequence among the inputs.
fn keeps_steps(b: &mut Lowering<'_>, x: ValueId) -> Result<(), Problem> {
    let way = b.way(x);
    let source = way[way.len() - 1];
    let own = b.sequence_steps();
    let keeps = |b: &Lowering<'_>, v: ValueId| match b.shape(v).axes() {
        [steps, _] => own.is_none_or(|own| own == *steps),
        _ => false,
    };
    if keeps(b, x) {
        return Ok(());
    }
    let layers: Vec<ValueId> = way.into_iter().filter(|v| b.made.contains_key(v)).collect();
    let lost = layers.iter().position(|&v| keeps(b, v)).unwrap_or(layers.len());
    let (first, before) = (lost.checked_sub(1).map(|i| layers[i]), layers.get(lost));
    let Some(first) = first.filter(|_| before.is_some() || keeps(b, source)) else {
        let found = b.shape(x).to_string();
        let problem = b.problem(&ShapeError::new("a row of numbers for each step [T, C]", found));
        return Err(
            problem.help("the target has a value for each step: begin with an embedding, and keep the steps")
        );
    };
    let (found, help) = match b.shape(first).axes() {
        [steps, _] => (
            format!("{steps} steps"),
            "take layers that keep the steps: padding = \"same\" and stride = 1 of a convolution, no pooling",
        ),
        _ => (
            format!("one row of numbers {}", b.shape(first)),
            "leave out the layers that reduce the steps to one, such as mean, max, last and flatten",
        ),
    };
    let expected = own.map_or("a row of numbers for each step".to_owned(), |own| format!("{own} steps"));
    let place = blame(b, first).unwrap_or_else(|| "model.layers".to_owned());
    let problem =
        Problem::new(place, "it does not keep the steps, and the target has a value for each of them");
    Err(problem.expected(expected).found(found).help(help))
}

/// Makes the layer that gives `value` the one that the problem is about, and says what it is called.
fn blame(b: &mut Lowering<'_>, value: ValueId) -> Option<String> {
    let (path, at) = b.made.get(&value)?;
    b.at.clone_from(at);
    Some(format!("layer {}", quote(path)))
}

/// Names in a config's layers, those in blocks among them.
#[derive(Debug, Default)]
struct Named {
    /// What layers read by name.
    read: BTreeSet<String>,
    /// What layers are called.
    layers: BTreeSet<String>,
}

impl Named {
    fn look(&mut self, layers: &[Value]) {
        for layer in layers {
            let Value::Table(entries) = layer else { continue };
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("name", Value::Str(name)) => _ = self.layers.insert(name.clone()),
                    ("input", Value::Str(name)) => _ = self.read.insert(name.clone()),
                    ("input", Value::List(names)) => {
                        let texts = names.iter().filter_map(|n| match n {
                            Value::Str(name) => Some(name.clone()),
                            _ => None,
                        });
                        self.read.extend(texts);
                    }
                    ("layers", Value::List(inner)) => self.look(inner),
                    _ => {}
                }
            }
        }
    }

    /// Whether some layer reads the joined features, and not a layer of that name.
    fn features(&self) -> bool {
        self.read.contains(FEATURES) && !self.layers.contains(FEATURES)
    }

    /// Whether no layer reads this input by its own name.
    fn leaves(&self, input: &Input) -> bool {
        input.name == FEATURES || !self.read.contains(&input.name)
    }
}

/// The mistake of a softmax or sigmoid before a loss that has one of its own.
///
/// It is one only where the layer is as wide as the output: another width is a hidden layer's.
fn twice(b: &Lowering<'_>, last: ValueId, output: &Output, columns: usize) -> Option<Problem> {
    let node = b.graph.nodes.iter().rfind(|n| n.output == last)?;
    let own = match (output.loss.target, output.loss.name, node.op.name()) {
        (TargetKind::Class, _, own @ "softmax") => own,
        (TargetKind::Binary, "bce_with_logits", own @ "sigmoid") => own,
        _ => return None,
    };
    if b.shape(last).last() != columns {
        return None;
    }
    let name = &b.graph.values[last.index()].name;
    let what = format!("a {own} before the loss {}, which has its own", quote(output.loss.name));
    let help = format!("take the {own} out; the output layer is added, and predictions are probabilities");
    Some(Problem::new(format!("layer {}", quote(name)), what).help(help))
}

fn names_its_input(layer: Option<&Value>) -> bool {
    matches!(layer, Some(Value::Table(entries)) if entries.iter().any(|(k, _)| k == "input"))
}

/// Whether an input has no places: it is a row of numbers, or an id.
fn is_plain(input: &Input) -> bool {
    input.shape.axes().len() < 2 && !input.is_tokens()
}

/// All inputs without places of which `wanted` holds as one row of numbers, or the one input that there is.
fn features(
    b: &mut Lowering<'_>,
    inputs: &[Input],
    ids: &[ValueId],
    wanted: impl Fn(&Input) -> bool,
) -> Result<ValueId, Problem> {
    let mut parts = Vec::new();
    let flat = |input: &Input| is_plain(input) || inputs.len() == 1;
    for (input, &id) in inputs.iter().zip(ids).filter(|(input, _)| flat(input) && wanted(input)) {
        if input.cardinality.is_some() && !input.is_tokens() {
            b.path = format!("embedding_{}", input.name);
            parts.push(embedding::lookup(b, &Values::default(), id, None)?);
        } else {
            parts.push(id);
        }
    }
    match parts[..] {
        [one] => Ok(one),
        [] => {
            let names: Vec<String> = inputs.iter().map(|i| quote(&i.name)).collect();
            let problem = Problem::new("model.layers", "the first layer does not say which input it reads");
            Err(problem.expected(format!("input = one of {}", names.join(", "))))
        }
        _ => {
            b.path = FEATURES.into();
            b.node(Concat, &parts)
        }
    }
}

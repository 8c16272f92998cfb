//! From inputs, layers and outputs to a graph with its losses.

use std::collections::BTreeMap;

use crate::backend::available_memory;
use crate::error::{Problem, Result, quote};
use crate::graph::{Graph, LossTerm, ValueId};
use crate::layers::linear::affine;
use crate::layers::places::Places;
use crate::layers::{Lowering, Misfit, embedding};
use crate::ops::concat::Concat;
use crate::ops::{LossEntry, ShapeError, TargetKind};
use crate::spec::{Value, Values};
use crate::tensor::Shape;

/// An input of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What layers call it.
    pub name: String,
    /// Shape of one row: `[columns]` for numbers, `[]` for one id, `[H, W, C]` and `[T, C]` or channels first for tensors with
    /// places.
    pub shape: Shape,
    /// Number of different ids, for an input that holds ids.
    pub cardinality: Option<usize>,
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

/// A network with its handles for the trainer.
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

/// Builds the graph of `layers` over `inputs`, ending in a linear layer `output` that fits `output`, with its loss.
///
/// The first layer's input, unless it names one, is all inputs of plain numbers side by side with a learned vector for each
/// input of ids; an input with places only if there is no other. `init` gives first weights to layers that name none.
///
/// # Errors
/// The layer whose input does not fit, that is too large for this machine, or that does what the loss does again.
pub fn build(
    inputs: &[Input],
    layers: &[Value],
    init: Option<&Value>,
    output: &Output,
) -> Result<Network, Misfit> {
    let mut graph = Graph::new();
    let ids: Vec<ValueId> = inputs.iter().map(|i| graph.input(i.name.clone(), i.shape.clone())).collect();
    let names: BTreeMap<String, ValueId> =
        inputs.iter().map(|i| i.name.clone()).zip(ids.iter().copied()).collect();
    let lengths: Vec<Option<ValueId>> = inputs
        .iter()
        .map(|i| i.ragged.then(|| graph.input(format!("{}.lengths", i.name), Shape::default())))
        .collect();
    let many_axes = inputs.iter().zip(&ids).filter(|(i, _)| i.shape.axes().len() > 1);
    let layouts = many_axes.map(|(i, &v)| (v, i.layout)).collect();
    let cardinalities = inputs.iter().zip(&ids).filter_map(|(i, &v)| i.cardinality.map(|n| (v, n))).collect();
    let mut b = Lowering {
        graph: &mut graph,
        names,
        cardinalities,
        places: Places::new(
            layouts,
            ids.iter().zip(&lengths).filter_map(|(&v, l)| Some((v, (*l)?))).collect(),
        ),
        init,
        path: String::new(),
        at: Vec::new(),
        memory: available_memory(),
    };
    let last = lower(&mut b, inputs, &ids, layers, output)
        .map_err(|problem| Misfit { at: std::mem::take(&mut b.at), problem })?;
    if let Some(input) =
        inputs.iter().zip(&ids).find(|(_, id)| !b.graph.nodes.iter().any(|n| n.inputs.contains(id)))
    {
        let problem = Problem::new(format!("input {}", quote(&input.0.name)), "no layer reads it");
        let help = "name it as the input of a layer, and join what comes of it with concat; or leave its columns out";
        return Err(Misfit { at: Vec::new(), problem: problem.help(help) });
    }
    let columns = b.graph.shape(last).len();
    let target_shape = match output.loss.target {
        TargetKind::Class => Shape::default(),
        TargetKind::Quantiles => Shape::from([1]),
        TargetKind::Binary | TargetKind::Number => Shape::from([columns]),
    };
    let target = graph.input("target", target_shape);
    let row_weight = graph.input("row_weight", Shape::default());
    let mut loss_inputs = vec![last, target];
    if let Some(weights) = &output.class_weights {
        loss_inputs.push(graph.constant("class_weights", weights.clone()));
    }
    let loss = graph.node("loss", (output.loss.build)(&output.loss_values), &loss_inputs).map_err(|e| {
        let problem =
            Problem::new(format!("loss {}", quote(output.loss.name)), "it does not fit the network's output");
        Misfit { at: Vec::new(), problem: problem.expected(e.expected).found(e.got) }
    })?;
    graph.outputs = vec![last];
    graph.losses = vec![LossTerm { value: loss, row_weight }];
    Ok(Network { graph, inputs: ids, lengths, target, row_weight, output: last, loss })
}

fn lower(
    b: &mut Lowering<'_>,
    inputs: &[Input],
    ids: &[ValueId],
    layers: &[Value],
    output: &Output,
) -> Result<ValueId, Problem> {
    // A network whose first layers all name their inputs does not use the joined features.
    let joined = if names_its_input(layers.first()) { ids[0] } else { features(b, inputs, ids)? };
    b.path.clear();
    let last = b.list(layers, joined)?;
    let columns = (output.loss.columns)(&output.loss_values, output.outputs);
    if let Some(problem) = twice(b, last, output, columns) {
        b.at = vec![layers.len() - 1];
        return Err(problem);
    }
    b.path = "output".into();
    if b.shape(last).axes().len() != 1 {
        let found = b.shape(last).to_string();
        return Err(b.problem(&ShapeError::new("one row of numbers", found)));
    }
    affine(b, &Values::default(), last, columns, true)
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

/// All inputs without places as one row of numbers, or the one input that there is.
fn features(b: &mut Lowering<'_>, inputs: &[Input], ids: &[ValueId]) -> Result<ValueId, Problem> {
    let mut parts = Vec::new();
    let flat = |input: &Input| input.shape.axes().len() < 2 || inputs.len() == 1;
    for (input, &id) in inputs.iter().zip(ids).filter(|(input, _)| flat(input)) {
        if input.cardinality.is_some() {
            b.path = format!("embedding_{}", input.name);
            parts.push(embedding::lookup(b, id, None)?);
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
            b.path = "features".into();
            b.node(Concat, &parts)
        }
    }
}

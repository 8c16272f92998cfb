//! The static graph, its plan, and running the plan.
//!
//! A [`Graph`] is a list of nodes in an order in which each node's inputs come before it. [`Plan`] decides what runs when
//! and where each value lies; [`Machine`] runs a plan on a device.

mod memory;
mod plan;
mod run;

#[cfg(test)]
mod conformance;

pub use plan::{Mode, Plan, PlanOptions};
pub use run::{Machine, Pass};

use crate::ops::{Op, ShapeError};
use crate::tensor::Shape;

/// Names a value of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// Its place in [`Graph::values`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Filled in before each pass; one row of elements for each row of the batch.
    Input,
    /// A trainable parameter: an index into [`Graph::params`].
    Param(usize),
    /// A tensor that is saved but not trained: an index into [`Graph::buffers`].
    Buffer(usize),
    /// Fixed numbers: an index into [`Graph::constants`].
    Constant(usize),
    /// Carried from pass to pass for each row of the batch: an index into [`Graph::states`].
    State(usize),
    /// The output of a node.
    Node(usize),
}

/// A tensor of the graph.
#[derive(Clone, Debug)]
pub struct Value {
    /// For people: the layer's or the input's name.
    pub name: String,
    /// Its shape; of one row for inputs and node outputs.
    pub shape: Shape,
    /// Where it comes from.
    pub source: Source,
}

impl Value {
    /// Whether there is one for each row of the batch, in the arena.
    pub fn has_rows(&self) -> bool {
        matches!(self.source, Source::Input | Source::Node(_))
    }
}

/// A named tensor of the model.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// `LAYER.weight`.
    pub name: String,
    /// Shape, PyTorch's layout.
    pub shape: Shape,
    /// First element in its flat buffer.
    pub offset: usize,
    /// The initialiser's name and keys, with the fans it needs.
    pub init: Init,
    /// The value that stands for it.
    pub value: ValueId,
}

/// How a tensor gets its first numbers.
#[derive(Clone, Debug)]
pub struct Init {
    /// A row of `init::INITIALIZERS`.
    pub name: String,
    /// Its keys.
    pub values: crate::spec::Values,
    /// Inputs of one output unit.
    pub fan_in: usize,
    /// Outputs that one input unit reaches.
    pub fan_out: usize,
    /// A row of the tensor that starts at zero instead.
    pub zero_row: Option<usize>,
}

impl Init {
    /// Every element is `value`.
    pub fn constant(value: f64) -> Self {
        let values = crate::spec::Values::default().with("value", crate::spec::Value::Float(value));
        Init { name: "constant".into(), values, fan_in: 1, fan_out: 1, zero_row: None }
    }
}

/// An op, its inputs and its output.
#[derive(Debug)]
pub struct Node {
    /// The op.
    pub op: Box<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<ValueId>,
    /// Its output.
    pub output: ValueId,
}

/// One loss: a value with one number a row, and the weight of each row.
#[derive(Clone, Copy, Debug)]
pub struct LossTerm {
    /// The loss of each row.
    pub value: ValueId,
    /// An input: what each row's loss counts in the total. It is also the gradient of the total by the row's loss.
    pub row_weight: ValueId,
}

/// A network as nodes over values, with its named tensors.
#[derive(Debug, Default)]
pub struct Graph {
    /// All values.
    pub values: Vec<Value>,
    /// All nodes; inputs first.
    pub nodes: Vec<Node>,
    /// The inputs.
    pub inputs: Vec<ValueId>,
    /// What an inference plan keeps for the caller.
    pub outputs: Vec<ValueId>,
    /// What a training plan descends.
    pub losses: Vec<LossTerm>,
    /// Trainable tensors, in one flat buffer.
    pub params: Vec<Tensor>,
    /// Other saved tensors, in one flat buffer.
    pub buffers: Vec<Tensor>,
    /// Fixed numbers.
    pub constants: Vec<Vec<f64>>,
    /// What rows carry from pass to pass.
    pub states: Vec<ValueId>,
}

/// Tensors start at multiples of this many elements in their flat buffer: a cache line of f32.
const ALIGN: usize = 16;

/// Elements of a flat buffer that holds `tensors`.
fn flat_len(tensors: &[Tensor]) -> usize {
    tensors.last().map_or(0, |t| t.offset + t.shape.len().next_multiple_of(ALIGN))
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Graph::default()
    }

    fn value(&mut self, name: impl Into<String>, shape: Shape, source: Source) -> ValueId {
        self.values.push(Value { name: name.into(), shape, source });
        ValueId(self.values.len() - 1)
    }

    /// Adds an input of `shape` a row.
    pub fn input(&mut self, name: impl Into<String>, shape: impl Into<Shape>) -> ValueId {
        let id = self.value(name, shape.into(), Source::Input);
        self.inputs.push(id);
        id
    }

    /// Adds a trainable tensor.
    pub fn param(&mut self, name: impl Into<String>, shape: impl Into<Shape>, init: Init) -> ValueId {
        let (name, shape) = (name.into(), shape.into());
        let value = self.value(name.clone(), shape.clone(), Source::Param(self.params.len()));
        let offset = flat_len(&self.params);
        self.params.push(Tensor { name, shape, offset, init, value });
        value
    }

    /// Adds a tensor that is saved with the model but not trained.
    pub fn buffer(&mut self, name: impl Into<String>, shape: impl Into<Shape>, init: Init) -> ValueId {
        let (name, shape) = (name.into(), shape.into());
        let value = self.value(name.clone(), shape.clone(), Source::Buffer(self.buffers.len()));
        let offset = flat_len(&self.buffers);
        self.buffers.push(Tensor { name, shape, offset, init, value });
        value
    }

    /// Adds fixed numbers.
    pub fn constant(&mut self, name: impl Into<String>, numbers: Vec<f64>) -> ValueId {
        let shape = Shape::from([numbers.len()]);
        self.constants.push(numbers);
        self.value(name, shape, Source::Constant(self.constants.len() - 1))
    }

    /// Adds numbers of `shape` for each row of the batch that keep their values from pass to pass: zeros at first.
    ///
    /// The op that reads them may change them in [`Op::forward`]; no gradient reaches them. What backward needs of them as they
    /// were, the op saves.
    pub fn state(&mut self, name: impl Into<String>, shape: impl Into<Shape>) -> ValueId {
        let id = self.value(name, shape.into(), Source::State(self.states.len()));
        self.states.push(id);
        id
    }

    /// Adds a node and returns its output.
    ///
    /// # Errors
    /// The op's, when the shapes do not fit.
    pub fn node(
        &mut self,
        name: impl Into<String>,
        op: Box<dyn Op>,
        inputs: &[ValueId],
    ) -> Result<ValueId, ShapeError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&v| self.shape(v).clone()).collect();
        let shape = op.output(&shapes)?;
        let output = self.value(name, shape, Source::Node(self.nodes.len()));
        self.nodes.push(Node { op, inputs: inputs.to_vec(), output });
        Ok(output)
    }

    /// The shape of a value; of one row where it has rows.
    pub fn shape(&self, value: ValueId) -> &Shape {
        &self.values[value.0].shape
    }

    /// The shapes of a node's inputs.
    pub fn input_shapes(&self, node: &Node) -> Vec<Shape> {
        node.inputs.iter().map(|&v| self.shape(v).clone()).collect()
    }

    /// Elements of the flat parameter buffer, padding included.
    pub fn param_len(&self) -> usize {
        flat_len(&self.params)
    }

    /// Elements of the flat buffer of untrained tensors.
    pub fn buffer_len(&self) -> usize {
        flat_len(&self.buffers)
    }

    /// Number of trainable numbers, padding left out.
    pub fn param_count(&self) -> usize {
        self.params.iter().map(|p| p.shape.len()).sum()
    }

    /// Multiply-adds of a forward pass for one row.
    pub fn cost(&self) -> f64 {
        self.nodes.iter().map(|n| n.op.cost(&self.input_shapes(n))).sum()
    }
}

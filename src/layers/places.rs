//! Values with places: images `[H, W, C]` and series `[T, C]`, channels last, and series that end before T.
//!
//! PyTorch puts channels first. Here they come last inside the network: every layer that reads channels reads neighbours.
//! An input that came channels first is transposed once, where the first layer with places reads it; `flatten` gives the
//! numbers in PyTorch's order, so that weights behind it are PyTorch's.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Problem, quote};
use crate::graph::{Graph, Source, ValueId};
use crate::layers::{Layout, Lowering};
use crate::ops::mask::Mask;
use crate::ops::reshape::Reshape;
use crate::ops::transpose::Transpose;
use crate::ops::{Op, ShapeError};
use crate::tensor::Shape;

/// What is known of values with places.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Values of two axes or more whose channels stand first or last; others are rows of numbers, step by step.
    layouts: BTreeMap<ValueId, Layout>,
    /// Values whose rows may end early, with the value that holds their lengths.
    lengths: BTreeMap<ValueId, ValueId>,
    /// Values that are zero behind their ends.
    ended: BTreeSet<ValueId>,
    /// Channels-first inputs that were transposed.
    transposed: BTreeMap<ValueId, ValueId>,
    /// Values that were masked, to be zero behind their ends.
    masked: BTreeMap<ValueId, ValueId>,
}

impl Places {
    /// Of the network's inputs; those with lengths are zero behind their ends.
    pub(super) fn new(layouts: BTreeMap<ValueId, Layout>, lengths: BTreeMap<ValueId, ValueId>) -> Self {
        let ended = lengths.keys().copied().collect();
        Places { layouts, lengths, ended, ..Places::default() }
    }

    /// A node's output has the layout and the lengths of its first input that has some, where the places are the same.
    pub(super) fn inherit(&mut self, graph: &Graph, inputs: &[ValueId], output: ValueId) {
        let axes = graph.shape(output).axes();
        if axes.len() < 2 {
            return;
        }
        let places = |axes: &[usize]| axes[..axes.len() - 1].to_vec();
        let alike = |v: &&ValueId| {
            let from = graph.shape(**v).axes();
            from == axes || (from.len() == axes.len() && places(from) == places(axes))
        };
        for &input in inputs.iter().filter(alike) {
            let same = graph.shape(input).axes() == axes;
            if let Some(&layout) = self.layouts.get(&input).filter(|&&l| same || l == Layout::ChannelsLast) {
                self.layouts.entry(output).or_insert(layout);
            }
            if let Some(&lengths) = self.lengths.get(&input) {
                self.lengths.entry(output).or_insert(lengths);
            }
        }
    }
}

impl Lowering<'_> {
    /// `x` with its channels last: `dims` axes of places, then channels.
    ///
    /// # Errors
    /// Where it has another number of axes.
    pub(super) fn channels_last(&mut self, x: ValueId, dims: usize) -> Result<ValueId, Problem> {
        if self.shape(x).axes().len() != dims + 1 {
            let what = if dims == 1 {
                "a series: channels and steps"
            } else {
                "an image: channels, height and width"
            };
            let shape = if dims == 1 { "[C, T]" } else { "[C, H, W]" };
            let problem = self.problem(&ShapeError::new(what, self.shape(x).to_string()));
            return Err(problem.help(self.other_form(x, &[dims]).unwrap_or_else(|| {
                format!("give the input a shape {shape}: [data.inputs.NAME] shape = {shape}")
            })));
        }
        if self.places.layouts.get(&x) != Some(&Layout::ChannelsFirst) {
            self.places.layouts.insert(x, Layout::ChannelsLast);
            return Ok(x);
        }
        if let Some(&y) = self.places.transposed.get(&x) {
            return Ok(y);
        }
        let y = self.beside(x, "channels_last", Transpose { split: 1 }, &[x])?;
        self.places.layouts.insert(y, Layout::ChannelsLast);
        self.places.transposed.insert(x, y);
        Ok(y)
    }

    /// T of the only input that is a sequence: tokens `[T]` or a series `[T, C]`; `None` where there is none, or several.
    pub(super) fn sequence_steps(&self) -> Option<usize> {
        let inputs = self.graph.values.iter().enumerate().filter(|(_, value)| value.source == Source::Input);
        let mut steps = inputs.filter_map(|(i, value)| match value.shape.axes() {
            [steps] if self.cardinalities.contains_key(&ValueId(i)) => Some(*steps),
            [steps, _] if self.places.layouts.get(&ValueId(i)) == Some(&Layout::ChannelsLast) => Some(*steps),
            _ => None,
        });
        let first = steps.next()?;
        steps.next().is_none().then_some(first)
    }

    /// What helps a layer that needs one of so many axes of places, which `x` has not, where that is another layer: `None` where it is
    /// the shape of the input.
    pub(super) fn other_form(&self, x: ValueId, dims: &[usize]) -> Option<String> {
        let axes = |v: ValueId| self.shape(v).axes().len();
        if self.cardinalities.contains_key(&x) {
            return Some("put { type = \"embedding\", embedding_dim = 64 } before it".into());
        }
        match (axes(x), dims) {
            (2, [2]) if self.is_channels_last(x) => {
                return Some(
                    "its input is a series, steps x channels: take conv1d, max_pool1d and the like".into(),
                );
            }
            (3, [1]) => {
                return Some(
                    "its input is an image: take conv2d, max_pool2d, global_avg_pool and the like".into(),
                );
            }
            _ => {}
        }
        // A layer before took the places away.
        let way = self.way(x).into_iter();
        let is_input = |v: ValueId| self.graph.values[v.index()].source == Source::Input;
        let layers: Vec<ValueId> = way.filter(|&v| self.made.contains_key(&v) || is_input(v)).collect();
        let fits = |v: ValueId| dims.iter().any(|dims| axes(v) == dims + 1);
        let last = layers.windows(2).find(|pair| axes(pair[0]) == 1 && fits(pair[1]))?;
        Some(format!(
            "put it before the layer {}, which leaves one row of numbers",
            quote(&self.made.get(&last[0])?.0)
        ))
    }

    /// The value that holds the lengths of `x`'s rows, where they may end early.
    pub(super) fn lengths_of(&self, x: ValueId) -> Option<ValueId> {
        self.places.lengths.get(&x).copied()
    }

    /// Says that `y` has the vectors of the ids `x`: its channels stand last, and its rows end where those of `x` do.
    pub(super) fn follows(&mut self, x: ValueId, y: ValueId) {
        if self.shape(y).axes().len() < 2 {
            return;
        }
        self.set_channels_last(y);
        if let Some(lengths) = self.lengths_of(x) {
            self.set_lengths(y, lengths);
        }
    }

    /// Says that the rows of `y` end where those of `x` do, whatever else `y` was made of.
    pub(super) fn ends_as(&mut self, x: ValueId, y: ValueId) {
        self.set_channels_last(y);
        match self.lengths_of(x) {
            Some(lengths) => self.set_lengths(y, lengths),
            None => _ = self.places.lengths.remove(&y),
        }
    }

    /// Whether `x` has places, and its channels stand last.
    pub(super) fn is_channels_last(&self, x: ValueId) -> bool {
        self.shape(x).axes().len() > 1 && self.places.layouts.get(&x) == Some(&Layout::ChannelsLast)
    }

    /// Says that the channels of `x` stand last.
    pub(super) fn set_channels_last(&mut self, x: ValueId) {
        self.places.layouts.insert(x, Layout::ChannelsLast);
    }

    /// `x` with its axes in PyTorch's order: channels first where `x` has its channels last, as it is otherwise.
    ///
    /// # Errors
    /// None of its own.
    fn channels_first(&mut self, x: ValueId) -> Result<ValueId, Problem> {
        let axes = self.shape(x).axes().len();
        if axes < 2 || self.places.layouts.get(&x) != Some(&Layout::ChannelsLast) {
            return Ok(x);
        }
        let (places, channels) = (self.shape(x).outer(), self.shape(x).last());
        let y = if places == 1 || channels == 1 {
            // Nothing moves.
            let mut shape = self.shape(x).axes().to_vec();
            shape.rotate_right(1);
            self.beside(x, "channels_first", Reshape { shape: Shape::new(shape) }, &[x])?
        } else {
            self.beside(x, "channels_first", Transpose { split: axes - 1 }, &[x])?
        };
        self.places.layouts.insert(y, Layout::ChannelsFirst);
        Ok(y)
    }

    /// The numbers of `x` under another shape, in PyTorch's order; a ragged series comes with zeros behind its ends.
    ///
    /// # Errors
    /// A shape of another number of elements.
    pub(super) fn in_order(&mut self, x: ValueId, shape: Shape) -> Result<ValueId, Problem> {
        if *self.shape(x) == shape && shape.axes().len() < 2 {
            return Ok(x);
        }
        let x = self.ended(x)?;
        let x = self.channels_first(x)?;
        let many = shape.axes().len() > 1;
        let y = self.node(Reshape { shape }, &[x])?;
        self.places.lengths.remove(&y);
        if many {
            self.places.layouts.insert(y, Layout::ChannelsFirst);
        }
        Ok(y)
    }

    /// Says where the rows of `x` end: behind a layer that changes the number of steps.
    pub(super) fn set_lengths(&mut self, x: ValueId, lengths: ValueId) {
        self.places.lengths.insert(x, lengths);
    }

    /// `x` with zeros behind the end of each row, for layers that look across steps.
    ///
    /// # Errors
    /// Those of any new node.
    pub(super) fn ended(&mut self, x: ValueId) -> Result<ValueId, Problem> {
        let Some(lengths) = self.lengths_of(x).filter(|_| !self.places.ended.contains(&x)) else {
            return Ok(x);
        };
        if let Some(&y) = self.places.masked.get(&x) {
            return Ok(y);
        }
        let y = self.beside(x, "ended", Mask, &[x, lengths])?;
        self.places.ended.insert(y);
        self.places.masked.insert(x, y);
        Ok(y)
    }

    /// `op` over the steps of the one series in `inputs`, which reads its lengths too where it has some.
    ///
    /// # Errors
    /// Where there is another number of inputs, or no series.
    pub(super) fn over_steps(
        &mut self,
        op: impl Op + 'static,
        inputs: &[ValueId],
    ) -> Result<ValueId, Problem> {
        let x = self.one(inputs)?;
        let x = self.channels_last(x, 1)?;
        match self.lengths_of(x) {
            Some(lengths) => self.node(op, &[x, lengths]),
            None => self.node(op, &[x]),
        }
    }

    /// A node of `op`, which gives x with its channels last other places, each row of a ragged series as if it were alone, and zeros
    /// behind its end. `resized` finds the new lengths; without it all rows are as long as the output.
    ///
    /// # Errors
    /// Where x has another number of axes of places than `dims`, or does not fit the op.
    pub(super) fn moving(
        &mut self,
        x: ValueId,
        dims: usize,
        op: impl Op + 'static,
        resized: Option<impl Op + 'static>,
    ) -> Result<ValueId, Problem> {
        let x = self.channels_last(x, dims)?;
        let lengths = self.lengths_of(x);
        let y = match lengths {
            Some(lengths) => self.node(op, &[x, lengths])?,
            None => self.node(op, &[x])?,
        };
        self.set_channels_last(y);
        match lengths.zip(resized) {
            Some((lengths, resized)) => {
                let lengths = self.beside(y, "lengths", resized, &[lengths])?;
                self.set_lengths(y, lengths);
                self.places.ended.insert(y);
            }
            None => {
                self.places.lengths.remove(&y);
            }
        }
        Ok(y)
    }

    /// A node that a layer needs before its own: named after `x`, whose form it changes.
    pub(super) fn beside(
        &mut self,
        x: ValueId,
        what: &str,
        op: impl Op + 'static,
        inputs: &[ValueId],
    ) -> Result<ValueId, Problem> {
        let name = format!("{}.{what}", self.graph.values[x.index()].name);
        let path = std::mem::replace(&mut self.path, name);
        let y = self.node(op, inputs);
        self.path = path;
        y
    }

    /// The one input of a layer over channels: with its channels last, whether it has places or not.
    ///
    /// # Errors
    /// Where there is another number of inputs, or ids.
    pub(super) fn channels(&mut self, inputs: &[ValueId]) -> Result<ValueId, Problem> {
        let x = self.one(inputs)?;
        match self.shape(x).axes().len() {
            0 => Err(self.problem(&ShapeError::new("numbers in columns", "one id a row"))),
            dims @ 2..=3 => self.channels_last(x, dims - 1),
            _ => Ok(x),
        }
    }

    /// A node over the first of `inputs` that also reads its lengths, where it has some, and gives 0 behind the ends.
    ///
    /// # Errors
    /// Those of any new node.
    pub(super) fn up_to_ends(
        &mut self,
        op: impl Op + 'static,
        inputs: &[ValueId],
    ) -> Result<ValueId, Problem> {
        let Some(lengths) = self.lengths_of(inputs[0]) else {
            return self.node(op, inputs);
        };
        let y = self.node(op, &[inputs, &[lengths]].concat())?;
        self.places.ended.insert(y);
        Ok(y)
    }

    /// The inputs of a layer that joins values of the same places: where one has its channels last, or with `channels` any that
    /// has places, all of them have.
    ///
    /// # Errors
    /// None of its own.
    pub(super) fn joined(&mut self, inputs: &[ValueId], channels: bool) -> Result<Vec<ValueId>, Problem> {
        let places = |b: &Self, x: ValueId| (2..=3).contains(&b.shape(x).axes().len());
        let turn = channels || inputs.iter().any(|&x| places(self, x) && self.is_channels_last(x));
        let first = |b: &Self, x: ValueId| b.places.layouts.get(&x) == Some(&Layout::ChannelsFirst);
        let mut turned = Vec::with_capacity(inputs.len());
        for &x in inputs {
            let turns = turn && places(self, x) && first(self, x);
            turned.push(if turns { self.channels(&[x])? } else { x });
        }
        Ok(turned)
    }
}

//! What the rows of a pass have to do with those of the pass before.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::Lowering;
use crate::tensor::Shape;

/// Whether a row of a pass goes on where the same row of the pass before ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carry {
    /// Each row is a sequence of its own and starts from nothing.
    #[default]
    Fresh,
    /// Rows go on: recurrent layers keep their hidden states, so that gradients are cut at the pass but memory is not (truncated
    /// back-propagation through time). Layers without a state of their own do as in `Fresh`.
    Streams,
    /// Rows go on, a few steps a pass, as they are generated: recurrent layers keep their hidden states, attention the keys and
    /// values of the steps so far. The graph has the input [`POSITION`].
    Decode {
        /// The most steps of a sequence.
        context: usize,
    },
}

/// The input of a graph for [`Carry::Decode`]: for each row the number of steps before this pass.
pub const POSITION: &str = "position";

impl Lowering<'_> {
    /// Numbers of `shape` that each row of the batch carries to the next pass, for recurrent layers; `None` where rows start from
    /// nothing.
    ///
    /// # Errors
    /// Where they are too large for this machine.
    pub(super) fn hidden_state(
        &mut self,
        suffix: &str,
        shape: impl Into<Shape>,
    ) -> Result<Option<ValueId>, Problem> {
        match self.carry {
            Carry::Fresh => Ok(None),
            Carry::Streams | Carry::Decode { .. } => self.state(suffix, shape).map(Some),
        }
    }

    /// `width` numbers for each of `context` steps, which a row carries while it is generated; `None` unless it is.
    ///
    /// # Errors
    /// Where they are too large for this machine.
    pub(super) fn cache(&mut self, suffix: &str, width: usize) -> Result<Option<ValueId>, Problem> {
        match self.carry {
            Carry::Fresh | Carry::Streams => Ok(None),
            Carry::Decode { context } => self.state(suffix, [context, width]).map(Some),
        }
    }

    /// The value that holds the number of steps before this pass, where a row is generated a few steps a pass.
    pub(super) fn position(&self) -> Option<ValueId> {
        self.position
    }

    fn state(&mut self, suffix: &str, shape: impl Into<Shape>) -> Result<ValueId, Problem> {
        let shape = shape.into();
        self.affordable(&format!("its {suffix}"), &shape, 0)?;
        let name = format!("{}.{suffix}", self.path);
        Ok(self.graph.state(name, shape))
    }
}

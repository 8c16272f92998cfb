//! A language model that reads and writes one token after the other.

use crate::error::{Error, Result};
use crate::graph::{Mode, PlanOptions};
use crate::layers::Carry;
use crate::train::Model;

/// What a decoder keeps of the tokens so far.
#[derive(Debug)]
enum Memory {
    /// Hidden states, keys and values: a token costs one step.
    Carried {
        /// Tokens since the states were empty.
        position: usize,
        /// Whether there is room for `context` tokens alone.
        limited: bool,
    },
    /// Nothing: each token goes through the network with all before it. For layers that keep nothing from step to step.
    Whole,
}

/// A network of one row, and the tokens that it has read.
#[derive(Debug)]
pub(super) struct TokenDecoder {
    model: Model,
    memory: Memory,
    context: usize,
    vocabulary: usize,
    /// All tokens that were read.
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

impl TokenDecoder {
    /// The network of `model` with its weights as they are.
    ///
    /// A token costs one step if the network's layers carry what they have seen. Where one looks along the steps and carries nothing,
    /// each token goes through the network with all before it.
    ///
    /// # Errors
    /// `Code::Usage` for a model that is no language model; those of [`Model::new`].
    pub(super) fn of(model: &Model) -> Result<Self> {
        let (config, preprocessing) = (&model.config, &model.preprocessing);
        let Some(language) = &preprocessing.language else {
            return Err(Error::usage("MODEL", "this is no language model: it generates no text")
                .help("backprop predict MODEL DATA gives its predictions"));
        };
        let (context, vocabulary) = (language.context, language.tokenizer.vocabulary());
        let plans = [PlanOptions::new(Mode::Predict, 1)];
        let build = |carry: Carry| Model::carrying(config.clone(), preprocessing.clone(), &[], &plans, carry);
        let carried = build(Carry::Decode { context }).ok();
        let carried = carried.filter(|carried| carried.has_tensors_of(model) && carried.keeps_steps_apart());
        let (mut own, memory) = match carried {
            Some(carried) => {
                let limited = carried.reads_position();
                (carried, Memory::Carried { position: 0, limited })
            }
            None => (build(Carry::Streams)?, Memory::Whole),
        };
        own.machine.params_mut().copy_from_slice(model.machine.params());
        own.machine.buffers_mut().copy_from_slice(model.machine.buffers());
        let (tokens, logits) = (Vec::new(), Vec::new());
        Ok(TokenDecoder { model: own, memory, context, vocabulary, tokens, logits })
    }

    /// Whether the network looks back on a context alone, and not on all that it has read.
    pub(super) fn is_limited(&self) -> bool {
        !matches!(self.memory, Memory::Carried { limited: false, .. })
    }

    /// Forgets everything that was read.
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.restart();
    }

    fn restart(&mut self) {
        self.model.forget(0);
        if let Memory::Carried { position, .. } = &mut self.memory {
            *position = 0;
        }
    }

    /// The tokens that the next one depends on.
    pub(super) fn window(&self) -> &[u32] {
        &self.tokens[self.tokens.len().saturating_sub(self.context)..]
    }

    /// Reads tokens one after the other: what the network says after the last, or nothing without one.
    ///
    /// Of more than a context the last ones count, where the network looks back on no more.
    pub(super) fn read_all(&mut self, tokens: &[u32]) -> &[f32] {
        let first = if self.is_limited() { tokens.len().saturating_sub(self.context) } else { 0 };
        let Some((&last, before)) = tokens[first..].split_last() else { return &self.logits };
        match self.memory {
            // What the network says of those before is not asked for.
            Memory::Whole => self.tokens.extend(before),
            Memory::Carried { .. } => before.iter().for_each(|&token| _ = self.read(token)),
        }
        self.read(last)
    }

    /// Reads a token: the logits of the next one, `[V]`.
    pub(super) fn read(&mut self, token: u32) -> &[f32] {
        self.tokens.push(token);
        match self.memory {
            Memory::Whole => self.whole(),
            Memory::Carried { position, limited } if limited && position == self.context => {
                // No room is left: the later half of the context is read anew, and there is room for as much again.
                self.restart();
                let from = self.tokens.len() - self.context.div_ceil(2);
                for at in from..self.tokens.len() {
                    self.step(self.tokens[at]);
                }
            }
            Memory::Carried { .. } => self.step(token),
        }
        &self.logits
    }

    fn step(&mut self, token: u32) {
        let Memory::Carried { position, .. } = &mut self.memory else { return };
        self.model.next_logits(token, *position, &mut self.logits);
        *position += 1;
    }

    /// All tokens of the context through the network, with zeros behind them, which no step before looks at.
    fn whole(&mut self) {
        let window = self.window();
        let last = window.len() - 1;
        let mut row = vec![0.0; self.context];
        row.iter_mut().zip(window).for_each(|(x, &token)| *x = token as f32);
        let logits = self.model.logits(0, &row);
        self.logits.clear();
        self.logits.extend_from_slice(&logits[last * self.vocabulary..(last + 1) * self.vocabulary]);
    }
}

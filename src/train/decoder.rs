//! A language model that reads and writes one token after the other.

use crate::error::{Error, Result};
use crate::graph::{Mode, PlanOptions};
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

/// Tokens that go through the network in one pass where many are there to be read.
const BLOCK: usize = 32;

/// A network of one row, and the tokens that it has read.
#[derive(Debug)]
pub(super) struct TokenDecoder {
    model: Model,
    /// The same network for [`BLOCK`] tokens a pass, made when they are first there; none where there is no memory for it.
    block: Option<Option<Box<Model>>>,
    memory: Memory,
    context: usize,
    vocabulary: usize,
    /// All tokens that were read.
    tokens: Vec<u32>,
    logits: Vec<f32>,
    begun: Option<Begun>,
}

/// Where a prompt led to, for the texts that begin with the same one.
#[derive(Debug)]
struct Begun {
    prompt: Vec<u32>,
    /// How many tokens of it count.
    tokens: usize,
    logits: Vec<f32>,
    states: Vec<f32>,
    position: usize,
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
        let Some(language) = &model.preprocessing.language else {
            return Err(Error::usage("MODEL", "this is no language model: it generates no text")
                .help("backprop predict MODEL DATA gives its predictions"));
        };
        let (context, vocabulary) = (language.context, language.tokenizer.vocabulary());
        let (own, memory) = match model.decoding(context, 1).filter(Model::keeps_steps_apart) {
            Some(carried) => {
                let limited = carried.reads_position();
                (carried, Memory::Carried { position: 0, limited })
            }
            None => {
                let plans = [PlanOptions::new(Mode::Predict, 1)];
                let mut own = Model::new(model.config.clone(), model.preprocessing.clone(), &[], &plans)?;
                own.take_tensors_of(model);
                (own, Memory::Whole)
            }
        };
        let (tokens, logits) = (Vec::new(), Vec::new());
        Ok(TokenDecoder { model: own, block: None, memory, context, vocabulary, tokens, logits, begun: None })
    }

    /// Whether the network looks back on a context alone, and not on all that it has read.
    pub(super) fn is_limited(&self) -> bool {
        !matches!(self.memory, Memory::Carried { limited: false, .. })
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

    /// Forgets everything and reads a prompt, or remembers where the same one led to before: what the network says after it.
    pub(super) fn begin(&mut self, prompt: &[u32]) -> &[f32] {
        if let (Some(begun), Memory::Carried { position, .. }) = (&self.begun, &mut self.memory)
            && begun.prompt == prompt
        {
            *position = begun.position;
            self.model.machine.states_mut(0).copy_from_slice(&begun.states);
            self.tokens.truncate(begun.tokens);
            self.logits.clone_from(&begun.logits);
            return &self.logits;
        }
        self.tokens.clear();
        self.restart();
        self.read_all(prompt);
        if let Memory::Carried { position, .. } = self.memory {
            self.begun = Some(Begun {
                prompt: prompt.to_vec(),
                tokens: self.tokens.len(),
                logits: self.logits.clone(),
                states: self.model.machine.states(0).to_vec(),
                position,
            });
        }
        &self.logits
    }

    /// Reads tokens: what the network says after the last, or nothing without one.
    ///
    /// Of more than a context the last ones count, where the network looks back on no more.
    fn read_all(&mut self, tokens: &[u32]) {
        let first = if self.is_limited() { tokens.len().saturating_sub(self.context) } else { 0 };
        self.tokens.extend(&tokens[first..]);
        match self.memory {
            // What the network says of those before is not asked for.
            Memory::Whole if tokens.is_empty() => {}
            Memory::Whole => self.whole(),
            Memory::Carried { .. } => self.steps(&tokens[first..]),
        }
    }

    /// Reads a token: the logits of the next one, `[V]`.
    pub(super) fn read(&mut self, token: u32) -> &[f32] {
        self.tokens.push(token);
        match self.memory {
            Memory::Whole => self.whole(),
            Memory::Carried { position, limited } if limited && position == self.context => {
                // No room is left: the later half of the context is read anew, and there is room for as much again.
                self.restart();
                let again = self.tokens[self.tokens.len() - self.context.div_ceil(2)..].to_vec();
                self.steps(&again);
            }
            Memory::Carried { .. } => self.steps(&[token]),
        }
        &self.logits
    }

    /// Lets tokens through the network behind those that it carries.
    fn steps(&mut self, tokens: &[u32]) {
        let Memory::Carried { position, .. } = &mut self.memory else { return };
        let mut rest = tokens;
        if tokens.len() >= BLOCK {
            let (model, context) = (&self.model, self.context);
            // A context shorter than a block has no place for it.
            let make = || if context >= BLOCK { model.decoding(context, BLOCK).map(Box::new) } else { None };
            if let Some(block) = self.block.get_or_insert_with(make) {
                let blocks = tokens.chunks_exact(BLOCK);
                rest = blocks.remainder();
                block.machine.states_mut(0).copy_from_slice(self.model.machine.states(0));
                for tokens in blocks {
                    block.read_on(tokens, *position);
                    *position += BLOCK;
                }
                self.model.machine.states_mut(0).copy_from_slice(block.machine.states(0));
                keep(block, &mut self.logits);
            }
        }
        for &token in rest {
            self.model.read_on(&[token], *position);
            *position += 1;
        }
        if !rest.is_empty() {
            keep(&self.model, &mut self.logits);
        }
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

fn keep(model: &Model, logits: &mut Vec<f32>) {
    logits.clear();
    logits.extend_from_slice(model.last_logits());
}

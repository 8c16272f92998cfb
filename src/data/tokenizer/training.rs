//! Learning a vocabulary from texts that come one by one and are not kept.

use super::characters::{CharacterSet, Characters};
use super::pairs::{PairCounts, Pairs};
use super::words::WordCounts;
use super::{Model, Tokenizer, TokenizerKind, TokenizerSpec};
use crate::error::Result;

/// A tokenizer that learns. It keeps different characters or words, and how often they occur.
pub(in crate::data) struct Training {
    spec: TokenizerSpec,
    seen: Seen,
}

/// What was seen so far.
enum Seen {
    /// Texts decide nothing.
    Nothing,
    Characters(CharacterSet),
    Words(WordCounts),
    Pairs(Box<PairCounts>),
}

impl Training {
    /// Before the first text.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) for a vocabulary of a size that cannot be.
    pub(in crate::data) fn new(spec: &TokenizerSpec) -> Result<Self> {
        spec.check()?;
        let seen = match spec.kind {
            TokenizerKind::Byte | TokenizerKind::File(_) => Seen::Nothing,
            TokenizerKind::Char => Seen::Characters(CharacterSet::default()),
            TokenizerKind::Word | TokenizerKind::Whitespace => Seen::Words(WordCounts::new(spec.cut())),
            TokenizerKind::Bpe => Seen::Pairs(Box::new(PairCounts::new()?)),
        };
        Ok(Training { spec: spec.clone(), seen })
    }

    /// Whether texts decide anything.
    pub(in crate::data) fn needs_text(&self) -> bool {
        !matches!(self.seen, Seen::Nothing)
    }

    /// Learns from the next text.
    pub(in crate::data) fn add(&mut self, text: &str) {
        match &mut self.seen {
            Seen::Nothing => {}
            Seen::Characters(characters) => characters.add(&self.spec.lower(text)),
            Seen::Words(words) => words.add(&self.spec.lower(text)),
            Seen::Pairs(pairs) => pairs.add(&self.spec.lower(text)),
        }
    }

    /// The tokenizer.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for texts without a character where the texts make the vocabulary; those of
    /// [`Tokenizer::from_file`].
    pub(in crate::data) fn finish(self) -> Result<Tokenizer> {
        let spec = &self.spec;
        let size = spec.vocabulary_size.or(spec.kind.default_vocabulary()).unwrap_or_default();
        let model = match (self.seen, &spec.kind) {
            (Seen::Characters(characters), _) => Model::Char(Characters::train(&characters, spec.unknown)?),
            (Seen::Words(words), _) => Model::Word(words.most_frequent(size)?),
            (Seen::Pairs(pairs), _) => Model::Bpe(pairs.train(size)?),
            (Seen::Nothing, TokenizerKind::File(path)) => Model::Bpe(Pairs::from_file(path)?),
            (Seen::Nothing, _) => Model::Byte,
        };
        Ok(Tokenizer { lowercase: spec.lowercase, model })
    }
}

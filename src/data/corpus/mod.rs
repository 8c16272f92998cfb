//! Long texts for language models: read piece by piece, divided into parts, and turned into [`Tokens`].

mod comparison;
mod encoder;
mod text;

use self::comparison::Comparison;
use self::encoder::Encoder;
use self::text::{Part, Text};
use super::source::Source;
use super::tokenizer::{Tokenizer, TokenizerSpec};
use super::tokens::{NewSpill, Tokens, TokensBuilder};
use crate::error::Result;
use crate::tensor::Key;

pub use self::text::TextFacts;

/// How a text is divided and tokenised.
#[derive(Clone, Debug)]
pub struct CorpusOptions {
    /// How text becomes ids, where `known` is none.
    pub tokenizer: TokenizerSpec,
    /// A tokenizer that is there already: none is trained.
    pub known: Option<Tokenizer>,
    /// What helps against a character that the tokenizer does not know.
    pub help: &'static str,
    /// Whether each line is a document of its own, which belongs to one part as a whole.
    pub lines: bool,
    /// The share of the text that validates.
    pub validation: f64,
    /// The share that is scored at the end.
    pub test: f64,
    /// Decides which documents go where.
    pub seed: u64,
    /// Where tokens go that do not fit into memory.
    pub spill: NewSpill,
}

/// A text as ids, in its parts.
#[derive(Debug)]
pub struct Corpus {
    /// What made the ids.
    pub tokenizer: Tokenizer,
    /// The part that trains.
    pub train: Tokens,
    /// The part that validates; empty where its share is 0.
    pub validation: Tokens,
    /// The part that is scored at the end; empty where its share is 0.
    pub test: Tokens,
    /// Characters of the whole text.
    pub characters: u64,
    /// Carriage returns that the tokens hold; none where each line is a document, whose line end is one line feed.
    pub carriage_returns: u64,
}

impl Corpus {
    /// Reads `source`, trains the tokenizer and gives the ids of each part.
    ///
    /// Characters are taken from the whole text, so that every part has ids; words and byte pairs are learned from the training
    /// part alone.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for an empty text and for bytes that are not UTF-8; those of opening files, of the
    /// tokenizer and of writing temporary files.
    pub fn read(source: &Source, options: &CorpusOptions) -> Result<Corpus> {
        let text = Text::new(source)?;
        let totals = text.facts(|_| ())?;
        let tokenizer = match &options.known {
            Some(known) => known.clone(),
            None => text.trained(&totals, options)?,
        };
        let new = || TokensBuilder::of(&tokenizer, options.spill);
        let (mut train, mut validation, mut test) = (new(), new(), new());
        let mut comparisons = [(); 3].map(|()| Comparison::new(&tokenizer));
        // Where the documents of each part end.
        let mut ends: [Vec<usize>; 3] = Default::default();
        let mut encoder = Encoder::new(&tokenizer, text.name(), options.help, |part, encoded| {
            let tokens = match part {
                Part::Train => &mut train,
                Part::Validation => &mut validation,
                Part::Test => &mut test,
            };
            tokens.extend_counted(encoded.ids, encoded.characters)?;
            // Nothing is scored on the text that trains.
            if part != Part::Train {
                comparisons[part as usize].add(encoded.text, encoded.ids);
            }
            if options.lines {
                ends[part as usize].push(tokens.len());
            }
            Ok(())
        });
        text.divided(&totals, options, |part, piece| encoder.add(part, piece))?;
        encoder.finish()?;
        let [_, of_validation, of_test] = comparisons.map(Comparison::finish);
        let mut part = |tokens: TokensBuilder, part: Part, lost: bool| -> Result<Tokens> {
            let tokens = tokens.finish()?;
            let ends = std::mem::take(&mut ends[part as usize]);
            let tokens = if options.lines { shuffled(&tokens, &ends, options.seed, new())? } else { tokens };
            Ok(tokens.with_loss(lost))
        };
        Ok(Corpus {
            train: part(train, Part::Train, false)?,
            validation: part(validation, Part::Validation, of_validation)?,
            test: part(test, Part::Test, of_test)?,
            tokenizer,
            characters: totals.characters,
            carriage_returns: if options.lines { 0 } else { totals.carriage_returns },
        })
    }

    /// The ids of all of `source`, by a tokenizer that is there already; `help` is what helps against a character that it does not
    /// know.
    ///
    /// # Errors
    /// As [`Corpus::read`]; [`Code::Data`](crate::error::Code::Data) for a character that the tokenizer does not know.
    pub fn tokens(
        source: &Source,
        tokenizer: &Tokenizer,
        lines: bool,
        spill: NewSpill,
        help: &str,
    ) -> Result<Tokens> {
        let text = Text::new(source)?;
        let mut tokens = TokensBuilder::of(tokenizer, spill);
        let mut comparison = Comparison::new(tokenizer);
        let mut encoder = Encoder::new(tokenizer, text.name(), help, |(), encoded| {
            comparison.add(encoded.text, encoded.ids);
            tokens.extend_counted(encoded.ids, encoded.characters)
        });
        if lines {
            text.lines(|_, line| encoder.add((), line))?
        } else {
            text.pieces(|piece| encoder.add((), piece))?
        }
        encoder.finish()?;
        let tokens = tokens.finish()?.with_loss(comparison.finish());
        if tokens.is_empty() {
            return Err(text.empty());
        }
        Ok(tokens)
    }
}

/// The documents of `tokens` in an order of chance: in a sorted list a document would say too much of the next one.
fn shuffled(tokens: &Tokens, ends: &[usize], seed: u64, mut out: TokensBuilder) -> Result<Tokens> {
    let mut order: Vec<u32> = (0..ends.len() as u32).collect();
    Key::new(seed).named("documents").stream().shuffle(&mut order);
    let (mut ids, mut characters) = (Vec::new(), Vec::new());
    for document in order {
        let document = document as usize;
        let start = document.checked_sub(1).map_or(0, |before| ends[before]);
        ids.clear();
        ids.extend((start..ends[document]).map(|at| tokens.get(at)));
        characters.clear();
        characters.extend((start..ends[document]).filter_map(|at| tokens.characters(at)));
        out.extend_counted(&ids, &characters)?;
    }
    out.finish()
}

#[cfg(test)]
mod tests;

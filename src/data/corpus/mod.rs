//! Long texts for language models: read piece by piece, divided into parts, and turned into [`Tokens`].

mod text;

use self::text::{Part, Text};
use super::source::Source;
use super::tokenizer::{Tokenizer, TokenizerSpec};
use super::tokens::{NewSpill, Tokens, TokensBuilder};
use crate::error::{Error, Result};
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
        let name = text.name();
        let mut encoder = Encoder::new(&tokenizer, &name, options.help);
        // Where the documents of each part end.
        let mut ends: [Vec<usize>; 3] = Default::default();
        text.divided(&totals, options, |part, piece| {
            let tokens = match part {
                Part::Train => &mut train,
                Part::Validation => &mut validation,
                Part::Test => &mut test,
            };
            encoder.add(piece, tokens)?;
            if options.lines {
                ends[part as usize].push(tokens.len());
            }
            Ok(())
        })?;
        let mut part = |tokens: TokensBuilder, part: Part| -> Result<Tokens> {
            let tokens = tokens.finish()?;
            let ends = std::mem::take(&mut ends[part as usize]);
            if options.lines { shuffled(&tokens, &ends, options.seed, new()) } else { Ok(tokens) }
        };
        Ok(Corpus {
            train: part(train, Part::Train)?,
            validation: part(validation, Part::Validation)?,
            test: part(test, Part::Test)?,
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
        let name = text.name();
        let mut encoder = Encoder::new(tokenizer, &name, help);
        let mut each = |piece: &str| encoder.add(piece, &mut tokens);
        if lines {
            text.lines(|_, line| each(line))?
        } else {
            text.pieces(&mut each)?
        }
        let tokens = tokens.finish()?;
        if tokens.is_empty() {
            return Err(Error::data(text.name(), "the text is empty").expected("one character at least"));
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

/// Turns the pieces of a text into ids.
struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    /// What messages call the text, and what helps against a character that the tokenizer does not know.
    name: &'a str,
    help: &'a str,
    ids: Vec<u32>,
    characters: Vec<u32>,
    /// Characters of pieces that had no id: they count with the next one.
    left: u32,
}

impl<'a> Encoder<'a> {
    fn new(tokenizer: &'a Tokenizer, name: &'a str, help: &'a str) -> Self {
        Encoder { tokenizer, name, help, ids: Vec::new(), characters: Vec::new(), left: 0 }
    }

    /// Puts the ids of a piece at the end of `tokens`.
    fn add(&mut self, piece: &str, tokens: &mut TokensBuilder) -> Result<()> {
        self.ids.clear();
        self.characters.clear();
        self.tokenizer.encode_counted(piece, &mut self.ids, &mut self.characters).map_err(|unknown| {
            let shown = crate::error::quote(&unknown.character.to_string());
            let code = u32::from(unknown.character);
            Error::data(self.name, format!("the character {shown} (U+{code:04X}) is not in the vocabulary"))
                .expected("characters of the training text")
                .help(format!("take the character out, or {}", self.help))
        })?;
        match self.characters.first_mut() {
            Some(first) => *first += std::mem::take(&mut self.left),
            None => self.left += piece.chars().count() as u32,
        }
        tokens.extend_counted(&self.ids, &self.characters)
    }
}

#[cfg(test)]
mod tests;

//! Which tokenizer a text gets.

use std::borrow::Cow;
use std::path::PathBuf;

use super::words::{Cut, Words};
use super::{LARGEST_VOCABULARY, lower, lower_letters, pairs};
use crate::error::{Error, Result};

/// How a text becomes ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerKind {
    /// `byte`
    Byte,
    /// `char`
    Char,
    /// `word`
    Word,
    /// `whitespace`
    Whitespace,
    /// `bpe`
    Bpe,
    /// The path of a `tokenizer.json` as Hugging Face's library writes it.
    File(PathBuf),
}

impl TokenizerKind {
    /// The names of the kinds that are trained on the data.
    pub const NAMES: &'static [&'static str] = &["byte", "char", "word", "whitespace", "bpe"];

    /// The kind that a config names: one of [`TokenizerKind::NAMES`], or a path that ends in `.json`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "byte" => TokenizerKind::Byte,
            "char" => TokenizerKind::Char,
            "word" => TokenizerKind::Word,
            "whitespace" => TokenizerKind::Whitespace,
            "bpe" => TokenizerKind::Bpe,
            path if path.ends_with(".json") => TokenizerKind::File(path.into()),
            _ => return None,
        })
    }

    /// What [`Tokenizer::name`](super::Tokenizer::name) says of a tokenizer of this kind.
    pub fn name(&self) -> &'static str {
        match self {
            TokenizerKind::Byte => "byte",
            TokenizerKind::Char => "char",
            TokenizerKind::Word => "word",
            TokenizerKind::Whitespace => "whitespace",
            TokenizerKind::Bpe | TokenizerKind::File(_) => "bpe",
        }
    }

    /// How many ids `text` becomes, whatever the training text is; none where that decides it.
    pub fn count(&self, text: &str) -> Option<usize> {
        match self {
            TokenizerKind::Byte => Some(text.len()),
            TokenizerKind::Char => Some(text.chars().count()),
            TokenizerKind::Word => Some(Words::count(text, Cut::Boundaries)),
            TokenizerKind::Whitespace => Some(Words::count(text, Cut::Whitespace)),
            TokenizerKind::Bpe | TokenizerKind::File(_) => None,
        }
    }

    /// Ids of a vocabulary that a config does not size: 10,000 words, 1,000 byte pairs; none where the text alone decides.
    pub fn default_vocabulary(&self) -> Option<usize> {
        match self {
            TokenizerKind::Word | TokenizerKind::Whitespace => Some(10_000),
            TokenizerKind::Bpe => Some(1_000),
            TokenizerKind::Byte | TokenizerKind::Char | TokenizerKind::File(_) => None,
        }
    }
}

/// What a [`Tokenizer`](super::Tokenizer) is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizerSpec {
    /// How a text becomes ids.
    pub kind: TokenizerKind,
    /// The most ids, for words and byte pairs; see [`TokenizerKind::default_vocabulary`].
    pub vocabulary_size: Option<usize>,
    /// Whether texts are put in lower case first.
    pub lowercase: bool,
    /// Whether characters that training did not see get an id of their own, 0; if not, they are an error. For `char` alone: words
    /// always have such an id, bytes and byte pairs need none.
    pub unknown: bool,
    /// Whether `whitespace` has an id for line breaks, as `word` always has.
    pub line_breaks: bool,
}

impl TokenizerSpec {
    /// [`TokenizerKind::count`] of a text, in lower case where that is wanted.
    pub fn count(&self, text: &str) -> Option<usize> {
        let text = self.lower(text);
        match self.kind {
            TokenizerKind::Whitespace => Some(Words::count(&text, self.cut())),
            _ => self.kind.count(&text),
        }
    }

    /// A text as its tokenizer sees it: in lower case where that is wanted.
    pub(super) fn lower<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.kind {
            TokenizerKind::Char => lower_letters(text, self.lowercase),
            _ => lower(text, self.lowercase),
        }
    }

    /// Where words end.
    pub(super) fn cut(&self) -> Cut {
        match (&self.kind, self.line_breaks) {
            (TokenizerKind::Whitespace, true) => Cut::WhitespaceAndLines,
            (TokenizerKind::Whitespace, false) => Cut::Whitespace,
            _ => Cut::Boundaries,
        }
    }

    /// Refuses a vocabulary of a size that cannot be, or one whose size is not for a config to say.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage)
    pub fn check(&self) -> Result<()> {
        let Some(size) = self.vocabulary_size else { return Ok(()) };
        let smallest = match self.kind {
            TokenizerKind::Word | TokenizerKind::Whitespace => 2,
            TokenizerKind::Bpe => pairs::SMALLEST,
            TokenizerKind::Byte | TokenizerKind::Char | TokenizerKind::File(_) => {
                return Err(Error::usage(
                    "data.vocabulary_size",
                    "is for the tokenizers word, whitespace and bpe",
                )
                .help("take it out, or choose one of them"));
            }
        };
        match (smallest..=LARGEST_VOCABULARY).contains(&size) {
            true => Ok(()),
            false => Err(Error::usage("data.vocabulary_size", "a vocabulary of this size cannot be made")
                .expected(format!("{smallest} to {LARGEST_VOCABULARY}"))
                .found(size.to_string())
                .help(match size < smallest {
                    true if self.kind == TokenizerKind::Bpe => "name a larger one: all 256 bytes are in it",
                    true => "name a larger one: one is for unknown words",
                    false => "name a smaller one",
                })),
        }
    }
}

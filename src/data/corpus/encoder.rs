//! Texts to ids on all threads, in their order.

use rayon::prelude::*;

use crate::data::tokenizer::{Tokenizer, UnknownText};
use crate::data::utf8::PIECE;
use crate::error::{Error, Result, quote};

/// Bytes of texts that are encoded together.
const TOGETHER: usize = 2 * PIECE;

/// A text and its ids.
pub(super) struct Encoded<'t> {
    pub text: &'t str,
    pub ids: &'t [u32],
    /// How many characters each id stands for; none where the ids alone tell.
    pub characters: &'t [u32],
}

/// Characters of a line that a message shows before the one that it is about.
const SHOWN: usize = 30;

/// The line of `text` that byte `end` ends, or its last characters.
fn line_until(text: &str, end: usize) -> &str {
    let line = text[..end].rsplit('\n').next().unwrap_or_default();
    let start = line.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    &line[start..]
}

/// Turns texts that come one by one into ids, and gives those of each to `put`. `P` is what else `put` is told of a text.
pub(super) struct Encoder<'a, P, F> {
    tokenizer: &'a Tokenizer,
    /// What messages call the text, and what helps against a character that the tokenizer does not know.
    name: String,
    help: &'a str,
    put: F,
    /// Texts that are not encoded yet, and where each ends.
    waiting: String,
    ends: Vec<(usize, P)>,
    /// Characters of texts that had no id: they count with the next one.
    left: u32,
}

impl<'a, P: Copy, F: FnMut(P, &Encoded<'_>) -> Result<()>> Encoder<'a, P, F> {
    pub(super) fn new(tokenizer: &'a Tokenizer, name: String, help: &'a str, put: F) -> Self {
        Encoder { tokenizer, name, help, put, waiting: String::new(), ends: Vec::new(), left: 0 }
    }

    /// Takes the next text.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for a character that the tokenizer does not know; those of `put`. They may be about a
    /// text before.
    pub(super) fn add(&mut self, of: P, text: &str) -> Result<()> {
        self.waiting.push_str(text);
        self.ends.push((self.waiting.len(), of));
        if self.waiting.len() >= TOGETHER { self.encode() } else { Ok(()) }
    }

    /// Encodes what is left.
    ///
    /// # Errors
    /// Those of [`Encoder::add`].
    pub(super) fn finish(mut self) -> Result<()> {
        self.encode()
    }

    fn encode(&mut self) -> Result<()> {
        let mut start = 0;
        let texts = self.ends.iter().map(|&(end, _)| &self.waiting[std::mem::replace(&mut start, end)..end]);
        let texts: Vec<&str> = texts.collect();
        let tokenizer = self.tokenizer;
        let encode = |text: &&str| -> Result<_, UnknownText> {
            let (mut ids, mut characters) = (Vec::new(), Vec::new());
            if tokenizer.spells_text() {
                tokenizer.encode(text, &mut ids)?;
            } else {
                tokenizer.encode_counted(text, &mut ids, &mut characters)?;
            }
            Ok((ids, characters))
        };
        let encoded: Vec<_> = texts.par_iter().map(encode).collect();
        for ((encoded, text), &(_, of)) in encoded.into_iter().zip(texts).zip(&self.ends) {
            let (ids, mut characters) = encoded.map_err(|unknown| {
                let shown = quote(&unknown.character.to_string());
                let code = u32::from(unknown.character);
                Error::data(
                    &self.name,
                    format!("the character {shown} (U+{code:04X}) is not in the vocabulary"),
                )
                .expected("characters of the training text")
                .found(quote(line_until(text, unknown.offset + unknown.character.len_utf8())))
                .help(format!("take the character out, or {}", self.help))
            })?;
            match characters.first_mut() {
                Some(first) => *first += std::mem::take(&mut self.left),
                None if tokenizer.spells_text() => {}
                None => self.left += text.chars().count() as u32,
            }
            (self.put)(of, &Encoded { text, ids: &ids, characters: &characters })?;
        }
        self.waiting.clear();
        self.ends.clear();
        Ok(())
    }
}

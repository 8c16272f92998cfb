//! Texts that are read piece by piece and divided into parts.

use std::io::{self, Seek as _};

use super::CorpusOptions;
use crate::data::source::{Input, Opened, Source, unwrap_error};
use crate::data::tokenizer::{CharacterSet, Tokenizer, TokenizerKind, Training};
use crate::data::utf8::{Utf8, check_format};
use crate::error::{Error, Result};
use crate::tensor::Key;

/// What a text holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextFacts {
    /// All of its characters.
    pub characters: u64,
    /// Different ones among them; 0 where nobody counted them.
    pub distinct: usize,
    /// Carriage returns among them: of the line ends that Windows writes.
    pub carriage_returns: u64,
}

impl TextFacts {
    /// Of all of `source`.
    ///
    /// # Errors
    /// Those of [`Corpus::read`](super::Corpus::read) that are about the text alone.
    pub fn read(source: &Source) -> Result<TextFacts> {
        let text = Text::new(source)?;
        let mut distinct = CharacterSet::default();
        let facts = text.facts(|piece| distinct.add(piece))?;
        Ok(TextFacts { distinct: distinct.iter().count(), ..facts })
    }
}

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

/// Texts that can be read several times.
pub(super) struct Text {
    inputs: Vec<Input>,
    /// What standard input held.
    spooled: Option<std::fs::File>,
}

impl Text {
    pub(super) fn new(source: &Source) -> Result<Text> {
        source.check()?;
        let mut text = Text { inputs: source.inputs().to_vec(), spooled: None };
        if !source.is_rereadable() {
            let failed = |e: io::Error| {
                Error::environment("the temporary directory", format!("standard input cannot be kept: {e}"))
            };
            let mut file = tempfile::tempfile().map_err(failed)?;
            let mut opened = Input::StandardInput.open()?;
            io::copy(&mut opened.bytes, &mut file).map_err(|e| unwrap_error(&opened.name, e))?;
            text.spooled = Some(file);
        }
        Ok(text)
    }

    /// What messages call it.
    pub(super) fn name(&self) -> String {
        self.inputs.first().map(Input::name).unwrap_or_default()
    }

    /// The error of a text without a character.
    pub(super) fn empty(&self) -> Error {
        Error::data(self.name(), "the text is empty")
            .expected("one character at least")
            .help("check that the file is the one you mean")
    }

    /// What all texts hold together, apart from the different characters; `each` sees every piece.
    pub(super) fn facts(&self, mut each: impl FnMut(&str)) -> Result<TextFacts> {
        let mut facts = TextFacts::default();
        self.pieces(|piece| {
            facts.characters += piece.chars().count() as u64;
            facts.carriage_returns += piece.bytes().filter(|&b| b == b'\r').count() as u64;
            each(piece);
            Ok(())
        })?;
        if facts.characters == 0 {
            return Err(self.empty());
        }
        Ok(facts)
    }

    /// A tokenizer that is trained on this text, or the file that the options name.
    pub(super) fn trained(&self, totals: &TextFacts, options: &CorpusOptions) -> Result<Tokenizer> {
        // Characters are taken from all parts, so that each has ids.
        let everywhere = options.tokenizer.kind == TokenizerKind::Char;
        let mut training = Training::new(&options.tokenizer)?;
        if training.needs_text() {
            self.divided(totals, options, |part, piece| {
                if everywhere || part == Part::Train {
                    training.add(piece);
                }
                Ok(())
            })?;
        }
        training.finish()
    }

    fn open(&self, input: &Input) -> Result<Opened> {
        match (&self.spooled, input) {
            (Some(file), Input::StandardInput) => {
                let again = file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
                let again =
                    again.map_err(|e| Error::environment(input.name(), format!("cannot be read: {e}")))?;
                Opened::new(input.name(), again)
            }
            _ => input.open(),
        }
    }

    /// Gives all texts piece by piece, one file after the other with nothing between them; a piece ends behind a line where it can,
    /// and never inside a character.
    pub(super) fn pieces(&self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        self.inputs.iter().try_for_each(|input| self.pieces_of(input, &mut each))
    }

    fn pieces_of(&self, input: &Input, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut opened = self.open(input)?;
        let head = opened.peek(1024)?;
        check_format(&opened.name, &head)?;
        let mut reader = Utf8::new(opened);
        while let Some(piece) = reader.next()? {
            each(piece)?;
        }
        Ok(())
    }

    /// Gives all lines with their numbers, each with one line feed at its end; empty ones are left out. The end of a file ends a
    /// line.
    pub(super) fn lines(&self, mut each: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let mut line = String::new();
        let mut number = 0;
        let mut give = |line: &mut String| {
            let end = line.trim_end_matches(['\r', '\n']).len();
            line.truncate(end);
            if line.is_empty() {
                return Ok(());
            }
            line.push('\n');
            let done = each(number, line);
            number += 1;
            line.clear();
            done
        };
        for input in &self.inputs {
            self.pieces_of(input, |piece| {
                for part in piece.split_inclusive('\n') {
                    line.push_str(part);
                    if part.ends_with('\n') {
                        give(&mut line)?;
                    }
                }
                Ok(())
            })?;
            give(&mut line)?;
        }
        Ok(())
    }

    /// Gives all pieces with the part that they belong to: by their place in the text, or by chance for each line.
    pub(super) fn divided(
        &self,
        totals: &TextFacts,
        options: &CorpusOptions,
        mut each: impl FnMut(Part, &str) -> Result<()>,
    ) -> Result<()> {
        let (validation, test) = (options.validation, options.test);
        if options.lines {
            let key = Key::new(options.seed).named("split");
            return self.lines(|number, line| {
                let place = key.uniform(number);
                let part = if place < test {
                    Part::Test
                } else if place < test + validation {
                    Part::Validation
                } else {
                    Part::Train
                };
                each(part, line)
            });
        }
        // The last characters are held out: what comes later in a text is foreseen from what came before.
        let end = |share: f64| (totals.characters as f64 * (1.0 - share)).round() as u64;
        let ends =
            [(Part::Train, end(validation + test)), (Part::Validation, end(test)), (Part::Test, u64::MAX)];
        let mut seen = 0;
        self.pieces(|piece| {
            let mut rest = piece;
            for &(part, end) in &ends {
                let room = end.saturating_sub(seen) as usize;
                if rest.is_empty() || room == 0 {
                    continue;
                }
                let cut = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
                let (own, behind) = rest.split_at(cut);
                seen += own.chars().count() as u64;
                each(part, own)?;
                rest = behind;
            }
            Ok(())
        })
    }
}

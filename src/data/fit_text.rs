//! Fitting a column of texts: its tokenizer, its length, and its ids in place of the texts.

use std::sync::Arc;

use super::column::Cell;
use super::field;
use super::fit::Fit;
use super::options::{MissingPolicy, Unknown};
use super::schema::ColumnSchema;
use super::stored::{Store, TextCell, TextFill, TokenStore};
use super::tokenizer::{Tokenizer, TokenizerKind};
use crate::error::{Error, Result, quote};

/// The most ids that a row has unless a config says otherwise: of words and pairs of bytes, and of characters and bytes.
const MOST_TOKENS: [usize; 2] = [256, 1024];

impl Fit<'_> {
    /// The fitted column of texts; none if it does not vary. Its ids are put in the place of its store.
    ///
    /// # Errors
    /// Those of [`Tokenizer::train`]; [`Code::Data`](crate::error::Code::Data) for a character that a tokenizer of another model does not
    /// know.
    pub(super) fn text(&mut self, position: usize, about: &mut ColumnSchema) -> Result<Option<Cell>> {
        let Store::Texts(texts) = &self.raw.stores[position] else { return Ok(None) };
        let name = quote(&about.name);
        let first = self.train.first().map_or("", |&row| texts.row(row));
        let known = match self.raw.options.prior.as_ref().and_then(|prior| prior.cell(&about.name)) {
            Some(Cell::Text(known)) => Some(known),
            _ => None,
        };
        if known.is_none() && self.train.iter().all(|&row| texts.row(row) == first) {
            self.warnings.push(match first {
                "" => format!("column {name} has no value in the training part: left out of the inputs"),
                only => format!(
                    "column {name} is always {} in the training part: left out of the inputs",
                    quote(only)
                ),
            });
            return Ok(None);
        }
        let spec = about.pin.tokenizer_spec();
        let tokenizer = match (known, about.pin.unknown) {
            (Some(known), _) => known.tokenizer.clone(),
            // Where unknown characters are errors, one that chance put into the validation part alone is none.
            (None, Some(Unknown::Error)) => {
                Arc::new(Tokenizer::train(&spec, (0..self.raw.len() as u32).map(|row| texts.row(row)))?)
            }
            (None, _) => Arc::new(Tokenizer::train(&spec, self.train.iter().map(|&row| texts.row(row)))?),
        };
        let key = field::pin_key(&about.name);
        let mut tokens = texts.encode(&tokenizer).map_err(|unknown| {
            Error::data(format!("{}, column {name}", self.raw.schema.file), unknown.to_string())
                .help("take the character out, or let the texts make the vocabulary, without train.init_from")
        })?;
        let length = about.pin.max_tokens.or(known.map(|known| known.length));
        let length = length.unwrap_or_else(|| self.longest(&tokens, &spec.kind));
        let cut = tokens.cut(length);
        if cut > 0 {
            self.warnings.push(format!(
                "column {name}: {cut} of {} texts have more than {length} tokens and are cut; {key}.max_tokens says \
                 how many are kept",
                self.raw.len()
            ));
        }
        about.text = format!(
            "{} tokenizer, {} ids, at most {length} in a row",
            tokenizer.name(),
            tokenizer.vocabulary()
        );
        let missing = match about.pin.missing {
            Some(MissingPolicy::DropRow) => TextFill::DropRow,
            Some(MissingPolicy::Error) => TextFill::Error,
            _ => TextFill::Empty,
        };
        self.stores[position] = Some(Some(Store::Tokens(tokens)));
        let of_steps = self.raw.options.steps.words.contains(&about.name);
        Ok(Some(Cell::Text(TextCell { tokenizer, length, missing, of_steps })))
    }

    /// The ids of the longest text of the training part, within limits.
    fn longest(&self, tokens: &TokenStore, kind: &TokenizerKind) -> usize {
        let longest = self.train.iter().map(|&row| tokens.row(row).len()).max().unwrap_or(1);
        longest.min(MOST_TOKENS[usize::from(matches!(kind, TokenizerKind::Byte | TokenizerKind::Char))])
    }
}

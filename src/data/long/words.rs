//! Columns with a word in each row: what the steps of a series say, one after the other.

use crate::data::column::Dictionary;
use crate::data::field;
use crate::data::rows::Fields;
use crate::data::step_targets;
use crate::error::{Error, Result, quote};

/// The words of a column, row by row.
#[derive(Default)]
pub(super) struct Words {
    dictionary: Dictionary,
    codes: Vec<u32>,
    /// The first field that is not one word: an error if the fields of a series are to make one text.
    odd: Option<Error>,
}

impl Words {
    pub(super) fn push(&mut self, word: &str) {
        let code = self.dictionary.code(word);
        self.codes.push(code);
    }

    /// The same for a field that should be a word of a text.
    pub(super) fn push_token<F: Fields>(&mut self, row: &F, name: &str, field: &str) {
        if self.odd.is_none() && (field.is_empty() || field.contains(char::is_whitespace)) {
            let what = "the fields of a series make one text, and this one is not one word";
            let error = Error::data(field::place(row, name), what)
                .expected("a word in each row, without white space")
                .found(quote(field));
            self.odd = Some(error.help(
                "join what belongs together with an underscore, or leave the column out with data.exclude",
            ));
        }
        self.push(field);
    }

    /// Whether the fields of a series make a text.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) if a field of the column is not one word.
    pub(super) fn check(&self) -> Result<()> {
        self.odd.clone().map_or(Ok(()), Err)
    }

    /// Writes the words of these rows into `field`, with blanks between them.
    pub(super) fn join(&self, rows: &[u32], field: &mut String) {
        field.clear();
        step_targets::join(rows.iter().map(|&row| self.dictionary.name(self.codes[row as usize])), field);
    }
}

//! What was met in a table that went through a fitted preprocessing.

use std::collections::BTreeMap;

use super::missing::{self, Missing};
use super::note::Note;
use super::preprocess::Preprocessing;
use crate::error::{counted, quote};

/// What an [`Encoder`](super::Encoder) met that is worth a note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that were read, those that were left out among them.
    pub rows: u64,
    /// Rows left out for a missing value (`missing = "drop_row"`).
    pub dropped: u64,
    /// For each column that had some: missing values.
    pub missing: BTreeMap<String, u64>,
    /// For each column that had some: fields whose category was unseen in training.
    pub unknown: BTreeMap<String, u64>,
    /// For each column that had one: the first of them that differs in upper and lower case alone from a category, and that category.
    pub other_case: BTreeMap<String, (String, String)>,
    /// For each column of texts: tokens that training never saw, and all of them.
    pub tokens: BTreeMap<String, (u64, u64)>,
    /// For each column that had some: texts of more tokens than the network takes.
    pub cut: BTreeMap<String, u64>,
}

impl Report {
    /// What a user should know; the rows may be whole `series`.
    pub fn notes(&self, preprocessing: &Preprocessing, series: bool) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        if self.dropped > 0 {
            notes.push(Note::new(left_out(self.dropped, series)));
        }
        notes.extend(missing::notes(&self.missing(preprocessing)));
        for (column, count) in &self.unknown {
            let values = counted(*count, "value");
            let case = self.other_case.get(column).map_or_else(String::new, |(text, known)| {
                format!("; {} differs in case alone from {}", quote(text), quote(known))
            });
            let column = quote(column);
            notes.push(Note::new(format!("column {column}: {values} that training never saw{case}")));
        }
        for (column, (unknown, all)) in self.tokens.iter().filter(|(_, (unknown, _))| *unknown > 0) {
            let column = quote(column);
            let what = format!("column {column}: {unknown} of {all} tokens are not in the vocabulary");
            notes.push(Note::new(what));
        }
        for (column, count) in &self.cut {
            let texts = if *count == 1 { "text has" } else { "texts have" };
            let column = quote(column);
            notes.push(Note::new(format!(
                "column {column}: {count} {texts} more tokens than the model takes; the rest is cut"
            )));
        }
        notes
    }

    /// The missing values of each column that fills them, in the order of the columns.
    fn missing(&self, preprocessing: &Preprocessing) -> Vec<Missing> {
        let of = |column: &super::Column| {
            let count = *self.missing.get(&column.name)?;
            let became = missing::became(&column.cell)?;
            Some(Missing { column: column.name.clone(), count, all: self.rows, became })
        };
        preprocessing.columns.iter().filter_map(of).collect()
    }
}

/// A note on `count` samples that a policy left out; each may be a `series`.
pub fn left_out(count: u64, series: bool) -> String {
    let what = if series { format!("{count} series") } else { counted(count, "row") };
    format!("{what} with missing values {} left out", if count == 1 { "was" } else { "were" })
}

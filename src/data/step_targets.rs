//! Targets of the steps of a row: the next token of a text, or a class for each token or step of a series.

use super::field;
use super::language::TokenRows;
use super::rows::Fields;
use super::stored::TokenStore;
use crate::error::{Error, Result, counted, quote};

/// The targets of the steps of a table's rows.
///
/// A row has them for its first steps, as many as [`StepTargets::count`] says; behind them are steps without a target.
#[derive(Clone, Copy, Debug)]
pub enum StepTargets<'t> {
    /// After each token of a window the next one.
    NextToken(&'t TokenRows),
    /// Classes by their position.
    Classes(&'t TokenStore),
}

impl<'t> StepTargets<'t> {
    /// Steps of a row that have a target.
    pub fn count(self, row: u32) -> usize {
        match self {
            StepTargets::NextToken(text) => text.steps(row).len(),
            StepTargets::Classes(classes) => classes.row(row).len(),
        }
    }

    /// The targets of a row.
    pub fn of(self, row: u32) -> impl Iterator<Item = u32> + 't {
        let (places, classes) = match self {
            StepTargets::NextToken(text) => (Some((text, text.steps(row))), &[][..]),
            StepTargets::Classes(classes) => (None, classes.row(row)),
        };
        let tokens = places.into_iter().flat_map(|(text, places)| places.map(|at| text.tokens().get(at)));
        tokens.chain(classes.iter().copied())
    }

    /// The targets of these rows, `[rows.len(), T]`; 0 behind those of a row.
    pub fn fill(self, rows: &[u32], out: &mut [f32]) {
        self.fill_with(rows, out, |target| target as f32);
    }

    /// 1 for each step of these rows that has a target, else 0: `[rows.len(), T]`.
    pub fn fill_weights(self, rows: &[u32], out: &mut [f32]) {
        self.fill_with(rows, out, |_| 1.0);
    }

    fn fill_with(self, rows: &[u32], out: &mut [f32], number: impl Fn(u32) -> f32) {
        let steps = out.len() / rows.len().max(1);
        for (out, &row) in out.chunks_exact_mut(steps.max(1)).zip(rows) {
            let (there, behind) = out.split_at_mut(self.count(row));
            there.iter_mut().zip(self.of(row)).for_each(|(out, target)| *out = number(target));
            behind.fill(0.0);
        }
    }
}

/// The labels of a field.
pub(super) fn split(field: &str) -> impl Iterator<Item = &str> + Clone {
    field.split_whitespace()
}

/// Labels of several steps as one field.
pub(super) fn join<'l>(labels: impl Iterator<Item = &'l str>, field: &mut String) {
    for label in labels {
        if !field.is_empty() {
            field.push(' ');
        }
        field.push_str(label);
    }
}

/// Refuses a label that white space would part when labels are joined.
///
/// # Errors
/// [`Code::Data`](crate::error::Code::Data)
pub(super) fn check_label<R: Fields>(row: &R, name: &str, label: &str) -> Result<()> {
    if !label.contains(char::is_whitespace) {
        return Ok(());
    }
    Err(Error::data(field::place(row, name), "the label of a step has white space in it")
        .expected("a label without, since those of a series are written with white space between them")
        .found(quote(label))
        .help("write it with an underscore or a hyphen"))
}

/// Refuses a row whose field has `labels` labels and that has another number of steps.
///
/// # Errors
/// [`Code::Data`](crate::error::Code::Data)
pub(super) fn check_count<R: Fields>(row: &R, name: &str, labels: usize, steps: usize) -> Result<()> {
    if labels == steps {
        return Ok(());
    }
    Err(Error::data(field::place(row, name), "the labels are not as many as the steps of the row")
        .expected(format!("{}, with white space between them", counted(steps as u64, "label")))
        .found(counted(labels as u64, "label"))
        .help("each token of a text, as its tokenizer cuts it, and each step of a series has a label of its own"))
}

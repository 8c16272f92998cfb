//! Numbers that are not finite where a network is scored or used: which rows, and the errors about them.

use crate::data::Table;
use crate::error::{Error, quote};
use crate::graph::Mode;
use crate::tensor::Key;
use crate::train::{Model, diagnose};

/// What is not finite, and for which rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NotFinite {
    /// `the output of the network`, `the loss`, `perplexity`.
    pub what: String,
    /// Rows of the table: of the first batch that has such rows, all of them. None for a figure of all rows together.
    pub rows: Vec<u32>,
}

/// Why there are no figures.
#[derive(Debug)]
pub(super) enum Unscored {
    /// A number is not finite.
    NotFinite(NotFinite),
    /// A signal came.
    Stopped(Error),
}

impl From<NotFinite> for Unscored {
    fn from(found: NotFinite) -> Self {
        Unscored::NotFinite(found)
    }
}

impl From<Error> for Unscored {
    fn from(error: Error) -> Self {
        Unscored::Stopped(error)
    }
}

impl NotFinite {
    /// What the last pass of `plan` over `rows` has, a raw output or a loss, if it is not finite.
    pub(super) fn in_scores(model: &Model, plan: usize, table: &Table, rows: &[u32]) -> Option<NotFinite> {
        Self::in_outputs(model, plan, table, rows).or_else(|| {
            (0..model.outputs.len()).find_map(|output| {
                let what = || format!("the loss{}", named(model, output));
                Self::of_rows(what, model.rows_of_bad_loss(output, plan, rows))
            })
        })
    }

    /// What the last pass of `plan` over `rows` has in a raw output, if it is not finite; of several outputs, that with the first row.
    pub(super) fn in_outputs(model: &Model, plan: usize, table: &Table, rows: &[u32]) -> Option<NotFinite> {
        let found = (0..model.outputs.len()).filter_map(|output| {
            let what = || format!("the output{} of the network", named(model, output));
            Self::of_rows(what, model.rows_of_bad_output(output, plan, table, rows))
        });
        found.min_by_key(|found| rows.iter().position(|row| Some(row) == found.rows.first()))
    }

    /// The first of these rows, if there is one.
    pub(super) fn first(&self) -> Option<u32> {
        self.rows.first().copied()
    }

    fn of_rows(what: impl Fn() -> String, rows: Vec<u32>) -> Option<NotFinite> {
        (!rows.is_empty()).then(|| NotFinite { what: what(), rows })
    }

    /// The error of a model that a user brought: its first row is at `place`.
    pub(super) fn error(&self, place: String, model: &Model, mode: Mode, table: &Table) -> Error {
        let error = Error::model(place, format!("{} is not finite", self.what));
        let rows = &self.rows[..self.rows.len().min(1)];
        let error = match diagnose::first_bad(model, mode, table, rows, Key::new(0)) {
            Some(first) => error.found(format!("the first number that is not finite is in {first}")),
            None => error,
        };
        let again = "train the model again with a smaller train.optimizer.learning_rate";
        if rows.is_empty() || table.text().is_some() {
            return error.help(again);
        }
        error.help(format!("look for a number in this row that is far outside of what training saw; if there is none, {again}"))
    }
}

/// The name of an output in a message, where there are several.
fn named(model: &Model, output: usize) -> String {
    match model.outputs.len() {
        1 => String::new(),
        _ => format!(" {}", quote(&model.outputs[output].name)),
    }
}

//! A run that diverged: the error of it, and what it leaves on disk.
//!
//! What is not finite is found in three places: in a step (its loss, and the gradient and the weights where they are looked at), in
//! the scores after an epoch, and in the scores at the end. `model.safetensors` never holds weights that failed.

use std::fs;

use crate::checkpoint::{self, ModelFile, Row, Split};
use crate::data::Table;
use crate::error::{Code, Error, Problem, quote, shell_word};
use crate::graph::Mode;
use crate::tensor::Key;
use crate::train::closing::Part;
use crate::train::diagnose;
use crate::train::not_finite::NotFinite;
use crate::train::scores::score;
use crate::train::stepper::{EVALUATE, Stepped};
use crate::train::trainer::Trainer;

/// Rows that a message lists.
const LISTED: usize = 10;

/// What to try.
const SLOWER: &str = "a smaller train.optimizer.learning_rate, or train.clip_grad_norm = 1.0";

/// The same where the rows may be to blame.
const MEND: &str = "mend these rows, if they hold a number that is far outside of the others";

impl Trainer<'_> {
    /// The error of a step on `rows` whose loss, gradient or new weights are not finite. Of several batches whose gradients were added up
    /// the first that shows it is named.
    pub(super) fn diverged(&mut self, rows: &[u32], key: Key, stepped: Stepped) -> Error {
        let finite = stepped.loss.is_finite() && stepped.norm.is_none_or(f64::is_finite);
        let what = match (stepped.loss.is_finite(), self.model.bad_tensor()) {
            (false, _) => "the loss is not finite".to_owned(),
            (true, Some(name)) if finite => format!("the weights {} are not finite", quote(name)),
            (true, _) => "the gradient is not finite".to_owned(),
        };
        let table = &self.loaded.fitted.table;
        let batches = || rows.chunks(self.pace.batch).enumerate();
        let first = batches().find_map(|(i, rows)| {
            let first = diagnose::first_bad(&self.model, Mode::Train, table, rows, key.part(i as u64))?;
            Some((Some(first), rows))
        });
        let (first, rows) = first.unwrap_or_else(|| (None, batches().next().map_or(rows, |(_, rows)| rows)));
        let batch = format!("the batch is {} of the training data", listed(table, rows));
        self.state.norm = stepped.norm;
        self.error(what, vec![format!("loss {:?}", stepped.loss)], first, batch, SLOWER.to_owned())
    }

    /// The error of weights that fail on the rows that they are scored on after an epoch; the log says that there is no loss.
    pub(super) fn diverged_in_validation(&mut self, found: &NotFinite) -> Error {
        self.note_missing_loss(Split::Validation);
        let of_rows = !found.rows.is_empty() && self.model.preprocessing.language.is_none();
        let help = if of_rows { format!("{SLOWER}; or {MEND}") } else { SLOWER.to_owned() };
        self.diverged_in_scores(found, Part::Validation, help)
    }

    /// The error of the kept weights that fail on the rows that they are scored on at the end. They do not stay as the model.
    pub(super) fn diverged_at_the_end(&mut self, found: &NotFinite, part: Part) -> Error {
        let mut help = SLOWER.to_owned();
        if part == Part::Test {
            self.note_missing_loss(Split::Test);
            let run = shell_word(&checkpoint::place(self.directory.path()));
            help = format!(
                "{MEND}; the checkpoint has the weights: backprop train --resume --run-dir {run} scores them again. Otherwise {SLOWER}"
            );
        }
        self.best = None;
        self.discard_model();
        self.diverged_in_scores(found, part, help)
    }

    /// The error of a text to show whose logits are not finite.
    pub(super) fn diverged_in_sample(&mut self, token: usize) -> Error {
        let what = format!("the logits of token {token} of train.sample are not finite");
        let first =
            diagnose::first_bad(&self.model, Mode::Evaluate, &self.loaded.fitted.table, &[], Key::new(0));
        self.error(what, Vec::new(), first, String::new(), SLOWER.to_owned())
    }

    fn diverged_in_scores(&mut self, found: &NotFinite, part: Part, help: String) -> Error {
        let what = format!("{} is not finite in {}", found.what, part.name());
        let (table, _) = part.of(&self.loaded);
        let first = &found.rows[..found.rows.len().min(1)];
        let first = diagnose::first_bad(&self.model, Mode::Evaluate, table, first, Key::new(0));
        let rows = match &found.rows[..] {
            [] => String::new(),
            rows => {
                format!("{} of {}", listed(table, rows), part.data(&self.model.config.data, &self.loaded))
            }
        };
        self.error(what, Vec::new(), first, rows, help)
    }

    fn error(
        &mut self,
        what: String,
        mut found: Vec<String>,
        first: Option<String>,
        rows: String,
        help: String,
    ) -> Error {
        found.extend(self.state.rate.map(|rate| format!("learning rate {rate:?}")));
        found.extend(self.state.norm.map(|norm| format!("gradient norm {norm:?}")));
        let mut found = found.join(", ");
        if let Some(first) = first {
            found += &format!("; the first number that is not finite is in {first}");
        }
        if !rows.is_empty() {
            found += &format!("; {rows}");
        }
        let help = format!("{help}; {}", self.kept());
        let place = format!("step {}", self.state.step);
        Error::new(Code::Diverged, Problem::new(place, what).found(found.trim_start_matches("; ")).help(help))
    }

    /// Adds a row to the log that has no loss, because it is not finite.
    fn note_missing_loss(&mut self, split: Split) {
        let row = Row::new(self.state.step, self.state.begun(), split).number("loss", f64::NAN);
        // The error that follows is the one to report.
        let _ = self.log.append(&row).and_then(|()| self.log.sync());
    }

    /// Makes sure that the model on disk gives finite numbers, or that there is none; what is there then, for people.
    fn kept(&mut self) -> String {
        let path = checkpoint::place(&self.directory.model());
        match self.best.as_ref().map(|best| best.epoch) {
            Some(epoch) if self.save_model().is_ok() => {
                return format!("the best weights so far, of epoch {epoch}, are in {path}");
            }
            None if self.wrote_model && self.model_on_disk_is_finite() => {
                return format!("the weights of the last checkpoint are in {path}");
            }
            _ => {}
        }
        self.discard_model();
        "no model is kept".to_owned()
    }

    /// Removes the model of this run, if it wrote one.
    fn discard_model(&mut self) {
        if std::mem::take(&mut self.wrote_model) {
            // Best effort: the error that follows is the one to report.
            let _ = fs::remove_file(self.directory.model());
        }
    }

    /// Whether the model that was written with a checkpoint, before its weights were scored, gives finite numbers.
    fn model_on_disk_is_finite(&mut self) -> bool {
        let path = self.directory.model();
        let Ok(file) = ModelFile::read(&path) else { return false };
        if self.model.set_tensors(&file, &path, "").is_err() {
            return false;
        }
        let part = if self.loaded.validation().is_some() { Part::Validation } else { Part::Training };
        let (table, rows) = part.scored(&self.loaded);
        score(&mut self.model, EVALUATE, table, &rows, self.stop).is_ok()
    }
}

/// Rows of a table for people: at most [`LISTED`] of them.
fn listed(table: &Table, rows: &[u32]) -> String {
    let shown: Vec<String> = rows.iter().take(LISTED).map(|r| (r + 1).to_string()).collect();
    let more = if rows.len() > LISTED { ", …" } else { "" };
    let one = rows.len() == 1;
    let what = match table.text().is_some() {
        true if one => "the window that begins at token",
        true => "the windows that begin at tokens",
        false if one => "row",
        false => "rows",
    };
    format!("{what} {}{more}", shown.join(", "))
}

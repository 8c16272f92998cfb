//! Rows of new data through a model, block by block: one block is read while the one before it is worked on.

use std::ops::ControlFlow;

use crate::config::Config;
use crate::data::reader::BadRows;
use crate::data::source::Source;
use crate::data::{
    Encoder, Extent, Fields, FileRows, Keep, Kept, Note, Preprocessing, RowPlaces, Rows, Samples, Table, list,
};
use crate::error::{Error, Result, quote};
use crate::train::load;
use crate::train::trainer::EVALUATION_ROWS;
use crate::train::{Progress, Stop};

/// Rows of a block, unless they are very wide.
pub(super) const BLOCK_ROWS: usize = 16 * EVALUATION_ROWS;

/// Numbers that the rows of a block may hold together.
const BLOCK_NUMBERS: usize = 1 << 22;

/// Some rows: encoded, and the fields that were asked for as they stand in the input.
#[derive(Debug)]
pub(super) struct Block {
    pub table: Table,
    pub kept: Kept,
    /// Where each row stands.
    pub places: RowPlaces,
}

/// A table of new rows, opened and bound to a model's preprocessing.
pub(super) struct Blocks<'p> {
    reader: Samples,
    encoder: Encoder<'p>,
    preprocessing: &'p Preprocessing,
    with_targets: bool,
    /// Whether a row was made of the rows of a long table.
    of_series: bool,
    keep: Vec<usize>,
    limit: usize,
}

impl<'p> Blocks<'p> {
    /// Opens `source` as the model's config has it, but for `bad_rows`. `preprocessing` is that of the model. With `keep` a
    /// long table has its [`FileRows`].
    ///
    /// # Errors
    /// Those of the reader and of [`Preprocessing::bind`].
    pub(super) fn open(
        config: &Config,
        preprocessing: &'p Preprocessing,
        source: &Source,
        bad_rows: Option<BadRows>,
        with_targets: bool,
        keep: Option<Keep>,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let mut options = load::fitted_options(&config.data, preprocessing, with_targets, false);
        options.rows = keep;
        options.read.on_bad_row = bad_rows.unwrap_or(options.read.on_bad_row);
        let reader = load::open(source, &options, progress)?;
        let encoder = Encoder::new(preprocessing, reader.columns(), Rows::source(&reader), with_targets);
        let encoder = encoder.map_err(|e| match options.read.header {
            true => e,
            false => e.help(
                "the model knows columns by their positions (data.header = false): every column of the training data \
                 must stand where it stood there",
            ),
        })?;
        let missing_weight =
            preprocessing.weight.iter().find(|w| with_targets && !reader.columns().contains(w));
        if let Some(name) = missing_weight {
            progress.note(&format!("there is no weight column {}: all rows weigh 1", quote(name)));
        }
        let inputs = preprocessing.inputs();
        let stored: usize = inputs.stored.iter().map(|input| input.shape.len()).sum();
        let limit = (BLOCK_NUMBERS / (preprocessing.columns.len() + stored).max(1)).clamp(1, BLOCK_ROWS);
        let of_series = config.data.series.is_some();
        Ok(Blocks { reader, encoder, preprocessing, with_targets, of_series, keep: Vec::new(), limit })
    }

    /// What messages call the table.
    pub(super) fn source(&self) -> &str {
        Rows::source(&self.reader)
    }

    /// How long its series are, where each row holds one.
    pub(super) fn extent(&self) -> Option<Extent> {
        self.reader.extent()
    }

    /// Takes out the rows of a long table, where it was opened with columns to keep of them.
    pub(super) fn take_file_rows(&mut self) -> Option<FileRows> {
        self.reader.take_file_rows()
    }

    /// Names of its columns whose fields are texts.
    pub(super) fn texts(&self) -> Vec<String> {
        let columns = self.reader.columns().iter().enumerate();
        columns.filter(|&(at, _)| self.reader.is_text(at)).map(|(_, name)| name.clone()).collect()
    }

    /// Keeps the fields of the columns of these names, all of which are there.
    pub(super) fn keep(&mut self, names: &[String]) {
        let place = |name| self.reader.columns().iter().position(|column| column == name);
        self.keep = names.iter().filter_map(place).collect();
    }

    /// One note on the columns that are of no use, being none of those that are `kept`.
    pub(super) fn tell_extra(&self, kept: &[String], progress: &mut dyn Progress) {
        let extra = self.encoder.binding().extra.iter().filter(|name| !kept.contains(name));
        let extra: Vec<&String> = extra.collect();
        match extra.len() {
            0 => {}
            1 => progress.note(&format!("column {} is ignored: the model does not know it", list(extra))),
            n => progress.note(&format!("{n} columns are ignored: the model does not know {}", list(extra))),
        }
    }

    /// Notes on the rows, once they are read.
    pub(super) fn notes(&self) -> Vec<Note> {
        let report = self.encoder.report();
        [self.reader.notes(), report.notes(self.preprocessing, self.of_series)].concat()
    }

    /// Rows that a policy left out so far.
    pub(super) fn dropped(&self) -> u64 {
        self.encoder.report().dropped
    }

    /// Gives every block to `work`, in order, until it has enough (`Break`). There is at least one block; only the last
    /// may be shorter than the others, or empty.
    ///
    /// # Errors
    /// The first in the order of the rows: all blocks before it have been worked on. Being asked to stop.
    pub(super) fn each(
        &mut self,
        stop: &Stop,
        doing: &str,
        mut work: impl FnMut(&Block) -> Result<ControlFlow<()>> + Send,
    ) -> Result<ControlFlow<()>> {
        let width = if self.with_targets { self.preprocessing.targets.width() } else { 0 };
        let inputs = self.preprocessing.inputs();
        let empty = || Block {
            table: Table::empty(&inputs, width),
            kept: Kept::new(self.keep.clone()),
            places: RowPlaces::default(),
        };
        let (mut ready, mut next) = (empty(), empty());
        let mut read = |block: &mut Block| -> Result<bool> {
            stop.check(doing)?;
            let Block { kept, places, .. } = block;
            kept.clear();
            places.clear();
            let mut keep = |row: &dyn Fields| {
                kept.push(row);
                places.push(row);
                Ok(())
            };
            let rows = self.encoder.fill(&mut self.reader, &mut block.table, self.limit, &mut keep)?;
            Ok(rows == self.limit)
        };
        let mut more = read(&mut ready)?;
        loop {
            if !more {
                return work(&ready);
            }
            let (following, done) = rayon::join(|| read(&mut next), || work(&ready));
            if done?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            more = following?;
            std::mem::swap(&mut ready, &mut next);
        }
    }
}

/// The table has no row to score.
pub(super) fn no_rows(source: &str, dropped: u64) -> Error {
    let error = Error::data(source, "0 rows").expected("a header and at least one row");
    match dropped {
        0 => error,
        n => error.found(format!("{n} with missing values, all left out")),
    }
}

//! Predictions for the rows of a table, in their order and in bounded memory.
//!
//! **CSV**: a header, then a line a row. First the kept columns; then `prediction`, or `prediction_NAME` for each of
//! several targets; then, where probabilities are wanted, `probability_CLASS` for each class or `probability_NAME` for each
//! label; quantile losses give `quantile_Q` for each quantile instead, and the one nearest to the median as the prediction.
//! A network of several outputs has `probability_NAME_CLASS` and `quantile_NAME_Q`, output after output.
//!
//! **JSON lines**: an object a row. Kept columns are strings; `prediction` is a class, a number or, of several targets, an
//! object by their names; `probabilities` and `quantiles` are objects, of several outputs objects by the names of targets.
//!
//! **Steps**: the labels of a text's tokens stand in one field, with blanks between them, and in a list in JSON. Of a long
//! table (`[data.series]`) there is a line for each series; but where its steps have labels, a line for each row of the
//! table, in the order of the file: its columns, the label of this step, and once more what other outputs say of its whole
//! series. Of a series that is longer than `data.series.length` only the last steps have labels; those before them have an
//! empty field, `null` in JSON, and a note counts them.
//!
//! Fields of the input are written as they stand there, without their quotes and the blanks around them, and quoted where
//! CSV needs it. Probabilities, and numbers of targets that are not standardised, are the shortest that give the same 32
//! bits again. A number of a standardised target has as many decimals as the network can tell apart: seven significant
//! digits of the target's standard deviation, less trailing zeros.

use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;

use crate::checkpoint::io_error;
use crate::data::reader::BadRows;
use crate::data::source::Source;
use crate::data::{closest, list};
use crate::error::{Error, Result, quote};
use crate::graph::Mode;
use crate::tensor::Key;
use crate::train::answer::{Answer, Predicted};
use crate::train::blocks::{Block, Blocks};
use crate::train::in_order::InOrder;
use crate::train::not_finite::NotFinite;
use crate::train::run::in_pool;
use crate::train::trainer::EVALUATION_ROWS;
use crate::train::writer::Writer;
use crate::train::{Keep, Model, Progress, Stop, load};

/// How predictions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A header and a line a row.
    #[default]
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// What is written, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PredictOptions {
    /// How rows are written.
    pub format: Format,
    /// Whether the probability of every class is written.
    pub proba: bool,
    /// Columns of the input.
    pub keep: Keep,
    /// What a bad row does; as in training if not given.
    pub on_bad_row: Option<BadRows>,
}

/// Predicts every row of `data` with the model at `model` and writes the predictions to `out`.
///
/// A table without rows gives a header alone. A reader of `out` that went away ends the work without an error.
///
/// # Errors
/// Those of [`Model::load`]; [`Code::Usage`](crate::error::Code::Usage) for probabilities of what has none and columns to
/// keep that are not there; [`Code::Model`](crate::error::Code::Model) for missing columns;
/// [`Code::Data`](crate::error::Code::Data) for rows that do not fit;
/// [`Code::Environment`](crate::error::Code::Environment) where `out` cannot be written;
/// [`Code::Interrupted`](crate::error::Code::Interrupted). All rows before the block with the defect are written,
/// and those of the block where a number is not finite.
pub fn predict(
    model: &Path,
    data: &Source,
    options: &PredictOptions,
    threads: Option<usize>,
    out: &mut (dyn Write + Send),
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<()> {
    in_pool(threads, || {
        let mut model = Model::load(model, Mode::Predict, Some(EVALUATION_ROWS))?;
        if model.preprocessing.language.is_some() {
            return Err(Error::usage("MODEL", "this is a language model: it has no rows to predict").help(
                "backprop generate MODEL --prompt TEXT writes a text, backprop eval MODEL TEXT_FILE scores one",
            ));
        }
        let answer = Answer::new(&model, options.proba)?;
        let preprocessing = model.for_new_rows();
        let config = model.config.clone();
        // The labels of the steps of a long table stand beside its rows.
        let of_rows = config.data.series.is_some() && model.outputs.iter().any(|o| o.head.has_steps());
        let keep = of_rows.then(|| options.keep.clone());
        let mut blocks =
            Blocks::open(&config, &preprocessing, data, options.on_bad_row, false, keep, progress)?;
        if let Some(extent) = blocks.extent() {
            model = model.covering(&extent, Mode::Predict, EVALUATION_ROWS)?;
        }
        let file_rows = blocks.take_file_rows();
        let kept = match &file_rows {
            Some(rows) => kept_columns(&options.keep, &rows.columns)?,
            None => kept_columns(&options.keep, &blocks.texts())?,
        };
        match (&config.data.series, &file_rows) {
            // The id says which series a row of a block is.
            (Some(series), Some(_)) => blocks.keep(std::slice::from_ref(&series.id)),
            _ => blocks.keep(&kept),
        }
        blocks.tell_extra(&kept, progress);
        let mut writer = Writer::new(answer, kept, options.format, file_rows.map(InOrder::new))?;
        let mut predicted = Vec::new();
        let end = blocks.each(stop, "predict", |block| {
            model.cover_texts(block.table.longest_text(), Mode::Predict)?;
            let bad = predict_block(&mut model, block, &mut predicted);
            let row = bad.as_ref().and_then(NotFinite::first);
            let rows = row.map_or(block.table.len(), |row| row as usize);
            let sent = send(out, writer.write(block, rows, &predicted)?)?;
            match bad {
                Some(bad) if sent.is_continue() => {
                    Err(bad.error(block.places.of(rows), &model, Mode::Predict, &block.table))
                }
                _ => Ok(sent),
            }
        })?;
        if end.is_continue() && send(out, writer.finish())?.is_continue() {
            load::tell(&blocks.notes(), progress);
        }
        Ok(())
    })
}

/// What each output says of all rows of a block, or of those before the first for which a number is not finite.
fn predict_block(model: &mut Model, block: &Block, predicted: &mut Vec<Predicted>) -> Option<NotFinite> {
    predicted.resize(model.outputs.len(), Predicted::default());
    for own in &mut *predicted {
        own.numbers.clear();
        own.ends.clear();
    }
    let rows: Vec<u32> = (0..block.table.len() as u32).collect();
    let mut batch = Vec::new();
    for rows in rows.chunks(model.machine.plan(0).max_rows) {
        model.fill_inputs(0, &block.table, rows, None);
        model.run(0, rows.len(), Key::new(0), false);
        let mut bad = NotFinite::in_outputs(model, 0, &block.table, rows);
        for (output, own) in predicted.iter_mut().enumerate() {
            model.predictions(output, 0, rows.len(), &mut batch);
            let head = &model.outputs[output].head;
            let (of_steps, width) = (head.has_steps(), head.predicted_width());
            for (numbers, &row) in batch.chunks_exact(batch.len() / rows.len()).zip(rows) {
                let there = if of_steps { model.steps_of(&block.table, row) * width } else { numbers.len() };
                let numbers = &numbers[..there];
                // The rate of a finite logarithm may be infinite.
                if !numbers.iter().all(|x| x.is_finite()) && bad.iter().all(|bad| bad.first() > Some(row)) {
                    bad = Some(NotFinite { what: "the prediction".into(), rows: vec![row] });
                }
                own.numbers.extend_from_slice(numbers);
                own.ends.push(own.numbers.len());
            }
        }
        if bad.is_some() {
            return bad;
        }
    }
    None
}

/// Writes and flushes `bytes`; `Break` if nobody reads them.
fn send(out: &mut (dyn Write + Send), bytes: &[u8]) -> Result<ControlFlow<()>> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(e) => Err(io_error(Path::new("the output"), "cannot write", &e)),
    }
}

/// The columns to keep, of these.
fn kept_columns(keep: &Keep, columns: &[String]) -> Result<Vec<String>> {
    let names = match keep {
        Keep::None => return Ok(Vec::new()),
        Keep::All => return Ok(columns.to_vec()),
        Keep::Columns(names) => names,
    };
    for (i, name) in names.iter().enumerate() {
        if !columns.contains(name) {
            let error = Error::usage("--keep", format!("there is no column {}", quote(name)));
            let error = error.expected(format!("one of {}, or all", list(columns)));
            return Err(match closest(name, columns) {
                Some(close) => error.help(format!("did you mean {}?", quote(close))),
                None => error,
            });
        }
        if names[..i].contains(name) {
            return Err(Error::usage("--keep", format!("the column {} is named twice", quote(name))));
        }
    }
    Ok(names.clone())
}

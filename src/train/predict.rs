//! Predictions for the rows of a table, in their order and in bounded memory.
//!
//! **CSV**: a header, then a line a row. First the kept columns; then `prediction`, or `prediction_NAME` for each of
//! several targets; then, where probabilities are wanted, `probability_CLASS` for each class or `probability_NAME` for each
//! label; quantile losses give `quantile_Q` for each quantile instead, and the one nearest to the median as the prediction.
//! A network of several outputs has `probability_NAME_CLASS` and `quantile_NAME_Q`, output after output.
//!
//! **JSON lines**: an object a row. Kept columns are strings; `prediction` is a class, a number or, of several targets, an
//! object by their names; `probabilities` and `quantiles` are objects, of several outputs objects by the names of targets. A
//! number that is not finite is `null`.
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
use crate::train::answer::{Answer, Predicted, Writer};
use crate::train::blocks::{Block, Blocks};
use crate::train::run::in_pool;
use crate::train::trainer::EVALUATION_ROWS;
use crate::train::{Model, Progress, Stop};

/// How predictions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A header and a line a row.
    #[default]
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// Columns of the input that are written before the predictions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None.
    #[default]
    None,
    /// All, in their order.
    All,
    /// These, in this order.
    Columns(Vec<String>),
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
/// [`Code::Interrupted`](crate::error::Code::Interrupted). All rows before the block with the defect are written.
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
        let mut blocks =
            Blocks::open(&model.config, &preprocessing, data, options.on_bad_row, false, progress)?;
        if let Some(extent) = blocks.extent() {
            model = model.covering(&extent, Mode::Predict, EVALUATION_ROWS)?;
        }
        let keep = kept_columns(&options.keep, &blocks)?;
        let names: Vec<String> = keep.iter().map(|&c| blocks.columns()[c].clone()).collect();
        let mut writer = Writer::new(answer, names, options.format)?;
        blocks.keep(keep);
        blocks.tell_extra(progress);
        let mut predicted = Vec::new();
        let mut broken = 0;
        let end = blocks.each(stop, "predict", |block| {
            model.cover_texts(block.table.longest_text(), Mode::Predict)?;
            predict_block(&mut model, block, &mut predicted);
            broken += broken_rows(&predicted, block.table.len());
            send(out, writer.write(block, &predicted)?)
        })?;
        if end.is_continue() {
            blocks.tell(progress);
            if broken > 0 {
                let why = "those rows hold numbers far outside of what training saw";
                progress.warning(&format!("predictions that are not finite: {broken}; {why}"));
            }
        }
        Ok(())
    })
}

/// How many of `rows` rows have a prediction that is not finite.
fn broken_rows(predicted: &[Predicted], rows: usize) -> usize {
    let broken = |&row: &usize| predicted.iter().any(|own| own.row(row).iter().any(|x| !x.is_finite()));
    (0..rows).filter(broken).count()
}

/// What each output says of all rows of a block.
fn predict_block(model: &mut Model, block: &Block, predicted: &mut Vec<Predicted>) {
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
        for (output, own) in predicted.iter_mut().enumerate() {
            model.predictions(output, 0, rows.len(), &mut batch);
            let head = &model.outputs[output].head;
            let (of_steps, width) = (head.has_steps(), head.predicted_width());
            for (numbers, &row) in batch.chunks_exact(batch.len() / rows.len()).zip(rows) {
                let there = if of_steps { model.steps_of(&block.table, row) * width } else { numbers.len() };
                own.numbers.extend_from_slice(&numbers[..there]);
                own.ends.push(own.numbers.len());
            }
        }
    }
}

/// Writes and flushes `bytes`; `Break` if nobody reads them.
fn send(out: &mut (dyn Write + Send), bytes: &[u8]) -> Result<ControlFlow<()>> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(e) => Err(io_error(Path::new("the output"), "cannot write", &e)),
    }
}

/// Positions of the columns to keep.
fn kept_columns(keep: &Keep, blocks: &Blocks<'_>) -> Result<Vec<usize>> {
    let (columns, texts) = (blocks.columns(), blocks.texts());
    let names = match keep {
        Keep::None => return Ok(Vec::new()),
        Keep::All => return Ok(texts),
        Keep::Columns(names) => names,
    };
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let Some(&at) = texts.iter().find(|&&at| columns[at] == *name) else {
            let known: Vec<String> = texts.iter().map(|&at| columns[at].clone()).collect();
            let error = Error::usage("--keep", format!("there is no column {}", quote(name)));
            let error = error.expected(format!("one of {}, or all", list(&known)));
            return Err(match closest(name, &known) {
                Some(close) => error.help(format!("did you mean {}?", quote(close))),
                None => error,
            });
        };
        if found.contains(&at) {
            return Err(Error::usage("--keep", format!("the column {} is named twice", quote(name))));
        }
        found.push(at);
    }
    Ok(found)
}

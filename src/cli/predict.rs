//! `backprop predict`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::Global;
use super::data_args::DataArgs;
use super::output::{self, Results};
use super::progress::Reporter;
use super::signals::Signals;
use super::work;
use crate::error::Result;

const EXAMPLES: &str = "\
Examples:
  backprop predict runs/iris-1 new.csv --output predictions.csv
  cat new.csv | backprop predict runs/iris-1 --proba --keep id > predictions.csv";

/// Predict the target of every row of a table, in bounded memory
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PredictArgs {
    /// Run directory, or one .safetensors file
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// File for the predictions; it appears whole, at the end [default: standard output, also -]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How rows are written: CSV with a header, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: PredictFormat,
    /// Add the probability of each class
    #[arg(long)]
    proba: bool,
    /// Columns of the input to write beside the predictions: names separated by commas, or all [default:
    /// none]
    #[arg(long, value_name = "COL,COL|all", value_delimiter = ',')]
    keep: Vec<String>,
}

/// How predictions are written: a header and one line a row, or one JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PredictFormat {
    Csv,
    Jsonl,
}

/// Writes one prediction for each row.
pub(super) fn run(args: &PredictArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let source = args.data.source("predict", &reporter)?;
    let mut out = match &args.output {
        Some(path) => {
            let mut inputs = output::paths(&source);
            inputs.push(&args.model);
            Results::file(path, &inputs)?
        }
        None => Results::standard_output(),
    };
    args.data.start_threads()?;
    let signals = Signals::catch(out.unfinished(), global.error_format)?;
    let how = work::HowToPredict { format: args.format, proba: args.proba, keep: &args.keep };
    let read = args.data.read_options();
    let done = work::predict(&args.model, &source, &read, &how, &mut out, &mut reporter, &signals.stop);
    out.finish(done)
}

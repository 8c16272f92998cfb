//! `backprop predict`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::Global;
use super::data_args::DataArgs;
use super::output::{self, Results};
use super::progress::Reporter;
use super::signals::{STOPPED, Signals};
use crate::error::Result;
use crate::train::{self, Format, Keep, PredictOptions};

const EXAMPLES: &str = "\
Each row of the table gets a line, in their order; rows that are left out (drop_row, --on-bad-row
skip) get none, and a note counts them: --keep tells which row a line is of. Of a long table
([data.series]) each series gets one, or each row where its steps have labels; what is said of the
whole series is then repeated.

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
    /// Columns of the input to write before the predictions: names separated by commas, or all [default:
    /// none]
    #[arg(long, value_name = "COL,COL|all", value_delimiter = ',')]
    keep: Vec<String>,
}

/// How predictions are written: a header and one line a row, or one JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PredictFormat {
    Csv,
    Jsonl,
}

impl From<PredictFormat> for Format {
    fn from(format: PredictFormat) -> Self {
        match format {
            PredictFormat::Csv => Format::Csv,
            PredictFormat::Jsonl => Format::Jsonl,
        }
    }
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
    let signals = Signals::catch(out.unfinished(), STOPPED, global.error_format)?;
    let options = PredictOptions {
        format: args.format.into(),
        proba: args.proba,
        keep: keep(&args.keep),
        on_bad_row: args.data.on_bad_row(),
    };
    let threads = args.data.threads();
    let done =
        train::predict(&args.model, &source, &options, threads, &mut out, &mut reporter, &signals.stop);
    out.finish(done)
}

fn keep(columns: &[String]) -> Keep {
    match columns {
        [] => Keep::None,
        [all] if all == "all" => Keep::All,
        names => Keep::Columns(names.to_vec()),
    }
}

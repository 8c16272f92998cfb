//! `backprop eval`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::Global;
use super::data_args::DataArgs;
use super::output;
use super::progress::Reporter;
use super::signals::{STOPPED, Signals};
use crate::error::Result;
use crate::train::{self, EvalOptions};

const EXAMPLES: &str = "\
Examples:
  backprop eval runs/iris-1 test.csv
  backprop eval runs/novel-1 another.txt
  zcat test.csv.gz | backprop eval iris.safetensors --format json | jq .accuracy";

/// Score a model on a table that has the target column, a language model on a text
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvalArgs {
    /// Run directory, or one .safetensors file
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// How the metrics are printed: tables with the confusion matrix, or one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: EvalFormat,
}

/// How figures are printed: as tables for people, or as one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EvalFormat {
    Text,
    Json,
}

/// Prints the figures of a model.
pub(super) fn run(args: &EvalArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let source = args.data.source("eval", &reporter)?;
    let signals = Signals::catch(None, STOPPED, global.error_format)?;
    let options = EvalOptions { on_bad_row: args.data.on_bad_row() };
    let threads = args.data.threads();
    let figures = train::evaluate(&args.model, &source, &options, threads, &mut reporter, &signals.stop)?;
    match args.format {
        EvalFormat::Text => output::print(&format!("{}\n", figures.to_text().trim_end())),
        EvalFormat::Json => output::print(&format!("{}\n", figures.to_json())),
    }
}

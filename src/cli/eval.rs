//! `backprop eval`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::data_args::DataArgs;
use super::progress::Reporter;
use super::{output, signals, work};
use crate::error::Result;

const EXAMPLES: &str = "\
Examples:
  backprop eval runs/iris-1 test.csv
  zcat test.csv.gz | backprop eval iris.safetensors --format json | jq .accuracy";

/// Score a model on a table that has the target column
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvalArgs {
    /// Run directory, or one .safetensors file
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// How the figures are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: EvalFormat,
}

/// How figures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EvalFormat {
    /// Tables for people: figures, confusion matrix, figures of each class.
    Text,
    /// One JSON object.
    Json,
}

/// Prints the figures of a model.
pub(super) fn run(args: &EvalArgs, quiet: bool) -> Result<()> {
    let mut reporter = Reporter::new(quiet);
    let source = args.data.source("eval", &reporter)?;
    args.data.start_threads()?;
    let stop = signals::catch()?;
    let json = args.format == EvalFormat::Json;
    let figures = work::evaluate(&args.model, &source, &args.data.read_options(), json, &mut reporter, stop)?;
    drop(reporter);
    output::print(&format!("{}\n", figures.trim_end()))
}

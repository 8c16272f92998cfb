//! `backprop check`

use clap::Args;

use super::args::Global;
use super::config_args::ConfigArgs;
use super::output;
use super::progress::Reporter;
use crate::error::Result;
use crate::train;

const NOTES: &str = "\
Takes what train takes. Prints columns, layers with their shapes, parameters and memory.

Examples:
  backprop check iris.toml
  backprop check --data iris.csv --target species";

/// Check config, data and shapes before any training, and print what it would take
#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Prints what training would do.
pub(super) fn run(args: &CheckArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::without_summary(global.quiet);
    let text = train::check(&args.config.read()?, &mut reporter)?;
    output::print(&format!("{}\n", text.trim_end()))
}

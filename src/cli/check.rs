//! `backprop check`

use clap::Args;

use super::args::Global;
use super::config_args::ConfigArgs;
use super::output;
use super::progress::Reporter;
use crate::error::Result;
use crate::train;

const NOTES: &str = "\
Takes what train takes. Prints columns, then layer by layer the shape of a row of its output (images are height x \
width x channels, series steps x channels), its parameters and the multiply-adds of a forward pass for one row; then memory.

Examples:
  backprop check iris.toml
  backprop check --data iris.csv --target species
  backprop check iris.toml --dot | dot -Tsvg > iris.svg";

/// Check config, data and shapes before any training, and print what it would take
#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the network as a graph in Graphviz's language instead
    #[arg(long)]
    dot: bool,
}

/// Prints what training would do.
pub(super) fn run(args: &CheckArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::without_summary(global.quiet);
    let config = args.config.read()?;
    if args.dot {
        return output::print(&train::dot(&config, &mut reporter)?);
    }
    let text = train::check(&config, &mut reporter)?;
    output::print(&format!("{}\n", text.trim_end()))
}

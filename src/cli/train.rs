//! `backprop train`

use std::path::PathBuf;

use clap::Args;

use super::config_args::ConfigArgs;
use super::progress::Reporter;
use super::{output, signals, text, work};
use crate::checkpoint::Existing;
use crate::error::Result;

const EXAMPLES: &str = "\
Examples:
  backprop train --data iris.csv --target species
  backprop train iris.toml --run-dir runs/try --set train.epochs=50 --set 'train.optimizer={type=\"sgd\"}'
  backprop train --resume --run-dir runs/try";

/// Train a network on a table and write a run directory
///
/// The table of figures at the end goes to standard output, progress to standard error. Defaults < config file <
/// --set < named flags.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Where the files of the run go [default: runs/NAME-N, NAME from the config or the data]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Go on with the run in --run-dir, exactly as if it had not been stopped
    #[arg(long, requires = "run_dir", conflicts_with_all = ["config", "data", "target", "force", "on_bad_row"])]
    resume: bool,
    /// Replace the run that --run-dir holds
    #[arg(long, requires = "run_dir")]
    force: bool,
}

/// Trains, then prints the closing table and what to do next.
pub(super) fn run(args: TrainArgs, quiet: bool) -> Result<()> {
    let stop = signals::catch()?;
    let mut reporter = Reporter::new(quiet);
    let end = match (args.resume, args.run_dir) {
        (true, Some(directory)) => work::resume(&directory, &args.config.settings(), &mut reporter, stop)?,
        (_, run_dir) => {
            let config = args.config.read()?;
            let name = args.config.name(&config);
            let existing = if args.force { Existing::Replace } else { Existing::Refuse };
            work::train(config, run_dir, name, existing, &mut reporter, stop)?
        }
    };
    if !quiet {
        output::print(&format!("{}\n", end.table.trim_end()))?;
        reporter.say(text::finished(&end).trim_end());
    }
    Ok(())
}

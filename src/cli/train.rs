//! `backprop train`

use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::config_args::ConfigArgs;
use super::progress::Reporter;
use super::signals::Signals;
use super::{output, text};
use crate::checkpoint::Existing;
use crate::error::Result;
use crate::train::{self, Job};

const NOTES: &str = "\
Defaults < config file < --set < named flags. The closing table goes to standard output, progress to \
standard error: a moving line on a terminal, a line an epoch elsewhere. SIGINT and SIGTERM save a checkpoint.

Examples:
  backprop train --data iris.csv --target species
  backprop train --text novel.txt
  backprop train iris.toml --run-dir runs/try --set train.epochs=50 --set train.optimizer=sgd
  backprop train --resume --run-dir runs/try";

/// Train a network on a table or a text and write a run directory
#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Where the files of the run go [default: runs/NAME-N, NAME from the config or the data]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Go on with the run in --run-dir, exactly as if it had not been stopped
    #[arg(long, requires = "run_dir", conflicts_with_all = ["config", "data", "target", "text", "force", "on_bad_row"])]
    resume: bool,
    /// Replace the run that --run-dir holds
    #[arg(long, requires = "run_dir")]
    force: bool,
}

/// Trains, then prints the closing table and what to do next.
pub(super) fn run(args: TrainArgs, global: &Global) -> Result<()> {
    let signals = Signals::catch(None, "stopped by a signal before training began", global.error_format)?;
    let mut reporter = Reporter::new(global.quiet);
    reporter.set_when_started(&signals.saves);
    let end = match (args.resume, args.run_dir) {
        (true, Some(directory)) => {
            train::resume(&directory, &args.config.settings(), &mut reporter, &signals.stop)?
        }
        (_, run_dir) => {
            let config = args.config.read()?;
            let name = args.config.name(&config);
            let existing = if args.force { Existing::Replace } else { Existing::Refuse };
            train::train(Job { config, run_dir, name, existing }, &mut reporter, &signals.stop)?
        }
    };
    output::print(&format!("{}\n{}\n", text::part(&end), end.table.trim_end()))?;
    reporter.say(text::finished(&end).trim_end());
    Ok(())
}

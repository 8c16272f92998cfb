//! The commands and the options that all of them take.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand};

use super::failure::ErrorFormat;
use super::{check, completions, eval, generate, init, man, predict, train};

const EXAMPLES: &str = "\
Examples:
  backprop train --data iris.csv --target species     train on a table, everything else inferred
  backprop eval runs/iris-1 test.csv                  how good is the model on these rows?
  cat new.csv | backprop predict runs/iris-1 > out.csv

  backprop train --text novel.txt                     a language model, and text from it
  backprop generate runs/novel-1 --prompt \"The \"

  backprop init iris.csv --target species > iris.toml write a config to change
  backprop train iris.toml --set train.epochs=50      train as the config says

Exit codes:
  0 done   2 command line or config   3 data   4 model file   5 environment (disk, memory, lock)
  6 training diverged   130, 143 stopped by a signal";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Train, evaluate and run neural networks on tables, images, signals and text
#[derive(Debug, Parser)]
#[command(
    name = "backprop",
    version,
    styles = STYLES,
    max_term_width = 100,
    after_help = EXAMPLES,
    subcommand_required = true,
    disable_version_flag = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Print nothing but results and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// How an error is printed on standard error: a block of text, or one JSON object on one line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(super) error_format: ErrorFormat,
}

/// One variant a command.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Generate(generate::GenerateArgs),
    Init(init::InitArgs),
    Check(check::CheckArgs),
    /// Print every key of a config: values, default and meaning, as Markdown
    ConfigReference,
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

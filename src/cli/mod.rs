//! The command line: one file a subcommand; the only place that prints or exits.
//!
//! Results go to standard output (`output`), everything else to standard error: what a run tells (`progress`, in the
//! words of `text`) and what went wrong (`failure`).

mod args;
mod check;
mod completions;
mod config_args;
mod config_reference;
mod data_args;
mod eval;
mod failure;
mod generate;
mod init;
mod man;
mod output;
mod predict;
mod progress;
mod signals;
mod text;
mod train;
mod values;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command, Global};
use self::failure::ErrorFormat;
use crate::error::Result;

/// Runs the command that the process's arguments name; the exit code is that of
/// [`Code::exit`](crate::error::Code::exit), and 101 after a defect of the program.
pub fn main() -> ExitCode {
    failure::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return failure::of_arguments(&e, ErrorFormat::of_process()),
    };
    let format = cli.global.error_format;
    match run(cli.command, &cli.global) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::print(&error, format),
    }
}

fn run(command: Command, global: &Global) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, global),
        Command::Eval(args) => eval::run(&args, global),
        Command::Predict(args) => predict::run(&args, global),
        Command::Generate(args) => generate::run(&args, global),
        Command::Init(args) => init::run(&args, global),
        Command::Check(args) => check::run(&args, global),
        Command::ConfigReference => config_reference::run(),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

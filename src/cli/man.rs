//! `backprop man`

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;
use super::output;
use crate::error::{Error, Result, quote};

const EXAMPLES: &str = "\
Examples:
  backprop man | man -l -
  backprop man train > ~/.local/share/man/man1/backprop-train.1";

/// Print a manual page
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// Command that the page is about [default: backprop as a whole]
    command: Option<String>,
}

/// Prints the page as roff.
pub(super) fn run(args: &ManArgs) -> Result<()> {
    let mut all = Cli::command();
    // Gives every command its full name and the global options.
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => {
            let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let unknown = || Error::usage(quote(name), "no such command").expected(names.join(", "));
            all.find_subcommand(name).cloned().ok_or_else(unknown)?
        }
    };
    let mut roff = Vec::new();
    let rendered = Man::new(page).render(&mut roff);
    rendered.map_err(|e| Error::environment("the manual page", e.to_string()))?;
    output::print(&String::from_utf8_lossy(&roff))
}

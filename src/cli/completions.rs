//! `backprop completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::args::Cli;
use super::output;
use crate::error::Result;

const EXAMPLES: &str = "\
Examples:
  backprop completions bash > ~/.local/share/bash-completion/completions/backprop
  backprop completions zsh > ~/.zfunc/_backprop
  backprop completions fish > ~/.config/fish/completions/backprop.fish";

/// Print a script that completes commands and flags in a shell
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "backprop", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

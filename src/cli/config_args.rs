//! The config that `train` and `check` work on: a file, `--set`, named flags, in this order.

use std::path::{Path, PathBuf};

use clap::Args;

use super::data_args::BadRow;
use super::values::threads;
use crate::config::{self, Config};
use crate::data::source::Source;
use crate::data::{Rows as _, SampleOptions, Samples};
use crate::error::{Error, Result, quote};
use crate::spec::{Setting, SourceText, Value};

/// Names of columns that an error lists.
const LISTED: usize = 20;

/// Where a config comes from.
#[derive(Clone, Debug, Args)]
pub(super) struct ConfigArgs {
    /// Config file, TOML or JSON; without one, --data and --target are needed, or --text, and all else is
    /// inferred
    pub(super) config: Option<PathBuf>,
    /// Table to train on: a path, a glob in quotes, or - for standard input; may be repeated. Overrides
    /// data.train
    #[arg(long, value_name = "FILE")]
    data: Vec<String>,
    /// Column to predict; may be repeated. Overrides data.target
    #[arg(long, value_name = "COL")]
    target: Vec<String>,
    /// Text to train a language model on, in place of a table: a path, a glob in quotes, or -; may be repeated.
    /// Overrides data.text
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "target", "on_bad_row"])]
    text: Vec<String>,
    /// Set any key of the config, e.g. --set train.epochs=50; may be repeated. Named flags override it
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What a row with too few or too many fields does: skip leaves out up to 1 % of the rows, and counts
    /// them. Overrides data.on_bad_row [default: error]
    #[arg(long, value_name = "ACTION")]
    on_bad_row: Option<BadRow>,
    /// Threads to compute with; the result does not depend on it. Overrides threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(super) threads: Option<u16>,
}

impl ConfigArgs {
    /// Reads and checks the config.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) with every mistake of the config.
    pub(super) fn read(&self) -> Result<Config> {
        let settings = self.settings();
        match &self.config {
            Some(path) if is_table(path) => Err(table_as_config(path)),
            Some(path) => Config::parse(&SourceText::read(path)?, &settings, config::registries()),
            None => {
                self.check_alone()?;
                Config::from_flags(&settings, config::registries())
            }
        }
    }

    /// `--set` in the order of the command line, then the named flags.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let mut settings: Vec<Setting> = self.set.iter().map(|text| Setting::parse(text)).collect();
        let mut flag = |flag, key, value| settings.push(Setting::flag(flag, key, value));
        if !self.data.is_empty() {
            flag("--data", "data.train", one_or_list(&self.data));
        }
        if !self.target.is_empty() {
            flag("--target", "data.target", one_or_list(&self.target));
        }
        if !self.text.is_empty() {
            flag("--text", "data.text", one_or_list(&self.text));
        }
        if let Some(action) = self.on_bad_row {
            flag("--on-bad-row", "data.on_bad_row", Value::Str(action.name().into()));
        }
        if let Some(threads) = self.threads {
            flag("--threads", "threads", Value::Int(threads.into()));
        }
        settings
    }

    /// What a run directory is called after: the config, or else the data.
    pub(super) fn name(&self, config: &Config) -> String {
        let file = match (&self.config, config.data.train.first()) {
            (Some(config), _) => config.clone(),
            (None, Some(data)) if data != "-" => PathBuf::from(data),
            _ => return "run".into(),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // All endings go: `iris.csv.gz` is called `iris`.
        let stem = name.trim_start_matches('.').split('.').next().unwrap_or_default();
        if stem.is_empty() { "run".into() } else { stem.into() }
    }

    /// Without a config file, data and target must be given, here or with `--set`.
    fn check_alone(&self) -> Result<()> {
        let is_set = |key: &str| {
            self.set.iter().any(|text| text.split('=').next().is_some_and(|name| name.trim() == key))
        };
        let (data, target) =
            (!self.data.is_empty() || is_set("data.train"), !self.target.is_empty() || is_set("data.target"));
        if !self.text.is_empty() || is_set("data.text") {
            return Ok(());
        }
        match (data, target) {
            (true, true) => Ok(()),
            (false, _) => Err(Error::usage("CONFIG", "no config and no data is named")
                .expected("CONFIG, or --data FILE and --target COL, or --text FILE")
                .help("backprop init DATA --target COL prints a config for a table, backprop init --text FILE one for a text")),
            (true, false) => {
                let error = Error::usage("--target", "missing").expected("the column to predict");
                Err(match self.columns() {
                    Some(columns) => error.help(format!("the columns are {columns}")),
                    None => error,
                })
            }
        }
    }

    /// The columns of the table, if it can be opened and read again.
    fn columns(&self) -> Option<String> {
        let source = Source::parse(&self.data, Path::new("")).ok().filter(Source::is_rereadable)?;
        let reader = Samples::open(&source, &SampleOptions::default()).ok()?;
        let names = reader.columns();
        let listed: Vec<String> = names.iter().take(LISTED).map(|name| quote(name)).collect();
        let more = names.len().saturating_sub(LISTED);
        Some(listed.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() })
    }
}

fn one_or_list(texts: &[String]) -> Value {
    match texts {
        [one] => Value::Str(one.clone()),
        many => Value::List(many.iter().cloned().map(Value::Str).collect()),
    }
}

/// Whether a name says that the file is data.
fn is_table(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ["csv", "tsv", "gz", "zst"].contains(&&*ending)
}

fn table_as_config(path: &Path) -> Error {
    let place = crate::checkpoint::place(path);
    Error::usage(&*place, "this is a table, not a config")
        .help(format!("without a config: backprop train --data {place} --target COL"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn args(words: &[&str]) -> ConfigArgs {
        let words = ["backprop", "train"].iter().chain(words);
        match Cli::try_parse_from(words).map(|cli| cli.command) {
            Ok(Command::Train(args)) => args.config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_override_settings() {
        let config = args(&[
            "--set",
            "data.target=a",
            "--target",
            "b",
            "--target",
            "c",
            "--data",
            "x.csv",
            "--threads",
            "3",
            "--on-bad-row",
            "skip",
            "--set",
            "threads=2",
        ]);
        let config = config.read().unwrap();
        assert_eq!(config.data.target, ["b", "c"]);
        assert_eq!((config.data.train, config.threads), (vec!["x.csv".to_owned()], Some(3)));
        assert!(config.data.skip_bad_rows);
    }

    #[test]
    fn a_run_is_named_after_the_config_or_the_data() {
        let name = |words: &[&str]| {
            let args = args(words);
            let config = Config::from_flags(&args.settings(), config::registries()).unwrap();
            args.name(&config)
        };
        assert_eq!(name(&["--data", "a/iris.csv.gz", "--target", "y"]), "iris");
        assert_eq!(name(&["--data", "-", "--target", "y"]), "run");
        assert_eq!(name(&["configs/mine.toml", "--data", "a.csv", "--target", "y"]), "mine");
    }
}

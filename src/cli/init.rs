//! `backprop init`

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::Global;
use super::data_args::{BadRow, named};
use super::output;
use super::progress::Reporter;
use crate::config::{ColumnNote, Template, TextTemplate};
use crate::data::reader::ReadOptions;
use crate::data::source::Source;
use crate::data::{
    DataOptions, ImageColumns, MemoryRows, RawTable, Role, RowBuffer, SampleOptions, Samples, Schema,
    TextFacts,
};
use crate::error::{Result, counted, thousands};

const NOTES: &str = "\
Types are taken from the first 10,000 rows. The path of the data goes into the config as it is given: keep \
the config in the current directory, or correct the path.

Examples:
  backprop init iris.csv --target species > iris.toml
  backprop train iris.toml
  backprop init --text novel.txt > novel.toml";

const USAGE: &str = "\
backprop init [OPTIONS] --target <COL> <DATA>
       backprop init [OPTIONS] --text <FILE>";

/// Print a commented config for a table or a text
#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES, override_usage = USAGE)]
pub(super) struct InitArgs {
    /// Table, or - for standard input; .gz and .zst are read as they are
    #[arg(required_unless_present = "text")]
    data: Option<PathBuf>,
    /// Column to predict; may be repeated
    #[arg(long, value_name = "COL", required_unless_present = "text")]
    target: Vec<String>,
    /// Text to train a language model on, in place of a table: a path, a glob in quotes, or -; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "target", "on_bad_row"])]
    text: Vec<String>,
    /// What a row with too few or too many fields does: skip leaves out up to 1 % of the rows, and counts them
    #[arg(long, value_name = "ACTION", default_value = "error")]
    on_bad_row: BadRow,
}

/// Prints the config.
pub(super) fn run(args: &InitArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let Some(path) = args.data.as_deref().filter(|_| args.text.is_empty()) else {
        return output::print(&of_text(&args.text)?.to_toml());
    };
    let source = if path.as_os_str() == "-" { Source::standard_input() } else { named(path)? };
    let read = ReadOptions { on_bad_row: args.on_bad_row.action(), ..ReadOptions::default() };
    let options = DataOptions { target: args.target.clone(), ..DataOptions::default() };
    let images = ImageColumns::Infer(Box::new(options.clone()));
    let samples = SampleOptions { read, images, ..SampleOptions::default() };
    let sample = RowBuffer::sample(&mut Samples::open(&source, &samples)?)?;
    let schema = look(sample, &options, &mut reporter)?;
    output::print(&template(path, args, &schema).to_toml())
}

/// What a config for a language model says.
fn of_text(paths: &[String]) -> Result<TextTemplate> {
    let source = Source::parse(paths, Path::new(""))?;
    source.check()?;
    let facts = TextFacts::read(&source)?;
    let distinct = thousands(facts.distinct as u64);
    let note = format!("{}, {distinct} of them different", counted(facts.characters, "character"));
    Ok(TextTemplate { text: paths.to_vec(), note, characters: facts.characters })
}

/// What the columns hold. A field that does not fit its column is no reason to refuse the config that can mend it.
fn look(sample: RowBuffer, options: &DataOptions, reporter: &mut Reporter) -> Result<Schema> {
    let schema = Schema::infer(&sample, options)?;
    let names = sample.columns().to_vec();
    let nothing_more = &mut MemoryRows::new(RowBuffer::new(sample.source(), &names));
    match RawTable::read_rest(schema.clone(), options, sample, nothing_more) {
        Ok(table) => Ok(table.schema().clone()),
        Err(error) => {
            reporter.say(&error.to_string().replace("error[3]", "warning"));
            Ok(schema)
        }
    }
}

fn template(path: &Path, args: &InitArgs, schema: &Schema) -> Template {
    let targets = schema.columns.iter().filter(|c| c.role == Role::Target);
    let task = |c: &crate::data::ColumnSchema| match &*c.target {
        "" => c.name.clone(),
        target => format!("{} ({target})", c.name),
    };
    let tasks: Vec<String> = targets.map(task).collect();
    let note = |c: &crate::data::ColumnSchema| ColumnNote {
        name: c.name.clone(),
        kind: c.kind.name().into(),
        note: c.describe(),
    };
    Template {
        data: path.to_string_lossy().into_owned(),
        target: args.target.clone(),
        task: format!("predicts {}", tasks.join(", ")),
        columns: schema.columns.iter().map(note).collect(),
    }
}

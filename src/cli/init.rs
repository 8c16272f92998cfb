//! `backprop init`

use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::data_args::{BadRow, named};
use super::output;
use super::progress::Reporter;
use crate::config::{ColumnNote, Template};
use crate::data::reader::ReadOptions;
use crate::data::source::Source;
use crate::data::{
    DataOptions, ImageColumns, MemoryRows, RawTable, Role, RowBuffer, SampleOptions, Samples, Schema,
};
use crate::error::Result;

const NOTES: &str = "\
Types are taken from the first 10,000 rows. The path of the table goes into the config as it is given: keep \
the config in the current directory, or mend the path.

Examples:
  backprop init iris.csv --target species > iris.toml
  backprop train iris.toml";

/// Print a commented config for a table
#[derive(Clone, Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct InitArgs {
    /// Table, or - for standard input; .gz and .zst are read as they are
    data: PathBuf,
    /// Column to predict; may be repeated
    #[arg(long, value_name = "COL", required = true)]
    target: Vec<String>,
    /// What a row with too few or too many fields does: skip leaves out up to 1 % of the rows, and counts them
    #[arg(long, value_name = "ACTION", default_value = "error")]
    on_bad_row: BadRow,
}

/// Prints the config.
pub(super) fn run(args: &InitArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let source = if args.data.as_os_str() == "-" { Source::standard_input() } else { named(&args.data)? };
    let read = ReadOptions { on_bad_row: args.on_bad_row.action(), ..ReadOptions::default() };
    let options = DataOptions { target: args.target.clone(), ..DataOptions::default() };
    let images = ImageColumns::Infer(Box::new(options.clone()));
    let samples = SampleOptions { read, images, ..SampleOptions::default() };
    let sample = RowBuffer::sample(&mut Samples::open(&source, &samples)?)?;
    let schema = look(sample, &options, &mut reporter)?;
    output::print(&template(args, &schema).to_toml())
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

fn template(args: &InitArgs, schema: &Schema) -> Template {
    let targets = schema.columns.iter().filter(|c| c.role == Role::Target);
    let tasks: Vec<String> = targets.map(|c| format!("{} ({})", c.name, c.target)).collect();
    let note = |c: &crate::data::ColumnSchema| ColumnNote {
        name: c.name.clone(),
        kind: c.kind.name().into(),
        note: c.describe(),
    };
    Template {
        data: args.data.to_string_lossy().into_owned(),
        target: args.target.clone(),
        task: format!("predicts {}", tasks.join(", ")),
        columns: schema.columns.iter().map(note).collect(),
    }
}

//! From the files that a config names to encoded tables.

use std::path::Path;

use crate::config::{self, Config, Data, Validation};
use crate::data::reader::{BadRows, ReadOptions};
use crate::data::source::Source;
use crate::data::{
    ColumnPin, ColumnType, DataOptions, Encoding, Fitted, InputGroup, LongTable, MissingPolicy, OutputGroup,
    Purpose, RawTable, SampleOptions, Samples, Scale, Split, Table, Unknown,
};
use crate::error::{Error, Result};
use crate::spec::Values;
use crate::train::output::loss_of;
use crate::train::{Head, Progress};

/// The rows that choose the best weights.
#[derive(Debug)]
pub(super) enum Held {
    /// None.
    Nothing,
    /// Some rows of the training table.
    Rows(Vec<u32>),
    /// A table of its own, and all of its rows.
    Table(Table, Vec<u32>),
}

/// Everything that a run reads.
#[derive(Debug)]
pub(super) struct Loaded {
    pub fitted: Fitted,
    /// Rows of the table that train.
    pub train: Vec<u32>,
    pub held: Held,
    /// The table that is scored once, at the end, and all of its rows.
    pub test: Option<(Table, Vec<u32>)>,
}

impl Loaded {
    /// The validation part.
    pub(super) fn validation(&self) -> Option<(&Table, &[u32])> {
        match &self.held {
            Held::Nothing => None,
            Held::Rows(rows) => Some((&self.fitted.table, rows)),
            Held::Table(table, rows) => Some((table, rows)),
        }
    }

    /// Number of validation rows.
    pub(super) fn validation_rows(&self) -> usize {
        self.validation().map_or(0, |(_, rows)| rows.len())
    }
}

/// How the files of a config are read.
pub fn read_options(data: &Data) -> ReadOptions {
    ReadOptions {
        delimiter: data.delimiter,
        header: data.header,
        quoting: data.quoting,
        on_bad_row: if data.skip_bad_rows { BadRows::Skip } else { BadRows::Fail },
        max_bad_fraction: data.max_bad_fraction,
        expected_columns: None,
    }
}

/// How the files of a config become rows of samples.
pub(super) fn sample_options(data: &Data) -> SampleOptions {
    let long = data.series.as_ref().map(|series| LongTable {
        id: series.id.clone(),
        order: series.order.clone(),
        channels: series.channels.clone(),
        length: series.length,
        required: data
            .columns
            .iter()
            .filter(|(_, pins)| pin(pins).missing == Some(MissingPolicy::Error))
            .map(|(name, _)| name.clone())
            .collect(),
    });
    SampleOptions { read: read_options(data), long }
}

/// The paths of a config; they are relative to the current directory.
///
/// # Errors
/// `Code::Usage` for a pattern that nothing matches.
pub(super) fn source(paths: &[String]) -> Result<Source> {
    if paths.iter().any(|p| p == "-") {
        return Ok(Source::standard_input());
    }
    Source::parse(paths, Path::new(""))
}

/// What a config says about the columns.
pub fn data_options(config: &Config) -> DataOptions {
    let data = &config.data;
    let inputs = data.inputs.iter().map(|i| InputGroup {
        name: i.name.clone(),
        columns: i.columns.clone(),
        shape: i.shape.clone(),
    });
    let output = |o: &config::Output| OutputGroup {
        name: o.name.clone(),
        columns: o.target.clone(),
        standardise: data.standardise_target && !Head::keeps_unit(loss_of(config, Some(o))),
    };
    DataOptions {
        target: data.target.clone(),
        exclude: data.exclude.clone(),
        features: data.features.clone(),
        weight: data.weight.clone(),
        missing_values: data.missing_values.clone(),
        scale: Scale::from_name(&data.scale).unwrap_or(Scale::Standard),
        standardise_target: data.standardise_target && !Head::keeps_unit(config.train.loss.as_ref()),
        outputs: config.model.outputs.iter().map(output).collect(),
        columns: data.columns.iter().map(|(name, pins)| (name.clone(), pin(pins))).collect(),
        inputs: inputs.collect(),
        ..DataOptions::default()
    }
}

fn pin(values: &Values) -> ColumnPin {
    let text = |key: &str| values.has(key).then(|| values.str(key));
    let fill = |value: &crate::spec::Value| match value {
        crate::spec::Value::Str(s) => s.clone(),
        crate::spec::Value::Int(i) => i.to_string(),
        crate::spec::Value::Float(x) => x.to_string(),
        other => format!("{other:?}"),
    };
    ColumnPin {
        kind: text("type").and_then(ColumnType::from_name),
        missing: text("missing").and_then(MissingPolicy::from_name),
        fill_value: values.get("fill_value").map(fill),
        scale: text("scale").and_then(Scale::from_name),
        encoding: text("encoding").and_then(Encoding::from_name),
        unknown: text("unknown").and_then(Unknown::from_name),
        classes: values.has("classes").then(|| values.strs("classes")),
    }
}

/// Opens a table and says what a user should know about it.
pub(super) fn open(
    source: &Source,
    options: &SampleOptions,
    purpose: Purpose<'_>,
    progress: &mut dyn Progress,
) -> Result<Samples> {
    let reader = Samples::open(source, options, purpose)?;
    if reader.header_looks_like_data() {
        progress.warning(
            "the first line holds many numbers; if it is data and no header, set data.header = false",
        );
    }
    Ok(reader)
}

/// Reads, divides and encodes the tables of `config`.
///
/// # Errors
/// `Code::Data` for the first thing that is wrong with them; `Code::Usage` for files that are not there.
pub(super) fn load(config: &Config, progress: &mut dyn Progress) -> Result<Loaded> {
    let options = sample_options(&config.data);
    let train_source = source(&config.data.train)?;
    let held_source = match &config.data.validation {
        Validation::Files(files) => Some(source(files)?),
        Validation::Fraction(_) => None,
    };
    // A file that is missing is told before the first one is read through.
    held_source.iter().try_for_each(Source::check)?;
    let test_source = if config.data.test.is_empty() { None } else { Some(source(&config.data.test)?) };
    test_source.iter().try_for_each(Source::check)?;
    let meaning = data_options(config);
    let mut reader = open(&train_source, &options, Purpose::Fit(&meaning), progress)?;
    let meaning = reader.options(meaning);
    let raw = RawTable::read(&mut reader, &meaning)?;
    reader.notes().iter().for_each(|note| progress.note(note));
    if raw.dropped() > 0 {
        progress.note(&left_out(raw.dropped()));
    }
    let split = match config.data.validation {
        Validation::Fraction(fraction) => raw.split(fraction, config.seed)?,
        Validation::Files(_) => Split::all(raw.len()),
    };
    let mut fitted = raw.fit(&split.train)?;
    fitted.warnings.iter().for_each(|w| progress.warning(w));
    let held = match held_source {
        Some(source) => {
            let table = read(&mut fitted, &source, &options, progress)?;
            let rows = (0..table.len() as u32).collect();
            Held::Table(table, rows)
        }
        None if split.validation.is_empty() => Held::Nothing,
        None => Held::Rows(split.validation),
    };
    // Read before training, not after: a table that does not fit must not cost a whole run.
    let test = match test_source {
        Some(source) => {
            let table = read(&mut fitted, &source, &options, progress)?;
            let rows = (0..table.len() as u32).collect();
            Some((table, rows))
        }
        None => None,
    };
    Ok(Loaded { fitted, train: split.train, held, test })
}

/// Reads a whole table through a fitted preprocessing, which then has room for its longest series.
fn read(
    fitted: &mut Fitted,
    source: &Source,
    options: &SampleOptions,
    progress: &mut dyn Progress,
) -> Result<Table> {
    let purpose = Purpose::Fitted { preprocessing: &fitted.preprocessing, with_targets: true };
    let mut reader = open(source, options, purpose, progress)?;
    let (table, report) = fitted.preprocessing.read(&mut reader)?;
    if let Some(extent) = reader.extent()
        && fitted.preprocessing.cover(extent.longest, extent.shortest)
    {
        fitted.inputs = fitted.preprocessing.inputs();
    }
    reader.notes().iter().for_each(|note| progress.note(note));
    tell(&report, progress);
    if u32::try_from(table.len()).is_err() {
        return Err(Error::data(source.inputs()[0].name(), "the table has more than 4,294,967,295 rows"));
    }
    Ok(table)
}

/// Notes of an encoder.
pub(super) fn tell(report: &crate::data::Report, progress: &mut dyn Progress) {
    if report.dropped > 0 {
        progress.note(&left_out(report.dropped));
    }
    for (column, count) in &report.unknown {
        let values = if *count == 1 { "value" } else { "values" };
        let column = crate::error::quote(column);
        progress.note(&format!("column {column}: {count} {values} that training never saw"));
    }
}

fn left_out(rows: u64) -> String {
    match rows {
        1 => "1 row with missing values was left out".into(),
        n => format!("{n} rows with missing values were left out"),
    }
}

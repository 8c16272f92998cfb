//! From the files that a config names to encoded tables.

use std::path::Path;

use crate::backend::available_memory;
use crate::config::{self, Config, Data, Validation};
use crate::data::reader::{BadRows, ReadOptions};
use crate::data::source::Source;
use crate::data::{
    ColumnPin, ColumnType, DataOptions, Encoding, Fitted, ImageColumns, InputGroup, LongTable, MissingPolicy,
    Note, OutputGroup, Preprocessing, Prior, RawTable, Resize, SampleOptions, Samples, Scale, StepTable,
    Steps, Table, TokenizerKind, Unknown, WindowTable, left_out,
};
use crate::error::{Code, Error, Result};
use crate::spec::Values;
use crate::train::output::loss_of;
use crate::train::{Head, Progress, language};

/// Rows that do not train.
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
    /// The rows that choose the best weights.
    pub held: Held,
    /// The rows that are scored once, at the end.
    pub test: Held,
    /// `data.delimiter` for other files: of a table without a header, what its own file has.
    pub delimiter: Option<u8>,
}

impl Loaded {
    /// The validation part.
    pub(super) fn validation(&self) -> Option<(&Table, &[u32])> {
        self.part(&self.held)
    }

    /// The test part.
    pub(super) fn test(&self) -> Option<(&Table, &[u32])> {
        self.part(&self.test)
    }

    fn part<'a>(&'a self, held: &'a Held) -> Option<(&'a Table, &'a [u32])> {
        match held {
            Held::Nothing => None,
            Held::Rows(rows) => Some((&self.fitted.table, rows)),
            Held::Table(table, rows) => Some((table, rows)),
        }
    }

    /// Warnings about rows that are scored and that training has seen.
    fn copies(&self) -> Vec<Note> {
        let parts = [("validation", self.validation()), ("test", self.test())];
        let copies =
            parts.into_iter().filter_map(|(name, part)| self.fitted.table.copies(&self.train, part?, name));
        copies.collect()
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

/// How the training table of a config becomes rows of samples.
fn sample_options(data: &Data, meaning: &DataOptions) -> SampleOptions {
    SampleOptions {
        read: read_options(data),
        images: ImageColumns::Infer(Box::new(meaning.clone())),
        steps: steps(data),
        rows: None,
        targets: true,
        held: true,
        memory: available_memory(),
    }
}

/// How another table becomes rows of samples for a fitted preprocessing: all of them `held`, or some at a time.
pub(super) fn fitted_options(
    data: &Data,
    preprocessing: &Preprocessing,
    targets: bool,
    held: bool,
) -> SampleOptions {
    SampleOptions {
        read: read_options(data),
        images: ImageColumns::Fitted(Box::new(preprocessing.clone())),
        steps: steps(data),
        rows: None,
        targets,
        held,
        memory: available_memory(),
    }
}

/// What a config says about rows that are steps.
fn steps(data: &Data) -> Option<StepTable> {
    let required = || {
        let errors = data.columns.iter().filter(|(_, pins)| pin(pins).missing == Some(MissingPolicy::Error));
        errors.map(|(name, _)| name.clone()).collect()
    };
    let long = |series: &config::Series| {
        StepTable::Long(LongTable {
            id: series.id.clone(),
            order: series.order.clone(),
            channels: series.channels.clone(),
            length: series.length,
            required: required(),
        })
    };
    let windows = |windows: &config::Windows| {
        StepTable::Windows(WindowTable {
            length: windows.length,
            horizon: windows.horizon,
            stride: windows.stride,
            order: windows.order.clone(),
            known: windows.known.clone(),
            targets: data.target.clone(),
            required: required(),
        })
    };
    data.series.as_ref().map(long).or_else(|| data.windows.as_ref().map(windows))
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
        resize: i.resize.as_deref().and_then(Resize::from_name),
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
        group: data.group.clone(),
        missing_values: data.missing_values.clone(),
        scale: Scale::from_name(&data.scale).unwrap_or(Scale::Standard),
        standardise_target: data.standardise_target && !Head::keeps_unit(config.train.loss.as_ref()),
        outputs: config.model.outputs.iter().map(output).collect(),
        columns: data.columns.iter().map(|(name, pins)| (name.clone(), pin(pins))).collect(),
        inputs: inputs.collect(),
        steps: Steps::default(),
        prior: None,
    }
}

/// What a config says about one column.
pub(super) fn pin(values: &Values) -> ColumnPin {
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
        tokenizer: text("tokenizer").and_then(TokenizerKind::from_name),
        vocabulary_size: values.has("vocabulary_size").then(|| values.usize("vocabulary_size")),
        lowercase: values.has("lowercase").then(|| values.bool("lowercase")),
        max_tokens: values.has("max_tokens").then(|| values.usize("max_tokens")),
    }
}

/// Opens a table and says what a user should know about it.
pub(super) fn open(source: &Source, options: &SampleOptions, progress: &mut dyn Progress) -> Result<Samples> {
    let reader = Samples::open(source, options)?;
    if reader.header_looks_like_data() {
        progress.warning(
            "the first line holds many numbers; if it is data and no header, set data.header = false",
        );
    }
    Ok(reader)
}

/// Reads, divides and encodes the tables of `config`, as for `known`, a model that the run goes on from.
///
/// # Errors
/// `Code::Data` for the first thing that is wrong with them; `Code::Usage` for files that are not there.
pub(super) fn load(
    config: &Config,
    known: Option<&Preprocessing>,
    progress: &mut dyn Progress,
) -> Result<Loaded> {
    if let Some(text) = &config.data.text {
        let language = known.and_then(|known| known.language.as_ref());
        return language::load(config, text, language.map(|language| &language.tokenizer), progress);
    }
    let mut meaning = data_options(config);
    // A model of another kind of data is told when everything is known.
    let known = known.filter(|known| known.language.is_none());
    meaning.prior = known.map(|known| Prior::new(known, &meaning.inputs));
    let options = sample_options(&config.data, &meaning);
    let train_source = source(&config.data.train)?;
    let held_source = match &config.data.validation {
        Validation::Files(files) => Some(source(files)?),
        Validation::Fraction(_) => None,
    };
    // A file that is missing is told before the first one is read through.
    held_source.iter().try_for_each(Source::check)?;
    let test_source = if config.data.test.is_empty() { None } else { Some(source(&config.data.test)?) };
    test_source.iter().try_for_each(Source::check)?;
    let mut reader = open(&train_source, &options, progress)?;
    // Without names in a header nothing else tells that other rows are parted otherwise.
    let delimiter = config.data.delimiter.or_else(|| reader.delimiter().filter(|_| !config.data.header));
    let data = Data { delimiter, ..config.data.clone() };
    let meaning = reader.options(meaning);
    let raw = RawTable::read(&mut reader, &meaning)?;
    tell(&reader.notes(), progress);
    if raw.dropped() > 0 {
        progress.note(&left_out(raw.dropped(), config.data.series.is_some()));
    }
    let fraction = match config.data.validation {
        Validation::Fraction(fraction) => fraction,
        Validation::Files(_) => 0.0,
    };
    let (split, test_rows) = raw.parts(config.data.test_fraction, fraction, config.seed)?;
    let identities = raw.identities(&split);
    let mut fitted = raw.fit(&split.train)?;
    fitted.warnings.iter().for_each(|w| progress.warning(w));
    fitted.notes.iter().for_each(|note| progress.note(note));
    let held = match held_source {
        Some(source) => {
            let table = read(&mut fitted, &source, &data, progress)?;
            let rows = (0..table.len() as u32).collect();
            Held::Table(table, rows)
        }
        None if split.validation.is_empty() => Held::Nothing,
        None => Held::Rows(split.validation),
    };
    // Read before training, not after: a table that does not fit must not cost a whole run.
    let test = match test_source {
        Some(source) => {
            let table = read(&mut fitted, &source, &data, progress)?;
            let rows = (0..table.len() as u32).collect();
            Held::Table(table, rows)
        }
        None if test_rows.is_empty() => Held::Nothing,
        None => Held::Rows(test_rows),
    };
    let loaded = Loaded { fitted, train: split.train, held, test, delimiter };
    let copies = loaded.copies();
    tell(if copies.is_empty() { &identities } else { &copies }, progress);
    Ok(loaded)
}

/// Reads a whole table through a fitted preprocessing, which then has room for its longest series.
///
/// # Errors
/// `Code::Data` for whatever is wrong with the table: no model was named that it could fail to fit.
fn read(fitted: &mut Fitted, source: &Source, data: &Data, progress: &mut dyn Progress) -> Result<Table> {
    let options = fitted_options(data, &fitted.preprocessing, true, true);
    let of_data = |error: Error| match error.code {
        Code::Model => Error { code: Code::Data, ..error },
        _ => error,
    };
    let mut reader = open(source, &options, progress).map_err(of_data)?;
    let (table, report) = fitted.preprocessing.read(&mut reader).map_err(of_data)?;
    if let Some(extent) = reader.extent()
        && fitted.preprocessing.cover(extent.longest, extent.shortest)
    {
        fitted.inputs = fitted.preprocessing.inputs();
    }
    tell(&reader.notes(), progress);
    tell(&report.notes(&fitted.preprocessing, data.series.is_some()), progress);
    if u32::try_from(table.len()).is_err() {
        return Err(Error::data(source.inputs()[0].name(), "the table has more than 4,294,967,295 rows"));
    }
    Ok(table)
}

/// Tells what a user should know about data.
pub(super) fn tell(notes: &[Note], progress: &mut dyn Progress) {
    for note in notes {
        if note.warning { progress.warning(&note.text) } else { progress.note(&note.text) }
    }
}

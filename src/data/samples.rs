//! Rows of samples, whatever kind of file they come from.

use super::field::Stage;
use super::folder::{self, Listing};
use super::held::{Extent, HeldRow, HeldRows};
use super::idx::{self, IdxOptions, too_large};
use super::image_rows::{ImageColumn, ImageRow, ImageRows};
use super::kept::{FileRows, Keep};
use super::long::{self, LongTable};
use super::missing;
use super::note::Note;
use super::options::DataOptions;
use super::picture::Form;
use super::preprocess::Preprocessing;
use super::reader::{ReadOptions, Row, TableReader};
use super::rows::{Fields, Meaning, RowBuffer, Rows};
use super::schema::Schema;
use super::source::Source;
use super::stored::Payload;
use super::windows::{self, WindowRow, WindowRows, WindowTable};
use crate::error::{Error, Result};

/// How the files of a config become rows of samples.
#[derive(Clone, Debug)]
pub struct SampleOptions {
    /// How tables are read.
    pub read: ReadOptions,
    /// What is known of columns of images.
    pub images: ImageColumns,
    /// Where a row is a step of a series.
    pub steps: Option<StepTable>,
    /// The columns that a long table keeps of each of its rows; `None`: the rows themselves are not kept.
    pub rows: Option<Keep>,
    /// Whether the samples need labels.
    pub targets: bool,
    /// Whether all rows will be held in memory, rather than some at a time.
    pub held: bool,
    /// Bytes that images may take.
    pub memory: u64,
}

/// A table whose rows are steps.
#[derive(Clone, Debug)]
pub enum StepTable {
    /// The rows of an id make one sample.
    Long(LongTable),
    /// All rows make one series, which windows are cut from.
    Windows(WindowTable),
}

/// What rows are opened for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// To fit a preprocessing as these options say.
    Fit(&'a DataOptions),
    /// To go through a fitted one.
    Fitted {
        /// The fitted one.
        preprocessing: &'a Preprocessing,
        /// Whether targets and weights are read.
        with_targets: bool,
    },
}

impl<'a> Purpose<'a> {
    /// Fields that stand for "no value".
    pub(super) fn missing_values(self) -> &'a [String] {
        match self {
            Purpose::Fit(options) => &options.missing_values,
            Purpose::Fitted { preprocessing, .. } => &preprocessing.missing_values,
        }
    }

    /// Whether a column is a target of what is fitted.
    pub(super) fn is_target(self, column: &String) -> bool {
        matches!(self, Purpose::Fit(options) if options.target.contains(column))
    }

    /// What a missing number of the steps of a series becomes, in a channel that is made of `column`.
    pub(super) fn became_of_steps(self, column: &str) -> String {
        let fill = match self {
            Purpose::Fit(_) => None,
            Purpose::Fitted { preprocessing, .. } => preprocessing.step_fill(column),
        };
        match fill {
            Some(fill) => format!("each became {}, the mean in training", missing::short(fill)),
            None => "each became the mean of the training part".into(),
        }
    }

    /// Who reads.
    pub(super) fn stage(self) -> Stage {
        match self {
            Purpose::Fit(_) => Stage::Train,
            Purpose::Fitted { .. } => Stage::Model,
        }
    }
}

/// What is known of columns of images before rows are read.
#[derive(Clone, Debug)]
pub enum ImageColumns {
    /// What a config says; the rest is inferred.
    Infer(Box<DataOptions>),
    /// What a model was trained on.
    Fitted(Box<Preprocessing>),
}

impl Default for SampleOptions {
    /// A table that is held in memory without end.
    fn default() -> Self {
        SampleOptions {
            read: ReadOptions::default(),
            images: ImageColumns::Infer(Box::default()),
            steps: None,
            rows: None,
            targets: true,
            held: true,
            memory: u64::MAX,
        }
    }
}

/// A table whose rows are samples: read row by row, or held in memory.
pub enum Samples {
    /// A table with a row for each sample.
    Table(Box<TableReader>),
    /// A table, or a folder, with images in files of their own.
    Images(Box<ImageRows>),
    /// Samples that were made of a whole file, and what was found out about it.
    Held(HeldRows, Found),
    /// Windows over one long series, and what was found out about its file.
    Windows(Box<WindowRows>, Found),
}

/// What was found out about a file that is read.
#[derive(Clone, Debug, Default)]
pub struct Found {
    notes: Vec<String>,
    delimiter: Option<u8>,
}

impl Found {
    fn by(reader: &TableReader) -> Self {
        Found { notes: reader.notes(), delimiter: Some(reader.delimiter()) }
    }
}

/// Rows from which columns of images are inferred.
const IMAGE_SAMPLE: usize = 1000;

impl Samples {
    /// Opens `source`.
    ///
    /// # Errors
    /// Those of the reader for this kind of file.
    pub fn open(source: &Source, options: &SampleOptions) -> Result<Self> {
        source.check()?;
        let memory = options.held.then_some(options.memory);
        if source.is_folder() {
            let listing = Listing::new(source, options.targets)?;
            let column = options.images.column(listing.rows.columns(), folder::IMAGE)?;
            options.check_size(source, &column.form)?;
            let rows = ImageRows::of_folder(listing, column, &options.read, memory);
            return Ok(Samples::Images(Box::new(rows)));
        }
        let first = source.inputs().first().ok_or_else(|| Error::usage("data", "no file is named"))?;
        let mut first = first.open()?;
        let head = first.peek(4)?;
        if idx::is_idx(&first.name, &head) {
            let labels = IdxOptions { labels: options.targets, memory: options.memory };
            let rows = idx::read(source, first, labels)?;
            let column = options.images.column(rows.columns(), idx::IMAGE)?;
            options.check_size(source, &column.form)?;
            return Ok(Samples::Held(rows.with_images(&column.form)?, Found::default()));
        }
        let mut reader = TableReader::with_first(first, source, &options.read)?;
        match &options.steps {
            Some(StepTable::Long(table)) => {
                let rows = long::read(&mut reader, table, options.purpose(), options.rows.as_ref())?;
                return Ok(Samples::Held(rows, Found::by(&reader)));
            }
            Some(StepTable::Windows(table)) => {
                let rows = windows::read(&mut reader, table, options.purpose())?;
                return Ok(Samples::Windows(Box::new(rows), Found::by(&reader)));
            }
            None => {}
        }
        let columns = options.images.columns(&reader, source, &options.read)?;
        if columns.is_empty() {
            return Ok(Samples::Table(Box::new(reader)));
        }
        columns.iter().try_for_each(|column| options.check_size(source, &column.form))?;
        let missing = options.images.missing_values();
        let rows = ImageRows::of_table(reader, source, columns, missing, memory);
        Ok(Samples::Images(Box::new(rows)))
    }

    /// `options` for these rows, where they are about the table that the rows were made of.
    pub fn options(&self, options: DataOptions) -> DataOptions {
        match self {
            Samples::Table(_) | Samples::Images(_) => options,
            Samples::Held(rows, _) => options.for_samples(rows.columns(), rows.steps()),
            Samples::Windows(rows, _) => options.for_samples(rows.columns(), rows.steps()),
        }
    }

    /// Whether a column's fields are texts: all but those that hold images or series.
    pub fn is_text(&self, column: usize) -> bool {
        match self {
            Samples::Table(_) | Samples::Images(_) => true,
            Samples::Held(rows, _) => rows.is_text(column),
            Samples::Windows(rows, _) => rows.is_text(column),
        }
    }

    /// How long the series are, where each row holds one.
    pub fn extent(&self) -> Option<Extent> {
        match self {
            Samples::Table(_) | Samples::Images(_) => None,
            Samples::Held(rows, _) => rows.extent(),
            Samples::Windows(rows, _) => Some(rows.extent()),
        }
    }

    /// Takes out the rows of a long table, where [`SampleOptions::rows`] has them kept.
    pub fn take_file_rows(&mut self) -> Option<FileRows> {
        match self {
            Samples::Held(rows, _) => rows.take_file_rows(),
            Samples::Table(_) | Samples::Images(_) | Samples::Windows(..) => None,
        }
    }

    /// What a user should know once all rows are read.
    pub fn notes(&self) -> Vec<Note> {
        let (of_file, of_rows) = match self {
            Samples::Table(reader) => (reader.notes(), &[][..]),
            Samples::Images(rows) => (rows.notes(), &[][..]),
            Samples::Held(rows, found) => (found.notes.clone(), rows.notes()),
            Samples::Windows(rows, found) => (found.notes.clone(), rows.notes()),
        };
        of_file.into_iter().map(Note::new).chain(of_rows.iter().cloned()).collect()
    }

    /// The character between the fields of its first file, given or found; none for what is no table of fields.
    pub fn delimiter(&self) -> Option<u8> {
        match self {
            Samples::Table(reader) => Some(reader.delimiter()),
            Samples::Images(rows) => rows.delimiter(),
            Samples::Held(_, found) | Samples::Windows(_, found) => found.delimiter,
        }
    }

    /// Whether the first line, taken for the header, holds many numbers.
    pub fn header_looks_like_data(&self) -> bool {
        match self {
            Samples::Table(reader) => reader.header_looks_like_data(),
            Samples::Images(rows) => rows.header_looks_like_data(),
            Samples::Held(..) | Samples::Windows(..) => false,
        }
    }
}

impl SampleOptions {
    /// What the rows are for.
    fn purpose(&self) -> Purpose<'_> {
        match &self.images {
            ImageColumns::Infer(options) => Purpose::Fit(options),
            ImageColumns::Fitted(preprocessing) => {
                Purpose::Fitted { preprocessing, with_targets: self.targets }
            }
        }
    }

    /// Refuses images of which one alone does not fit into memory.
    fn check_size(&self, source: &Source, form: &Form) -> Result<()> {
        let size = form.shape.map_or(0.0, |shape| shape.iter().map(|&n| n as f64).product());
        if size <= self.memory as f64 {
            return Ok(());
        }
        Err(too_large(&source.inputs()[0].name(), size as u64, self.memory))
    }
}

impl ImageColumns {
    /// The columns of a table that name image files.
    fn columns(&self, reader: &TableReader, source: &Source, read: &ReadOptions) -> Result<Vec<ImageColumn>> {
        match self {
            ImageColumns::Infer(options) => {
                let mut sample = RowBuffer::new(Rows::source(reader), reader.columns());
                // What can be read once has to say which columns are images.
                if source.is_ordinary()
                    && let Ok(mut again) = TableReader::open(source, read)
                {
                    while sample.len() < IMAGE_SAMPLE
                        && let Ok(Some(row)) = again.next_row()
                    {
                        sample.push(&row);
                    }
                }
                let found = Schema::images(&sample, options)?.into_iter();
                Ok(found.map(|(column, form)| ImageColumn { column, form, fitted: false }).collect())
            }
            ImageColumns::Fitted(preprocessing) => {
                let place = |name: &str| reader.columns().iter().position(|column| column == name);
                let images = preprocessing.images();
                let found = images.filter_map(|(name, form)| {
                    Some(ImageColumn { column: place(name)?, form, fitted: true })
                });
                Ok(found.collect())
            }
        }
    }

    /// A column that holds images whatever it is called.
    fn column(&self, columns: &[String], column: usize) -> Result<ImageColumn> {
        match self {
            ImageColumns::Infer(options) => {
                Ok(ImageColumn { column, form: Schema::image(columns, column, options)?, fitted: false })
            }
            ImageColumns::Fitted(preprocessing) => {
                let form = preprocessing.images().find(|(name, _)| *name == columns[column]);
                Ok(ImageColumn { column, form: form.map(|(_, form)| form).unwrap_or_default(), fitted: true })
            }
        }
    }

    fn missing_values(&self) -> &[String] {
        match self {
            ImageColumns::Infer(options) => &options.missing_values,
            ImageColumns::Fitted(preprocessing) => &preprocessing.missing_values,
        }
    }
}

/// A row of [`Samples`].
#[derive(Debug)]
pub enum Sample<'a> {
    /// Of a table.
    Table(Row<'a>),
    /// With images in files of their own.
    Images(ImageRow<'a>),
    /// Of samples in memory.
    Held(HeldRow<'a>),
    /// A window.
    Window(WindowRow<'a>),
}

impl Fields for Sample<'_> {
    #[inline]
    fn width(&self) -> usize {
        match self {
            Sample::Table(row) => row.width(),
            Sample::Images(row) => row.width(),
            Sample::Held(row) => row.width(),
            Sample::Window(row) => row.width(),
        }
    }

    #[inline]
    fn get(&self, index: usize) -> &str {
        match self {
            Sample::Table(row) => row.get(index),
            Sample::Images(row) => row.get(index),
            Sample::Held(row) => row.get(index),
            Sample::Window(row) => row.get(index),
        }
    }

    fn line(&self) -> u64 {
        match self {
            Sample::Table(row) => row.line(),
            Sample::Images(row) => row.line(),
            Sample::Held(row) => row.line(),
            Sample::Window(row) => row.line(),
        }
    }

    fn file(&self) -> &str {
        match self {
            Sample::Table(row) => row.file(),
            Sample::Images(row) => row.file(),
            Sample::Held(row) => row.file(),
            Sample::Window(row) => row.file(),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Sample::Table(row) => row.unit(),
            Sample::Images(row) => row.unit(),
            Sample::Held(row) => row.unit(),
            Sample::Window(row) => row.unit(),
        }
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        match self {
            Sample::Table(row) => row.payload(index),
            Sample::Images(row) => row.payload(index),
            Sample::Held(row) => row.payload(index),
            Sample::Window(row) => row.payload(index),
        }
    }
}

impl Rows for Samples {
    type Row<'a> = Sample<'a>;

    fn source(&self) -> &str {
        match self {
            Samples::Table(reader) => Rows::source(&**reader),
            Samples::Images(rows) => rows.source(),
            Samples::Held(rows, _) => rows.source(),
            Samples::Windows(rows, _) => rows.source(),
        }
    }

    fn columns(&self) -> &[String] {
        match self {
            Samples::Table(reader) => Rows::columns(&**reader),
            Samples::Images(rows) => rows.columns(),
            Samples::Held(rows, _) => rows.columns(),
            Samples::Windows(rows, _) => rows.columns(),
        }
    }

    fn next_row(&mut self) -> Result<Option<Sample<'_>>> {
        Ok(match self {
            Samples::Table(reader) => reader.next_row()?.map(Sample::Table),
            Samples::Images(rows) => rows.next_row()?.map(Sample::Images),
            Samples::Held(rows, _) => rows.next_row()?.map(Sample::Held),
            Samples::Windows(rows, _) => rows.next_row()?.map(Sample::Window),
        })
    }

    fn meaning(&self, column: usize) -> Option<Meaning> {
        match self {
            Samples::Table(reader) => reader.meaning(column),
            Samples::Images(rows) => rows.meaning(column),
            Samples::Held(rows, _) => rows.meaning(column),
            Samples::Windows(rows, _) => rows.meaning(column),
        }
    }
}

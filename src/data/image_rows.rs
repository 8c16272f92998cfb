//! Rows whose images stand in files of their own: a column of paths, or a folder of images.
//!
//! Some rows are read ahead and their images decoded on all threads, so that reading gives bytes and a training step never waits
//! for a file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::field::{self, Markers};
use super::folder::Listing;
use super::idx::too_large;
use super::picture::{Form, Picture};
use super::reader::{ReadOptions, Skips, TableReader};
use super::rows::{BufferedRow, Fields, Meaning, RowBuffer, Rows};
use super::source::{Input, Source};
use super::stored::{Images, Payload};
use crate::error::{Error, Problem, Result, quote};

/// Rows that are read ahead, at most.
const BLOCK: usize = 256;

/// Bytes of images that are read ahead, about.
const BLOCK_BYTES: usize = 64 << 20;

/// A column of images.
#[derive(Clone, Debug)]
pub(super) struct ImageColumn {
    /// Its position.
    pub(super) column: usize,
    /// What its images become.
    pub(super) form: Form,
    /// Whether a model has fixed that.
    pub(super) fitted: bool,
}

/// Rows read ahead, with their images.
pub struct ImageRows {
    from: Origin,
    columns: Vec<ImageColumn>,
    markers: Markers,
    /// Bytes that all images together may take; none where rows are not kept.
    memory: Option<u64>,
    taken: u64,
    texts: RowBuffer,
    /// Positions of the good rows.
    good: Vec<usize>,
    /// For each column of images.
    images: Vec<Block>,
    next: usize,
    ended: bool,
    failed: Option<Error>,
}

/// Where the rows come from.
enum Origin {
    Table { reader: Box<TableReader>, folders: HashMap<String, PathBuf> },
    Folder { listing: Box<Listing>, read: usize, skips: Skips },
}

/// Images of the rows that are read ahead.
#[derive(Default)]
struct Block {
    images: Arc<Images>,
    /// For each row.
    at: Vec<Option<usize>>,
}

impl ImageRows {
    /// The rows of a table of `source`; `missing_values` are fields without an image. Paths are relative to the file they
    /// stand in.
    pub(super) fn of_table(
        reader: TableReader,
        source: &Source,
        columns: Vec<ImageColumn>,
        missing_values: &[String],
        memory: Option<u64>,
    ) -> Self {
        let folder = |input: &Input| match input {
            Input::File(path) => path.parent().map(Into::into).unwrap_or_default(),
            Input::StandardInput => PathBuf::new(),
        };
        let folders = source.inputs().iter().map(|input| (input.name(), folder(input))).collect();
        let from = Origin::Table { reader: Box::new(reader), folders };
        ImageRows::new(from, columns, missing_values, memory)
    }

    /// The images of folders.
    pub(super) fn of_folder(
        listing: Listing,
        column: ImageColumn,
        options: &ReadOptions,
        memory: Option<u64>,
    ) -> Self {
        let from = Origin::Folder { listing: Box::new(listing), read: 0, skips: Skips::new(options) };
        ImageRows::new(from, vec![column], &[], memory)
    }

    fn new(from: Origin, columns: Vec<ImageColumn>, missing_values: &[String], memory: Option<u64>) -> Self {
        ImageRows {
            from,
            images: columns.iter().map(|_| Block::default()).collect(),
            columns,
            markers: Markers::new(missing_values),
            memory,
            taken: 0,
            texts: RowBuffer::default(),
            good: Vec::new(),
            next: 0,
            ended: false,
            failed: None,
        }
    }

    /// What a user should know once all rows are read.
    pub(super) fn notes(&self) -> Vec<String> {
        match &self.from {
            Origin::Table { reader, .. } => reader.notes(),
            Origin::Folder { listing, skips, .. } => listing.note().into_iter().chain(skips.note()).collect(),
        }
    }

    /// Whether the first line, taken for the header, holds many numbers.
    pub(super) fn delimiter(&self) -> Option<u8> {
        match &self.from {
            Origin::Table { reader, .. } => Some(reader.delimiter()),
            Origin::Folder { .. } => None,
        }
    }

    pub(super) fn header_looks_like_data(&self) -> bool {
        matches!(&self.from, Origin::Table { reader, .. } if reader.header_looks_like_data())
    }

    /// Reads rows ahead and decodes their images; what is wrong is kept until the rows before it were given.
    fn read_ahead(&mut self) {
        self.texts.clear();
        self.good.clear();
        self.next = 0;
        let size = |column: &ImageColumn| Some(column.form.shape?.iter().product::<usize>());
        let sizes = self.columns.iter().map(size);
        // Until the first image has been seen, any may be large.
        let size = sizes.sum::<Option<usize>>().unwrap_or(BLOCK_BYTES / 4);
        let rows = (BLOCK_BYTES / size.max(1)).clamp(2, BLOCK);
        let filled = match &mut self.from {
            Origin::Table { reader, .. } => fill(&mut **reader, &mut self.texts, rows),
            Origin::Folder { listing, .. } => fill(&mut listing.rows, &mut self.texts, rows),
        };
        match filled {
            Ok(more) => self.ended = !more,
            Err(error) => self.failed = Some(error),
        }
        let width = self.columns.len();
        let rows = self.texts.len();
        let each = (0..rows).flat_map(|row| self.columns.iter().map(move |column| (row, column)));
        let files: Vec<_> = each.map(|(row, column)| Some((self.path(row, column)?, &column.form))).collect();
        let decode =
            |file: &Option<(PathBuf, &Form)>| file.as_ref().map(|(path, form)| Picture::read(path, form));
        let decoded: Vec<_> = files.par_iter().map(decode).collect();
        let mut decoded = decoded.into_iter();
        let mut blocks: Vec<(Images, Vec<Option<usize>>)> =
            self.columns.iter().map(|_| (Images::default(), Vec::with_capacity(rows))).collect();
        for row in 0..rows {
            let pictures: Vec<_> = decoded.by_ref().take(width).collect();
            match self.fit(row, pictures) {
                Ok(pictures) => {
                    for ((images, at), picture) in blocks.iter_mut().zip(pictures) {
                        at.push(picture.map(|picture| push(images, &picture)));
                    }
                    self.good.push(row);
                }
                Err(problem) => {
                    if let Err(error) = self.reject(problem) {
                        // It comes before whatever else reading ahead met.
                        self.failed = Some(error);
                        break;
                    }
                    blocks.iter_mut().for_each(|(_, at)| at.push(None));
                }
            }
        }
        self.taken += blocks.iter().map(|(images, _)| images.bytes.len() as u64).sum::<u64>();
        if let Some(memory) = self.memory.filter(|&memory| self.taken + self.taken / 4 > memory) {
            self.failed = Some(too_large(self.source(), self.taken, memory));
            self.good.clear();
        }
        self.images = blocks.into_iter().map(|(images, at)| Block { images: Arc::new(images), at }).collect();
        if let Origin::Folder { read, skips, .. } = &mut self.from {
            *read += rows;
            skips.rows += self.good.len() as u64;
        }
    }

    /// The file of a row's image, unless its field is missing.
    fn path(&self, row: usize, column: &ImageColumn) -> Option<PathBuf> {
        match &self.from {
            Origin::Table { folders, .. } => {
                let text = self.texts.field(row, column.column).trim_ascii();
                let folder = folders.get(self.texts.file(row));
                let there = !self.markers.has(text);
                there.then(|| folder.map_or_else(|| PathBuf::from(text), |folder| folder.join(text)))
            }
            Origin::Folder { listing, read, .. } => Some(listing.paths[read + row].clone()),
        }
    }

    /// `problem` of the image in a row, with its place.
    fn placed(&self, row: usize, column: &ImageColumn, problem: Problem) -> Problem {
        let fields = self.texts.row(row);
        match &self.from {
            Origin::Table { .. } => {
                let place = field::place(&fields, &self.texts.columns()[column.column]);
                let path = quote(fields.get(column.column).trim_ascii());
                Problem { place, found: Some(path), ..problem }
            }
            Origin::Folder { .. } => Problem { place: fields.file().to_owned(), ..problem },
        }
    }

    /// The pictures of a row, if all are there and fit their columns. The first image of all gives its shape to a column that has
    /// none.
    fn fit(
        &mut self,
        row: usize,
        pictures: Vec<Option<Result<Picture, Problem>>>,
    ) -> Result<Vec<Option<Picture>>, Problem> {
        let mut fitted = Vec::with_capacity(pictures.len());
        let mut shapes: Vec<Option<[usize; 3]>> =
            self.columns.iter().map(|column| column.form.shape).collect();
        for ((picture, column), shape) in pictures.into_iter().zip(&self.columns).zip(&mut shapes) {
            let Some(picture) = picture else {
                fitted.push(None);
                continue;
            };
            let picture = picture.map_err(|problem| self.placed(row, column, problem))?;
            let wanted = *shape.get_or_insert(picture.shape);
            // A grey image among coloured ones loses nothing.
            let picture = if wanted[2] == 3 { picture.with_channels(3) } else { picture };
            if picture.shape != wanted {
                return Err(self.placed(row, column, self.odd(column, picture.shape, wanted)));
            }
            fitted.push(Some(picture));
        }
        self.columns.iter_mut().zip(shapes).for_each(|(column, shape)| column.form.shape = shape);
        Ok(fitted)
    }

    fn odd(&self, column: &ImageColumn, shape: [usize; 3], wanted: [usize; 3]) -> Problem {
        let problem = Problem::new("", format!("an image of {}", Picture::describe(shape)));
        let expected = Picture::describe(wanted);
        if column.fitted {
            return problem.expected(format!("{expected}, as in training"));
        }
        let name = &self.texts.columns()[column.column];
        let [height, width, channels] = wanted;
        let (key, name) = (field::key("data.inputs", name), quote(name));
        problem.expected(format!("{expected}, as in the first image")).help(format!(
            "for images of several sizes: [{key}] columns = {name}, shape = [{channels}, {height}, {width}]"
        ))
    }

    fn reject(&mut self, problem: Problem) -> Result<()> {
        match &mut self.from {
            Origin::Table { reader, .. } => reader.reject(problem),
            Origin::Folder { skips, listing, .. } => skips.skip(Rows::source(&listing.rows), problem),
        }
    }

    fn check_skipped(&self) -> Result<()> {
        match &self.from {
            Origin::Table { reader, .. } => reader.check_skipped(),
            Origin::Folder { skips, listing, .. } => skips.check(Rows::source(&listing.rows)),
        }
    }
}

/// Puts the texts of the next rows into `texts`; whether more may follow.
fn fill<R: Rows>(rows: &mut R, texts: &mut RowBuffer, limit: usize) -> Result<bool> {
    if texts.columns().is_empty() {
        *texts = RowBuffer::new(rows.source(), rows.columns());
    }
    while texts.len() < limit {
        match rows.next_row()? {
            Some(row) => texts.push(&row),
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Puts an image behind the others, which have its shape; its position.
fn push(images: &mut Images, picture: &Picture) -> usize {
    images.shape = picture.shape;
    let at = images.bytes.len() / picture.bytes.len().max(1);
    images.bytes.extend_from_slice(&picture.bytes);
    at
}

/// A row of [`ImageRows`].
#[derive(Clone, Copy)]
pub struct ImageRow<'a> {
    rows: &'a ImageRows,
    index: usize,
}

impl ImageRow<'_> {
    fn texts(&self) -> BufferedRow<'_> {
        self.rows.texts.row(self.index)
    }
}

impl std::fmt::Debug for ImageRow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.texts().fmt(f)
    }
}

impl Fields for ImageRow<'_> {
    fn width(&self) -> usize {
        self.rows.texts.columns().len()
    }

    fn get(&self, index: usize) -> &str {
        self.rows.texts.field(self.index, index)
    }

    fn line(&self) -> u64 {
        self.texts().line()
    }

    fn file(&self) -> &str {
        self.rows.texts.file(self.index)
    }

    fn unit(&self) -> &'static str {
        self.rows.texts.unit()
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        let at = self.rows.columns.iter().position(|column| column.column == index)?;
        let block = &self.rows.images[at];
        Some(Payload::Image { block: Arc::clone(&block.images), at: block.at[self.index]? })
    }
}

impl Rows for ImageRows {
    type Row<'a> = ImageRow<'a>;

    fn source(&self) -> &str {
        match &self.from {
            Origin::Table { reader, .. } => Rows::source(&**reader),
            Origin::Folder { listing, .. } => listing.rows.source(),
        }
    }

    fn columns(&self) -> &[String] {
        match &self.from {
            Origin::Table { reader, .. } => reader.columns(),
            Origin::Folder { listing, .. } => listing.rows.columns(),
        }
    }

    fn next_row(&mut self) -> Result<Option<ImageRow<'_>>> {
        while self.next == self.good.len() {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.ended {
                self.check_skipped()?;
                return Ok(None);
            }
            self.read_ahead();
        }
        let index = self.good[self.next];
        self.next += 1;
        Ok(Some(ImageRow { rows: self, index }))
    }

    fn meaning(&self, column: usize) -> Option<Meaning> {
        match &self.from {
            Origin::Table { reader, .. } => reader.meaning(column),
            Origin::Folder { listing, .. } => listing.rows.meaning(column),
        }
    }
}

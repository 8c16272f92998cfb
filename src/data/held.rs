//! A table that is held in memory: texts, and in one column images or steps of series.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::kept::FileRows;
use super::note::Note;
use super::picture::{Form, Picture};
use super::rows::{Fields, Meaning, RowBuffer, Rows};
use super::step::Steps;
use super::stored::{Images, Payload, Series, sizes};
use crate::error::{Error, Result};

/// Rows in memory, read one by one.
#[derive(Clone, Debug)]
pub struct HeldRows {
    texts: Box<RowBuffer>,
    payloads: Payloads,
    /// The column whose fields are payloads; its texts are empty.
    column: usize,
    steps: Box<Steps>,
    file_rows: Option<Box<FileRows>>,
    /// What a user should know about how they were made.
    notes: Vec<Note>,
    next: usize,
}

/// One for each row.
#[derive(Clone, Debug)]
pub enum Payloads {
    /// All columns are text.
    None,
    /// Row i holds image i.
    Images(Arc<Images>),
    /// Row i holds the steps of range i.
    Steps(Arc<Series>, Vec<Range<usize>>),
}

impl HeldRows {
    /// Rows whose fields in `column` are `payloads`.
    pub fn new(texts: RowBuffer, column: usize, payloads: Payloads) -> Self {
        HeldRows {
            texts: Box::new(texts),
            payloads,
            column,
            steps: Box::default(),
            file_rows: None,
            notes: Vec::new(),
            next: 0,
        }
    }

    /// The same rows, their images of the size that `form` says.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) where images of so many channels are not resized.
    pub(super) fn with_images(mut self, form: &Form) -> Result<Self> {
        let (Some(shape), Some(resize)) = (form.shape, form.resize) else { return Ok(self) };
        if let Payloads::Images(block) = &mut self.payloads
            && block.shape != shape
        {
            let from = block.shape;
            if !matches!(from[2], 1 | 3) {
                let error = Error::data(self.texts.source(), "only images of 1 or 3 channels are resized");
                return Err(error.expected(sizes(shape)).found(sizes(from)));
            }
            let resized =
                block.bytes.par_chunks_exact(from.iter().product::<usize>().max(1)).flat_map_iter(|bytes| {
                    Picture { shape: from, bytes: bytes.to_vec() }.resized(shape, resize).bytes
                });
            *block = Arc::new(Images { shape, bytes: resized.collect() });
        }
        Ok(self)
    }

    /// The same, made of a table whose columns became what `steps` says.
    pub(super) fn with_steps(self, steps: Steps) -> Self {
        HeldRows { steps: Box::new(steps), ..self }
    }

    /// The same, with the rows of the file that they were made of.
    pub(super) fn with_file_rows(self, file_rows: Option<FileRows>) -> Self {
        HeldRows { file_rows: file_rows.map(Box::new), ..self }
    }

    /// The same, with what a user should know about how they were made.
    pub(super) fn with_notes(self, notes: Vec<Note>) -> Self {
        HeldRows { notes, ..self }
    }

    /// What a user should know about how they were made.
    pub(super) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Takes out the rows of the file that the samples were made of, where they were kept.
    pub(super) fn take_file_rows(&mut self) -> Option<FileRows> {
        self.file_rows.take().map(|rows| *rows)
    }

    /// What became of the columns of the table that the rows were made of.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Whether the fields of a column are texts.
    pub(super) fn is_text(&self, column: usize) -> bool {
        column != self.column || matches!(self.payloads, Payloads::None)
    }

    /// The most and the fewest steps of a row, where rows hold series.
    pub(super) fn extent(&self) -> Option<Extent> {
        let Payloads::Steps(_, spans) = &self.payloads else { return None };
        let shortest = spans.iter().map(ExactSizeIterator::len).min()?;
        // The first of the longest.
        let row = (0..spans.len()).rev().max_by_key(|&row| spans[row].len())?;
        let first = self.texts.row(row);
        let place = format!("{}, series that begins in line {}", first.file(), first.line());
        Some(Extent { longest: spans[row].len(), shortest, place })
    }
}

/// How long the series of a table are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Steps of the longest.
    pub longest: usize,
    /// Steps of the shortest.
    pub shortest: usize,
    /// The longest, as messages name it.
    pub place: String,
}

/// A row of [`HeldRows`].
#[derive(Clone, Copy, Debug)]
pub struct HeldRow<'a> {
    rows: &'a HeldRows,
    index: usize,
}

impl Fields for HeldRow<'_> {
    fn width(&self) -> usize {
        self.rows.texts.columns().len()
    }

    fn get(&self, index: usize) -> &str {
        self.rows.texts.field(self.index, index)
    }

    fn line(&self) -> u64 {
        self.rows.texts.row(self.index).line()
    }

    fn file(&self) -> &str {
        self.rows.texts.file(self.index)
    }

    fn unit(&self) -> &'static str {
        self.rows.texts.unit()
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        if index != self.rows.column {
            return None;
        }
        match &self.rows.payloads {
            Payloads::None => None,
            Payloads::Images(block) => Some(Payload::Image { block: Arc::clone(block), at: self.index }),
            Payloads::Steps(block, spans) => {
                Some(Payload::Steps { block: Arc::clone(block), steps: spans[self.index].clone() })
            }
        }
    }
}

impl Rows for HeldRows {
    type Row<'a> = HeldRow<'a>;

    fn source(&self) -> &str {
        self.texts.source()
    }

    fn columns(&self) -> &[String] {
        self.texts.columns()
    }

    fn next_row(&mut self) -> Result<Option<HeldRow<'_>>> {
        let index = self.next;
        self.next += 1;
        Ok((index < self.texts.len()).then_some(HeldRow { rows: self, index }))
    }

    fn meaning(&self, column: usize) -> Option<Meaning> {
        self.texts.meaning(column)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, DataOptions, RawTable, Split};
    use super::*;

    fn texts() -> RowBuffer {
        RowBuffer::from_text("held", "image|label\n|a\n|b\n|a\n|b")
    }

    fn fitted(payloads: Payloads) -> Result<super::super::Fitted> {
        let raw = RawTable::read(&mut HeldRows::new(texts(), 0, payloads), &DataOptions::new("label"))?;
        raw.fit(&Split::all(4).train)
    }

    #[test]
    fn images_reach_a_batch_normalised_by_channel() -> Result<()> {
        let bytes = vec![0, 10, 0, 20, 8, 10, 8, 20, 0, 10, 0, 20, 8, 10, 8, 20];
        let fitted = fitted(Payloads::Images(Arc::new(Images { shape: [1, 2, 2], bytes })))?;
        let [input] = &fitted.inputs.stored[..] else { panic!("{:?}", fitted.inputs) };
        assert_eq!((input.name.as_str(), input.shape.axes(), input.ragged), ("image", &[1, 2, 2][..], false));
        let mut out = [0.0; 8];
        fitted.table.stored(input, &[1, 2], &mut out);
        assert_eq!(out, [1.0, -1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0]);
        Ok(())
    }

    #[test]
    fn series_end_in_zeros_and_tell_their_lengths() -> Result<()> {
        let series =
            Series { channels: vec!["x".into()], numbers: vec![1.0, 3.0, f32::NAN, 3.0, 1.0, 3.0, 1.0] };
        let spans = vec![0..2, 2..3, 3..6, 6..7];
        let fitted = fitted(Payloads::Steps(Arc::new(series), spans))?;
        let Cell::Series(cell) = &fitted.preprocessing.columns[0].cell else {
            panic!("{:?}", fitted.preprocessing)
        };
        assert_eq!((cell.length, cell.ragged, cell.mean[0], cell.std[0]), (3, true, 2.0, 1.0));
        let input = &fitted.inputs.stored[0];
        let (mut out, mut lengths) = ([9.0; 6], [0.0; 2]);
        fitted.table.stored(input, &[0, 1], &mut out);
        fitted.table.lengths(input, &[0, 1], &mut lengths);
        assert_eq!((out, lengths), ([-1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [2.0, 1.0]));
        Ok(())
    }
}

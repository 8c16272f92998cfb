//! A table that is held in memory: texts, and in one column images or steps of series.

use std::ops::Range;
use std::sync::Arc;

use super::rows::{Fields, RowBuffer, Rows};
use super::stored::{Images, Payload, Series};
use crate::error::Result;

/// Rows in memory, read one by one.
#[derive(Clone, Debug)]
pub struct HeldRows {
    texts: RowBuffer,
    payloads: Payloads,
    /// The column whose fields are payloads; its texts are empty.
    column: usize,
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
        HeldRows { texts, payloads, column, next: 0 }
    }
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
        fitted.table.stored(input, &[1, 2], None, &mut out);
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
        fitted.table.stored(input, &[0, 1], None, &mut out);
        fitted.table.lengths(input, &[0, 1], &mut lengths);
        assert_eq!((out, lengths), ([-1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [2.0, 1.0]));
        Ok(())
    }
}

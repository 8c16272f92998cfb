//! Fields that hold more than a number: images, and steps of series.
//!
//! A row's field gives a [`Payload`] where it is not text. A [`Store`] keeps one for each row of a [`Table`](super::Table): shared
//! blocks are not copied. The fitted [`ImageCell`] or [`SeriesCell`] of the column says how a batch is made of them.

use std::ops::Range;
use std::sync::Arc;

use super::options::ColumnType;
use crate::tensor::Shape;

mod images;
mod series;

pub use images::{ImageCell, ImageStore, Images};
pub use series::{Series, SeriesCell, SeriesStore};

/// What a field holds that is not text.
#[derive(Clone, Debug)]
pub enum Payload {
    /// One image of a block.
    Image {
        /// The images.
        block: Arc<Images>,
        /// Its position.
        at: usize,
    },
    /// Some steps of a series.
    Steps {
        /// All steps.
        block: Arc<Series>,
        /// Those of the field.
        steps: Range<usize>,
    },
}

impl Payload {
    /// What its column holds.
    pub(super) fn kind(&self) -> ColumnType {
        match self {
            Payload::Image { .. } => ColumnType::Image,
            Payload::Steps { .. } => ColumnType::Series,
        }
    }

    /// Bytes of its numbers.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Payload::Image { block, .. } => block.shape.iter().product(),
            Payload::Steps { block, steps } => 4 * steps.len() * block.channels.len(),
        }
    }

    /// A store without rows for payloads like this one.
    pub(super) fn store(&self) -> Store {
        match self {
            Payload::Image { block, .. } => Store::Images(ImageStore::new(block.shape)),
            Payload::Steps { block, .. } => Store::Series(SeriesStore::new(block.channels.clone())),
        }
    }
}

/// The payloads of one column, one for each row of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Store {
    /// Images.
    Images(ImageStore),
    /// Steps of series.
    Series(SeriesStore),
}

/// A fitted column of payloads: what a batch is made with.
#[derive(Clone, Copy, Debug)]
pub enum StoredCell<'a> {
    /// Images.
    Image(&'a ImageCell),
    /// Steps of series.
    Series(&'a SeriesCell),
}

impl StoredCell<'_> {
    /// Shape of a row as the network gets it, channels last: `[H, W, C]` or `[T, C]`.
    pub fn shape(&self) -> Shape {
        match self {
            StoredCell::Image(cell) => Shape::from(cell.shape),
            StoredCell::Series(cell) => Shape::from([cell.length, cell.channels.len()]),
        }
    }

    /// What 0 in the unit of the data is in each number of a row; black, of an image.
    pub(super) fn zeros(&self) -> Vec<f32> {
        let (mean, std) = match self {
            StoredCell::Image(cell) => (&cell.mean, &cell.std),
            StoredCell::Series(cell) => (&cell.mean, &cell.std),
        };
        let zero = |channel: usize| (-mean[channel] / std[channel]) as f32;
        (0..self.shape().len()).map(|i| zero(i % mean.len())).collect()
    }

    /// Whether rows may end before T.
    pub fn is_ragged(&self) -> bool {
        matches!(self, StoredCell::Series(cell) if cell.ragged)
    }

    /// Whether the parts fit each other, as those of a damaged model file may not.
    pub(super) fn is_valid(&self) -> bool {
        let (channels, mean, std) = match self {
            StoredCell::Image(cell) => (cell.shape[2], &cell.mean, &cell.std),
            StoredCell::Series(cell) => (cell.channels.len(), &cell.mean, &cell.std),
        };
        let fill = match self {
            StoredCell::Image(_) => &[][..],
            StoredCell::Series(cell) => &cell.fill,
        };
        (fill.len() == channels || matches!(self, StoredCell::Image(_)))
            && fill.iter().all(|x| x.is_finite())
            && !self.shape().is_empty()
            && [mean.len(), std.len()] == [channels; 2]
            && mean.iter().all(|m| m.is_finite())
            && std.iter().all(|s| s.is_finite() && *s > 0.0)
    }

    /// A store without rows.
    pub fn store(&self) -> Store {
        match self {
            StoredCell::Image(cell) => Store::Images(ImageStore::new(cell.shape)),
            StoredCell::Series(cell) => Store::Series(SeriesStore::new(cell.channels.clone())),
        }
    }
}

impl Store {
    /// What a row holds: `28 x 28 x 1`, `6 channels`.
    pub(super) fn describe(&self) -> String {
        match self {
            Store::Images(store) => sizes(store.shape()),
            Store::Series(store) => match store.channels().len() {
                1 => "1 channel".into(),
                n => format!("{n} channels"),
            },
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Store::Images(store) => store.len(),
            Store::Series(store) => store.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all rows from `rows` on out.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Store::Images(store) => store.truncate(rows),
            Store::Series(store) => store.truncate(rows),
        }
    }

    /// Bytes of memory that the rows take.
    pub fn bytes(&self) -> usize {
        match self {
            Store::Images(store) => store.bytes(),
            Store::Series(store) => store.bytes(),
        }
    }

    /// A number that almost surely differs where any payload does, going on from `hash`.
    pub fn checksum(&self, hash: u64) -> u64 {
        match self {
            Store::Images(store) => store.checksum(hash),
            Store::Series(store) => store.checksum(hash),
        }
    }

    /// Puts a payload at the end.
    ///
    /// # Errors
    /// A sentence, where it does not fit the column.
    pub fn push(&mut self, payload: &Payload) -> Result<(), String> {
        match (self, payload) {
            (Store::Images(store), Payload::Image { block, at }) => store.push(block, *at),
            (Store::Series(store), Payload::Steps { block, steps }) => store.push(block, steps.clone()),
            (Store::Images(_), Payload::Steps { .. }) => Err("a series where an image was expected".into()),
            (Store::Series(_), Payload::Image { .. }) => Err("an image where a series was expected".into()),
        }
    }

    /// The numbers of these rows, `[rows.len(), ...shape]`.
    ///
    /// # Panics
    /// If a row is not there, `out` has another length, or the cell is another column's.
    pub fn fill(&self, cell: StoredCell<'_>, rows: &[u32], out: &mut [f32]) {
        match (self, cell) {
            (Store::Images(store), StoredCell::Image(cell)) => store.fill(cell, rows, out),
            (Store::Series(store), StoredCell::Series(cell)) => store.fill(cell, rows, out),
            _ => panic!("a cell of another column"),
        }
    }

    /// The lengths of these rows as whole numbers.
    ///
    /// # Panics
    /// For images, which have none.
    pub fn lengths(&self, cell: StoredCell<'_>, rows: &[u32], out: &mut [f32]) {
        match (self, cell) {
            (Store::Series(store), StoredCell::Series(cell)) => store.lengths(cell, rows, out),
            _ => panic!("images have no lengths"),
        }
    }
}

/// `28 x 28 x 1`
pub(super) fn sizes<const N: usize>(shape: [usize; N]) -> String {
    shape.map(|n| n.to_string()).join(" x ")
}

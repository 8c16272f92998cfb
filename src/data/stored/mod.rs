//! Fields that hold more than a number: images, steps of series, and texts.
//!
//! A row's field gives a [`Payload`] where it is not text. A [`Store`] keeps one for each row of a [`Table`](super::Table): shared
//! blocks are not copied. The fitted [`ImageCell`], [`SeriesCell`] or [`TextCell`] of the column says how a batch is made of them. Texts are
//! texts until a tokenizer is fitted, and ids from then on.

use std::ops::Range;
use std::sync::Arc;

use super::options::ColumnType;
use super::tokenizer::UnknownText;
use crate::tensor::Shape;

mod images;
mod series;
mod texts;

pub use images::{ImageCell, ImageStore, Images};
pub use series::{Series, SeriesCell, SeriesStore};
pub use texts::{TextCell, TextFill, TextStore, TokenStore};

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
    /// Texts that no tokenizer has seen yet.
    Texts(TextStore),
    /// Ids of texts.
    Tokens(TokenStore),
}

/// A fitted column of payloads: what a batch is made with.
#[derive(Clone, Copy, Debug)]
pub enum StoredCell<'a> {
    /// Images.
    Image(&'a ImageCell),
    /// Steps of series.
    Series(&'a SeriesCell),
    /// Texts.
    Text(&'a TextCell),
}

impl StoredCell<'_> {
    /// Shape of a row as the network gets it, channels last: `[H, W, C]`, `[T, C]` or, of ids, `[T]`.
    pub fn shape(&self) -> Shape {
        match self {
            StoredCell::Image(cell) => Shape::from(cell.shape),
            StoredCell::Series(cell) => Shape::from([cell.length, cell.channels.len()]),
            StoredCell::Text(cell) => Shape::from([cell.length]),
        }
    }

    /// Number of different ids, where it gives ids.
    pub fn cardinality(&self) -> Option<usize> {
        match self {
            StoredCell::Image(_) | StoredCell::Series(_) => None,
            StoredCell::Text(cell) => Some(cell.tokenizer.vocabulary()),
        }
    }

    /// The id of tokens that training did not see, where it has one.
    pub fn unknown(&self) -> Option<usize> {
        match self {
            StoredCell::Image(_) | StoredCell::Series(_) => None,
            StoredCell::Text(cell) => cell.tokenizer.unknown().map(|id| id as usize),
        }
    }

    /// What 0 in the unit of the data is in each number of a row; black, of an image.
    pub(super) fn zeros(&self) -> Vec<f32> {
        let (mean, std) = match self {
            StoredCell::Image(cell) => (&cell.mean, &cell.std),
            StoredCell::Series(cell) => (&cell.mean, &cell.std),
            StoredCell::Text(cell) => return vec![0.0; cell.length],
        };
        let zero = |channel: usize| (-mean[channel] / std[channel]) as f32;
        (0..self.shape().len()).map(|i| zero(i % mean.len())).collect()
    }

    /// Whether rows may end before T.
    pub fn is_ragged(&self) -> bool {
        match self {
            StoredCell::Image(_) => false,
            StoredCell::Series(cell) => cell.ragged,
            StoredCell::Text(_) => true,
        }
    }

    /// Whether the parts fit each other, as those of a damaged model file may not.
    pub(super) fn is_valid(&self) -> bool {
        let (channels, mean, std) = match self {
            StoredCell::Image(cell) => (cell.shape[2], &cell.mean, &cell.std),
            StoredCell::Series(cell) => (cell.channels.len(), &cell.mean, &cell.std),
            StoredCell::Text(cell) => return cell.length > 0,
        };
        let fill = if let StoredCell::Series(cell) = self { Some(&cell.fill) } else { None };
        fill.is_none_or(|fill| fill.len() == channels && fill.iter().all(|x| x.is_finite()))
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
            StoredCell::Text(_) => Store::Tokens(TokenStore::default()),
        }
    }
}

impl Store {
    /// What a row holds: `28 x 28 x 1`, `6 channels`; nothing that is known of a text.
    pub(super) fn describe(&self) -> String {
        match self {
            Store::Texts(_) | Store::Tokens(_) => String::new(),
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
            Store::Texts(store) => store.len(),
            Store::Tokens(store) => store.len(),
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
            Store::Texts(store) => store.truncate(rows),
            Store::Tokens(store) => store.truncate(rows),
        }
    }

    /// Bytes of memory that the rows take.
    pub fn bytes(&self) -> usize {
        match self {
            Store::Images(store) => store.bytes(),
            Store::Series(store) => store.bytes(),
            Store::Texts(store) => store.bytes(),
            Store::Tokens(store) => store.bytes(),
        }
    }

    /// A number that almost surely differs where any payload does, going on from `hash`.
    pub fn checksum(&self, hash: u64) -> u64 {
        match self {
            Store::Images(store) => store.checksum(hash),
            Store::Series(store) => store.checksum(hash),
            Store::Texts(store) => store.checksum(hash),
            Store::Tokens(store) => store.checksum(hash),
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
            (Store::Texts(_) | Store::Tokens(_), Payload::Steps { .. }) => {
                Err("a series where a text was expected".into())
            }
            (Store::Texts(_) | Store::Tokens(_), Payload::Image { .. }) => {
                Err("an image where a text was expected".into())
            }
        }
    }

    /// The steps of a row: of its series, or the tokens of its text, of which an empty one has none.
    ///
    /// # Panics
    /// If the store holds neither.
    pub(super) fn steps(&self, row: u32) -> usize {
        match self {
            Store::Series(store) => store.steps(row),
            Store::Tokens(store) => store.steps(row),
            _ => panic!("no column of series or ids"),
        }
    }

    /// Puts a text at the end that is to be fitted.
    ///
    /// # Panics
    /// If the store holds no texts.
    pub(super) fn push_text(&mut self, text: &str) {
        match self {
            Store::Texts(store) => store.push(text),
            _ => panic!("no column of texts"),
        }
    }

    /// Puts a text at the end as ids of `cell`; how many it has, those that are cut among them.
    ///
    /// # Errors
    /// The first character that has no id.
    ///
    /// # Panics
    /// If the store holds no ids.
    pub(super) fn push_tokens(&mut self, cell: &TextCell, text: &str) -> Result<usize, UnknownText> {
        match self {
            Store::Tokens(store) => store.push(cell, text),
            _ => panic!("no column of ids"),
        }
    }

    /// Tokens of the text that came last which training never saw.
    ///
    /// # Panics
    /// If the store holds no ids.
    pub(super) fn unknown_in_last(&self, cell: &TextCell) -> u64 {
        match (self, cell.tokenizer.unknown()) {
            (Store::Tokens(_), None) => 0,
            (Store::Tokens(store), Some(unknown)) => {
                let last = store.row(store.len() as u32 - 1);
                last.iter().filter(|&&id| id == unknown).count() as u64
            }
            _ => panic!("no column of ids"),
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
            (Store::Tokens(store), StoredCell::Text(cell)) => store.fill(cell, rows, out),
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
            (Store::Tokens(store), StoredCell::Text(_)) => store.lengths(rows, out),
            _ => panic!("images have no lengths"),
        }
    }
}

/// `28 x 28 x 1`
pub(super) fn sizes<const N: usize>(shape: [usize; N]) -> String {
    shape.map(|n| n.to_string()).join(" x ")
}

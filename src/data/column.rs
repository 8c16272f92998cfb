//! The fitted columns of a preprocessing: how one field becomes numbers.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::category_index::{self, CategoryIndex};
use super::date::DatePart;
use super::field;
use super::options::{Encoding, Unknown};
use super::scaler::Scaler;
use super::stored::{ImageCell, SeriesCell, StoredCell, TextCell};

/// What a missing value becomes once everything is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// This value, in the column's own unit: a mean, a median or a constant.
    Value(f64),
    /// This value, and an indicator that is 1.
    Indicator(f64),
    /// The row is left out.
    DropRow,
    /// An error.
    Error,
}

impl Fill {
    /// The value put in; 0 where no row with a missing value gets this far.
    pub(super) fn value(&self) -> f64 {
        match self {
            Fill::Value(x) | Fill::Indicator(x) => *x,
            Fill::DropRow | Fill::Error => 0.0,
        }
    }
}

/// One number of a table's row: what is kept in 32 bits, and how it is scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberCell {
    /// Subtracted in f64 before the value is rounded to 32 bits; added again before it is scaled.
    pub offset: f64,
    /// Applied in f64.
    pub scaler: Scaler,
    /// For a missing value.
    pub missing: Fill,
}

impl NumberCell {
    /// The value as it is kept until it is scaled.
    #[inline]
    pub(super) fn raw(offset: f64, x: f64) -> f32 {
        (x - offset) as f32
    }

    /// The scaled value of a raw one; NaN, a missing value, becomes its fill or stays where an indicator needs it.
    #[inline]
    pub(super) fn scale(&self, raw: f32) -> f32 {
        if !raw.is_nan() {
            return self.scaler.apply(f64::from(raw) + self.offset);
        }
        match self.missing {
            Fill::Indicator(_) => raw,
            _ => self.scaled_fill(),
        }
    }

    /// The scaled value of the fill.
    pub(super) fn scaled_fill(&self) -> f32 {
        self.scaler.apply(self.missing.value())
    }
}

/// What a missing category becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryFill {
    /// A category of its own, after all others.
    Own,
    /// The category at this position.
    Category(usize),
    /// What an unknown category becomes: nothing was missing in training.
    Unknown,
    /// The row is left out.
    DropRow,
    /// An error.
    Error,
}

/// A fitted category column. In a table, code 0 is "unknown" and code i + 1 the category at position i.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryCell {
    /// The categories of the training part as they are spelled there, in ascending order (of the numbers, if all are numbers).
    pub categories: Vec<String>,
    /// For a missing value.
    pub missing: CategoryFill,
    /// How it reaches the network.
    pub encoding: Encoding,
    /// For a value that is not among the categories.
    pub unknown: Unknown,
}

impl CategoryCell {
    /// Categories, counting the one that stands for missing values.
    pub fn cardinality(&self) -> usize {
        self.categories.len() + usize::from(self.missing == CategoryFill::Own)
    }

    /// Numbers in the one-hot encoding: one where there are two categories.
    pub(super) fn one_hot_width(&self) -> usize {
        if self.cardinality() == 2 { 1 } else { self.cardinality() }
    }

    /// The code of a missing value.
    pub(super) fn missing_code(&self) -> f32 {
        match self.missing {
            CategoryFill::Own => (self.categories.len() + 1) as f32,
            CategoryFill::Category(i) => (i + 1) as f32,
            CategoryFill::Unknown | CategoryFill::DropRow | CategoryFill::Error => 0.0,
        }
    }

    /// Looks categories up by their text.
    pub(super) fn index(&self) -> CategoryIndex {
        CategoryIndex::new(&self.categories)
    }
}

/// A fitted date column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateCell {
    /// The parts that vary in the training part, each with its own number.
    pub parts: Vec<(DatePart, NumberCell)>,
    /// Whether an indicator follows the parts.
    pub indicator: bool,
}

/// A fitted input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// As in the header of the training data.
    pub name: String,
    /// What it holds.
    #[serde(flatten)]
    pub cell: Cell,
}

/// What a fitted input column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Cell {
    /// A number.
    Number(NumberCell),
    /// One of a set of values.
    Category(CategoryCell),
    /// A date.
    Date(DateCell),
    /// An image.
    Image(ImageCell),
    /// Steps of a series.
    Series(SeriesCell),
    /// A text.
    Text(TextCell),
}

impl Cell {
    /// The cell of a column whose fields are more than a number: images, series and texts.
    pub fn stored(&self) -> Option<StoredCell<'_>> {
        match self {
            Cell::Image(cell) => Some(StoredCell::Image(cell)),
            Cell::Series(cell) => Some(StoredCell::Series(cell)),
            Cell::Text(cell) => Some(StoredCell::Text(cell)),
            _ => None,
        }
    }

    /// Whether the network gets an index into learned vectors.
    pub(super) fn is_embedded(&self) -> bool {
        matches!(self, Cell::Category(c) if c.encoding == Encoding::Embedding)
    }

    /// Numbers, or indices, that the network gets for this column.
    pub(super) fn numbers(&self) -> usize {
        match self {
            Cell::Number(number) => 1 + usize::from(matches!(number.missing, Fill::Indicator(_))),
            Cell::Date(date) => date.parts.len() + usize::from(date.indicator),
            Cell::Category(category) if self.is_embedded() => category.cardinality().min(1),
            Cell::Category(category) => category.one_hot_width(),
            Cell::Image(_) | Cell::Series(_) | Cell::Text(_) => {
                self.stored().map_or(0, |cell| cell.shape().len())
            }
        }
    }

    /// Numbers that a table keeps in each row for this column.
    pub(super) fn width(&self) -> usize {
        match self {
            Cell::Number(_) | Cell::Category(_) => 1,
            Cell::Date(date) => date.parts.len(),
            Cell::Image(_) | Cell::Series(_) | Cell::Text(_) => 0,
        }
    }
}

/// Categories as they come along while a table is read; codes count from 0 in the order of appearance.
///
/// Each text is a category, with two exceptions: `true` and `TRUE` are one, and so are `1` and `1.0`, which programs write for each
/// other.
#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    codes: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// The codes of booleans and whole numbers by their plain spelling.
    plain: HashMap<Box<str>, u32>,
}

impl Dictionary {
    /// The code of `text`, a new one if it is new.
    pub(super) fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let next = self.names.len() as u32;
        let code = match category_index::plain(text) {
            Some(plain) => *self.plain.entry(plain.into()).or_insert(next),
            None => next,
        };
        match self.names.get_mut(code as usize) {
            None => self.names.push(text.into()),
            Some(name) if text.len() < name.len() => *name = text.into(),
            Some(_) => {}
        }
        self.codes.insert(text.into(), code);
        code
    }

    /// The spellings of each category that has several; the name of the category comes first.
    pub(super) fn spellings(&self) -> Vec<Vec<&str>> {
        let mut all: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        let several = self.codes.len() > self.names.len();
        for (text, code) in self.codes.iter().filter(|_| several) {
            all.entry(*code).or_default().push(text);
        }
        let several = all.into_iter().filter(|(_, spellings)| spellings.len() > 1);
        let sorted = several.map(|(code, mut spellings)| {
            spellings.sort_unstable_by_key(|text| (*text != self.name(code), *text));
            spellings
        });
        sorted.collect()
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The text of a code.
    pub(super) fn name(&self, code: u32) -> &str {
        &self.names[code as usize]
    }

    /// The categories for which `keep` holds, in ascending order (of the numbers, if all are numbers), and for each code its position or none.
    pub(super) fn sorted(&self, keep: impl Fn(usize) -> bool) -> (Vec<String>, Vec<Option<usize>>) {
        let mut codes: Vec<usize> = (0..self.names.len()).filter(|&c| keep(c)).collect();
        let numbers: Vec<Option<f64>> =
            self.names.iter().map(|n| field::parse_number(n).filter(|x| x.is_finite())).collect();
        if codes.iter().all(|&c| numbers[c].is_some()) {
            // Whole numbers that 64 bits round to the same one are in the order of their digits.
            let rank = |c: usize| (self.names[c].len(), &self.names[c]);
            codes.sort_by(|&a, &b| {
                numbers[a]
                    .partial_cmp(&numbers[b])
                    .unwrap_or(Ordering::Equal)
                    .then_with(|| rank(a).cmp(&rank(b)))
            });
        } else {
            codes.sort_by(|&a, &b| self.names[a].cmp(&self.names[b]));
        }
        let mut positions = vec![None; self.names.len()];
        codes.iter().enumerate().for_each(|(position, &code)| positions[code] = Some(position));
        (codes.into_iter().map(|c| self.names[c].to_string()).collect(), positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_keep_their_text_and_are_sorted() {
        let mut dictionary = Dictionary::default();
        let codes = ["10", "9", "9e0", "010", "-1", "9"].map(|t| dictionary.code(t));
        assert_eq!(codes, [0, 1, 2, 3, 4, 1]);
        let (names, positions) = dictionary.sorted(|_| true);
        assert_eq!(names, ["-1", "9", "9e0", "10", "010"]);
        assert_eq!(positions, [3, 1, 2, 4, 0].map(Some));
        assert!(dictionary.spellings().is_empty());

        let mut dictionary = Dictionary::default();
        for text in ["b", "10", "9", "a"] {
            dictionary.code(text);
        }
        let (names, positions) = dictionary.sorted(|c| c != 0);
        assert_eq!(
            (names, positions),
            (vec!["10".into(), "9".into(), "a".into()], vec![None, Some(0), Some(1), Some(2)])
        );

        let mut dictionary = Dictionary::default();
        let ids = ["9007199254740994", "9007199254740993", "9007199254740992"];
        assert_eq!(ids.map(|t| dictionary.code(t)), [0, 1, 2]);
        assert_eq!(dictionary.sorted(|_| true).1, [2, 1, 0].map(Some));
    }

    #[test]
    fn booleans_and_whole_numbers_are_one_category_in_several_spellings() {
        let mut dictionary = Dictionary::default();
        let texts =
            ["True", "false", "TRUE", "true", "False", "True", "maybe", "1.0", "1", "01", "1.00", "1.5"];
        assert_eq!(texts.map(|t| dictionary.code(t)), [0, 1, 0, 0, 1, 0, 2, 3, 3, 4, 3, 5]);
        assert_eq!(dictionary.sorted(|_| true).0, ["01", "1", "1.5", "True", "false", "maybe"]);
        let spellings = [vec!["True", "TRUE", "true"], vec!["false", "False"], vec!["1", "1.0", "1.00"]];
        assert_eq!(dictionary.spellings(), spellings);
    }
}

//! Texts as they are read and as ids, and their way to a batch.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::options::named;
use super::super::tokenizer::{Tokenizer, UnknownText};

named! {
    /// What a missing text becomes.
    TextFill {
        /// The empty text.
        Empty = "empty",
        /// The whole row is left out.
        DropRow = "drop_row",
        /// An error.
        Error = "error",
    }
}

/// A fitted column of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextCell {
    /// Trained on the training part.
    pub tokenizer: Arc<Tokenizer>,
    /// T: the ids that a row has at most. Of a longer text the first ones are taken.
    pub length: usize,
    /// For a missing text.
    pub missing: TextFill,
    /// Whether the words of a text are those of the rows of a long table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_steps: bool,
}

impl TextCell {
    /// Puts the ids of a text at the end of `ids`, no more than there is room for; how many it has, 0 for an empty text.
    ///
    /// An empty text is one id, so that no layer sees a sequence without a step: the unknown one, or that of a space.
    ///
    /// # Errors
    /// The first character that has no id.
    pub(in crate::data) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<usize, UnknownText> {
        let start = ids.len();
        let count = encode(&self.tokenizer, text, ids)?;
        ids.truncate(start + self.length.min(ids.len() - start));
        Ok(count)
    }
}

/// Puts the ids of a text at the end of `ids`, one at least; how many it has.
fn encode(tokenizer: &Tokenizer, text: &str, ids: &mut Vec<u32>) -> Result<usize, UnknownText> {
    let start = ids.len();
    tokenizer.encode(text, ids)?;
    let count = ids.len() - start;
    if count == 0 {
        match tokenizer.unknown() {
            Some(unknown) => ids.push(unknown),
            None if tokenizer.encode(" ", ids).is_ok() && ids.len() > start => ids.truncate(start + 1),
            None => ids.push(0),
        }
    }
    Ok(count)
}

/// Rows that are encoded together.
const BLOCK: usize = 1024;

/// The texts of a table's rows, before anything is fitted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextStore {
    text: String,
    /// For each row, where its text ends.
    ends: Vec<usize>,
}

impl TextStore {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + size_of::<usize>() * self.ends.capacity()
    }

    pub(super) fn checksum(&self, hash: u64) -> u64 {
        let hash = self.text.bytes().fold(hash, |hash, byte| step(hash, u64::from(byte)));
        self.ends.iter().fold(hash, |hash, &end| step(hash, end as u64))
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// The text of a row; empty where it is missing.
    pub(in crate::data) fn row(&self, row: u32) -> &str {
        let at = row as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    /// The ids of all rows, one at least for each.
    ///
    /// # Errors
    /// The first character that has no id.
    pub(in crate::data) fn encode(&self, tokenizer: &Tokenizer) -> Result<TokenStore, UnknownText> {
        // Blocks of rows, in order: the same for any number of threads.
        let rows: Vec<u32> = (0..self.len() as u32).collect();
        let blocks: Vec<Result<TokenStore, UnknownText>> = rows
            .par_chunks(BLOCK)
            .map(|rows| {
                let mut block = TokenStore::default();
                for &row in rows {
                    if encode(tokenizer, self.row(row), &mut block.ids)? == 0 {
                        block.empty.push(row);
                    }
                    block.ends.push(block.ids.len());
                }
                Ok(block)
            })
            .collect();
        let mut all = TokenStore::default();
        for block in blocks {
            let block = block?;
            let start = all.ids.len();
            all.ids.extend(block.ids);
            all.empty.extend(block.empty);
            all.ends.extend(block.ends.iter().map(|end| start + end));
        }
        Ok(all)
    }
}

/// Some whole numbers for each row of a table: ids of tokens, or the classes of steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenStore {
    ids: Vec<u32>,
    /// For each row, where its ids end.
    ends: Vec<usize>,
    /// Rows of empty texts, in order: their id stands for nothing.
    empty: Vec<u32>,
}

impl TokenStore {
    pub(in crate::data) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(in crate::data) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.ids.truncate(self.ends.last().copied().unwrap_or(0));
        self.empty.retain(|&row| (row as usize) < rows);
    }

    pub(in crate::data) fn bytes(&self) -> usize {
        4 * (self.ids.capacity() + self.empty.capacity()) + size_of::<usize>() * self.ends.capacity()
    }

    pub(in crate::data) fn checksum(&self, hash: u64) -> u64 {
        let hash = self.ids.iter().fold(hash, |hash, &id| step(hash, u64::from(id)));
        self.ends.iter().fold(hash, |hash, &end| step(hash, end as u64))
    }

    /// Adds a row; how many ids the text has, those that are cut among them.
    pub(super) fn push(&mut self, cell: &TextCell, text: &str) -> Result<usize, UnknownText> {
        let count = cell.encode(text, &mut self.ids)?;
        if count == 0 {
            self.empty.push(self.ends.len() as u32);
        }
        self.ends.push(self.ids.len());
        Ok(count)
    }

    /// The ids of a row that stand for something.
    pub(super) fn steps(&self, row: u32) -> usize {
        if self.empty.binary_search(&row).is_ok() { 0 } else { self.row(row).len() }
    }

    /// The most ids of a row.
    pub(in crate::data) fn longest(&self) -> usize {
        (0..self.len() as u32).map(|row| self.row(row).len()).max().unwrap_or(0)
    }

    /// Adds a row of these numbers.
    pub(in crate::data) fn push_ids(&mut self, ids: impl Iterator<Item = u32>) {
        self.ids.extend(ids);
        self.ends.push(self.ids.len());
    }

    /// Puts `change` of it in the place of each number.
    pub(in crate::data) fn replace(&mut self, change: impl Fn(u32) -> u32) {
        self.ids.iter_mut().for_each(|id| *id = change(*id));
    }

    /// Numbers of all rows together.
    pub(in crate::data) fn total(&self) -> usize {
        self.ids.len()
    }

    /// The ids of a row.
    pub(in crate::data) fn row(&self, row: u32) -> &[u32] {
        let at = row as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.ids[start..self.ends[at]]
    }

    /// Takes the ids behind the first `length` of each row out; how many rows had some.
    pub(in crate::data) fn cut(&mut self, length: usize) -> usize {
        let (mut from, mut to, mut rows) = (0, 0, 0);
        for end in &mut self.ends {
            let kept = length.min(*end - from);
            rows += usize::from(kept < *end - from);
            self.ids.copy_within(from..from + kept, to);
            (from, to) = (*end, to + kept);
            *end = to;
        }
        self.ids.truncate(to);
        self.ids.shrink_to_fit();
        rows
    }

    pub(super) fn fill(&self, cell: &TextCell, rows: &[u32], out: &mut [f32]) {
        assert_eq!(out.len(), rows.len() * cell.length);
        for (out, &row) in out.chunks_exact_mut(cell.length.max(1)).zip(rows) {
            let ids = self.row(row);
            let (there, behind) = out.split_at_mut(ids.len());
            there.iter_mut().zip(ids).for_each(|(out, &id)| *out = id as f32);
            behind.fill(0.0);
        }
    }

    pub(super) fn lengths(&self, rows: &[u32], out: &mut [f32]) {
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = self.row(row).len() as f32;
        }
    }
}

/// FNV-1a.
fn step(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::super::super::tokenizer::{TokenizerKind, TokenizerSpec};
    use super::*;

    fn tokenizer(kind: TokenizerKind) -> Tokenizer {
        let spec = TokenizerSpec {
            kind,
            vocabulary_size: None,
            lowercase: false,
            unknown: false,
            line_breaks: false,
        };
        Tokenizer::train(&spec, ["a b b"].into_iter()).unwrap()
    }

    #[test]
    fn rows_are_cut_and_an_empty_text_is_one_id() {
        let mut texts = TextStore::default();
        for text in ["b b a", "", "a zebra", "b"] {
            texts.push(text);
        }
        let mut tokens = texts.encode(&tokenizer(TokenizerKind::Word)).unwrap();
        assert_eq!(
            (0..4).map(|row| tokens.row(row)).collect::<Vec<_>>(),
            [&[1, 1, 2][..], &[0], &[2, 0], &[1]]
        );
        assert_eq!(tokens.cut(2), 1);
        assert_eq!((0..4).map(|row| tokens.row(row)).collect::<Vec<_>>(), [&[1, 1][..], &[0], &[2, 0], &[1]]);
        assert_eq!(tokens.cut(1), 2);
        texts.truncate(1);
        assert_eq!((texts.row(0), texts.len()), ("b b a", 1));
    }

    #[test]
    fn of_several_unknown_characters_the_first_is_named() {
        let mut texts = TextStore::default();
        for block in ["abx", "aby", "abz"] {
            // A block that is longer takes longer to come to its end.
            let known = if block == "abx" { "ab".repeat(2000) } else { "ab".into() };
            (1..BLOCK).for_each(|_| texts.push(&known));
            texts.push(block);
        }
        let tokenizer = tokenizer(TokenizerKind::Char);
        for _ in 0..20 {
            assert_eq!(texts.encode(&tokenizer).unwrap_err().character, 'x');
        }
    }

    #[test]
    fn an_empty_text_is_a_space_where_nothing_is_unknown() {
        for (kind, id) in [(TokenizerKind::Byte, u32::from(b' ')), (TokenizerKind::Char, 0)] {
            let mut ids = Vec::new();
            encode(&tokenizer(kind), "", &mut ids).unwrap();
            assert_eq!(ids, [id]);
        }
    }

    #[test]
    fn a_batch_has_zeros_behind_the_end() {
        let cell = TextCell {
            tokenizer: Arc::new(tokenizer(TokenizerKind::Word)),
            length: 3,
            missing: TextFill::Empty,
            of_steps: false,
        };
        let mut tokens = TokenStore::default();
        assert_eq!(tokens.push(&cell, "b a"), Ok(2));
        assert_eq!(tokens.push(&cell, "b a b b"), Ok(4));
        let (mut out, mut lengths) = ([9.0; 6], [9.0; 2]);
        tokens.fill(&cell, &[1, 0], &mut out);
        tokens.lengths(&[1, 0], &mut lengths);
        assert_eq!((out, lengths), ([1.0, 2.0, 1.0, 1.0, 2.0, 0.0], [3.0, 2.0]));
    }
}

//! The encoded table: what training, evaluation and prediction gather their batches from.

use super::inputs::{DenseInput, EmbeddingInput, Inputs, Op, StoredInput};
use super::language::TokenRows;
use super::step_targets::StepTargets;
use super::stored::{Store, TokenStore};

/// Encoded rows: scaled numbers, codes of categories, targets and weights. One `f32` each, row after row; one-hot blocks
/// and indicators are made when a batch is gathered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub(super) width: usize,
    /// `[rows, width]`
    pub(super) cells: Vec<f32>,
    pub(super) target_width: usize,
    /// `[rows, target_width]`; empty where targets were not read.
    pub(super) targets: Vec<f32>,
    /// The targets that are numbers as they stand in the data, `[rows, target_width]`; empty where none is a number.
    pub(super) truths: Vec<f64>,
    /// `[rows]`; empty where all rows weigh 1.
    pub(super) weights: Vec<f32>,
    /// Images and series, in the order of their columns.
    pub(super) stores: Vec<Store>,
    /// The classes of the steps, for each target that has some.
    pub(super) step_classes: Vec<TokenStore>,
    pub(super) rows: usize,
    /// A text instead, of which every token begins a row.
    pub(super) text: Option<TokenRows>,
}

impl Table {
    /// A table without rows for these inputs and `target_width` numbers of target in each row (0: none).
    pub fn empty(inputs: &Inputs, target_width: usize) -> Self {
        let mut stored: Vec<&StoredInput> = inputs.stored.iter().collect();
        stored.sort_by_key(|input| input.position);
        let stores = stored.into_iter().map(StoredInput::store).collect();
        Table { width: inputs.width, target_width, stores, ..Table::default() }
    }

    /// The rows of a text: windows of tokens, of which each begins at one place.
    pub fn of_text(text: TokenRows) -> Self {
        Table { rows: text.len(), text: Some(text), ..Table::default() }
    }

    /// The text that the rows are windows of.
    pub fn text(&self) -> Option<&TokenRows> {
        self.text.as_ref()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes all rows out, keeping the memory for the next ones.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.targets.clear();
        self.truths.clear();
        self.weights.clear();
        self.stores.iter_mut().for_each(|store| store.truncate(0));
        self.step_classes.iter_mut().for_each(|store| store.truncate(0));
        self.rows = 0;
    }

    /// Bytes of memory that the rows take.
    pub fn bytes(&self) -> usize {
        let stored: usize = self.stores.iter().map(Store::bytes).sum();
        let steps: usize = self.step_classes.iter().map(TokenStore::bytes).sum();
        let text = self.text.as_ref().map_or(0, TokenRows::bytes);
        text + stored
            + steps
            + 8 * self.truths.capacity()
            + 4 * (self.cells.capacity() + self.targets.capacity() + self.weights.capacity())
    }

    /// The numbers of `input` for these rows. `out`: `[rows.len(), D]`, D being the length of the input's shape.
    ///
    /// # Panics
    /// If a row is not there or `out` has another length; likewise in the functions below.
    pub fn dense(&self, input: &DenseInput, rows: &[u32], out: &mut [f32]) {
        let d = input.features.len();
        assert_eq!(out.len(), rows.len() * d);
        match input.ops[..] {
            [Op::Copy { from, len, .. }] => {
                for (out, &row) in out.chunks_exact_mut(d).zip(rows) {
                    out.copy_from_slice(&self.row(row)[from..from + len]);
                }
            }
            _ => {
                for (out, &row) in out.chunks_exact_mut(d).zip(rows) {
                    let row = self.row(row);
                    input.ops.iter().for_each(|op| op.apply(row, out));
                }
            }
        }
    }

    /// The indices of an embedded column for these rows, as whole numbers in `f32`. `out`: `[rows.len()]`.
    pub fn ids(&self, input: &EmbeddingInput, rows: &[u32], out: &mut [f32]) {
        assert_eq!(out.len(), rows.len());
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = self.row(row)[input.cell];
        }
    }

    /// The images or series of `input` for these rows. `out`: `[rows.len(), ...shape]`.
    pub fn stored(&self, input: &StoredInput, rows: &[u32], out: &mut [f32]) {
        self.stores[input.position].fill(input.fitted(), rows, out);
    }

    /// The lengths of the series of `input`, which is ragged, as whole numbers. `out`: `[rows.len()]`.
    pub fn lengths(&self, input: &StoredInput, rows: &[u32], out: &mut [f32]) {
        self.stores[input.position].lengths(input.fitted(), rows, out);
    }

    /// How many steps a row of `input` has: of its series, or tokens of its text.
    pub fn steps(&self, input: &StoredInput, row: u32) -> usize {
        self.stores[input.position].steps(row)
    }

    /// The most tokens that a row's text has.
    pub fn longest_text(&self) -> usize {
        let of = |store: &Store| if let Store::Tokens(tokens) = store { tokens.longest() } else { 0 };
        self.stores.iter().map(of).max().unwrap_or(0)
    }

    /// A number of a step, as it is in the data: `back` steps before the last one of a row, if need be before the row's first;
    /// none where it is missing. `store` and `channel` are those of [`super::Preprocessing::step_channel`].
    pub fn step(&self, store: usize, row: u32, back: usize, channel: usize) -> Option<f32> {
        let Store::Series(series) = &self.stores[store] else { return None };
        series.step(row, back, channel)
    }

    /// The targets of the steps of rows: those of number `which` of the targets that have some, or the tokens of a text.
    pub fn step_targets(&self, which: usize) -> Option<StepTargets<'_>> {
        let classes = self.step_classes.get(which).map(StepTargets::Classes);
        classes.or(self.text.as_ref().map(StepTargets::NextToken))
    }

    /// The targets of these rows: the position of the class, 0/1 for each label, or standardised numbers.
    /// `out`: `[rows.len(), T]`, T as [`super::TargetGroups::width`] says.
    pub fn target(&self, rows: &[u32], out: &mut [f32]) {
        let t = self.target_width;
        assert_eq!(out.len(), rows.len() * t);
        for (out, &row) in out.chunks_exact_mut(t.max(1)).zip(rows) {
            out.copy_from_slice(self.target_row(row));
        }
    }

    /// The targets of one row; empty where targets were not read.
    pub fn target_row(&self, row: u32) -> &[f32] {
        let start = row as usize * self.target_width;
        &self.targets[start..start + self.target_width]
    }

    /// The number targets of one row in their own unit, in 64 bits; 0 for other targets. Empty where no target is a number.
    pub fn truth_row(&self, row: u32) -> &[f64] {
        match self.truths.is_empty() {
            true => &[],
            false => &self.truths[row as usize * self.target_width..][..self.target_width],
        }
    }

    /// The weights of these rows; 1 where there is no weight column. `out`: `[rows.len()]`.
    pub fn weight(&self, rows: &[u32], out: &mut [f32]) {
        assert_eq!(out.len(), rows.len());
        if self.weights.is_empty() {
            out.fill(1.0);
            return;
        }
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = self.weights[row as usize];
        }
    }

    /// The summed weight of each class among these rows, for number `column` of the target, which has `classes` classes.
    pub fn class_counts(&self, rows: &[u32], column: usize, classes: usize) -> Vec<f64> {
        let mut sums = vec![0.0; classes];
        for &row in rows {
            let weight = self.weights.get(row as usize).map_or(1.0, |&w| f64::from(w));
            sums[self.target_row(row)[column] as usize] += weight;
        }
        sums
    }

    /// A number that almost surely differs where any encoded number does (FNV-1a over 32-bit words).
    pub fn checksum(&self) -> u64 {
        let words =
            self.cells.iter().chain(&self.targets).chain(&self.weights).map(|x| u64::from(x.to_bits()));
        let hash =
            words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3));
        let hash = self.stores.iter().fold(hash, |hash, store| store.checksum(hash));
        let hash = self.step_classes.iter().fold(hash, |hash, store| store.checksum(hash));
        self.text.as_ref().map_or(hash, |text| text.checksum(hash))
    }

    #[inline]
    pub(super) fn row(&self, row: u32) -> &[f32] {
        let start = row as usize * self.width;
        &self.cells[start..start + self.width]
    }
}

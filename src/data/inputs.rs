//! What the network gets from a table: blocks of numbers, and indices into learned vectors.

use super::column::Cell;
use super::language::{Language, TokenInput};
use super::options::Encoding;
use super::preprocess::Preprocessing;
use super::stored::{Store, StoredCell};
use crate::tensor::Shape;

/// The input that holds all columns which belong to no named input.
pub const DEFAULT_INPUT: &str = "features";

/// All tensors that a table feeds to a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Blocks of numbers; one for each input that has any.
    pub dense: Vec<DenseInput>,
    /// Indices, one for each embedded column, in the order of the columns.
    pub embeddings: Vec<EmbeddingInput>,
    /// Images, series and texts.
    pub stored: Vec<StoredInput>,
    /// The tokens of a text, for a language model.
    pub tokens: Option<TokenInput>,
    /// Numbers that a [`super::Table`] keeps in each row.
    pub(super) width: usize,
}

/// A column of images or series, `[B, ...shape]`, channels last; or one of texts, as ids `[B, T]`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredInput {
    /// As layers refer to it: the name of the input that the column is alone in, or the column's.
    pub name: String,
    /// `[H, W, C]`, `[T, C]` or, of ids, `[T]`.
    pub shape: Shape,
    /// Number of different ids, where it holds ids.
    pub cardinality: Option<usize>,
    /// The id of tokens that training did not see, where it has one.
    pub unknown: Option<usize>,
    /// Whether rows may end before T.
    pub ragged: bool,
    /// How a batch is made.
    pub(super) cell: Cell,
    /// Which of a table's stores holds it: they are in the order of the columns.
    pub(super) position: usize,
}

/// A block of numbers, `[B, ...shape]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseInput {
    /// As layers refer to it.
    pub name: String,
    /// Sizes without the batch axis; `[D]` unless a config gives another.
    pub shape: Shape,
    /// What each of the D numbers is: `age`, `age is missing`, `city=Oslo`, `day.weekday`.
    pub features: Vec<String>,
    pub(super) ops: Vec<Op>,
    /// What 0 in the unit of the data is in each of the numbers, where all are numbers of the table.
    zeros: Vec<f32>,
}

/// A column that reaches the network as an index, `[B, 1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingInput {
    /// The input that its vectors belong to.
    pub input: String,
    /// The column.
    pub column: String,
    /// Number of indices: the categories, and index 0 for values unseen in training.
    pub cardinality: usize,
    pub(super) cell: usize,
}

/// How a piece of a table's row becomes a piece of a dense block's row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    /// Numbers that are ready.
    Copy { from: usize, to: usize, len: usize },
    /// A number, or `value` where it is missing.
    Fill { from: usize, to: usize, value: f32 },
    /// 1 where the number at `from` is missing, else 0.
    Missing { from: usize, to: usize },
    /// Code c > 0 puts a 1 at `to + c - 1`, all else 0.
    OneHot { from: usize, to: usize, len: usize },
    /// Two categories in one number: codes 0, 1, 2 give 0.5, 0, 1.
    Binary { from: usize, to: usize },
}

impl Inputs {
    pub(super) fn new(preprocessing: &Preprocessing) -> Self {
        let mut starts = Vec::with_capacity(preprocessing.columns.len());
        let mut width = 0;
        for column in &preprocessing.columns {
            starts.push(width);
            width += column.cell.width();
        }
        let tokens = preprocessing.language.as_ref().map(Language::input);
        let mut inputs =
            Inputs { dense: Vec::new(), embeddings: Vec::new(), stored: Vec::new(), tokens, width };
        for group in &preprocessing.inputs {
            let mut dense = DenseInput {
                name: group.name.clone(),
                shape: Shape::default(),
                features: Vec::new(),
                ops: Vec::new(),
                zeros: Vec::new(),
            };
            for &c in &group.columns {
                let (column, from) = (&preprocessing.columns[c], starts[c]);
                match &column.cell {
                    Cell::Category(category) if category.encoding == Encoding::Embedding => {
                        inputs.embeddings.push(EmbeddingInput {
                            input: group.name.clone(),
                            column: column.name.clone(),
                            cardinality: category.cardinality() + 1,
                            cell: from,
                        });
                    }
                    cell => match cell.stored() {
                        Some(stored) => inputs.stored.push(StoredInput {
                            name: if group.name == DEFAULT_INPUT { &column.name } else { &group.name }
                                .clone(),
                            shape: stored.shape(),
                            cardinality: stored.cardinality(),
                            unknown: stored.unknown(),
                            ragged: stored.is_ragged(),
                            cell: cell.clone(),
                            position: preprocessing.stored_before(c),
                        }),
                        None => dense.add(&column.name, cell, from),
                    },
                }
            }
            dense.shape = Shape::new(group.shape.clone().unwrap_or_else(|| vec![dense.features.len()]));
            if !dense.features.is_empty() {
                inputs.dense.push(dense);
            }
        }
        inputs
    }

    /// Whether there is one input, and it has places: an image or a series.
    pub fn is_one_with_places(&self) -> bool {
        let dense = self.dense.iter().map(|input| &input.shape);
        let shapes: Vec<&Shape> = dense.chain(self.stored.iter().map(|input| &input.shape)).collect();
        self.embeddings.is_empty() && matches!(shapes[..], [one] if one.axes().len() > 1)
    }

    /// The texts or series whose steps have labels, where there are some.
    pub fn sequence(&self) -> Option<&StoredInput> {
        self.stored.get(self.sequence_at())
    }

    /// Its number among the stored inputs; behind them where there is none.
    pub fn sequence_at(&self) -> usize {
        let is_sequence = |input: &StoredInput| input.shape.axes().len() < 3;
        self.stored.iter().position(is_sequence).unwrap_or(self.stored.len())
    }

    /// Numbers in all blocks of a row together.
    pub fn dense_width(&self) -> usize {
        self.dense.iter().map(|d| d.shape.len()).sum()
    }
}

impl StoredInput {
    /// What 0 in the unit of the data (black, of images) is in each number of a row.
    pub fn zeros(&self) -> Vec<f32> {
        self.fitted().zeros()
    }

    /// How a batch is made.
    pub(super) fn fitted(&self) -> StoredCell<'_> {
        self.cell.stored().unwrap_or_else(|| unreachable!("made of a stored column"))
    }

    /// A store without rows.
    pub(super) fn store(&self) -> Store {
        self.fitted().store()
    }
}

impl DenseInput {
    /// What 0 in the unit of the data (black, of pixels) is in each number of a row; empty for an input that has no shape.
    pub fn zeros(&self) -> Vec<f32> {
        if self.shape.axes().len() < 2 { Vec::new() } else { self.zeros.clone() }
    }

    fn add(&mut self, name: &str, cell: &Cell, from: usize) {
        match cell {
            Cell::Number(number) => {
                self.zeros.push(number.scaler.apply(0.0));
                let fill = matches!(number.missing, super::column::Fill::Indicator(_));
                self.number(name.to_owned(), from, fill.then(|| number.scaled_fill()));
                if fill {
                    self.indicator(name, from);
                }
            }
            Cell::Date(date) => {
                for (i, (part, number)) in date.parts.iter().enumerate() {
                    let fill = date.indicator.then(|| number.scaled_fill());
                    self.number(format!("{name}.{}", part.name()), from + i, fill);
                }
                if date.indicator {
                    self.indicator(name, from);
                }
            }
            Cell::Category(category) => {
                let (to, len) = (self.features.len(), category.one_hot_width());
                let labels = category.categories.iter().map(|c| format!("{name}={c}"));
                let mut labels: Vec<String> = labels.collect();
                labels.resize(category.cardinality(), format!("{name} is missing"));
                if labels.len() == 2 {
                    self.features.extend(labels.pop());
                    self.ops.push(Op::Binary { from, to });
                } else {
                    self.features.append(&mut labels);
                    self.ops.push(Op::OneHot { from, to, len });
                }
            }
            Cell::Image(_) | Cell::Series(_) | Cell::Text(_) => {}
        }
    }

    fn number(&mut self, name: String, from: usize, fill: Option<f32>) {
        let to = self.features.len();
        self.features.push(name);
        match (fill, self.ops.last_mut()) {
            (Some(value), _) => self.ops.push(Op::Fill { from, to, value }),
            (None, Some(Op::Copy { from: first, to: start, len }))
                if *first + *len == from && *start + *len == to =>
            {
                *len += 1;
            }
            _ => self.ops.push(Op::Copy { from, to, len: 1 }),
        }
    }

    fn indicator(&mut self, name: &str, from: usize) {
        self.ops.push(Op::Missing { from, to: self.features.len() });
        self.features.push(format!("{name} is missing"));
    }
}

impl Op {
    /// Writes its piece of `out`, a row of the block, from `row`, a row of the table.
    #[inline]
    pub(super) fn apply(self, row: &[f32], out: &mut [f32]) {
        match self {
            Op::Copy { from, to, len } => out[to..to + len].copy_from_slice(&row[from..from + len]),
            Op::Fill { from, to, value } => out[to] = if row[from].is_nan() { value } else { row[from] },
            Op::Missing { from, to } => out[to] = f32::from(u8::from(row[from].is_nan())),
            Op::OneHot { from, to, len } => {
                let block = &mut out[to..to + len];
                block.fill(0.0);
                let code = row[from] as usize;
                if let Some(one) = code.checked_sub(1).and_then(|at| block.get_mut(at)) {
                    *one = 1.0;
                }
            }
            Op::Binary { from, to } => {
                out[to] = if row[from] == 0.0 { 0.5 } else { row[from] - 1.0 };
            }
        }
    }
}

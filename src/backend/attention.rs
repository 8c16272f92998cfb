//! Primitives for attention: queries of a row of the batch weigh the values of its keys.
//!
//! With heads of D numbers, `y = softmax(q kᵀ / √D) v` for each head. Queries, keys and values are columns of matrices with one
//! row a step: a linear layer's output is read where it lies.

use crate::backend::{Dest, Matrix, Steps};
use crate::tensor::View;

/// Heads of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Heads of queries.
    pub queries: usize,
    /// Heads of keys and values: each serves as many neighbouring heads of queries.
    pub keys: usize,
    /// D: numbers in a head.
    pub width: usize,
}

impl Heads {
    /// Columns of the queries.
    pub fn query_columns(&self) -> usize {
        self.queries * self.width
    }

    /// Columns of the keys; the values have as many.
    pub fn key_columns(&self) -> usize {
        self.keys * self.width
    }
}

/// The sizes of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionSpec {
    /// Its heads.
    pub heads: Heads,
    /// T: steps of queries.
    pub queries: usize,
    /// S: steps of keys.
    pub keys: usize,
    /// Whether a query sees no key of a later step.
    pub causal: bool,
}

/// What an attention reads.
#[derive(Clone, Debug)]
pub struct Attended {
    /// The queries' columns, `[R, T, …]`.
    pub query: Matrix,
    /// The keys' columns, `[R, S, …]`.
    pub key: Matrix,
    /// The values' columns, in the same rows as the keys.
    pub value: Matrix,
    /// Steps of queries of each row, where it may have fewer than T.
    pub query_lengths: Option<View>,
    /// Steps of keys of each row, where it may have fewer than S.
    pub key_lengths: Option<View>,
    /// Steps of keys before the first query of each row; none if left out.
    pub position: Option<View>,
}

/// What an op may ask for to attend; see [`Backend`](crate::backend::Backend).
pub trait Attend {
    /// `y = softmax(q kᵀ / √D) v`, `[R, T, Hq D]`, and ln Σ exp of each query's scores in `lse` `[R, T, Hq]`. Of the scores no
    /// more than a tile exists at a time (Dao et al. 2022). 0 for a query that sees no key, and behind the end of the queries.
    fn attention(&mut self, a: &AttentionSpec, x: &Attended, y: View, lse: View);

    /// The gradients of [`Attend::attention`]: `forward` is its y and lse, `dquery` and `dkey` have the layouts of the matrices
    /// that hold the queries, and the keys and values; both name one place where that is one matrix.
    fn attention_grad(
        &mut self,
        a: &AttentionSpec,
        x: &Attended,
        forward: (View, View),
        dy: View,
        dquery: Option<Dest>,
        dkey: Option<Dest>,
    );

    /// Copies columns of the steps of each row behind the first `position[r]` steps of `cache` `[R, S, columns]`. Steps beyond S
    /// are left out.
    fn remember(&mut self, from: &Matrix, cache: View, position: View);

    /// One query for all rows: `weights = softmax(scores)` over the steps of each row and `y = Σ_t weights[t] x[t]`. x `[R, T, C]`,
    /// scores, weights `[R, T]`, y `[R, C]`. Weights behind the end are 0, as y is for a row without steps.
    fn weigh_steps(
        &mut self,
        x: View,
        scores: View,
        lengths: Option<View>,
        weights: View,
        y: View,
        steps: Steps,
    );
    /// The gradients of [`Attend::weigh_steps`] by x and the scores; `forward` is its x and weights.
    fn weigh_steps_grad(
        &mut self,
        forward: (View, View),
        lengths: Option<View>,
        dy: View,
        dx: Option<Dest>,
        dscores: Option<Dest>,
        steps: Steps,
    );
}

//! Handles to pieces of a plan's flat buffers.

/// One of the flat buffers that a plan runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Inputs, activations, their gradients and what ops save between forward and backward.
    Arena,
    /// Trainable parameters.
    Param,
    /// Gradients of the parameters; the same layout as [`Slot::Param`].
    Grad,
    /// Tensors that are saved with the model but not trained by a gradient: running statistics.
    Buffer,
    /// Numbers fixed when the graph is built: class weights, quantile levels.
    Const,
    /// What is carried from pass to pass for each row of the batch: hidden states, keys and values.
    State,
    /// Parameters in an order that the backend reads faster; derived from [`Slot::Param`].
    Packed,
}

/// A piece of a slot: what an op hands to the backend in place of a slice.
///
/// With `row_len > 0` the piece holds one run of `row_len` elements for each row of the batch and its length
/// follows the batch; with `row_len == 0` it holds `len` elements whatever the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The buffer.
    pub slot: Slot,
    /// First element.
    pub offset: usize,
    /// Elements in all, for the largest batch.
    pub len: usize,
    /// Elements for each row of the batch, or 0.
    pub row_len: usize,
}

impl View {
    /// Elements that the view covers for a batch of `rows`.
    pub fn len_for(&self, rows: usize) -> usize {
        if self.row_len > 0 { self.row_len * rows } else { self.len }
    }
}

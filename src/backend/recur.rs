//! Recurrent networks: what is done at each step of a series `[B, T, C]`, and the way back through the steps.
//!
//! Legend: H hidden numbers, G gates of a cell, h and c what a row remembers, σ the sigmoid, ⊙ the product of elements. With
//! `x̃ = W_ih·x + b_ih` and `h̃ = W_hh·h + b_hh`, each `[G·H]`, the cells are PyTorch's, gates in its order:
//!
//! | cell | gates | step |
//! | --- | --- | --- |
//! | [`Cell::Tanh`], [`Cell::Relu`] | one | h ← f(x̃ + h̃) |
//! | [`Cell::Lstm`] | i, f, g, o | i, f, o = σ(x̃ + h̃), g = tanh(x̃ + h̃), c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh c |
//! | [`Cell::Gru`] | r, z, n | r, z = σ(x̃ + h̃), n = tanh(x̃ + r ⊙ h̃), h ← (1 − z) ⊙ n + z ⊙ h |
//!
//! Nothing behind the end of a row that ends early is read, and what is written there is 0.

use crate::backend::Weights;
use crate::tensor::View;

/// What a recurrent network does at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Elman 1990, with tanh.
    Tanh,
    /// The same with max(0, x): Le et al. 2015.
    Relu,
    /// Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    Lstm,
    /// Cho et al. 2014, with the reset gate behind the product as in PyTorch.
    Gru,
}

impl Cell {
    /// G.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// Whether rows remember c beside h.
    pub fn has_memory(self) -> bool {
        self == Cell::Lstm
    }
}

/// The sizes of a recurrence, and the direction that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// What is done at a step.
    pub cell: Cell,
    /// T.
    pub steps: usize,
    /// C.
    pub inputs: usize,
    /// H.
    pub hidden: usize,
    /// Whether it starts at the last step of each row and ends at its first.
    pub reverse: bool,
}

impl Recurrence {
    /// G·H.
    pub fn width(&self) -> usize {
        self.cell.gates() * self.hidden
    }
}

/// What a recurrence reads and keeps in both passes.
#[derive(Clone, Copy, Debug)]
pub struct Recurring {
    /// W_hh `[G·H, H]`, packed as [`Form::Recur`](crate::backend::Form::Recur), or in backward as
    /// [`Form::RecurBack`](crate::backend::Form::RecurBack).
    pub hidden: Weights,
    /// Steps of each row, `[R]`, where they are not all T.
    pub lengths: Option<View>,
    /// The gates of each step `[R, T, G·H]`; [`Recur::recur_back`] leaves their gradients there, taken before σ and tanh.
    pub gates: View,
    /// What backward needs besides; `None` where there is none.
    pub kept: Option<Kept>,
}

/// What a recurrence keeps for its backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// h before each step, `[R, T, H]`.
    pub hidden: View,
    /// For [`Cell::Lstm`] c before each step, `[R, T, H]`. For [`Cell::Gru`] the part of h̃ that r weighs; backward leaves its
    /// gradient there.
    pub second: Option<View>,
}

/// What comes into a recurrence from below.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// x `[R, T, C]`.
    pub x: View,
    /// W_ih `[G·H, C]`, packed as [`Form::Transposed`](crate::backend::Form::Transposed).
    pub weights: Weights,
    /// b_ih and b_hh, `[G·H]` each.
    pub bias: Option<(View, View)>,
}

/// What an op may ask for of a recurrent network; see [`Backend`](crate::backend::Backend).
pub trait Recur {
    /// Runs through the steps: y `[R, T, H]` is h after each. `state` is h and perhaps c, `[R, H]` each, from which the rows go on
    /// and which are left as they are after the last step; without it they start from zeros.
    fn recur(
        &mut self,
        r: &Recurrence,
        at: &Recurring,
        incoming: &Incoming,
        state: Option<(View, Option<View>)>,
        y: View,
    );

    /// Runs back through the steps: what `at` keeps becomes the gradients by it. dy `[R, T, H]`.
    fn recur_back(&mut self, r: &Recurrence, at: &Recurring, dy: View);
}

//! Primitives that weigh whole channels of a row: x `[B, …, C]`, gate `[B, C]`.

use crate::backend::Dest;
use crate::tensor::{Key, View};

/// What an op may ask for to weigh channels; see [`Backend`](crate::backend::Backend).
pub trait Gate {
    /// `y (+)= x ⊙ gate`, the same gate in each place of a row: x, y `[R, …, C]`, gate `[R, C]`.
    fn gate(&mut self, x: View, gate: View, y: Dest);

    /// `dgate[r, c] (+)= Σ_p x[r, p, c] · dy[r, p, c]`.
    fn gate_grad(&mut self, x: View, dy: View, dgate: Dest);

    /// A gate that is 0 with probability `p` and else 1 / (1 − p): a function of `key` and the channel's place in the batch.
    fn dropout_gate(&mut self, gate: View, p: f64, key: Key);

    /// `y = silu(a) ⊙ b` for the halves a and b of each run of `2 width` elements of x.
    fn swiglu(&mut self, x: View, y: View, width: usize);

    /// The gradient of [`Gate::swiglu`].
    fn swiglu_grad(&mut self, x: View, dy: View, dx: Dest, width: usize);
}

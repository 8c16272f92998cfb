//! The primitives of pooling, on one lane.

use crate::backend::cpu::{Lane, Number, max_pool};
use crate::backend::{Dest, Pool, PoolSpec};
use crate::tensor::View;

impl<T: Number> Pool for Lane<'_, T> {
    fn max_pool(&mut self, x: View, y: View, winners: Option<View>, spec: &PoolSpec) {
        let lengths = spec.lengths.map(|l| self.get(l));
        let winners = winners.map(|w| self.get_mut(w));
        max_pool::max_pool_forward(self.get(x), *spec, lengths, self.get_mut(y), winners);
    }

    fn max_pool_grad(&mut self, winners: View, dy: View, dx: Dest, spec: &PoolSpec) {
        let add = self.adds(dx);
        max_pool::max_pool_backward(self.get(winners), self.get(dy), *spec, self.get_mut(dx.view), add);
    }
}

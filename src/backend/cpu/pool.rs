//! The primitives of pooling, on one lane.

use crate::backend::cpu::{Lane, Number, avg_pool, max_pool};
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

    fn avg_pool(&mut self, x: View, y: View, spec: &PoolSpec, count_padding: bool) {
        let lengths = spec.lengths.map(|l| self.get(l));
        avg_pool::avg_pool_forward(self.get(x), *spec, lengths, self.get_mut(y), count_padding);
    }

    fn avg_pool_grad(&mut self, dy: View, dx: Dest, spec: &PoolSpec, count_padding: bool) {
        let add = self.adds(dx);
        let lengths = spec.lengths.map(|l| self.get(l));
        avg_pool::avg_pool_backward(self.get(dy), *spec, lengths, self.get_mut(dx.view), count_padding, add);
    }
}

//! The primitives for series, on one lane.

use crate::backend::cpu::{Lane, Number, steps};
use crate::backend::{Dest, Series, Steps, Window};
use crate::tensor::View;

impl<T: Number> Lane<'_, T> {
    /// The lengths of the lane's rows, where they have some.
    fn lengths<'s>(&self, lengths: Option<View>) -> Option<&'s [T]>
    where
        Self: 's,
    {
        lengths.map(|view| self.get(view))
    }
}

impl<T: Number> Series for Lane<'_, T> {
    fn mask(&mut self, x: View, lengths: View, y: Dest, steps: Steps) {
        let add = self.adds(y);
        steps::mask(self.get(x), self.get(lengths), steps, self.get_mut(y.view), add);
    }

    fn resize_lengths(&mut self, x: View, y: View, window: Window) {
        for (y, &x) in self.get_mut(y).iter_mut().zip(self.get(x)) {
            *y = T::from_f64(window.count_of_row(x.to_f64() as usize) as f64);
        }
    }

    fn steps_mean(&mut self, x: View, lengths: Option<View>, y: View, steps: Steps) {
        steps::mean(self.get(x), self.lengths(lengths), steps, self.get_mut(y));
    }

    fn steps_mean_grad(&mut self, lengths: Option<View>, dy: View, dx: Dest, steps: Steps) {
        let add = self.adds(dx);
        steps::mean_backward(self.get(dy), self.lengths(lengths), steps, self.get_mut(dx.view), add);
    }

    fn steps_max(&mut self, x: View, lengths: Option<View>, y: View, at: View, steps: Steps) {
        steps::max(self.get(x), self.lengths(lengths), steps, self.get_mut(y), self.get_mut(at));
    }

    fn steps_last(&mut self, x: View, lengths: Option<View>, y: View, at: View, steps: Steps, turned: usize) {
        steps::last(self.get(x), self.lengths(lengths), steps, turned, self.get_mut(y), self.get_mut(at));
    }

    fn steps_pick_grad(&mut self, at: View, dy: View, dx: Dest, steps: Steps) {
        let add = self.adds(dx);
        steps::pick_backward(self.get(dy), self.get(at), steps, self.get_mut(dx.view), add);
    }
}

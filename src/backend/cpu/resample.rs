//! The primitives that give tensors other places, on one lane.

use crate::backend::cpu::{Lane, Number, pad, upsample};
use crate::backend::{Dest, Margin, Resample, ResampleSpec, Scaling};
use crate::tensor::View;

impl<T: Number> Resample for Lane<'_, T> {
    fn upsample(&mut self, x: View, y: View, spec: &ResampleSpec<Scaling>) {
        let lengths = spec.lengths.map(|l| self.get(l));
        upsample::upsample_forward(self.get(x), *spec, lengths, self.get_mut(y));
    }

    fn upsample_grad(&mut self, dy: View, dx: Dest, spec: &ResampleSpec<Scaling>) {
        let add = self.adds(dx);
        let lengths = spec.lengths.map(|l| self.get(l));
        upsample::upsample_backward(self.get(dy), *spec, lengths, self.get_mut(dx.view), add);
    }

    fn pad(&mut self, x: View, y: View, spec: &ResampleSpec<Margin>, value: f64) {
        let lengths = spec.lengths.map(|l| self.get(l));
        pad::pad_forward(self.get(x), *spec, lengths, self.get_mut(y), T::from_f64(value));
    }

    fn pad_grad(&mut self, dy: View, dx: Dest, spec: &ResampleSpec<Margin>) {
        let add = self.adds(dx);
        let lengths = spec.lengths.map(|l| self.get(l));
        pad::pad_backward(self.get(dy), *spec, lengths, self.get_mut(dx.view), add);
    }
}

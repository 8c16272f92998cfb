//! What PyTorch does when nobody says otherwise.

use super::draw::Draw;
use super::{Entry, Initializer};
use crate::tensor::{Key, Shape};

pub(super) const ENTRY: Entry = Entry {
    name: "pytorch",
    doc: "w ~ U(−1/√fan_in, 1/√fan_in), weights and biases alike: PyTorch's default for linear and convolution \
          (kaiming_uniform with a = √5).",
    keys: &[],
    build: |_| Ok(Box::new(Pytorch)),
};

#[derive(Debug)]
struct Pytorch;

impl Initializer for Pytorch {
    fn fill(&self, key: Key, _shape: &Shape, fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        Draw::Uniform.fill(key, (1.0 / (3.0 * fan_in.max(1) as f64)).sqrt(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn the_range_is_that_of_pytorch() {
        let limit = 1.0 / 300f64.sqrt();
        check::moments("pytorch", &check::values("pytorch"), limit / 3f64.sqrt(), Some(limit));
    }
}

//! Xavier (Glorot): the same variance forward and backward through a linear layer.

use super::draw::Draw;
use super::{Entry, Initializer, keys};
use crate::tensor::{Key, Shape};

pub(super) const UNIFORM: Entry = Entry {
    name: "xavier_uniform",
    doc: "w ~ U(−l, l) with l = gain·√(6/(fan_in + fan_out)). Glorot & Bengio 2010, eq. 16. As PyTorch's.",
    keys: &[keys::GAIN],
    build: |values| Ok(Box::new(Xavier { gain: values.f64("gain"), draw: Draw::Uniform })),
};

pub(super) const NORMAL: Entry = Entry {
    name: "xavier_normal",
    doc: "w ~ N(0, s²) with s = gain·√(2/(fan_in + fan_out)). Glorot & Bengio 2010, eq. 12. As PyTorch's.",
    keys: &[keys::GAIN],
    build: |values| Ok(Box::new(Xavier { gain: values.f64("gain"), draw: Draw::Normal })),
};

#[derive(Debug)]
struct Xavier {
    gain: f64,
    draw: Draw,
}

impl Initializer for Xavier {
    fn fill(&self, key: Key, _shape: &Shape, fan_in: usize, fan_out: usize, out: &mut [f32]) {
        let fans = (fan_in.max(1) + fan_out.max(1)) as f64;
        self.draw.fill(key, self.gain * (2.0 / fans).sqrt(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{moments, values};
    use crate::spec::Value;

    #[test]
    fn the_variance_is_two_over_both_fans() {
        let std = (2.0 / 500.0f64).sqrt();
        moments("xavier_uniform", &values("xavier_uniform"), std, Some((6.0 / 500.0f64).sqrt()));
        moments("xavier_normal", &values("xavier_normal").with("gain", Value::Float(2.0)), 2.0 * std, None);
    }
}

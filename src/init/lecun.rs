//! LeCun: the variance of the inputs is kept; made for selu.

use super::draw::Draw;
use super::{Entry, Initializer};
use crate::tensor::{Key, Shape};

pub(super) const UNIFORM: Entry = Entry {
    name: "lecun_uniform",
    doc: "w ~ U(−l, l) with l = √(3/fan_in). LeCun, Bottou, Orr, Müller 1998, \"Efficient BackProp\", eq. 16.",
    keys: &[],
    build: |_| Ok(Box::new(Lecun(Draw::Uniform))),
};

pub(super) const NORMAL: Entry = Entry {
    name: "lecun_normal",
    doc: "w ~ N(0, 1/fan_in), not truncated. LeCun, Bottou, Orr, Müller 1998, \"Efficient BackProp\", eq. 16; for selu: Klambauer et al. \
          2017.",
    keys: &[],
    build: |_| Ok(Box::new(Lecun(Draw::Normal))),
};

#[derive(Debug)]
struct Lecun(Draw);

impl Initializer for Lecun {
    fn fill(&self, key: Key, _shape: &Shape, fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        self.0.fill(key, (1.0 / fan_in.max(1) as f64).sqrt(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{moments, values};

    #[test]
    fn the_variance_is_one_over_the_inputs() {
        let std = (1.0 / 300.0f64).sqrt();
        moments("lecun_uniform", &values("lecun_uniform"), std, Some((3.0 / 300.0f64).sqrt()));
        moments("lecun_normal", &values("lecun_normal"), std, None);
    }
}

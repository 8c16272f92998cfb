//! The same number everywhere.

use super::{Entry, Initializer};
use crate::spec::{Key as ConfigKey, Kind, Preset};
use crate::tensor::{Key, Shape};

pub(super) const ZEROS: Entry =
    Entry { name: "zeros", doc: "w = 0.", keys: &[], build: |_| Ok(Box::new(Constant(0.0))) };

pub(super) const ONES: Entry =
    Entry { name: "ones", doc: "w = 1.", keys: &[], build: |_| Ok(Box::new(Constant(1.0))) };

pub(super) const CONSTANT: Entry = Entry {
    name: "constant",
    doc: "w = value.",
    keys: &[ConfigKey {
        name: "value",
        kind: Kind::float(f32::MIN as f64, f32::MAX as f64),
        default: Preset::Float(0.0),
        doc: "The number.",
    }],
    build: |values| Ok(Box::new(Constant(values.f64("value") as f32))),
};

#[derive(Debug)]
struct Constant(f32);

impl Initializer for Constant {
    fn fill(&self, _key: Key, _shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        out.fill(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{values, weights};
    use crate::spec::Value;

    #[test]
    fn every_weight_is_the_number() {
        assert!(weights("zeros", &values("zeros"), 1).iter().all(|&x| x == 0.0));
        assert!(weights("ones", &values("ones"), 1).iter().all(|&x| x == 1.0));
        let half = values("constant").with("value", Value::Float(0.5));
        assert!(weights("constant", &half, 1).iter().all(|&x| x == 0.5));
    }
}

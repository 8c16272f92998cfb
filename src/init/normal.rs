//! Normal numbers with a given mean and spread.

use super::{Entry, Initializer, draw};
use crate::spec::{Key as ConfigKey, Kind, Preset};
use crate::tensor::{Key, Shape};

pub(super) const ENTRY: Entry = Entry {
    name: "normal",
    doc: "w ~ N(mean, std²).",
    keys: &[
        ConfigKey { name: "mean", kind: Kind::float(-1e30, 1e30), default: Preset::Float(0.0), doc: "Mean." },
        ConfigKey {
            name: "std",
            kind: Kind::float(0.0, 1e30),
            default: Preset::Float(1.0),
            doc: "Standard deviation.",
        },
    ],
    build: |values| Ok(Box::new(Normal { mean: values.f64("mean"), std: values.f64("std") })),
};

#[derive(Debug)]
struct Normal {
    mean: f64,
    std: f64,
}

impl Initializer for Normal {
    fn fill(&self, key: Key, _shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        draw::normal(key, self.mean, self.std, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn moments_are_those_of_the_distribution() {
        check::moments("normal", &check::values("normal").with("std", Value::Float(0.02)), 0.02, None);
        let shifted = check::weights("normal", &check::values("normal").with("mean", Value::Float(5.0)), 1);
        assert!((shifted.iter().sum::<f32>() / shifted.len() as f32 - 5.0).abs() < 0.02);
    }
}

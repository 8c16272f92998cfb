//! Uniform numbers between two bounds.

use super::{Entry, Initializer, draw};
use crate::error::{Error, Result};
use crate::spec::{Key as ConfigKey, Kind, Preset, Values};
use crate::tensor::{Key, Shape};

const BOUND: Kind = Kind::float(f32::MIN as f64, f32::MAX as f64);

pub(super) const ENTRY: Entry = Entry {
    name: "uniform",
    doc: "w ~ U(a, b).",
    keys: &[
        ConfigKey { name: "a", kind: BOUND, default: Preset::Float(0.0), doc: "Lower bound." },
        ConfigKey { name: "b", kind: BOUND, default: Preset::Float(1.0), doc: "Upper bound." },
    ],
    build,
};

fn build(values: &Values) -> Result<Box<dyn Initializer>> {
    let (a, b) = (values.f64("a"), values.f64("b"));
    if a > b {
        return Err(Error::usage("init.uniform", "has its bounds in the wrong order")
            .expected("a <= b")
            .found(format!("a = {a}, b = {b}")));
    }
    Ok(Box::new(Uniform { a, b }))
}

#[derive(Debug)]
struct Uniform {
    a: f64,
    b: f64,
}

impl Initializer for Uniform {
    fn fill(&self, key: Key, _shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        draw::uniform(key, self.a, self.b, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, find};
    use crate::spec::Value;

    #[test]
    fn moments_and_range_are_those_of_the_distribution() {
        let values = check::values("uniform").with("a", Value::Float(-0.4)).with("b", Value::Float(0.4));
        check::moments("uniform", &values, 0.8 / 12f64.sqrt(), Some(0.4));
    }

    #[test]
    fn bounds_in_the_wrong_order_are_refused() {
        let values = check::values("uniform").with("a", Value::Float(2.0));
        assert_eq!((find("uniform").unwrap().build)(&values).unwrap_err().code.exit(), 2);
    }
}

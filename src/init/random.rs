//! Independent random numbers, the ground of most initializers.

use super::{Entry, Initializer};
use crate::error::{Error, Result};
use crate::spec::{Key as ConfigKey, Kind, Preset, Values};
use crate::tensor::{Key, Shape};

const FINITE: Kind = Kind::float(f64::MIN, f64::MAX);

pub(super) const UNIFORM: Entry = Entry {
    name: "uniform",
    doc: "w ~ U(a, b).",
    keys: &[
        ConfigKey { name: "a", kind: FINITE, default: Preset::Float(0.0), doc: "Lower bound." },
        ConfigKey { name: "b", kind: FINITE, default: Preset::Float(1.0), doc: "Upper bound." },
    ],
    build: build_uniform,
};

pub(super) const NORMAL: Entry = Entry {
    name: "normal",
    doc: "w ~ N(mean, std²).",
    keys: &[
        ConfigKey { name: "mean", kind: FINITE, default: Preset::Float(0.0), doc: "Mean." },
        ConfigKey {
            name: "std",
            kind: Kind::non_negative(),
            default: Preset::Float(1.0),
            doc: "Standard deviation.",
        },
    ],
    build: build_normal,
};

fn build_uniform(values: &Values) -> Result<Box<dyn Initializer>> {
    let (a, b) = (values.f64("a"), values.f64("b"));
    if a > b {
        return Err(Error::usage("init.uniform", "has its bounds in the wrong order")
            .expected("a <= b")
            .found(format!("a = {a}, b = {b}")));
    }
    Ok(Box::new(Uniform { a, b }))
}

fn build_normal(values: &Values) -> Result<Box<dyn Initializer>> {
    Ok(Box::new(Normal { mean: values.f64("mean"), std: values.f64("std") }))
}

#[derive(Debug)]
struct Uniform {
    a: f64,
    b: f64,
}

impl Initializer for Uniform {
    fn fill(&self, key: Key, _shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        uniform(key, self.a, self.b, out);
    }
}

#[derive(Debug)]
struct Normal {
    mean: f64,
    std: f64,
}

impl Initializer for Normal {
    fn fill(&self, key: Key, _shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        normal(key, self.mean, self.std, out);
    }
}

/// Which distribution an initializer draws from, once it knows how far its weights shall spread.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    /// U(−√3·std, √3·std).
    Uniform,
    /// N(0, std²).
    Normal,
}

impl Draw {
    /// Fills `out` with independent numbers of mean 0 and this standard deviation.
    pub(super) fn fill(self, key: Key, std: f64, out: &mut [f32]) {
        match self {
            Draw::Uniform => uniform(key, -std * 3f64.sqrt(), std * 3f64.sqrt(), out),
            Draw::Normal => normal(key, 0.0, std, out),
        }
    }
}

fn uniform(key: Key, a: f64, b: f64, out: &mut [f32]) {
    for (i, x) in out.iter_mut().enumerate() {
        let u = key.uniform(i as u64);
        *x = (a * (1.0 - u) + b * u) as f32;
    }
}

fn normal(key: Key, mean: f64, std: f64, out: &mut [f32]) {
    for (i, x) in out.iter_mut().enumerate() {
        *x = (mean + std * key.normal(i as u64)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, find};
    use crate::spec::Value;

    #[test]
    fn both_have_the_moments_of_their_distribution() {
        let uniform = check::values("uniform").with("a", Value::Float(-0.4)).with("b", Value::Float(0.4));
        check::moments("uniform", &uniform, 0.8 / 12f64.sqrt(), Some(0.4));
        check::moments("normal", &check::values("normal").with("std", Value::Float(0.02)), 0.02, None);
        let shifted = check::weights("normal", &check::values("normal").with("mean", Value::Float(5.0)), 1);
        assert!((shifted.iter().sum::<f32>() / shifted.len() as f32 - 5.0).abs() < 0.02);
    }

    #[test]
    fn bounds_in_the_wrong_order_are_refused() {
        let values = check::values("uniform").with("a", Value::Float(2.0));
        assert_eq!((find("uniform").unwrap().build)(&values).unwrap_err().code.exit(), 2);
    }
}

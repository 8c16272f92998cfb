//! Kaiming (He): the variance is kept through a layer and the relu after it.

use super::draw::Draw;
use super::{Entry, Initializer};
use crate::error::Result;
use crate::spec::{Key as ConfigKey, Kind, Preset, Values};
use crate::tensor::{Key, Shape};

const KEYS: &[ConfigKey] = &[
    ConfigKey {
        name: "nonlinearity",
        kind: Kind::OneOf(&["leaky_relu", "relu", "tanh", "sigmoid", "linear", "selu"]),
        default: Preset::Str("leaky_relu"),
        doc: "What follows the layer; decides the gain: relu √2, leaky_relu √(2/(1 + a²)), tanh 5/3, selu 3/4, else 1.",
    },
    ConfigKey {
        name: "a",
        kind: Kind::non_negative(),
        default: Preset::Float(0.0),
        doc: "Negative slope of leaky_relu.",
    },
    ConfigKey {
        name: "mode",
        kind: Kind::OneOf(&["fan_in", "fan_out"]),
        default: Preset::Str("fan_in"),
        doc: "Whether the variance is kept forward (fan_in) or backward (fan_out).",
    },
];

const UNIFORM_DOC: &str = "w ~ U(−l, l) with l = gain·√(3/fan). He, Zhang, Ren, Sun 2015, \"Delving deep into rectifiers\". As PyTorch's.";
const NORMAL_DOC: &str =
    "w ~ N(0, gain²/fan). He, Zhang, Ren, Sun 2015, \"Delving deep into rectifiers\", eq. 10. As PyTorch's.";

pub(super) const UNIFORM: Entry = Entry {
    name: "kaiming_uniform",
    doc: UNIFORM_DOC,
    keys: KEYS,
    build: |values| build(values, Draw::Uniform),
};

pub(super) const NORMAL: Entry = Entry {
    name: "kaiming_normal",
    doc: NORMAL_DOC,
    keys: KEYS,
    build: |values| build(values, Draw::Normal),
};

/// The author's other name.
pub(super) const HE_UNIFORM: Entry = Entry { name: "he_uniform", ..UNIFORM };

/// The author's other name.
pub(super) const HE_NORMAL: Entry = Entry { name: "he_normal", ..NORMAL };

fn build(values: &Values, draw: Draw) -> Result<Box<dyn Initializer>> {
    // The factors of torch.nn.init.calculate_gain.
    let gain = match values.str("nonlinearity") {
        "leaky_relu" => (2.0 / (1.0 + values.f64("a").powi(2))).sqrt(),
        "relu" => 2f64.sqrt(),
        "tanh" => 5.0 / 3.0,
        "selu" => 0.75,
        _ => 1.0,
    };
    Ok(Box::new(Kaiming { gain, by_outputs: values.str("mode") == "fan_out", draw }))
}

#[derive(Debug)]
struct Kaiming {
    gain: f64,
    by_outputs: bool,
    draw: Draw,
}

impl Initializer for Kaiming {
    fn fill(&self, key: Key, _shape: &Shape, fan_in: usize, fan_out: usize, out: &mut [f32]) {
        let fan = if self.by_outputs { fan_out } else { fan_in }.max(1) as f64;
        self.draw.fill(key, self.gain / fan.sqrt(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{moments, values, weights};
    use crate::spec::Value;

    #[test]
    fn the_variance_is_gain_squared_over_the_fan() {
        moments(
            "kaiming_uniform",
            &values("kaiming_uniform"),
            (2.0 / 300.0f64).sqrt(),
            Some((6.0 / 300.0f64).sqrt()),
        );
        let out = values("kaiming_normal").with("mode", Value::Str("fan_out".into()));
        moments("kaiming_normal", &out, (2.0 / 200.0f64).sqrt(), None);
        let leaky = values("kaiming_normal").with("a", Value::Float(3f64.sqrt()));
        moments("kaiming_normal", &leaky, (0.5 / 300.0f64).sqrt(), None);
        let tanh = values("kaiming_uniform").with("nonlinearity", Value::Str("tanh".into()));
        let std = 5.0 / 3.0 / 300.0f64.sqrt();
        moments("kaiming_uniform", &tanh, std, Some(std * 3f64.sqrt()));
    }

    #[test]
    fn he_is_the_same() {
        assert_eq!(
            weights("he_uniform", &values("he_uniform"), 4),
            weights("kaiming_uniform", &values("kaiming_uniform"), 4)
        );
        assert_eq!(
            weights("he_normal", &values("he_normal"), 4),
            weights("kaiming_normal", &values("kaiming_normal"), 4)
        );
    }
}

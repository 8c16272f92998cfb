//! Adagrad.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: Entry = Entry {
    name: "adagrad",
    doc: "s ← s + u², w ← w − learning_rate/(1 + (t − 1)·lr_decay) · u/(√s + ε). Duchi, Hazan, Singer 2011. As PyTorch's Adagrad.",
    keys: &[
        keys::learning_rate(1e-2),
        Key {
            name: "lr_decay",
            kind: Kind::non_negative(),
            default: Preset::Float(0.0),
            doc: "Divides the rate by 1 + (t − 1)·lr_decay in step t.",
        },
        Key {
            name: "initial_accumulator_value",
            kind: Kind::non_negative(),
            default: Preset::Float(0.0),
            doc: "What the sum of squares s starts from.",
        },
        keys::eps(1e-10),
        keys::WEIGHT_DECAY,
        keys::DECOUPLED,
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    let rule = Adagrad {
        lr_decay: values.f64("lr_decay"),
        initial: values.f64("initial_accumulator_value") as f32,
        eps: values.f64("eps") as f32,
        rate: 1.0,
    };
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| chain.then(rule)))
}

#[derive(Clone, Copy, Debug)]
struct Adagrad {
    lr_decay: f64,
    initial: f32,
    eps: f32,
    /// 1/(1 + (t − 1)·lr_decay).
    rate: f32,
}

impl Rule<1> for Adagrad {
    const MOMENTS: [&'static str; 1] = ["sum"];

    fn initial(&self) -> [f32; 1] {
        [self.initial]
    }

    fn prepare(&mut self, step: u64) {
        self.rate = (1.0 / (1.0 + (step - 1) as f64 * self.lr_decay)) as f32;
    }

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [s]: [f32; 1]) -> (f32, [f32; 1]) {
        let s = s + u * u;
        (self.rate * u / (s.sqrt() + self.eps), [s])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("adagrad")
            .with("lr_decay", Value::Float(0.02))
            .with("initial_accumulator_value", Value::Float(0.1))
            .with("eps", Value::Float(0.01));
        let mut s = [0.1; 4];
        check::formula("adagrad", &values, 0.1, |t, lr, i, w, g| {
            s[i] += g * g;
            w - lr / (1.0 + (t - 1) as f64 * 0.02) * g / (f64::sqrt(s[i]) + 0.01)
        });
        check::pytorch("adagrad", &values, 0.1, TORCH);
    }

    // Adagrad(lr=0.1, lr_decay=0.02, initial_accumulator_value=0.1, eps=0.01)
    const TORCH: [f32; 4] = [0.4777234, -1.4846243, 0.29212642, 2.1677632];
}

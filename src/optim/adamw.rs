//! AdamW: Adam with decoupled weight decay.

use super::chain::Chain;
use super::{Entry, adam, decay, keys};
use crate::error::Result;
use crate::spec::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "adamw",
    doc: "adam's step, and w ← w − learning_rate·λ·w beside it. Loshchilov & Hutter 2019, alg. 2. As PyTorch's AdamW. In a config learning_rate and weight_decay follow from data and network: see train.optimizer.",
    keys: &[
        keys::learning_rate(1e-3),
        keys::betas(&[0.9, 0.999]),
        keys::eps(1e-8),
        keys::AMSGRAD,
        keys::decoupled_decay(1e-2),
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    Ok(decay::around(values, true, |chain| adam::rules(chain, values)))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values =
            check::values("adamw").with("weight_decay", Value::Float(0.1)).with("eps", Value::Float(0.01));
        let (mut m, mut v) = ([0.0; 4], [0.0; 4]);
        check::formula("adamw", &values, 0.01, |t, lr, i, w, g| {
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let (m, v): (f64, f64) = (m[i] / (1.0 - 0.9f64.powi(t)), v[i] / (1.0 - 0.999f64.powi(t)));
            w - lr * 0.1 * w - lr * m / (v.sqrt() + 0.01)
        });
        check::pytorch("adamw", &values, 0.01, TORCH);
    }

    // AdamW(lr=0.01, weight_decay=0.1, eps=0.01)
    const TORCH: [f32; 4] = [0.56079483, -1.3568248, 0.29347923, 2.0461278];
}

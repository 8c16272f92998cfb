//! Adam, and the rule that `adamw` shares.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "adam",
    doc: "m ← β₁m + (1 − β₁)u, v ← β₂v + (1 − β₂)u², w ← w − learning_rate · m/(1 − β₁ᵗ) / (√v/√(1 − β₂ᵗ) + ε). Kingma & Ba 2015, alg. 1; \
          amsgrad: Reddi, Kale, Kumar 2018. As PyTorch's Adam.",
    keys: &[
        keys::learning_rate(1e-3),
        keys::betas(&[0.9, 0.999]),
        keys::eps(1e-8),
        keys::AMSGRAD,
        keys::WEIGHT_DECAY,
        keys::DECOUPLED,
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| rules(chain, values)))
}

/// `chain` followed by Adam's rule with the `betas`, `eps` and `amsgrad` of `values`.
pub(super) fn rules(chain: Chain, values: &Values) -> Chain {
    let betas = values.f64s("betas");
    let adam = Adam {
        betas: [betas[0], betas[1]],
        rest: [(1.0 - betas[0]) as f32, (1.0 - betas[1]) as f32],
        beta_2: betas[1] as f32,
        eps: values.f64("eps") as f32,
        correction: 1.0,
        root_correction: 1.0,
    };
    if values.bool("amsgrad") { chain.then(Amsgrad(adam)) } else { chain.then(adam) }
}

#[derive(Clone, Copy, Debug)]
struct Adam {
    betas: [f64; 2],
    /// 1 − β₁ and 1 − β₂.
    rest: [f32; 2],
    beta_2: f32,
    eps: f32,
    /// 1/(1 − β₁ᵗ).
    correction: f32,
    /// 1/√(1 − β₂ᵗ).
    root_correction: f32,
}

impl Adam {
    #[inline(always)]
    fn moments(&self, u: f32, m: f32, v: f32) -> (f32, f32) {
        (m + self.rest[0] * (u - m), self.beta_2 * v + self.rest[1] * u * u)
    }

    #[inline(always)]
    fn update(&self, m: f32, v: f32) -> f32 {
        m * self.correction / (v.sqrt() * self.root_correction + self.eps)
    }
}

impl Rule<2> for Adam {
    const MOMENTS: [&'static str; 2] = ["exp_avg", "exp_avg_sq"];

    fn prepare(&mut self, step: u64) {
        let t = step as f64;
        self.correction = (1.0 / (1.0 - self.betas[0].powf(t))) as f32;
        self.root_correction = (1.0 / (1.0 - self.betas[1].powf(t)).sqrt()) as f32;
    }

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [m, v]: [f32; 2]) -> (f32, [f32; 2]) {
        let (m, v) = self.moments(u, m, v);
        (self.update(m, v), [m, v])
    }
}

#[derive(Clone, Copy, Debug)]
struct Amsgrad(Adam);

impl Rule<3> for Amsgrad {
    const MOMENTS: [&'static str; 3] = ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

    fn prepare(&mut self, step: u64) {
        self.0.prepare(step);
    }

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [m, v, largest]: [f32; 3]) -> (f32, [f32; 3]) {
        let (m, v) = self.0.moments(u, m, v);
        let largest = if v > largest { v } else { largest };
        (self.0.update(m, largest), [m, v, largest])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("adam").with("weight_decay", Value::Float(0.01));
        let (mut m, mut v) = ([0.0; 4], [0.0; 4]);
        check::formula("adam", &values, 0.01, |t, lr, i, w, g| {
            let g = g + 0.01 * w;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let (m, v): (f64, f64) = (m[i] / (1.0 - 0.9f64.powi(t)), v[i] / (1.0 - 0.999f64.powi(t)));
            w - lr * m / (v.sqrt() + 1e-8)
        });
        check::pytorch("adam", &values, 0.01, TORCH);
    }

    // Adam(lr=0.01, weight_decay=0.01)
    const TORCH: [f32; 4] = [0.6138745, -1.4929881, 0.31869516, 2.2587636];

    #[test]
    fn amsgrad_does_too() {
        let values = check::values("adam")
            .with("amsgrad", Value::Bool(true))
            .with("betas", Value::List(vec![Value::Float(0.8), Value::Float(0.9)]));
        let (mut m, mut v, mut largest) = ([0.0; 4], [0.0; 4], [0.0f64; 4]);
        check::formula("adam", &values, 0.01, |t, lr, i, w, g| {
            m[i] = 0.8 * m[i] + 0.2 * g;
            v[i] = 0.9 * v[i] + 0.1 * g * g;
            largest[i] = largest[i].max(v[i]);
            let divisor = (largest[i] / (1.0 - 0.9f64.powi(t))).sqrt() + 1e-8;
            w - lr * m[i] / (1.0 - 0.8f64.powi(t)) / divisor
        });
        check::pytorch("adam", &values, 0.01, TORCH_AMSGRAD);
    }

    // Adam(lr=0.01, betas=(0.8, 0.9), amsgrad=True)
    const TORCH_AMSGRAD: [f32; 4] = [0.6652147, -1.5826195, 0.35624856, 2.395299];
}

//! NAdam: Adam with Nesterov's momentum.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: Entry = Entry {
    name: "nadam",
    doc: "μₜ = β₁(1 − ½·0.96^(tψ)) with ψ = momentum_decay, m ← β₁m + (1 − β₁)u, v ← β₂v + (1 − β₂)u², \
          w ← w − learning_rate · ((1 − μₜ)u/(1 − Π₁ᵗμ) + μₜ₊₁m/(1 − Π₁ᵗ⁺¹μ)) / (√(v/(1 − β₂ᵗ)) + ε). Dozat 2016. As PyTorch's NAdam, but the \
          product of the μ is kept in f64.",
    keys: &[
        keys::learning_rate(2e-3),
        keys::betas(&[0.9, 0.999]),
        keys::eps(1e-8),
        Key {
            name: "momentum_decay",
            kind: Kind::non_negative(),
            default: Preset::Float(4e-3),
            doc: "ψ, how fast the momentum rises from ½β₁ to β₁.",
        },
        keys::WEIGHT_DECAY,
        keys::DECOUPLED,
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    let betas = values.f64s("betas");
    let rule = Nadam {
        betas: [betas[0], betas[1]],
        rest: [(1.0 - betas[0]) as f32, (1.0 - betas[1]) as f32],
        beta_2: betas[1] as f32,
        eps: values.f64("eps") as f32,
        momentum_decay: values.f64("momentum_decay"),
        prepared: 0,
        product: 1.0,
        of_gradient: 0.0,
        of_moment: 0.0,
        root_correction: 1.0,
    };
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| chain.then(rule)))
}

#[derive(Clone, Copy, Debug)]
struct Nadam {
    betas: [f64; 2],
    /// 1 − β₁ and 1 − β₂.
    rest: [f32; 2],
    beta_2: f32,
    eps: f32,
    momentum_decay: f64,
    /// The step that `product` belongs to.
    prepared: u64,
    /// μ₁·…·μₜ.
    product: f64,
    /// (1 − μₜ)/(1 − μ₁·…·μₜ).
    of_gradient: f32,
    /// μₜ₊₁/(1 − μ₁·…·μₜ₊₁).
    of_moment: f32,
    /// 1/√(1 − β₂ᵗ).
    root_correction: f32,
}

impl Nadam {
    fn mu(&self, step: u64) -> f64 {
        self.betas[0] * (1.0 - 0.5 * 0.96f64.powf(step as f64 * self.momentum_decay))
    }

    /// μ₁·…·μₜ; from the last step's where there is one. It is 0 after some thousand steps, whatever follows.
    fn product(&self, step: u64) -> f64 {
        let (done, known) = if self.prepared < step { (self.prepared, self.product) } else { (0, 1.0) };
        let mut product = known;
        for t in done + 1..=step {
            product *= self.mu(t);
            if product == 0.0 {
                break;
            }
        }
        product
    }
}

impl Rule<2> for Nadam {
    const MOMENTS: [&'static str; 2] = ["exp_avg", "exp_avg_sq"];

    fn prepare(&mut self, step: u64) {
        self.product = self.product(step);
        self.prepared = step;
        let (mu, next) = (self.mu(step), self.mu(step + 1));
        self.of_gradient = ((1.0 - mu) / (1.0 - self.product)) as f32;
        self.of_moment = (next / (1.0 - self.product * next)) as f32;
        self.root_correction = (1.0 / (1.0 - self.betas[1].powf(step as f64)).sqrt()) as f32;
    }

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [m, v]: [f32; 2]) -> (f32, [f32; 2]) {
        let m = m + self.rest[0] * (u - m);
        let v = self.beta_2 * v + self.rest[1] * u * u;
        let divisor = v.sqrt() * self.root_correction + self.eps;
        ((self.of_gradient * u + self.of_moment * m) / divisor, [m, v])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values =
            check::values("nadam").with("weight_decay", Value::Float(0.01)).with("eps", Value::Float(0.01));
        let (mut m, mut v) = ([0.0; 4], [0.0; 4]);
        let mu = |t: i32| 0.9 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * 0.004));
        let product = |t: i32| (1..=t).map(mu).product::<f64>();
        check::formula("nadam", &values, 0.01, |t, lr, i, w, g| {
            let g = g + 0.01 * w;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let ahead = (1.0 - mu(t)) * g / (1.0 - product(t)) + mu(t + 1) * m[i] / (1.0 - product(t + 1));
            w - lr * ahead / ((v[i] / (1.0 - 0.999f64.powi(t))).sqrt() + 0.01)
        });
        check::pytorch("nadam", &values, 0.01, TORCH);
    }

    // NAdam(lr=0.01, weight_decay=0.01, eps=0.01)
    const TORCH: [f32; 4] = [0.66723007, -1.4412782, 0.36434132, 2.2982094];

    #[test]
    fn decoupled_decay_does_too() {
        let values = check::values("nadam")
            .with("weight_decay", Value::Float(0.1))
            .with("decoupled_weight_decay", Value::Bool(true));
        check::pytorch("nadam", &values, 0.01, TORCH_DECOUPLED);
    }

    // NAdam(lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)
    const TORCH_DECOUPLED: [f32; 4] = [0.60523, -1.3012553, 0.33455467, 2.0732539];
}

//! Adadelta.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: Entry = Entry {
    name: "adadelta",
    doc: "v ← ρv + (1 − ρ)u², δ = u·√(d + ε)/√(v + ε), d ← ρd + (1 − ρ)δ², w ← w − learning_rate·δ. Zeiler 2012, alg. 1. As PyTorch's \
          Adadelta.",
    keys: &[
        keys::learning_rate(1.0),
        Key {
            name: "rho",
            kind: Kind::below(0.0, 1.0),
            default: Preset::Float(0.9),
            doc: "ρ, the decay of both running means.",
        },
        keys::eps(1e-6),
        keys::WEIGHT_DECAY,
        keys::DECOUPLED,
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    let rho = values.f64("rho");
    let rule = Adadelta { rho: rho as f32, rest: (1.0 - rho) as f32, eps: values.f64("eps") as f32 };
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| chain.then(rule)))
}

#[derive(Clone, Copy, Debug)]
struct Adadelta {
    rho: f32,
    /// 1 − ρ.
    rest: f32,
    eps: f32,
}

impl Rule<2> for Adadelta {
    const MOMENTS: [&'static str; 2] = ["square_avg", "acc_delta"];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [v, d]: [f32; 2]) -> (f32, [f32; 2]) {
        let v = self.rho * v + self.rest * u * u;
        let delta = (d + self.eps).sqrt() / (v + self.eps).sqrt() * u;
        (delta, [v, self.rho * d + self.rest * delta * delta])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("adadelta").with("eps", Value::Float(1e-3));
        let (mut v, mut d) = ([0.0; 4], [0.0; 4]);
        check::formula("adadelta", &values, 1.0, |_, lr, i, w, g| {
            v[i] = 0.9 * v[i] + 0.1 * g * g;
            let delta = f64::sqrt(d[i] + 1e-3) / f64::sqrt(v[i] + 1e-3) * g;
            d[i] = 0.9 * d[i] + 0.1 * delta * delta;
            w - lr * delta
        });
        check::pytorch("adadelta", &values, 1.0, TORCH);
    }

    // Adadelta(lr=1.0, eps=1e-3)
    const TORCH: [f32; 4] = [0.24783017, 0.6534509, 0.49570388, 0.40092894];
}

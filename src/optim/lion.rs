//! Lion: the sign of an interpolated momentum.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "lion",
    doc: "c = β₁m + (1 − β₁)u, m ← β₂m + (1 − β₂)u, w ← w − learning_rate·(sign(c) + λw). Chen et al. 2023, \"Symbolic discovery of \
          optimization algorithms\", alg. 2. Its rates are 3 to 10 times smaller than adamw's, its decay as much larger.",
    keys: &[
        keys::learning_rate(1e-4),
        keys::betas(&[0.9, 0.99]),
        keys::decoupled_decay(0.0),
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    let betas = values.f64s("betas");
    let rule = Lion {
        betas: [betas[0] as f32, betas[1] as f32],
        rest: [(1.0 - betas[0]) as f32, (1.0 - betas[1]) as f32],
    };
    Ok(decay::around(values, true, |chain| chain.then(rule)))
}

#[derive(Clone, Copy, Debug)]
struct Lion {
    betas: [f32; 2],
    /// 1 − β₁ and 1 − β₂.
    rest: [f32; 2],
}

impl Rule<1> for Lion {
    const MOMENTS: [&'static str; 1] = ["exp_avg"];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [m]: [f32; 1]) -> (f32, [f32; 1]) {
        let c = self.betas[0] * m + self.rest[0] * u;
        (decay::sign(c), [self.betas[1] * m + self.rest[1] * u])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula() {
        let values = check::values("lion").with("weight_decay", Value::Float(0.1));
        let mut m = [0.0f64; 4];
        check::formula("lion", &values, 0.01, |_, lr, i, w, g| {
            let c = 0.9 * m[i] + 0.1 * g;
            m[i] = 0.99 * m[i] + 0.01 * g;
            w - lr * (c.signum() + 0.1 * w)
        });
    }
}

//! RMSprop.

use super::chain::{Chain, Rule};
use super::momentum::Momentum;
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: Entry = Entry {
    name: "rmsprop",
    doc: "v ← αv + (1 − α)u², u ← u/(√v + ε), then momentum: b ← μb + u, w ← w − learning_rate·b. Centered (Graves 2013): \
          a ← αa + (1 − α)u and √(v − a²) in place of √v. Hinton 2012, lecture 6e. As PyTorch's RMSprop; v − a² is kept from \
          falling below 0.",
    keys: &[
        keys::learning_rate(1e-2),
        Key {
            name: "alpha",
            kind: Kind::below(0.0, 1.0),
            default: Preset::Float(0.99),
            doc: "α, the decay of the running means.",
        },
        keys::eps(1e-8),
        keys::momentum(0.0),
        Key {
            name: "centered",
            kind: Kind::Bool,
            default: Preset::Bool(false),
            doc: "Whether to divide by the standard deviation of the gradient, not by its root mean square.",
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
    let (alpha, momentum) = (values.f64("alpha"), values.f64("momentum"));
    let rms = Rms { alpha: alpha as f32, rest: (1.0 - alpha) as f32, eps: values.f64("eps") as f32 };
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| {
        let chain = if values.bool("centered") { chain.then(Centered(rms)) } else { chain.then(rms) };
        if momentum > 0.0 { chain.then(Momentum::<false>::new(momentum, 0.0)) } else { chain }
    }))
}

#[derive(Clone, Copy, Debug)]
struct Rms {
    alpha: f32,
    /// 1 − α.
    rest: f32,
    eps: f32,
}

impl Rule<1> for Rms {
    const MOMENTS: [&'static str; 1] = ["square_avg"];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [v]: [f32; 1]) -> (f32, [f32; 1]) {
        let v = self.alpha * v + self.rest * u * u;
        (u / (v.sqrt() + self.eps), [v])
    }
}

#[derive(Clone, Copy, Debug)]
struct Centered(Rms);

impl Rule<2> for Centered {
    const MOMENTS: [&'static str; 2] = ["square_avg", "grad_avg"];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [v, a]: [f32; 2]) -> (f32, [f32; 2]) {
        let Rms { alpha, rest, eps } = self.0;
        let v = alpha * v + rest * u * u;
        let a = a + rest * (u - a);
        (u / ((v - a * a).max(0.0).sqrt() + eps), [v, a])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values =
            check::values("rmsprop").with("weight_decay", Value::Float(0.01)).with("eps", Value::Float(0.01));
        let mut v = [0.0; 4];
        check::formula("rmsprop", &values, 0.01, |_, lr, i, w, g| {
            let g = g + 0.01 * w;
            v[i] = 0.99 * v[i] + 0.01 * g * g;
            w - lr * g / (f64::sqrt(v[i]) + 0.01)
        });
        check::pytorch("rmsprop", &values, 0.01, TORCH);
    }

    // RMSprop(lr=0.01, weight_decay=0.01, eps=0.01)
    const TORCH: [f32; 4] = [0.36631107, -1.0747573, 0.26357827, 1.7130877];

    #[test]
    fn centered_with_momentum_does_too() {
        let values =
            check::values("rmsprop").with("centered", Value::Bool(true)).with("momentum", Value::Float(0.5));
        let (mut v, mut a, mut b) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        check::formula("rmsprop", &values, 0.01, |_, lr, i, w, g| {
            v[i] = 0.99 * v[i] + 0.01 * g * g;
            a[i] = 0.99 * a[i] + 0.01 * g;
            b[i] = 0.5 * b[i] + g / (f64::sqrt(v[i] - a[i] * a[i]) + 1e-8);
            w - lr * b[i]
        });
        check::pytorch("rmsprop", &values, 0.01, TORCH_CENTERED);
    }

    // RMSprop(lr=0.01, centered=True, momentum=0.5)
    const TORCH_CENTERED: [f32; 4] = [0.07544124, -0.50512797, 0.19013667, 0.87452143];
}

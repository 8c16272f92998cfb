//! Nesterov's accelerated gradient.

use super::chain::Chain;
use super::momentum::Momentum;
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "nesterov",
    doc: "sgd with nesterov = true and momentum = 0.9: b ← μb + u, w ← w − learning_rate·(u + μb). Nesterov 1983, in the form of \
          Sutskever et al. 2013 that PyTorch uses.",
    keys: &[
        keys::learning_rate(1e-3),
        keys::momentum(0.9),
        keys::WEIGHT_DECAY,
        keys::DECOUPLED,
        keys::L1,
        keys::L2,
        keys::DECAY_BIAS_AND_NORM,
    ],
    build,
};

fn build(values: &Values) -> Result<Chain> {
    let momentum = values.f64("momentum");
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| {
        chain.then(Momentum::<true>::new(momentum, 0.0))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("nesterov");
        let mut b = [0.0; 4];
        check::formula("nesterov", &values, 0.05, |_, lr, i, w, g| {
            b[i] = 0.9 * b[i] + g;
            w - lr * (g + 0.9 * b[i])
        });
        check::pytorch("nesterov", &values, 0.05, TORCH);
    }

    // SGD(lr=0.05, momentum=0.9, nesterov=True)
    const TORCH: [f32; 4] = [-0.27825248, 0.19894488, 0.5799284, 0.6880259];
}

//! Stochastic gradient descent.

use super::chain::Chain;
use super::momentum::Momentum;
use super::{Entry, decay, keys};
use crate::error::{Error, Result};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: Entry = Entry {
    name: "sgd",
    doc: "w ← w − learning_rate·u; with momentum, b ← μb + (1 − dampening)u and u ← b (nesterov: u ← u + μb). Robbins & Monro 1951. \
          As PyTorch's SGD.",
    keys: &[
        keys::learning_rate(1e-3),
        keys::momentum(0.0),
        keys::DAMPENING,
        Key {
            name: "nesterov",
            kind: Kind::Bool,
            default: Preset::Bool(false),
            doc: "Nesterov's momentum; needs momentum > 0 and dampening = 0.",
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
    let (momentum, dampening) = (values.f64("momentum"), values.f64("dampening"));
    let nesterov = values.bool("nesterov");
    if nesterov && (momentum == 0.0 || dampening != 0.0) {
        return Err(Error::usage("train.optimizer.nesterov", "needs momentum without dampening")
            .expected("momentum > 0 and dampening = 0")
            .found(format!("momentum = {momentum}, dampening = {dampening}"))
            .help("set momentum = 0.9, or remove nesterov"));
    }
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| {
        match (momentum > 0.0, nesterov) {
            (false, _) => chain,
            (true, false) => chain.then(Momentum::<false>::new(momentum, dampening)),
            (true, true) => chain.then(Momentum::<true>::new(momentum, dampening)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{check, find};
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("sgd").with("weight_decay", Value::Float(0.01));
        check::formula("sgd", &values, 0.05, |_, lr, _, w, g| w - lr * (g + 0.01 * w));
        check::pytorch("sgd", &values, 0.05, TORCH);
    }

    // SGD(lr=0.05, weight_decay=0.01)
    const TORCH: [f32; 4] = [0.23385915, -0.29468158, 0.27141243, 0.75916654];

    #[test]
    fn momentum_and_nesterov_are_names_for_its_keys() {
        let sgd = |nesterov| {
            check::values("sgd").with("momentum", Value::Float(0.9)).with("nesterov", Value::Bool(nesterov))
        };
        for (name, values) in [("momentum", sgd(false)), ("nesterov", sgd(true))] {
            assert_eq!(check::run(name, &check::values(name), 0.1, 20), check::run("sgd", &values, 0.1, 20));
        }
    }

    #[test]
    fn nesterov_needs_momentum() {
        let values = check::values("sgd").with("nesterov", Value::Bool(true));
        let error = (find("sgd").unwrap().build)(&values).unwrap_err();
        assert_eq!(error.code.exit(), 2);
    }
}

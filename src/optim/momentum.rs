//! Gradient descent with momentum, and the rule that `sgd`, `nesterov` and `rmsprop` share.

use super::chain::{Chain, Rule};
use super::{Entry, decay, keys};
use crate::error::Result;
use crate::spec::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "momentum",
    doc: "sgd with momentum = 0.9: b ← μb + (1 − dampening)u, w ← w − learning_rate·b. Polyak 1964; Sutskever et al. 2013. \
          As PyTorch's SGD, the first step sets b = u, and the rate is outside the buffer.",
    keys: &[
        keys::learning_rate(1e-3),
        keys::momentum(0.9),
        keys::DAMPENING,
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
    Ok(decay::around(values, values.bool("decoupled_weight_decay"), |chain| {
        chain.then(Momentum::<false>::new(momentum, dampening))
    }))
}

/// `b ← μb + (1 − dampening)u`, then `u ← b`, or `u ← u + μb` for Nesterov's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Momentum<const NESTEROV: bool> {
    momentum: f32,
    undampened: f32,
    /// What enters the buffer in this step: all of the gradient in the first, as in PyTorch.
    entering: f32,
}

impl<const NESTEROV: bool> Momentum<NESTEROV> {
    pub(super) fn new(momentum: f64, dampening: f64) -> Self {
        Momentum { momentum: momentum as f32, undampened: (1.0 - dampening) as f32, entering: 1.0 }
    }
}

impl<const NESTEROV: bool> Rule<1> for Momentum<NESTEROV> {
    const MOMENTS: [&'static str; 1] = ["momentum_buffer"];

    fn prepare(&mut self, step: u64) {
        self.entering = if step == 1 { 1.0 } else { self.undampened };
    }

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, [b]: [f32; 1]) -> (f32, [f32; 1]) {
        let b = self.momentum * b + self.entering * u;
        (if NESTEROV { u + self.momentum * b } else { b }, [b])
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::spec::Value;

    #[test]
    fn follows_its_formula_and_pytorch() {
        let values = check::values("momentum").with("weight_decay", Value::Float(0.01));
        let mut b = [0.0; 4];
        check::formula("momentum", &values, 0.05, |_, lr, i, w, g| {
            b[i] = 0.9 * b[i] + g + 0.01 * w;
            w - lr * b[i]
        });
        check::pytorch("momentum", &values, 0.05, TORCH);
    }

    // SGD(lr=0.05, momentum=0.9, weight_decay=0.01)
    const TORCH: [f32; 4] = [-0.42734846, -0.010863346, 0.4179515, 0.6505698];

    #[test]
    fn dampening_spares_the_first_step() {
        let values = check::values("momentum").with("dampening", Value::Float(0.3));
        let mut b = [0.0; 4];
        check::formula("momentum", &values, 0.05, |t, lr, i, w, g| {
            b[i] = if t == 1 { g } else { 0.9 * b[i] + 0.7 * g };
            w - lr * b[i]
        });
        check::pytorch("momentum", &values, 0.05, TORCH_DAMPENED);
    }

    // SGD(lr=0.05, momentum=0.9, dampening=0.3)
    const TORCH_DAMPENED: [f32; 4] = [-0.29917774, -0.007376675, 0.26895666, 0.417819];
}

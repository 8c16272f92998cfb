//! Penalties on the weights: `l1`, `l2` and `weight_decay`.

use super::chain::{Chain, Rule};
use crate::spec::Values;

/// `u ← u + rate · w`: the gradient of `rate/2 · Σw²`.
#[derive(Clone, Copy, Debug)]
struct AddDecayedWeights {
    rate: f32,
}

impl Rule<0> for AddDecayedWeights {
    const MOMENTS: [&'static str; 0] = [];
    const PENALTY: bool = true;

    #[inline(always)]
    fn element(&self, u: f32, w: f32, _moments: [f32; 0]) -> (f32, [f32; 0]) {
        (u + self.rate * w, [])
    }
}

/// `u ← u + rate · sign(w)`: the gradient of `rate · Σ|w|`, 0 at 0.
#[derive(Clone, Copy, Debug)]
struct AddSigns {
    rate: f32,
}

impl Rule<0> for AddSigns {
    const MOMENTS: [&'static str; 0] = [];
    const PENALTY: bool = true;

    #[inline(always)]
    fn element(&self, u: f32, w: f32, _moments: [f32; 0]) -> (f32, [f32; 0]) {
        (u + self.rate * sign(w), [])
    }
}

/// −1, 0 or 1; not a number where `x` is none.
#[inline(always)]
pub(super) fn sign(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// An optimizer's own rules with the penalties that `values` ask for around them.
pub(super) fn around(values: &Values, decoupled: bool, rules: impl FnOnce(Chain) -> Chain) -> Chain {
    let decay = values.f64("weight_decay");
    let (inside, beside) = if decoupled { (0.0, decay) } else { (decay, 0.0) };
    let mut chain = Chain::new();
    let l1 = values.f64("l1");
    if l1 > 0.0 {
        chain = chain.then(AddSigns { rate: l1 as f32 });
    }
    let l2 = values.f64("l2") + inside;
    if l2 > 0.0 {
        chain = chain.then(AddDecayedWeights { rate: l2 as f32 });
    }
    rules(chain).decay(beside)
}

#[cfg(test)]
mod tests {
    use super::super::check::{self, close};
    use super::super::{Chain, Optimizer, Segment, StepOptions, find};
    use crate::spec::Value;

    #[test]
    fn three_penalties_are_kept_apart() {
        let w0 = [2.0f32, -3.0, 0.0];
        let after = |key: &'static str, decoupled: bool| {
            let mut values = check::values("momentum").with(key, Value::Float(0.1));
            values.set("decoupled_weight_decay", Value::Bool(decoupled));
            let chain = (find("momentum").unwrap().build)(&values).unwrap();
            let mut optimizer = Optimizer::new(chain, 3, vec![Segment::new(0..3)]);
            let mut w = w0;
            for _ in 0..2 {
                optimizer.step(&mut w, &[0.0; 3], StepOptions::new(0.5));
            }
            w
        };
        // Two steps of w ← w − 0.5·b, b ← 0.9·b + penalty, by hand; decoupled decay does not enter b.
        assert!(close(&after("l1", false), &[1.855, -2.855, 0.0], 1e-6));
        assert!(close(&after("l2", false), &[1.715, -2.5725, 0.0], 1e-6));
        assert!(close(&after("weight_decay", false), &[1.715, -2.5725, 0.0], 1e-6));
        assert!(close(&after("weight_decay", true), &[1.805, -2.7075, 0.0], 1e-6));
    }

    #[test]
    fn a_segment_without_decay_keeps_its_weights() {
        for name in ["sgd", "adamw"] {
            let values =
                check::values(name).with("weight_decay", Value::Float(0.1)).with("l1", Value::Float(0.1));
            let chain: Chain = (find(name).unwrap().build)(&values).unwrap();
            let segments = Segment::for_parameters([(0..1, 2), (1..2, 1)], false);
            let mut optimizer = Optimizer::new(chain, 2, segments);
            let mut w = [1.0f32, 1.0];
            optimizer.step(&mut w, &[0.0; 2], StepOptions::new(0.1));
            assert!(w[0] < 1.0 && w[1] == 1.0, "{name}: {w:?}");
        }
    }
}

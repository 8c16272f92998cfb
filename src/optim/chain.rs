//! Rules, and chains of them.

use std::array;
use std::fmt;

use crate::backend::simd::{Loop, dispatch};

/// One step of a chain: a function of one element, with `M` moments of its own.
pub trait Rule<const M: usize>: Copy + fmt::Debug + Send + Sync + 'static {
    /// Names of the moments, as a checkpoint stores them: PyTorch's.
    const MOMENTS: [&'static str; M];

    /// Whether the rule is a penalty on the weights, which a [`Segment`](super::Segment) may switch off.
    const PENALTY: bool = false;

    /// What the moments hold before the first step.
    fn initial(&self) -> [f32; M] {
        [0.0; M]
    }

    /// Computes what all elements share in step `step`, counted from 1: bias corrections and the like.
    fn prepare(&mut self, _step: u64) {}

    /// The new update and moments from the update `u`, the weight `w` and the moments of the same element.
    ///
    /// Must be `#[inline(always)]`, without branches that differ between elements, and without fused multiply-adds, so
    /// that it vectorises and gives the same bits on every CPU.
    fn element(&self, u: f32, w: f32, moments: [f32; M]) -> (f32, [f32; M]);
}

/// An optimizer: rules in the order in which they act, how the gradient is clipped before them, and decay beside them.
#[derive(Debug, Default)]
pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
    max_norm: Option<f64>,
    decay: f64,
}

impl Chain {
    /// Plain gradient descent: no rule yet.
    pub fn new() -> Self {
        Chain::default()
    }

    /// Adds a rule after those there are.
    pub fn then<const M: usize>(mut self, rule: impl Rule<M>) -> Self {
        self.stages.push(Box::new(Single(rule)));
        self
    }

    /// Adds a rule before those there are.
    pub fn first<const M: usize>(mut self, rule: impl Rule<M>) -> Self {
        self.stages.insert(0, Box::new(Single(rule)));
        self
    }

    /// Scales the whole gradient by `max_norm / (norm + 1e-6)` where its norm is larger than `max_norm`.
    ///
    /// Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks", alg. 1; the 1e-6 is that of
    /// PyTorch's `clip_grad_norm_`. Acts before [`Chain::clip_grad_value`].
    pub fn clip_grad_norm(mut self, max_norm: f64) -> Self {
        self.max_norm = Some(max_norm);
        self
    }

    /// Clamps every element of the gradient to `[−max, max]`, as PyTorch's `clip_grad_value_`.
    pub fn clip_grad_value(self, max: f64) -> Self {
        self.first(super::clip_grad_value::ClipGradValue { max: max as f32 })
    }

    /// Takes `learning_rate · rate · w` off the weights, beside the step.
    ///
    /// Loshchilov & Hutter 2019, "Decoupled weight decay regularization", alg. 2. As in PyTorch the weights are multiplied with
    /// `1 − learning_rate · rate`, rounded to f32: over a hundred steps that rounding shows in the sixth digit.
    pub fn decay(mut self, rate: f64) -> Self {
        self.decay = rate;
        self
    }

    /// The part of the weights that a step with this learning rate keeps.
    pub(super) fn keep(&self, learning_rate: f64) -> f32 {
        (1.0 - learning_rate * self.decay) as f32
    }

    /// The norm above which gradients are scaled down.
    pub(super) fn max_norm(&self) -> Option<f64> {
        self.max_norm
    }

    /// Name and first value of every moment, in the order in which [`Chain::apply`] takes them.
    pub(super) fn moments(&self) -> Vec<(&'static str, f32)> {
        self.stages.iter().flat_map(|stage| stage.moments()).collect()
    }

    /// Prepares every rule for step `step`, counted from 1.
    pub(super) fn prepare(&mut self, step: u64) {
        for stage in &mut self.stages {
            stage.prepare(step);
        }
    }

    /// Updates one run of elements; all slices are of one length, at most [`CHUNK`].
    pub(super) fn apply(&self, to: Chunk<'_>, moments: &mut [&mut [f32]]) {
        match &self.stages[..] {
            [] => return Single(Plain).whole(to, moments),
            [stage] if to.penalties || !stage.is_penalty() => return stage.whole(to, moments),
            _ => {}
        }
        let mut buffer = [0.0; CHUNK];
        let u = &mut buffer[..to.weights.len()];
        dispatch(Scale { u, gradients: to.gradients, by: to.gradient_scale });
        let mut rest = moments;
        for stage in &self.stages {
            let (own, others) = rest.split_at_mut(stage.len());
            rest = others;
            if to.penalties || !stage.is_penalty() {
                stage.apply(u, to.weights, own);
            }
        }
        dispatch(Descend { weights: to.weights, u, rate: to.rate, keep: to.keep });
    }
}

/// The most elements that go through the chain at once: what they need stays in the first-level cache.
pub(super) const CHUNK: usize = 1024;

/// One run of elements and what applies to it.
pub(super) struct Chunk<'a> {
    pub(super) weights: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    /// What the gradient is multiplied with first.
    pub(super) gradient_scale: f32,
    /// The learning rate of this run.
    pub(super) rate: f32,
    /// What the weights are multiplied with.
    pub(super) keep: f32,
    /// Whether rules that are penalties act.
    pub(super) penalties: bool,
}

/// `u ← u`: what an empty chain does.
#[derive(Clone, Copy, Debug)]
struct Plain;

impl Rule<0> for Plain {
    const MOMENTS: [&'static str; 0] = [];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, _moments: [f32; 0]) -> (f32, [f32; 0]) {
        (u, [])
    }
}

/// A rule without its type.
trait Stage: fmt::Debug + Send + Sync {
    fn len(&self) -> usize;
    fn moments(&self) -> Vec<(&'static str, f32)>;
    fn is_penalty(&self) -> bool;
    fn prepare(&mut self, step: u64);
    /// The rule alone, in place on `u`.
    fn apply(&self, u: &mut [f32], weights: &[f32], moments: &mut [&mut [f32]]);
    /// The rule as a whole chain: from the gradient to the new weights in one loop.
    fn whole(&self, to: Chunk<'_>, moments: &mut [&mut [f32]]);
}

#[derive(Debug)]
struct Single<R, const M: usize>(R);

impl<R: Rule<M>, const M: usize> Stage for Single<R, M> {
    fn len(&self) -> usize {
        M
    }

    fn moments(&self) -> Vec<(&'static str, f32)> {
        R::MOMENTS.into_iter().zip(self.0.initial()).collect()
    }

    fn is_penalty(&self) -> bool {
        R::PENALTY
    }

    fn prepare(&mut self, step: u64) {
        self.0.prepare(step);
    }

    fn apply(&self, u: &mut [f32], weights: &[f32], moments: &mut [&mut [f32]]) {
        dispatch(Apply { rule: self.0, u, weights, moments: fixed(moments) });
    }

    fn whole(&self, to: Chunk<'_>, moments: &mut [&mut [f32]]) {
        dispatch(Whole { rule: self.0, to, moments: fixed(moments) });
    }
}

fn fixed<'a, const M: usize>(moments: &'a mut [&mut [f32]]) -> [&'a mut [f32]; M] {
    assert_eq!(moments.len(), M);
    let mut moments = moments.iter_mut();
    array::from_fn(|_| moments.next().map(|m| &mut **m).unwrap_or_default())
}

/// `u, m ← rule(u, w, m)`.
struct Apply<'a, R, const M: usize> {
    rule: R,
    u: &'a mut [f32],
    weights: &'a [f32],
    moments: [&'a mut [f32]; M],
}

impl<R: Rule<M>, const M: usize> Loop for Apply<'_, R, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Apply { rule, u, weights, moments } = self;
        let n = u.len();
        let weights = &weights[..n];
        let moments = moments.map(|m| &mut m[..n]);
        for i in 0..n {
            let (new, new_moments) = rule.element(u[i], weights[i], array::from_fn(|k| moments[k][i]));
            u[i] = new;
            for k in 0..M {
                moments[k][i] = new_moments[k];
            }
        }
    }
}

/// `u, m ← rule(scale · g, w, m)`, `w ← keep · w − rate · u`.
struct Whole<'a, R, const M: usize> {
    rule: R,
    to: Chunk<'a>,
    moments: [&'a mut [f32]; M],
}

impl<R: Rule<M>, const M: usize> Loop for Whole<'_, R, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Whole { rule, to: Chunk { weights, gradients, gradient_scale, rate, keep, .. }, moments } = self;
        let n = weights.len();
        let gradients = &gradients[..n];
        let moments = moments.map(|m| &mut m[..n]);
        for i in 0..n {
            let u = gradients[i] * gradient_scale;
            let (u, new_moments) = rule.element(u, weights[i], array::from_fn(|k| moments[k][i]));
            weights[i] = keep * weights[i] - rate * u;
            for k in 0..M {
                moments[k][i] = new_moments[k];
            }
        }
    }
}

/// `u ← by · g`.
struct Scale<'a> {
    u: &'a mut [f32],
    gradients: &'a [f32],
    by: f32,
}

impl Loop for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (u, g) in self.u.iter_mut().zip(self.gradients) {
            *u = g * self.by;
        }
    }
}

/// `w ← keep · w − rate · u`.
struct Descend<'a> {
    weights: &'a mut [f32],
    u: &'a [f32],
    rate: f32,
    keep: f32,
}

impl Loop for Descend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (w, u) in self.weights.iter_mut().zip(self.u) {
            *w = self.keep * *w - self.rate * u;
        }
    }
}

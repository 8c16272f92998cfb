//! A chain with its moments and its step count.

use super::chain::Chain;
use super::clip_grad_norm::Norm;
use super::part::{self, MAX_MOMENTS, Part, Update};
use super::segment::Segment;
use crate::error::{Error, Result};

/// Below this many parameters a step stays on one thread: a fork would cost more than it saves.
const PARALLEL: usize = 64 * 1024;

/// What the trainer decides anew for every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// The learning rate, from the schedule.
    pub learning_rate: f64,
    /// What the gradient is multiplied with before anything else: 1 over the number of batches whose gradients were added up.
    pub gradient_scale: f64,
    /// Whether to measure the norm of the gradient even if nothing is clipped by it.
    pub measure_norm: bool,
}

impl StepOptions {
    /// A step with this learning rate on the gradient as it is.
    pub fn new(learning_rate: f64) -> Self {
        StepOptions { learning_rate, gradient_scale: 1.0, measure_norm: false }
    }
}

/// An optimizer at work on one flat buffer of parameters.
#[derive(Debug)]
pub struct Optimizer {
    chain: Chain,
    segments: Vec<Segment>,
    names: Vec<&'static str>,
    moments: Vec<Vec<f32>>,
    norm: Norm,
    len: usize,
    step: u64,
}

impl Optimizer {
    /// An optimizer that trains `segments` of `len` parameters.
    ///
    /// # Panics
    ///
    /// If segments overlap or end after `len`.
    pub fn new(chain: Chain, len: usize, segments: Vec<Segment>) -> Self {
        let segments = Segment::merge(segments, len);
        let (names, initial): (Vec<_>, Vec<_>) = chain.moments().into_iter().unzip();
        assert!(names.len() <= MAX_MOMENTS, "the chain has more than {MAX_MOMENTS} moments");
        Optimizer {
            chain,
            norm: Norm::new(&segments),
            segments,
            names,
            moments: initial.into_iter().map(|x| vec![x; len]).collect(),
            len,
            step: 0,
        }
    }

    /// Makes one step: updates `params` from `grads`, on the current rayon pool where that pays. Does not allocate.
    ///
    /// Returns the norm of the scaled gradient of all trained parameters before clipping, if it was needed or asked for. If
    /// it is not finite, nothing is changed. (It is finite exactly if every element of the gradient is.)
    ///
    /// # Panics
    ///
    /// If a slice is not as long as the optimizer was made for.
    pub fn step(&mut self, params: &mut [f32], grads: &[f32], options: StepOptions) -> Option<f64> {
        let norm = (options.measure_norm || self.chain.max_norm().is_some())
            .then(|| self.grad_norm(grads) * options.gradient_scale.abs());
        if norm.is_some_and(|norm| !norm.is_finite()) {
            return norm;
        }
        let parallel = self.len >= PARALLEL && rayon::current_num_threads() > 1;
        let (update, part) = self.begin_step(params, grads, options, norm);
        if parallel {
            update.apply_parallel(part);
        } else {
            update.apply(part);
        }
        norm
    }

    /// Counts a step and prepares it, for a caller that cuts the work itself: every element of the returned [`Part`] must
    /// go through the [`Update`] once.
    ///
    /// `norm` is the norm of the scaled gradient ([`Optimizer::grad_norm`] times `gradient_scale`), which clipping by norm needs.
    ///
    /// # Panics
    ///
    /// If a slice is not as long as the optimizer was made for, or if the chain clips by norm and there is none.
    pub fn begin_step<'a>(
        &'a mut self,
        params: &'a mut [f32],
        grads: &'a [f32],
        options: StepOptions,
        norm: Option<f64>,
    ) -> (Update<'a>, Part<'a>) {
        assert_eq!([params.len(), grads.len()], [self.len; 2], "parameters, gradients");
        self.step += 1;
        self.chain.prepare(self.step);
        let clip = match (self.chain.max_norm(), norm) {
            (Some(max), Some(norm)) => super::clip_grad_norm::coefficient(norm, max),
            (Some(_), None) => panic!("clipping by norm needs the norm"),
            (None, _) => 1.0,
        };
        let update = Update {
            chain: &self.chain,
            segments: &self.segments,
            learning_rate: options.learning_rate,
            gradient_scale: (options.gradient_scale * clip) as f32,
            moments: self.moments.len(),
        };
        (update, part::whole(params, grads, &mut self.moments))
    }

    /// The Euclidean norm of the gradient of all trained parameters, summed in f64 over blocks that the lengths alone decide.
    pub fn grad_norm(&mut self, grads: &[f32]) -> f64 {
        self.norm.of(grads, self.len >= PARALLEL && rayon::current_num_threads() > 1)
    }

    /// Steps made so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The moments by name, as long as the parameters: with [`Optimizer::steps`], all that a checkpoint must keep.
    pub fn moments(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        self.names.iter().copied().zip(self.moments.iter().map(Vec::as_slice))
    }

    /// Continues from a checkpoint: `steps` and, by name, every moment that [`Optimizer::moments`] gave.
    ///
    /// # Errors
    ///
    /// Code 4 if a moment is missing or has another length; then nothing is changed.
    pub fn restore<'a>(
        &mut self,
        steps: u64,
        mut moment: impl FnMut(&str) -> Option<&'a [f32]>,
    ) -> Result<()> {
        let mut found = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let place = format!("optimizer state {name:?}");
            let values = moment(name).ok_or_else(|| {
                Error::model(&place, "is missing").help("resume with the optimizer that wrote the checkpoint")
            })?;
            if values.len() != self.len {
                return Err(Error::model(&place, "has another length than the parameters")
                    .expected(format!("{} values", self.len))
                    .found(values.len().to_string()));
            }
            found.push(values);
        }
        for (own, values) in self.moments.iter_mut().zip(found) {
            own.copy_from_slice(values);
        }
        self.step = steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OPTIMIZERS, check, find};
    use super::*;
    use crate::spec::Value;

    /// Long enough for several blocks and threads, and a multiple of nothing.
    const LEN: usize = PARALLEL + 16 * 1024 + 13;

    fn fresh(name: &str, len: usize) -> Optimizer {
        let values =
            check::values(name).with("weight_decay", Value::Float(0.1)).with("l1", Value::Float(0.01));
        let chain = (find(name).unwrap().build)(&values).unwrap().clip_grad_norm(20.0).clip_grad_value(0.5);
        Optimizer::new(chain, len, vec![Segment::new(0..len)])
    }

    fn weights(len: usize) -> Vec<f32> {
        (0..len).map(|i| (i as f32 * 0.11).cos()).collect()
    }

    fn gradients(len: usize, t: u64) -> Vec<f32> {
        (0..len).map(|i| (i as f32 * 0.37 + t as f32).sin()).collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
        for entry in OPTIMIZERS {
            let results = pools.each_ref().map(|pool| {
                let (mut optimizer, mut w) = (fresh(entry.name, LEN), weights(LEN));
                for t in 1..=2 {
                    let g = gradients(LEN, t);
                    pool.install(|| optimizer.step(&mut w, &g, StepOptions::new(0.1)));
                }
                bits(&w)
            });
            assert!(results[1] == results[0] && results[2] == results[0], "{}", entry.name);
        }
    }

    #[test]
    fn cuts_do_not_change_a_bit() {
        let len = 5003;
        for entry in OPTIMIZERS {
            let (mut whole, mut w) = (fresh(entry.name, len), weights(len));
            let (mut cut, mut w_cut) = (fresh(entry.name, len), weights(len));
            for t in 1..=3 {
                let g = gradients(len, t);
                whole.step(&mut w, &g, StepOptions::new(0.1));
                let norm = Some(cut.grad_norm(&g));
                let (update, mut rest) = cut.begin_step(&mut w_cut, &g, StepOptions::new(0.1), norm);
                for at in [1, 7, 1024, 2001] {
                    let (part, others) = rest.split_at(at);
                    update.apply(part);
                    rest = others;
                }
                assert_eq!(rest.len(), len - 3033);
                update.apply(rest);
            }
            assert_eq!(bits(&w), bits(&w_cut), "{}", entry.name);
            for ((name, a), (_, b)) in whole.moments().zip(cut.moments()) {
                assert_eq!(bits(a), bits(b), "{} {name}", entry.name);
            }
        }
    }

    #[test]
    fn a_restored_optimizer_goes_on_as_if_never_stopped() {
        let len = 300;
        for entry in OPTIMIZERS {
            let (mut first, mut w) = (fresh(entry.name, len), weights(len));
            for t in 1..=5 {
                first.step(&mut w, &gradients(len, t), StepOptions::new(0.1));
            }
            let mut second = fresh(entry.name, len);
            let saved: Vec<_> = first.moments().map(|(n, v)| (n, v.to_vec())).collect();
            second
                .restore(first.steps(), |name| saved.iter().find(|(n, _)| *n == name).map(|(_, v)| &v[..]))
                .unwrap();
            let mut w_2 = w.clone();
            for t in 6..=8 {
                first.step(&mut w, &gradients(len, t), StepOptions::new(0.1));
                second.step(&mut w_2, &gradients(len, t), StepOptions::new(0.1));
            }
            assert_eq!(bits(&w), bits(&w_2), "{}", entry.name);
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let mut optimizer = fresh("adam", 10);
        assert_eq!(optimizer.restore(3, |_| None).unwrap_err().code.exit(), 4);
        let short = [0.0; 9];
        assert_eq!(optimizer.restore(3, |_| Some(&short)).unwrap_err().code.exit(), 4);
        assert_eq!(optimizer.steps(), 0);
    }

    #[test]
    fn frozen_parameters_stay_and_scaled_ones_go_slower() {
        let segments = vec![Segment::new(0..2), Segment { lr_scale: 0.1, ..Segment::new(3..4) }];
        let mut optimizer = Optimizer::new(Chain::new(), 4, segments);
        let mut w = [1.0f32; 4];
        let options = StepOptions { gradient_scale: 0.5, ..StepOptions::new(0.5) };
        assert_eq!(optimizer.step(&mut w, &[1.0; 4], options), None);
        assert_eq!(w, [0.75, 0.75, 1.0, 0.975]);
    }
}

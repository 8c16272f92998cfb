//! The choice of the next token from what a network says of each.

use crate::tensor::Key;

/// How the next token is chosen. Applied in this order: penalty, temperature, top-k, top-p, min-p.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits: below 1 likely tokens become likelier; 0: always the most likely one.
    pub temperature: f64,
    /// Only the k most likely tokens (Fan et al. 2018); 0: all.
    pub top_k: usize,
    /// Only the most likely tokens that have this probability together (Holtzman et al. 2020); 1: all.
    pub top_p: f64,
    /// Only tokens at least this likely, as a share of the most likely one (Nguyen et al. 2024); 0: all.
    pub min_p: f64,
    /// Divides positive logits, and multiplies negative ones, of tokens that are in the context already (Keskar et al. 2019); 1: no
    /// penalty.
    pub repetition_penalty: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.8, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0 }
    }
}

/// Chooses tokens; keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    /// The token for what the vocabulary lacks, which is no text and never chosen.
    unknown: Option<u32>,
    /// Tokens that may be chosen, and their logits, later their probabilities.
    candidates: Vec<(u32, f64)>,
}

impl Sampler {
    pub(super) fn new(sampling: Sampling, unknown: Option<u32>) -> Self {
        Sampler { sampling, unknown, candidates: Vec::new() }
    }

    /// The next token after `context`, whose logits are `logits`; `key` names the random number.
    pub(super) fn choose(&mut self, logits: &[f32], context: &[u32], key: Key) -> u32 {
        let Sampling { temperature, top_k, top_p, min_p, repetition_penalty } = self.sampling;
        let all = &mut self.candidates;
        all.clear();
        all.extend(logits.iter().enumerate().map(|(id, &x)| (id as u32, f64::from(x))));
        if repetition_penalty != 1.0 {
            for &token in context {
                let from = f64::from(logits[token as usize]);
                let penalised =
                    if from > 0.0 { from / repetition_penalty } else { from * repetition_penalty };
                // A penalty near 0, or a huge one, must not leave the numbers.
                all[token as usize].1 = penalised.clamp(f64::MIN, f64::MAX);
            }
        }
        if let Some(unknown) = self.unknown.filter(|_| all.len() > 1) {
            all.swap_remove(unknown as usize);
        }
        // The most likely first; of equals the smaller id.
        let order = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let kept = if temperature == 0.0 { 1 } else { top_k };
        if (1..all.len()).contains(&kept) {
            all.select_nth_unstable_by(kept - 1, order);
            all.truncate(kept);
        }
        let Some(best) = all.iter().copied().min_by(order) else { return 0 };
        if temperature == 0.0 {
            return best.0;
        }
        all.iter_mut().for_each(|(_, x)| *x = ((*x - best.1) / temperature).exp());
        if top_p < 1.0 {
            let total: f64 = all.iter().map(|(_, p)| p).sum();
            // All that are less likely than this have less than 1 - P together: the others need not be sorted among them.
            let least = (1.0 - top_p) * total / all.len() as f64;
            all.retain(|(_, p)| *p >= least);
            all.sort_unstable_by(order);
            let mut sum = 0.0;
            let enough = all.iter().position(|(_, p)| {
                sum += p;
                sum >= top_p * total
            });
            all.truncate(enough.map_or(all.len(), |at| at + 1));
        }
        // The most likely one has e^0 = 1.
        all.retain(|(_, p)| *p >= min_p);
        let total: f64 = all.iter().map(|(_, p)| p).sum();
        let mut left = key.uniform(0) * total;
        for &(id, p) in all.iter() {
            left -= p;
            if left < 0.0 {
                return id;
            }
        }
        // Rounding left a little over.
        all[all.len() - 1].0
    }
}

/// ln p of a token under plain softmax.
pub(super) fn log_probability(logits: &[f32], token: u32) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&x| f64::from(x - top).exp()).sum();
    // In 64 bits the difference of two numbers of 32 bits is finite.
    f64::from(logits[token as usize]) - f64::from(top) - sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [0.0, 2.0, 1.0, -1.0, 2.0];

    /// How often each token is chosen in 20,000 trials.
    fn shares(sampling: Sampling, context: &[u32]) -> [f64; 5] {
        let mut sampler = Sampler::new(sampling, None);
        let mut counts = [0.0; 5];
        for i in 0..20_000 {
            counts[sampler.choose(&LOGITS, context, Key::new(1).part(i)) as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    fn expected(logits: [f64; 5], keep: &[usize]) -> [f64; 5] {
        let p = |i: usize| if keep.contains(&i) { logits[i].exp() } else { 0.0 };
        let total: f64 = (0..5).map(p).sum();
        std::array::from_fn(|i| p(i) / total)
    }

    fn close(a: [f64; 5], b: [f64; 5]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.015), "{a:?} {b:?}");
    }

    #[test]
    fn tokens_come_as_often_as_the_network_says() {
        let plain = Sampling { temperature: 1.0, ..Sampling::default() };
        let all = [0.0, 2.0, 1.0, -1.0, 2.0];
        close(shares(plain.clone(), &[]), expected(all, &[0, 1, 2, 3, 4]));
        let warm = Sampling { temperature: 2.0, ..plain.clone() };
        close(shares(warm, &[]), expected(all.map(|x| x / 2.0), &[0, 1, 2, 3, 4]));
        close(shares(Sampling { top_k: 3, ..plain.clone() }, &[]), expected(all, &[1, 2, 4]));
        close(shares(Sampling { top_p: 0.5, ..plain.clone() }, &[]), expected(all, &[1, 4]));
        close(shares(Sampling { min_p: 0.3, ..plain.clone() }, &[]), expected(all, &[1, 2, 4]));
        let penalty = Sampling { repetition_penalty: 2.0, ..plain };
        close(shares(penalty, &[1, 1, 3]), expected([0.0, 1.0, 1.0, -2.0, 2.0], &[0, 1, 2, 3, 4]));
    }

    #[test]
    fn without_temperature_the_most_likely_token_comes_and_of_equals_the_first() {
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        let shares = shares(greedy, &[]);
        assert!(shares[1] > 0.999 && [0, 2, 3, 4].iter().all(|&i| shares[i] == 0.0), "{shares:?}");
    }

    #[test]
    fn the_unknown_token_is_never_chosen() {
        for temperature in [0.0, 1.0] {
            let sampling = Sampling { temperature, ..Sampling::default() };
            let mut sampler = Sampler::new(sampling, Some(1));
            let chosen: Vec<u32> =
                (0..500).map(|i| sampler.choose(&LOGITS, &[1], Key::new(2).part(i))).collect();
            assert!(chosen.contains(&4) && !chosen.contains(&1), "{temperature}");
        }
    }

    #[test]
    fn limits_leave_one_token_at_least() {
        let mut sampler =
            Sampler::new(Sampling { top_k: 1, top_p: 1e-9, min_p: 1.0, ..Sampling::default() }, None);
        assert_eq!(sampler.choose(&LOGITS, &[], Key::new(0)), 1);
    }

    #[test]
    fn numbers_at_the_ends_of_their_range_choose_a_token() {
        let huge = [f32::MAX, -f32::MAX, 0.0, f32::MIN_POSITIVE, f32::MAX];
        for repetition_penalty in [1.0, f64::MIN_POSITIVE, f64::MAX] {
            for temperature in [0.0, f64::MIN_POSITIVE, 1.0, f64::MAX] {
                let limits = Sampling { temperature, repetition_penalty, ..Sampling::default() };
                for limits in [
                    Sampling { top_k: 2, ..limits.clone() },
                    Sampling { top_p: 0.5, ..limits.clone() },
                    Sampling { min_p: 1.0, ..limits },
                ] {
                    let mut sampler = Sampler::new(limits, None);
                    for i in 0..20 {
                        assert!(sampler.choose(&huge, &[0, 1, 2, 3, 4], Key::new(3).part(i)) < 5);
                    }
                }
            }
        }
        assert!((0..5).all(|token| log_probability(&huge, token).is_finite()));
    }

    #[test]
    fn log_probabilities_are_those_of_softmax() {
        let total: f64 = LOGITS.iter().map(|&x| f64::from(x).exp()).sum();
        assert!((log_probability(&LOGITS, 2) - (1.0 - total.ln())).abs() < 1e-12);
    }
}

//! Mixup: training on points between two rows (Zhang, Cisse, Dauphin & Lopez-Paz 2018, "mixup: beyond empirical risk
//! minimization").
//!
//! Row i of a batch of n becomes λ·xᵢ + (1 - λ)·xₙ₋₁₋ᵢ, and its loss λ·l(ŷ, yᵢ) + (1 - λ)·l(ŷ, yₙ₋₁₋ᵢ), for one λ of a
//! Beta(α, α) distribution in each batch. Batches are in random order, so the last row is as good a partner as any. As both
//! rows of a pair are mixed with each other, λ may be the larger of λ and 1 - λ without changing anything; then what
//! cannot be mixed, ids of embedded columns, stays the row's own.

use crate::tensor::{Key, Stream};

/// The part of each row that stays its own in the batch of `key`, from 0.5 to 1.
pub(super) fn share(alpha: f64, key: Key) -> f64 {
    let mut random = key.named("mixup").stream();
    let (a, b) = (log_gamma_variate(alpha, &mut random), log_gamma_variate(alpha, &mut random));
    // Of two gamma variates the part of the larger one, by their logarithms: those of a small α may be too small for numbers.
    1.0 / (1.0 + (-(a - b).abs()).exp())
}

/// Mixes the rows of `batch`, first with last and so on.
pub(super) fn mix(share: f64, batch: &mut [f32], rows: usize) {
    let (own, other) = (share as f32, (1.0 - share) as f32);
    each_pair(batch, rows, |a, b| (*a, *b) = (own * *a + other * *b, own * *b + other * *a));
}

/// A mixed series ends where the longer one does.
pub(super) fn mix_lengths(lengths: &mut [f32]) {
    let rows = lengths.len();
    each_pair(lengths, rows, |a, b| {
        *a = a.max(*b);
        *b = *a;
    });
}

/// The partner of row `i` of `rows`.
pub(super) fn partner(i: usize, rows: usize) -> usize {
    rows - 1 - i
}

fn each_pair(batch: &mut [f32], rows: usize, mut change: impl FnMut(&mut f32, &mut f32)) {
    if rows == 0 {
        return;
    }
    let size = batch.len() / rows;
    let (first, rest) = batch.split_at_mut(rows / 2 * size);
    // The row in the middle of an odd number stays as it is.
    let pairs = first.chunks_exact_mut(size.max(1)).zip(rest.chunks_exact_mut(size.max(1)).rev());
    for (a, b) in pairs {
        a.iter_mut().zip(b).for_each(|(a, b)| change(a, b));
    }
}

/// The logarithm of a gamma variate of this shape and scale 1 (Marsaglia & Tsang 2000, "A simple method for generating gamma
/// variables").
fn log_gamma_variate(shape: f64, random: &mut Stream) -> f64 {
    if shape < 1.0 {
        let u = 1.0 - random.uniform();
        return log_gamma_variate(shape + 1.0, random) + u.ln() / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let (u, v) = (1.0 - random.uniform(), random.uniform());
        let x = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        let cube = (1.0 + c * x).powi(3);
        let u = 1.0 - random.uniform();
        if cube > 0.0 && u.ln() < 0.5 * x * x + d - d * cube + d * cube.ln() {
            return (d * cube).ln();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_a_beta_distribution() {
        for alpha in [0.2, 1.0, 4.0] {
            let n = 20_000;
            // With λ or 1 - λ by half, the variance of Beta(α, α) is E[(share - 1/2)²] = 1 / (4 (2α + 1)).
            let shares: Vec<f64> = (0..n).map(|i| share(alpha, Key::new(i))).collect();
            let variance = shares.iter().map(|s| (s - 0.5) * (s - 0.5)).sum::<f64>() / n as f64;
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((variance / expected - 1.0).abs() < 0.03, "{alpha}: {variance} {expected}");
            assert!(shares.iter().all(|s| (0.5..=1.0).contains(s)));
        }
        let tiny: Vec<f64> = (0..100).map(|i| share(1e-6, Key::new(i))).collect();
        assert!(tiny.iter().all(|&s| s > 0.999), "{tiny:?}");
    }

    #[test]
    fn pairs_are_mixed_with_each_other() {
        let mut batch = [0.0, 8.0, 4.0, 4.0, 16.0, 0.0];
        mix(0.75, &mut batch, 3);
        assert_eq!(batch, [4.0, 6.0, 4.0, 4.0, 12.0, 2.0]);
        let mut lengths = [3.0, 1.0, 2.0, 5.0];
        mix_lengths(&mut lengths);
        assert_eq!(lengths, [5.0, 2.0, 2.0, 5.0]);
    }
}

//! The norm of the gradient, and clipping by it.

use super::segment::Segment;
use crate::backend::simd::{Loop, dispatch};

/// Elements whose squares are summed as one; fixed, so that no thread count changes the sum.
const BLOCK: usize = 8 * 1024;

/// Independent sums within a block, so that additions need not wait for each other.
const LANES: usize = 32;

/// What PyTorch adds to the norm, so that a norm of 0 does not divide.
const EPS: f64 = 1e-6;

/// What the gradient is multiplied with: `min(1, max_norm / (norm + 1e-6))`.
pub(super) fn coefficient(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + EPS)).min(1.0)
}

/// The blocks of the trained elements, with room for their sums.
#[derive(Debug)]
pub(super) struct Norm {
    /// First element, end and sum of squares of each block.
    blocks: Vec<(usize, usize, f64)>,
}

impl Norm {
    /// Blocks that cover `segments`.
    pub(super) fn new(segments: &[Segment]) -> Self {
        let blocks = segments.iter().flat_map(|Segment { range, .. }| {
            range.clone().step_by(BLOCK).map(|start| (start, range.end.min(start + BLOCK), 0.0))
        });
        Norm { blocks: blocks.collect() }
    }

    /// The Euclidean norm of `gradients` over the blocks.
    pub(super) fn of(&mut self, gradients: &[f32], parallel: bool) -> f64 {
        sum_blocks(&mut self.blocks, gradients, parallel);
        self.blocks.iter().map(|&(_, _, sum)| sum).sum::<f64>().sqrt()
    }
}

fn sum_blocks(blocks: &mut [(usize, usize, f64)], gradients: &[f32], parallel: bool) {
    if parallel && blocks.len() > 1 {
        let (left, right) = blocks.split_at_mut(blocks.len() / 2);
        rayon::join(|| sum_blocks(left, gradients, true), || sum_blocks(right, gradients, true));
        return;
    }
    for (start, end, sum) in blocks {
        *sum = dispatch(SumOfSquares(&gradients[*start..*end]));
    }
}

/// `Σ x²` in f64, in which the square of no f32 overflows.
struct SumOfSquares<'a>(&'a [f32]);

impl Loop for SumOfSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let (groups, rest) = self.0.as_chunks::<LANES>();
        let mut sums = [0.0f64; LANES];
        for group in groups {
            for lane in 0..LANES {
                let x = f64::from(group[lane]);
                sums[lane] += x * x;
            }
        }
        for (sum, &x) in sums.iter_mut().zip(rest) {
            *sum += f64::from(x) * f64::from(x);
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chain, Optimizer, StepOptions};
    use super::*;

    fn gradients(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i as f32) * 0.37).sin()).collect()
    }

    #[test]
    fn the_norm_counts_trained_elements_alone() {
        let g = gradients(30_000);
        let mut norm = Norm::new(&[Segment::new(5..20_003), Segment::new(25_000..25_001)]);
        let expected: f64 =
            g[5..20_003].iter().chain(&g[25_000..25_001]).map(|&x| f64::from(x).powi(2)).sum();
        assert!((norm.of(&g, false) - expected.sqrt()).abs() < 1e-10 * expected.sqrt());
    }

    #[test]
    fn threads_do_not_change_its_bits() {
        let g = gradients(300_001);
        let mut norm = Norm::new(&[Segment::new(0..g.len())]);
        let one = norm.of(&g, false);
        for threads in [2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| norm.of(&g, true)).to_bits(), one.to_bits());
        }
    }

    #[test]
    fn a_step_is_clipped_to_the_norm_and_says_what_it_was() {
        let g = [3.0f32, 4.0, 100.0];
        let mut clipped = Optimizer::new(Chain::new().clip_grad_norm(1.0), 3, vec![Segment::new(0..2)]);
        let mut w = [0.0f32; 3];
        assert_eq!(clipped.step(&mut w, &g, StepOptions::new(1.0)), Some(5.0));
        assert!((w[0] + 0.6).abs() < 1e-6 && (w[1] + 0.8).abs() < 1e-6 && w[2] == 0.0, "{w:?}");
        let half = StepOptions { gradient_scale: 0.1, ..StepOptions::new(1.0) };
        let mut w = [0.0f32; 3];
        let norm = clipped.step(&mut w, &g, half).unwrap();
        assert!((norm - 0.5).abs() < 1e-12 && (w[0] + 0.3).abs() < 1e-6, "{norm} {w:?}");
    }

    #[test]
    fn the_coefficient_is_that_of_pytorch() {
        assert_eq!(coefficient(5.0, 1.0), 1.0 / 5.000_001);
        assert_eq!([coefficient(0.5, 1.0), coefficient(0.0, 1.0)], [1.0, 1.0]);
        assert!(coefficient(1.0, 1.0) < 1.0);
    }

    #[test]
    fn a_norm_that_is_not_finite_changes_nothing() {
        let mut optimizer = Optimizer::new(Chain::new(), 2, vec![Segment::new(0..2)]);
        let mut w = [1.0f32, 2.0];
        let options = StepOptions { measure_norm: true, ..StepOptions::new(0.1) };
        let norm = optimizer.step(&mut w, &[f32::INFINITY, 0.0], options).unwrap();
        assert!(!norm.is_finite());
        assert_eq!((w, optimizer.steps()), ([1.0, 2.0], 0));
        assert!(optimizer.step(&mut w, &[f32::MAX, f32::MAX], options).unwrap().is_finite());
    }
}

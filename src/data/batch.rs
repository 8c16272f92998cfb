//! The order in which rows are visited, and weights that balance classes.

use crate::tensor::Key;

/// The order of the rows of an epoch, in a buffer that is used again.
#[derive(Clone, Debug, Default)]
pub struct EpochOrder {
    order: Vec<u32>,
}

impl EpochOrder {
    /// `rows` in the order of `epoch`: a function of the seed, the epoch and `rows` alone. Cut it with
    /// [`slice::chunks`] to get batches. Allocates the first time only.
    pub fn shuffled(&mut self, rows: &[u32], seed: u64, epoch: u64) -> &[u32] {
        self.order.clear();
        self.order.extend_from_slice(rows);
        Key::new(seed).named("epoch").part(epoch).stream().shuffle(&mut self.order);
        &self.order
    }
}

/// Weights that give every class the same sum: n / (k·nᵢ), nᵢ being the (weighted) rows of class i, n their sum and k the
/// number of classes that have rows (scikit-learn's `class_weight="balanced"`). 1 for a class without rows.
pub fn balanced_class_weights(counts: &[f64]) -> Vec<f32> {
    let total: f64 = counts.iter().sum();
    let present = counts.iter().filter(|&&c| c > 0.0).count() as f64;
    counts.iter().map(|&c| if c > 0.0 { (total / (present * c)) as f32 } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_follows_from_seed_and_epoch() {
        let rows: Vec<u32> = (10..110).collect();
        let mut order = EpochOrder::default();
        let first = order.shuffled(&rows, 1, 0).to_vec();
        let second = order.shuffled(&rows, 1, 1).to_vec();
        assert_ne!(first, second);
        assert_eq!(EpochOrder::default().shuffled(&rows, 1, 1), second);
        assert_ne!(order.shuffled(&rows, 2, 1), second);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, rows);
    }

    #[test]
    fn the_buffer_is_used_again() {
        let rows: Vec<u32> = (0..1000).collect();
        let mut order = EpochOrder::default();
        let before = order.shuffled(&rows, 1, 0).as_ptr();
        assert_eq!(order.shuffled(&rows, 1, 1).as_ptr(), before);
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0, 1, 2], y=[0]*6 + [1]*3 + [2])
        assert_eq!(balanced_class_weights(&[6.0, 3.0, 1.0]), [0.555_555_6, 1.111_111_2, 3.333_333_3]);
        assert_eq!(balanced_class_weights(&[2.0, 0.0, 2.0]), [1.0, 1.0, 1.0]);
    }
}

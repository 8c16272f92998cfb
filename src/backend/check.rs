//! What the tests of loops share: numbers, closeness, central differences.

use super::scalar::Scalar;
use crate::tensor::Key;

/// Step of a central difference.
pub(crate) const H: f64 = 1e-5;

/// `n` numbers in [−3, 3) that follow from `name`.
pub(crate) fn numbers<T: Scalar>(name: &str, n: usize) -> Vec<T> {
    let key = Key::new(1).named(name);
    (0..n as u64).map(|i| T::from_f64(key.uniform(i) * 6.0 - 3.0)).collect()
}

/// `n` whole numbers in `0..below` that follow from `name`.
pub(crate) fn labels<T: Scalar>(name: &str, n: usize, below: usize) -> Vec<T> {
    let mut stream = Key::new(2).named(name).stream();
    (0..n).map(|_| T::from_f64(stream.below(below as u64) as f64)).collect()
}

/// The same numbers in double precision.
pub(crate) fn double<T: Scalar>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

/// Σ aᵢ·bᵢ
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Every element within `limit` of `want`, relative to the larger of 1 and the wanted size.
pub(crate) fn close<T: Scalar>(got: &[T], want: &[f64], limit: f64) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g.to_f64() - w).abs() <= limit * w.abs().max(1.0), "[{i}]: {g:?}, want {w}");
    }
}

/// `dx` is the gradient of `loss` at `x`, by central differences.
pub(crate) fn gradient<T: Scalar>(x: &[f64], dx: &[T], loss: impl Fn(&[f64]) -> f64, limit: f64) {
    let mut moved = x.to_vec();
    let mut want = Vec::new();
    for i in 0..x.len() {
        moved[i] = x[i] + H;
        let above = loss(&moved);
        moved[i] = x[i] - H;
        want.push((above - loss(&moved)) / (2.0 * H));
        moved[i] = x[i];
    }
    close(dx, &want, limit);
}

//! Independent random numbers, the ground of most initializers.

use crate::tensor::Key;

/// Which distribution an initializer draws from, once it knows how far its weights shall spread.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    /// U(−√3·std, √3·std).
    Uniform,
    /// N(0, std²).
    Normal,
}

impl Draw {
    /// Fills `out` with independent numbers of mean 0 and this standard deviation.
    pub(super) fn fill(self, key: Key, std: f64, out: &mut [f32]) {
        match self {
            Draw::Uniform => uniform(key, -std * 3f64.sqrt(), std * 3f64.sqrt(), out),
            Draw::Normal => normal(key, 0.0, std, out),
        }
    }
}

/// Fills `out` from U(a, b).
pub(super) fn uniform(key: Key, a: f64, b: f64, out: &mut [f32]) {
    for (i, x) in out.iter_mut().enumerate() {
        let u = key.uniform(i as u64);
        *x = (a * (1.0 - u) + b * u) as f32;
    }
}

/// Fills `out` from N(mean, std²).
pub(super) fn normal(key: Key, mean: f64, std: f64, out: &mut [f32]) {
    for (i, x) in out.iter_mut().enumerate() {
        *x = (mean + std * key.normal(i as u64)) as f32;
    }
}

//! Steps of a series weighed by a softmax of their scores, up to the end of each row.

use crate::backend::Steps;
use crate::backend::cpu::steps::end;
use crate::backend::kernel::{kernel, lane_sum, largest, put};
use crate::backend::scalar::Scalar;

/// Numbers of a row; 1 for an empty one, so that chunks can be taken.
#[inline(always)]
fn row(steps: Steps) -> usize {
    (steps.count * steps.width).max(1)
}

kernel! {
    /// weights = softmax(scores), y = Σ_t weights[t]·x[t]. x [R, T, C], scores, weights [R, T], y [R, C].
    pub(super) fn forward<T: Scalar>(
        x: &[T], scores: &[T], lengths: Option<&[T]>, steps: Steps, weights: &mut [T], y: &mut [T],
    ) {
        let count = steps.count.max(1);
        let out = weights.chunks_exact_mut(count).zip(y.chunks_exact_mut(steps.width));
        let rows = x.chunks_exact(row(steps)).zip(scores.chunks_exact(count)).zip(out);
        for (r, ((x, scores), (weights, y))) in rows.enumerate() {
            let (weights, behind) = weights.split_at_mut(end(lengths, r, steps));
            let scores = &scores[..weights.len()];
            behind.fill(T::ZERO);
            y.fill(T::ZERO);
            let most = largest(scores);
            for (weight, &score) in weights.iter_mut().zip(scores) {
                *weight = (score - most).exp();
            }
            let total = lane_sum!(T; weight in weights => weight);
            for (weight, x) in weights.iter_mut().zip(x.chunks_exact(steps.width)) {
                *weight /= total;
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += *weight * x;
                }
            }
        }
    }

    /// dx[t] (=|+=) weights[t]·dy.
    pub(super) fn backward_x<T: Scalar>(
        weights: &[T], lengths: Option<&[T]>, dy: &[T], steps: Steps, dx: &mut [T], add: bool,
    ) {
        let rows = dx.chunks_exact_mut(row(steps)).zip(weights.chunks_exact(steps.count.max(1)));
        for (r, ((dx, weights), dy)) in rows.zip(dy.chunks_exact(steps.width)).enumerate() {
            let (dx, behind) = dx.split_at_mut(end(lengths, r, steps) * steps.width);
            for (dx, &weight) in dx.chunks_exact_mut(steps.width).zip(weights) {
                for (dx, &dy) in dx.iter_mut().zip(dy) {
                    put(dx, add, weight * dy);
                }
            }
            if !add {
                behind.fill(T::ZERO);
            }
        }
    }

    /// dscores[t] (=|+=) weights[t]·(x[t]·dy − Σ_u weights[u]·(x[u]·dy)).
    pub(super) fn backward_scores<T: Scalar>(
        x: &[T], weights: &[T], lengths: Option<&[T]>, dy: &[T], steps: Steps, dscores: &mut [T], add: bool,
    ) {
        let count = steps.count.max(1);
        let rows = x.chunks_exact(row(steps)).zip(weights.chunks_exact(count)).zip(dscores.chunks_exact_mut(count));
        for (r, (((x, weights), ds), dy)) in rows.zip(dy.chunks_exact(steps.width)).enumerate() {
            let (ds, behind) = ds.split_at_mut(end(lengths, r, steps));
            let x = x.chunks_exact(steps.width);
            let mut mean = T::ZERO;
            for (x, &weight) in x.clone().zip(weights).take(ds.len()) {
                mean += weight * lane_sum!(T; x in x, dy in dy => x * dy);
            }
            for ((ds, x), &weight) in ds.iter_mut().zip(x).zip(weights) {
                put(ds, add, weight * (lane_sum!(T; x in x, dy in dy => x * dy) - mean));
            }
            if !add {
                behind.fill(T::ZERO);
            }
        }
    }
}

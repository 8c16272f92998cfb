//! The softmax of a tile of scores while more keys follow, and what its gradient needs.
//!
//! A tile's rows are [`KEYS`] apart. What a row does not see of them has weight 0.

use super::{KEYS, ROWS};
use crate::backend::kernel::{LANES, fold, kernel, lane_sum, largest};
use crate::backend::scalar::Scalar;

/// What the rows of a tile see of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Keys of the tile.
    pub(super) keys: usize,
    /// How many of them row 0 sees, less where it ends before the tile; each further row sees one more. `None`: all see all.
    pub(super) first: Option<isize>,
}

impl Seen {
    /// Keys that row `i` sees.
    #[inline(always)]
    fn of(self, i: usize) -> usize {
        self.first.map_or(self.keys, |first| (first + i as isize).clamp(0, self.keys as isize) as usize)
    }
}

/// What is known of each row's scores so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running<T> {
    /// m: the largest one.
    most: [T; ROWS],
    /// Σ exp(score − m)
    total: [T; ROWS],
    /// What the last tile's larger m makes of all that came before.
    pub(super) fade: [T; ROWS],
}

impl<T: Scalar> Running<T> {
    pub(super) fn new() -> Self {
        Running { most: [T::NEG_INFINITY; ROWS], total: [T::ZERO; ROWS], fade: [T::ZERO; ROWS] }
    }

    /// 1 / Σ exp(score − m) of the first `rows`; every row of a causal tile sees a key.
    pub(super) fn shares(&self, rows: usize) -> [T; ROWS] {
        let mut shares = [T::ZERO; ROWS];
        for (share, &total) in shares[..rows].iter_mut().zip(&self.total) {
            *share = total.recip();
        }
        shares
    }

    /// ln Σ exp(score) of row `i`.
    pub(super) fn log_sum_exp(&self, i: usize) -> T {
        self.most[i] + self.total[i].ln()
    }
}

/// What backward knows of each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<T> {
    /// ln Σ exp of its scores.
    pub(super) lse: [T; ROWS],
    /// Σ y ⊙ dy
    pub(super) dot: [T; ROWS],
}

impl<T: Scalar> Known<T> {
    pub(super) fn new() -> Self {
        Known { lse: [T::ZERO; ROWS], dot: [T::ZERO; ROWS] }
    }
}

/// The keys that a row sees in whole vectors, with −∞ after the last and zeros behind.
#[inline(always)]
fn visible<T: Scalar>(row: &mut [T], seen: usize, keys: usize) -> &mut [[T; LANES]] {
    let whole = seen.next_multiple_of(LANES);
    row[seen..whole].fill(T::NEG_INFINITY);
    row[whole..keys.max(whole)].fill(T::ZERO);
    row[..whole].as_chunks_mut().0
}

kernel! {
    /// scores = exp(scale·scores − m), with m, sums and fades of the rows brought up to date.
    pub(super) fn absorb<T: Scalar>(scores: &mut [T], seen: Seen, scale: T, running: &mut Running<T>) {
        let Running { most, total, fade } = running;
        let known = most.iter_mut().zip(total).zip(fade);
        for (i, (row, ((most, total), fade))) in scores.chunks_exact_mut(KEYS).zip(known).enumerate() {
            let row = visible(row, seen.of(i), seen.keys);
            if row.is_empty() {
                *fade = T::ONE;
                continue;
            }
            let m = most.max(scale * largest(row.as_flattened()));
            let mut sums = [T::ZERO; LANES];
            for chunk in row {
                for lane in 0..LANES {
                    let e = (scale * chunk[lane] - m).exp();
                    chunk[lane] = e;
                    sums[lane] += e;
                }
            }
            *fade = (*most - m).exp();
            *total = *total * *fade + fold(sums);
            *most = m;
        }
    }

    /// With p = exp(scale·scores − lse): slopes = scale·p·(slopes − dot), scores = p.
    pub(super) fn slopes<T: Scalar>(scores: &mut [T], slopes: &mut [T], seen: Seen, scale: T, known: &Known<T>) {
        let rows = scores.chunks_exact_mut(KEYS).zip(slopes.chunks_exact_mut(KEYS));
        for (i, ((row, slope), (&lse, &dot))) in rows.zip(known.lse.iter().zip(&known.dot)).enumerate() {
            let row = visible(row, seen.of(i), seen.keys);
            let (slope, behind) = slope.split_at_mut(row.len() * LANES);
            behind[..seen.keys.saturating_sub(slope.len())].fill(T::ZERO);
            for (p, slope) in row.iter_mut().zip(slope.as_chunks_mut::<LANES>().0) {
                for lane in 0..LANES {
                    let e = (scale * p[lane] - lse).exp();
                    p[lane] = e;
                    slope[lane] = scale * (e * (slope[lane] - dot));
                }
            }
        }
    }

    /// Rows of `width` numbers, `stride` apart, each times its factor.
    pub(super) fn scale_rows<T: Scalar>(x: &mut [T], stride: usize, width: usize, by: &[T]) {
        for (row, &by) in x.chunks_mut(stride).zip(by) {
            for x in &mut row[..width] {
                *x *= by;
            }
        }
    }

    /// out[i] = Σ a·b over rows of `width` numbers, `stride` apart.
    pub(super) fn row_dots<T: Scalar>(a: &[T], b: &[T], stride: usize, width: usize, out: &mut [T]) {
        for ((a, b), out) in a.chunks(stride).zip(b.chunks(stride)).zip(out) {
            *out = lane_sum!(T; a in a[..width], b in b[..width] => a * b);
        }
    }
}

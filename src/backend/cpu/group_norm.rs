//! Group normalisation (Wu & He 2018) of one row [P, C]: groups of neighbouring channels are brought to mean 0 and variance 1 over
//! the places of the row. With one channel a group it is instance normalisation (Ulyanov et al. 2016).

use super::batch_norm::{Normal, apply, backward, backward_sums, statistics};
use super::strips::{Runs, Strip};
use crate::backend::GroupSpec;
use crate::backend::channels::STRIP;
use crate::backend::kernel::kernel;
use crate::backend::scalar::Scalar;
use std::ops::Range;

/// y = x̂·gain + bias; keeps the group's mean and rstd for each of its channels. x, y [P, C]; the others [C].
pub(super) fn forward<T: Scalar>(
    x: &[T],
    affine: (&[T], &[T]),
    g: GroupSpec,
    y: &mut [T],
    mean: &mut [T],
    rstd: &mut [T],
) {
    let places = statistics(x, Runs { ends: None }, g.channels, 0..g.channels, mean, rstd);
    for (mean, rstd) in mean.chunks_exact_mut(g.width).zip(rstd.chunks_exact_mut(g.width)) {
        let part = T::from_f64(1.0 / g.width as f64);
        let all = part * total(mean);
        let mut variance = part * total(rstd);
        for &mean in &*mean {
            variance += part * (mean - all).square();
        }
        mean.fill(all);
        rstd.fill((variance + T::from_f64(g.eps)).sqrt().recip());
    }
    if places > 0 {
        apply(x, Normal { mean, rstd, gain: affine.0 }, affine.1, y);
    }
}

/// dx (=|+=) the gradient by x. x, dy, dx [P, C]; `tilt` and `flat` are places [C] to work in.
pub(super) fn backward_input<T: Scalar>(
    x: &[T],
    dy: &[T],
    normal: Normal<'_, T>,
    g: GroupSpec,
    (tilt, flat): (&mut [T], &mut [T]),
    dx: &mut [T],
    add: bool,
) {
    let stats = (normal.mean, normal.rstd);
    let places = backward_sums(x, dy, Runs { ends: None }, g.channels, 0..g.channels, stats, tilt, flat);
    let part = T::from_f64(1.0 / (places.max(1) * g.width) as f64);
    let groups = tilt.chunks_exact_mut(g.width).zip(flat.chunks_exact_mut(g.width));
    let known = normal.rstd.chunks_exact(g.width).zip(normal.gain.chunks_exact(g.width));
    for ((tilt, flat), (rstd, gain)) in groups.zip(known) {
        let (mut slope, mut level) = (T::ZERO, T::ZERO);
        for ((&tilt, &flat), &gain) in tilt.iter().zip(&*flat).zip(gain) {
            slope += gain * tilt;
            level += gain * flat;
        }
        tilt.fill(part * slope * rstd[0] * rstd[0]);
        flat.fill(part * level * rstd[0]);
    }
    backward(x, dy, normal, (tilt, flat), dx, add);
}

/// Σ x
fn total<T: Scalar>(x: &[T]) -> T {
    let mut sum = T::ZERO;
    for &x in x {
        sum += x;
    }
    sum
}

kernel! {
    /// dgain (=|+=) Σ dy·x̂ and dbias (=|+=) Σ dy over all rows, for the channels of a range. x, dy [B, P, C]; mean, rstd [B, C];
    /// dgain, dbias [M].
    pub(super) fn backward_affine<T: Scalar>(
        x: &[T], dy: &[T], runs: Runs<'_, T>, stats: (&[T], &[T]), cols: usize, range: Range<usize>, dgain: &mut [T],
        dbias: &mut [T], add: bool,
    ) {
        let (mean, rstd) = stats;
        let batch = mean.len() / cols.max(1);
        let row = x.len().checked_div(batch).unwrap_or(0);
        for (i, (dgain, dbias)) in dgain.chunks_mut(STRIP).zip(dbias.chunks_mut(STRIP)).enumerate() {
            let strip = Strip::at(cols, &range, i);
            if !add {
                dgain.fill(T::ZERO);
                dbias.fill(T::ZERO);
            }
            for b in 0..batch {
                let rows = if runs.ends.is_some() { runs.range(b, x.len()).0 } else { b * row..(b + 1) * row };
                let (center, scale) = (strip.load(&mean[b * cols..]), strip.load(&rstd[b * cols..]));
                let (mut tilts, mut flats) = ([T::ZERO; STRIP], [T::ZERO; STRIP]);
                strip.add_slopes(&x[rows.clone()], &dy[rows], &center, &mut tilts, &mut flats);
                for j in 0..strip.width {
                    dgain[j] += tilts[j] * scale[j];
                    dbias[j] += flats[j];
                }
            }
        }
    }
}

//! The primitives for norms of channels, on one lane.

use std::ops::Range;

use crate::backend::Dest;
use crate::backend::channels::{ChannelSpec, Channels, Ends, GroupSpec};
use crate::backend::cpu::batch_norm::Normal;
use crate::backend::cpu::strips::Runs;
use crate::backend::cpu::{Lane, Number, batch_norm, group_norm, slices};
use crate::tensor::View;

impl<T: Number> Lane<'_, T> {
    /// The rows that count.
    fn runs<'s>(&self, ends: Option<Ends>) -> Runs<'s, T>
    where
        Self: 's,
    {
        Runs { ends: ends.map(|e| (self.get(e.lengths), e.steps)) }
    }

    fn normal<'s>(&self, (mean, rstd, gain): (View, View, View)) -> Normal<'s, T>
    where
        Self: 's,
    {
        Normal { mean: self.get(mean), rstd: self.get(rstd), gain: self.get(gain) }
    }
}

/// The rows of a lane, batch row by batch row: the elements before its end, and where the next one begins.
fn batch_rows<T: Number>(
    runs: Runs<'_, T>,
    rows: usize,
    len: usize,
) -> impl Iterator<Item = (Range<usize>, usize)> {
    let row = len.checked_div(rows).unwrap_or(0);
    (0..rows).map(move |r| match runs.ends {
        Some(_) => runs.range(r, len),
        None => (r * row..(r + 1) * row, (r + 1) * row),
    })
}

impl<T: Number> Channels for Lane<'_, T> {
    fn channel_stats(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        running: (View, View),
        c: ChannelSpec,
        strips: Range<usize>,
    ) {
        let range = c.channels_of(strips);
        let (mean, rstd) = (self.part_mut(stats.0, range.clone()), self.part_mut(stats.1, range.clone()));
        let n = batch_norm::statistics(self.get(x), self.runs(ends), c.channels, range.clone(), mean, rstd);
        let running_mean = self.part_mut(running.0, range.clone());
        let running_variance = self.part_mut(running.1, range);
        let momentum = T::from_f64(c.momentum);
        batch_norm::update_running((mean, rstd), n, momentum, running_mean, running_variance);
        batch_norm::to_rstd(rstd, T::from_f64(c.eps));
    }

    fn channel_rstd(&mut self, variance: View, rstd: View, c: ChannelSpec, strips: Range<usize>) {
        let range = c.channels_of(strips);
        let out = self.part_mut(rstd, range.clone());
        out.copy_from_slice(self.part(variance, Some(range)));
        batch_norm::to_rstd(out, T::from_f64(c.eps));
    }

    fn channel_norm(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        affine: (View, View),
        y: View,
    ) {
        let (runs, normal) = (self.runs(ends), self.normal((stats.0, stats.1, affine.0)));
        let (x, bias, y) = (self.get(x), self.get(affine.1), self.get_mut(y));
        for run in 0..runs.count() {
            let (rows, next) = runs.range(run, x.len());
            batch_norm::apply(&x[rows.clone()], normal, bias, &mut y[rows.clone()]);
            y[rows.end..next].fill(T::ZERO);
        }
    }

    fn channel_grad_sums(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        affine: (Option<Dest>, Option<Dest>),
        c: ChannelSpec,
        strips: Range<usize>,
    ) {
        let range = c.channels_of(strips);
        let own = |view: View| self.part(view, Some(range.clone()));
        let (mean, rstd, gain) = (own(normal.0), own(normal.1), own(normal.2));
        let tilt = self.part_mut(slopes.0, range.clone());
        let flat = self.part_mut(slopes.1, range.clone());
        let (x, dy, runs) = (self.get(x), self.get(dy), self.runs(ends));
        let n = batch_norm::backward_sums(x, dy, runs, c.channels, range.clone(), (mean, rstd), tilt, flat);
        for (dest, sum) in [(affine.0, &*tilt), (affine.1, &*flat)] {
            if let Some(dest) = dest {
                let add = self.adds(dest);
                slices::copy(sum, self.part_mut(dest.view, range.clone()), add);
            }
        }
        batch_norm::to_slopes(rstd, gain, n, tilt, flat);
    }

    fn channel_norm_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        dx: Dest,
    ) {
        let add = self.adds(dx);
        let (runs, normal) = (self.runs(ends), self.normal(normal));
        let slopes = (self.get(slopes.0), self.get(slopes.1));
        let (x, dy, dx) = (self.get(x), self.get(dy), self.get_mut(dx.view));
        for run in 0..runs.count() {
            let (rows, next) = runs.range(run, x.len());
            let out = &mut dx[rows.clone()];
            batch_norm::backward(&x[rows.clone()], &dy[rows.clone()], normal, slopes, out, add);
            if !add {
                dx[rows.end..next].fill(T::ZERO);
            }
        }
    }

    fn group_norm(
        &mut self,
        x: View,
        ends: Option<Ends>,
        affine: (View, View),
        y: View,
        stats: (View, View),
        g: GroupSpec,
    ) {
        let (runs, affine) = (self.runs(ends), (self.get(affine.0), self.get(affine.1)));
        let (x, y) = (self.get(x), self.get_mut(y));
        let (mean, rstd) = (self.get_mut(stats.0), self.get_mut(stats.1));
        let stats = mean.chunks_exact_mut(g.channels).zip(rstd.chunks_exact_mut(g.channels));
        for ((rows, next), (mean, rstd)) in batch_rows(runs, stats.len(), x.len()).zip(stats) {
            group_norm::forward(&x[rows.clone()], affine, g, &mut y[rows.clone()], mean, rstd);
            y[rows.end..next].fill(T::ZERO);
        }
    }

    fn group_norm_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        normal: (View, View, View),
        dy: View,
        slopes: (View, View),
        dx: Dest,
        g: GroupSpec,
    ) {
        let add = self.adds(dx);
        let (runs, all) = (self.runs(ends), self.normal(normal));
        let (x, dy, dx) = (self.get(x), self.get(dy), self.get_mut(dx.view));
        let (tilt, flat) = (self.get_mut(slopes.0), self.get_mut(slopes.1));
        let slopes = tilt.chunks_exact_mut(g.channels).zip(flat.chunks_exact_mut(g.channels));
        let stats = all.mean.chunks_exact(g.channels).zip(all.rstd.chunks_exact(g.channels));
        for (((rows, next), slopes), (mean, rstd)) in
            batch_rows(runs, slopes.len(), x.len()).zip(slopes).zip(stats)
        {
            let normal = Normal { mean, rstd, gain: all.gain };
            let out = &mut dx[rows.clone()];
            group_norm::backward_input(&x[rows.clone()], &dy[rows.clone()], normal, g, slopes, out, add);
            if !add {
                dx[rows.end..next].fill(T::ZERO);
            }
        }
    }

    fn group_norm_affine_grad(
        &mut self,
        x: View,
        ends: Option<Ends>,
        stats: (View, View),
        dy: View,
        affine: (Dest, Dest),
        units: Range<usize>,
    ) {
        let add = self.adds(affine.0);
        let dgain = self.part_mut(affine.0.view, units.clone());
        let dbias = self.part_mut(affine.1.view, units.clone());
        let (channels, runs) = (stats.0.row_len, self.runs(ends));
        let stats = (self.get(stats.0), self.get(stats.1));
        let (x, dy) = (self.get(x), self.get(dy));
        group_norm::backward_affine(x, dy, runs, stats, channels, units, dgain, dbias, add);
    }
}

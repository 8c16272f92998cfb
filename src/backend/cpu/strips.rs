//! Sums down strips of channels of x [N, C]: what norms of channels know of their batch.
//!
//! A strip's sums stay in registers while its rows pass. Blocks of rows are fixed by the place where a run begins, so that a
//! channel's sum depends neither on the split of the channels nor on the threads.

use super::steps::end;
use crate::backend::Steps;
use crate::backend::channels::STRIP;
use crate::backend::scalar::Scalar;
use std::ops::Range;

/// Rows whose moments are taken together: few enough to be read twice from the first cache.
const BLOCK: usize = 64;

/// Rows that are summed side by side, to hide the time that an addition takes.
const SIDE: usize = 4;

/// One number for each channel of a strip.
type Line<T> = [T; STRIP];

/// The rows of a batch that count: all, or the steps of each batch row before its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a, T> {
    /// The lengths of the batch rows and the axes of each.
    pub(super) ends: Option<(&'a [T], Steps)>,
}

impl<T: Scalar> Runs<'_, T> {
    /// Runs of rows without a gap.
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.ends.map_or(1, |(lengths, _)| lengths.len())
    }

    /// The elements of a run of `len` elements in all, and where the next begins.
    #[inline(always)]
    pub(super) fn range(&self, run: usize, len: usize) -> (Range<usize>, usize) {
        match self.ends {
            None => (0..len, len),
            Some((lengths, steps)) => {
                let row = steps.count * steps.width;
                let first = run * row;
                (first..first + end(Some(lengths), run, steps) * steps.width, first + row)
            }
        }
    }
}

/// A strip of the channels of rows of `cols`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strip {
    /// C
    pub(super) cols: usize,
    /// The first channel.
    pub(super) first: usize,
    /// At most [`STRIP`] channels.
    pub(super) width: usize,
}

impl Strip {
    /// The strips of a range of channels.
    #[inline(always)]
    pub(super) fn at(cols: usize, range: &Range<usize>, index: usize) -> Strip {
        let first = range.start + index * STRIP;
        Strip { cols, first, width: (range.end - first).min(STRIP) }
    }

    /// The strip of the row that `from` begins with. Beyond its width stand whatever numbers follow, 0 where none do: lanes do not
    /// touch each other, and nobody reads those.
    #[inline(always)]
    pub(super) fn load<T: Scalar>(self, from: &[T]) -> Line<T> {
        let from = &from[self.first..];
        if let Some(line) = from.first_chunk() {
            return *line;
        }
        let mut line = [T::ZERO; STRIP];
        for (line, &x) in line.iter_mut().zip(from) {
            *line = x;
        }
        line
    }

    /// Σ (x − center), or Σ (x − center)² with `SQUARED`, over the rows of a block.
    #[inline(always)]
    fn total<T: Scalar, const SQUARED: bool>(self, block: &[T], center: &Line<T>) -> Line<T> {
        // Sums are named by constants, so that they stay in registers.
        let mut sums = [[T::ZERO; STRIP]; SIDE];
        let mut groups = block.chunks_exact(SIDE * self.cols);
        for rows in &mut groups {
            for side in 0..SIDE {
                let x = self.load(&rows[side * self.cols..]);
                for i in 0..STRIP {
                    let d = x[i] - center[i];
                    sums[side][i] += if SQUARED { d * d } else { d };
                }
            }
        }
        for row in groups.remainder().chunks_exact(self.cols) {
            let x = self.load(row);
            for i in 0..STRIP {
                let d = x[i] - center[i];
                sums[0][i] += if SQUARED { d * d } else { d };
            }
        }
        let [mut total, b, c, d] = sums;
        for i in 0..STRIP {
            total[i] = (total[i] + b[i]) + (c[i] + d[i]);
        }
        total
    }

    /// Adds Σ dy·(x − mean) and Σ dy over a run of rows.
    #[inline(always)]
    pub(super) fn add_slopes<T: Scalar>(
        self,
        x: &[T],
        dy: &[T],
        mean: &Line<T>,
        tilts: &mut Line<T>,
        flats: &mut Line<T>,
    ) {
        for (x, dy) in x.chunks(BLOCK * self.cols).zip(dy.chunks(BLOCK * self.cols)) {
            let (mut tilt, mut flat) = ([[T::ZERO; STRIP]; 2], [[T::ZERO; STRIP]; 2]);
            let (mut xs, mut dys) = (x.chunks_exact(2 * self.cols), dy.chunks_exact(2 * self.cols));
            for (x, dy) in (&mut xs).zip(&mut dys) {
                for side in 0..2 {
                    let at = side * self.cols;
                    let (x, dy) = (self.load(&x[at..]), self.load(&dy[at..]));
                    for i in 0..STRIP {
                        tilt[side][i] += dy[i] * (x[i] - mean[i]);
                        flat[side][i] += dy[i];
                    }
                }
            }
            if !xs.remainder().is_empty() {
                let (x, dy) = (self.load(xs.remainder()), self.load(dys.remainder()));
                for i in 0..STRIP {
                    tilt[0][i] += dy[i] * (x[i] - mean[i]);
                    flat[0][i] += dy[i];
                }
            }
            for i in 0..STRIP {
                tilts[i] += tilt[0][i] + tilt[1][i];
                flats[i] += flat[0][i] + flat[1][i];
            }
        }
    }
}

/// Mean and sum of squared differences from it, of a strip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments<T> {
    /// Rows so far.
    pub(super) rows: usize,
    pub(super) mean: Line<T>,
    /// Σ (x − mean)²
    pub(super) squares: Line<T>,
}

impl<T: Scalar> Moments<T> {
    /// Of no rows.
    #[inline(always)]
    pub(super) fn none() -> Self {
        Moments { rows: 0, mean: [T::ZERO; STRIP], squares: [T::ZERO; STRIP] }
    }

    /// Takes a run of rows in, block by block: Chan, Golub & LeVeque 1979. No block's numbers leave the first cache between the
    /// two sums.
    #[inline(always)]
    pub(super) fn add(&mut self, x: &[T], strip: Strip) {
        for block in x.chunks(BLOCK * strip.cols) {
            let rows = block.len() / strip.cols;
            let mut mean = strip.total::<T, false>(block, &[T::ZERO; STRIP]);
            let part = T::from_f64(1.0 / rows as f64);
            for mean in &mut mean {
                *mean *= part;
            }
            let squares = strip.total::<T, true>(block, &mean);
            let all = (self.rows + rows) as f64;
            let share = T::from_f64(rows as f64 / all);
            let spread = T::from_f64(self.rows as f64 * rows as f64 / all);
            for i in 0..STRIP {
                let apart = mean[i] - self.mean[i];
                self.mean[i] += share * apart;
                self.squares[i] += squares[i] + spread * apart.square();
            }
            self.rows += rows;
        }
    }
}

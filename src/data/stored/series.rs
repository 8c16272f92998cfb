//! Steps of series as numbers, and their way to a batch.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Steps of several numbers each; many fields may share them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Names of the numbers of a step.
    pub channels: Vec<String>,
    /// `[steps, channels]`; NaN where missing.
    pub numbers: Vec<f32>,
}

/// A fitted column of series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesCell {
    /// Names of the numbers of a step.
    pub channels: Vec<String>,
    /// T: the most steps of a row.
    pub length: usize,
    /// Whether rows may have fewer steps.
    pub ragged: bool,
    /// Of each channel over the training part; 0 where numbers stay as they are.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel; 1 where it does not vary or numbers stay as they are.
    pub std: Vec<f64>,
    /// What a missing number of each channel becomes: the mean of the training part.
    pub fill: Vec<f64>,
}

/// The steps of a table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesStore {
    series: Arc<Series>,
    width: usize,
    /// For each row, its steps.
    spans: Vec<Range<u32>>,
}

impl SeriesStore {
    pub(super) fn new(channels: Vec<String>) -> Self {
        SeriesStore {
            width: channels.len(),
            series: Arc::new(Series { channels, numbers: Vec::new() }),
            spans: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.spans.truncate(rows);
        if rows == 0 {
            *self = SeriesStore::new(self.series.channels.clone());
        }
    }

    pub(super) fn bytes(&self) -> usize {
        4 * self.series.numbers.capacity() + 8 * self.spans.capacity()
    }

    pub(super) fn checksum(&self, hash: u64) -> u64 {
        let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3);
        let hash = self.series.numbers.iter().fold(hash, |hash, x| step(hash, u64::from(x.to_bits())));
        self.spans.iter().fold(hash, |hash, s| step(step(hash, u64::from(s.start)), u64::from(s.end)))
    }

    pub(super) fn push(&mut self, block: &Arc<Series>, steps: Range<usize>) -> Result<(), String> {
        if block.channels.len() != self.width {
            return Err(format!("a series of {} channels, not {}", block.channels.len(), self.width));
        }
        if self.spans.is_empty() {
            self.series = Arc::clone(block);
        }
        let span = if Arc::ptr_eq(&self.series, block) {
            steps
        } else {
            let series = Arc::make_mut(&mut self.series);
            let first = series.numbers.len() / self.width.max(1);
            series
                .numbers
                .extend_from_slice(&block.numbers[steps.start * self.width..steps.end * self.width]);
            first..first + steps.len()
        };
        let end = u32::try_from(span.end).map_err(|_| format!("more than {} steps", u32::MAX))?;
        self.spans.push(span.start as u32..end);
        Ok(())
    }

    /// The numbers of a row, `[steps, channels]`.
    pub(in crate::data) fn row(&self, row: u32) -> &[f32] {
        let span = &self.spans[row as usize];
        &self.series.numbers[span.start as usize * self.width..span.end as usize * self.width]
    }

    /// Steps of a row.
    pub(super) fn steps(&self, row: u32) -> usize {
        self.spans[row as usize].len()
    }

    /// A number of the step that is `back` before a row's last, if need be before its first.
    pub(in crate::data) fn step(&self, row: u32, back: usize, channel: usize) -> Option<f32> {
        let step = (self.spans[row as usize].end as usize).checked_sub(back + 1)?;
        Some(self.series.numbers[step * self.width + channel]).filter(|x| !x.is_nan())
    }

    /// Mean and standard deviation of each channel over `rows`; 1 for a channel that does not vary.
    pub(in crate::data) fn moments(&self, rows: &[u32]) -> (Vec<f64>, Vec<f64>) {
        // Welford 1962: one pass that keeps its digits.
        let (mut n, mut mean, mut m2) =
            (vec![0.0f64; self.width], vec![0.0f64; self.width], vec![0.0f64; self.width]);
        // Where rows overlap, a step counts once.
        let mut spans: Vec<Range<u32>> = rows.iter().map(|&row| self.spans[row as usize].clone()).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let mut end = 0;
        for span in spans {
            let from = span.start.max(end) as usize;
            end = span.end.max(end);
            let to = (span.end as usize).max(from);
            for step in self.series.numbers[from * self.width..to * self.width].chunks_exact(self.width) {
                for (c, &x) in step.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                    let x = f64::from(x);
                    n[c] += 1.0;
                    let delta = x - mean[c];
                    mean[c] += delta / n[c];
                    m2[c] += delta * (x - mean[c]);
                }
            }
        }
        let std = m2.iter().zip(&n).map(|(m2, n)| (m2 / n.max(1.0)).sqrt());
        let std = std.map(|s| if s > 0.0 { s } else { 1.0 }).collect();
        (mean, std)
    }

    /// Names of the numbers of a step.
    pub(in crate::data) fn channels(&self) -> &[String] {
        &self.series.channels
    }

    /// The most and the fewest steps of a row.
    pub(in crate::data) fn longest(&self) -> (usize, usize) {
        let lengths = || self.spans.iter().map(ExactSizeIterator::len);
        (lengths().max().unwrap_or(0), lengths().min().unwrap_or(0))
    }

    pub(super) fn fill(&self, cell: &SeriesCell, rows: &[u32], out: &mut [f32]) {
        let size = cell.length * self.width;
        assert_eq!(out.len(), rows.len() * size);
        for (out, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            let steps = self.row(row);
            let (there, behind) = out.split_at_mut(steps.len().min(size));
            for (out, step) in there.chunks_exact_mut(self.width).zip(steps.chunks_exact(self.width)) {
                for (c, (out, &x)) in out.iter_mut().zip(step).enumerate() {
                    let x = if x.is_nan() { cell.fill[c] } else { f64::from(x) };
                    *out = ((x - cell.mean[c]) / cell.std[c]) as f32;
                }
            }
            behind.fill(0.0);
        }
    }

    pub(super) fn lengths(&self, cell: &SeriesCell, rows: &[u32], out: &mut [f32]) {
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = self.spans[row as usize].len().min(cell.length) as f32;
        }
    }
}

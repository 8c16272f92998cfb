//! Sums over the training part, for all columns in two passes over the rows.

use super::scaler::Summary;

/// Count, mean, deviation and range of every number of a row, NaN left out.
#[derive(Debug)]
pub(super) struct Moments {
    count: Vec<f64>,
    mean: Vec<f64>,
    std: Vec<f64>,
    min: Vec<f32>,
    max: Vec<f32>,
}

impl Moments {
    /// Over these rows of `cells`, `[.., width]`. In the order of the rows, so the same bits for any number of threads.
    pub(super) fn new(cells: &[f32], width: usize, rows: &[u32]) -> Self {
        let row = |r: &u32| &cells[*r as usize * width..][..width];
        let mut m = Moments {
            count: vec![0.0; width],
            mean: vec![0.0; width],
            std: vec![0.0; width],
            min: vec![f32::INFINITY; width],
            max: vec![f32::NEG_INFINITY; width],
        };
        for r in rows {
            let sums = m.count.iter_mut().zip(&mut m.mean).zip(m.min.iter_mut().zip(&mut m.max));
            for (((count, sum), (min, max)), &x) in sums.zip(row(r)) {
                let there = !x.is_nan();
                *count += f64::from(u8::from(there));
                *sum += if there { f64::from(x) } else { 0.0 };
                // of a number and NaN, these keep the number
                *min = min.min(x);
                *max = max.max(x);
            }
        }
        for (mean, count) in m.mean.iter_mut().zip(&m.count) {
            *mean /= count.max(1.0);
        }
        for r in rows {
            for ((sum, mean), &x) in m.std.iter_mut().zip(&m.mean).zip(row(r)) {
                let d = if x.is_nan() { 0.0 } else { f64::from(x) - mean };
                *sum += d * d;
            }
        }
        for (std, count) in m.std.iter_mut().zip(&m.count) {
            *std = (*std / count.max(1.0)).sqrt();
        }
        m
    }

    /// The summary of one number of a row, in the unit of the data: `offset` added.
    pub(super) fn summary(&self, cell: usize, offset: f64) -> Summary {
        Summary {
            count: self.count[cell] as u64,
            mean: self.mean[cell] + offset,
            std: self.std[cell],
            min: f64::from(self.min[cell]) + offset,
            max: f64::from(self.max[cell]) + offset,
            sorted: Vec::new(),
            offset,
        }
    }
}

/// One number of these rows, ascending, NaN left out.
pub(super) fn sorted(cells: &[f32], width: usize, cell: usize, rows: &[u32]) -> Vec<f32> {
    let values = rows.iter().map(|&r| cells[r as usize * width + cell]);
    let mut values: Vec<f32> = values.filter(|x| !x.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    values
}

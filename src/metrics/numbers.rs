//! Numbers: one output or several.

use ndarray::ArrayView2;

use super::interval::{Interval, bootstrap};
use super::ranking::mean_of_defined;
use crate::tensor::Key;

/// The smallest |y| that a relative error is divided by: the resolution of f64, as in scikit-learn.
const SMALLEST: f64 = f64::EPSILON;

/// Groups of rows that the bootstrap draws from, for one output; fewer for many.
const GROUPS: usize = 2_048;

/// Gathers predicted and true numbers; see [`NumberReport`].
#[derive(Clone, Debug)]
pub struct Numbers {
    rows: u64,
    outputs: Vec<Sums>,
    /// The first row's truths: all sums are of differences to them, so that few digits cancel.
    shifts: Vec<f64>,
    groups: Vec<Group>,
    group_limit: usize,
}

/// Weighted sums of one output.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    weight: f64,
    /// Mean of y − shift.
    mean: f64,
    /// Σ w (y − shift − mean)².
    spread: f64,
    squares: f64,
    absolutes: f64,
    relatives: f64,
}

/// Sums of one output over a group of rows: w, w(y−c), w(y−c)², w(y−ŷ)², w|y−ŷ|.
type Group = [f64; 5];

impl Numbers {
    /// For `outputs` numbers a row, at least one.
    pub fn new(outputs: usize) -> Self {
        Numbers {
            rows: 0,
            outputs: vec![Sums::default(); outputs],
            shifts: vec![],
            groups: vec![],
            group_limit: (8 * GROUPS / outputs.max(1)).clamp(64, GROUPS),
        }
    }

    /// Adds rows: predictions and truths `[B, D]` in the target's own unit, and row weights `[B]`.
    ///
    /// # Panics
    /// Where the shapes differ.
    pub fn update(
        &mut self,
        predictions: ArrayView2<'_, f64>,
        targets: ArrayView2<'_, f64>,
        weights: Option<&[f32]>,
    ) {
        assert_eq!(predictions.dim(), targets.dim());
        assert_eq!(predictions.ncols(), self.outputs.len());
        assert!(weights.is_none_or(|w| w.len() == targets.nrows()));
        for (i, (row, truth)) in predictions.rows().into_iter().zip(targets.rows()).enumerate() {
            if self.rows == 0 {
                self.shifts = truth.to_vec();
            }
            let w = weights.map_or(1.0, |w| f64::from(w[i]));
            let first = self.group() * self.outputs.len();
            for (d, (&p, &y)) in row.iter().zip(truth).enumerate() {
                let (error, off) = (y - p, y - self.shifts[d]);
                self.outputs[d].add(w, y, off, error);
                let sums = [w, w * off, w * off * off, w * error * error, w * error.abs()];
                self.groups[first + d].iter_mut().zip(sums).for_each(|(s, x)| *s += x);
            }
            self.rows += 1;
        }
    }

    /// The group of the next row: its own while there are few rows, a random one after that, so that a sorted file
    /// does not make the groups alike.
    fn group(&mut self) -> usize {
        if self.rows < self.group_limit as u64 {
            self.groups.resize(self.groups.len() + self.outputs.len(), [0.0; 5]);
            return self.rows as usize;
        }
        let random = Key::new(0).named("groups").bits(self.rows);
        ((u128::from(random) * self.group_limit as u128) >> 64) as usize
    }

    /// All figures.
    pub fn finish(self) -> NumberReport {
        let enough = self.rows >= 2;
        let scores = |(s, &shift): (&Sums, &f64)| s.scores(shift, enough);
        // Without a row there is no shift, and every figure is undefined whatever it is.
        let shifts = self.shifts.iter().chain(std::iter::repeat(&0.0));
        let outputs = self.outputs.iter().zip(shifts).map(scores).collect();
        NumberReport { rows: self.rows, outputs, groups: self.groups }
    }
}

impl Sums {
    /// West 1979 for the weighted mean and spread.
    fn add(&mut self, w: f64, y: f64, shifted: f64, error: f64) {
        self.weight += w;
        if w > 0.0 {
            let off = shifted - self.mean;
            self.mean += off * w / self.weight;
            self.spread += w * off * (shifted - self.mean);
        }
        self.squares += w * error * error;
        self.absolutes += w * error.abs();
        self.relatives += w * error.abs() / y.abs().max(SMALLEST);
    }

    fn scores(&self, shift: f64, enough: bool) -> NumberScores {
        let mse = self.squares / self.weight;
        NumberScores {
            mse,
            rmse: mse.sqrt(),
            mae: self.absolutes / self.weight,
            mape: self.relatives / self.weight,
            r2: if enough { r2(self.squares, self.spread) } else { f64::NAN },
            mean: shift + self.mean,
        }
    }
}

/// 1 − Σ(y−ŷ)² / Σ(y−ȳ)²; for a constant y 1 if all is right and 0 otherwise, as scikit-learn has it.
fn r2(squares: f64, spread: f64) -> f64 {
    match (squares == 0.0, spread <= 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => 1.0 - squares / spread,
    }
}

/// The figures of one output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberScores {
    /// Mean squared error.
    pub mse: f64,
    /// Its root.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean of |y − ŷ| / max(|y|, ε); a fraction, not per cent.
    pub mape: f64,
    /// Coefficient of determination; NaN for fewer than two rows.
    pub r2: f64,
    /// Mean of the truths.
    pub mean: f64,
}

/// The figures of a regression.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberReport {
    /// How many rows.
    pub rows: u64,
    /// For each output.
    pub outputs: Vec<NumberScores>,
    groups: Vec<Group>,
}

impl NumberReport {
    /// The mean of a figure over the outputs, as scikit-learn's `uniform_average`.
    pub fn mean(&self, of: impl Fn(&NumberScores) -> f64) -> f64 {
        mean_of_defined(self.outputs.iter().map(of))
    }

    /// 95 % intervals of the mean r2, rmse and mae over the outputs: percentile bootstrap over the rows.
    ///
    /// Of more than 2,048 rows (fewer for more than 8 outputs), rows are first dealt at random to as many groups, and
    /// groups are drawn: the same interval up to some per cent of its width, in bounded memory and time.
    pub fn intervals(&self) -> [Option<Interval>; 3] {
        let d = self.outputs.len();
        let mut sums: Vec<Group> = vec![[0.0; 5]; d];
        bootstrap(self.groups.len() / d.max(1), |drawn| {
            sums.fill([0.0; 5]);
            for i in drawn {
                for (sum, group) in sums.iter_mut().zip(&self.groups[i * d..(i + 1) * d]) {
                    sum.iter_mut().zip(group).for_each(|(s, g)| *s += g);
                }
            }
            let mean = |of: fn(&Group) -> f64| mean_of_defined(sums.iter().map(of));
            [
                mean(|&[w, y, yy, e, _]| r2(e, yy - y * y / w)),
                mean(|&[w, _, _, e, _]| (e / w).sqrt()),
                mean(|&[w, _, _, _, a]| a / w),
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;
    use crate::metrics::classes::tests::close;

    const Y: [[f64; 2]; 4] = [[3.0, -0.5], [-0.5, 1.0], [2.0, 0.25], [7.0, 4.0]];
    const P: [[f64; 2]; 4] = [[2.5, 0.0], [0.0, 1.0], [2.0, 1.0], [8.0, 3.5]];

    fn report(weights: Option<&[f32]>) -> NumberReport {
        let mut numbers = Numbers::new(2);
        numbers.update(arr2(&P).view(), arr2(&Y).view(), weights);
        numbers.finish()
    }

    fn figures(r: &NumberReport) -> [f64; 5] {
        [r.mean(|s| s.r2), r.mean(|s| s.rmse), r.mean(|s| s.mse), r.mean(|s| s.mae), r.mean(|s| s.mape)]
    }

    #[test]
    fn numbers_are_as_in_scikit_learn() {
        // scikit-learn 1.9.1: r2_score, root_mean_squared_error, mean_squared_error, mean_absolute_error and
        // mean_absolute_percentage_error of f32 arrays; sample_weight=[1, 2, 0.5, 3]; multioutput="raw_values".
        let plain = [0.9287886619567871, 0.5638803243637085, 0.3203125, 0.46875, 0.679315447807312];
        close(&figures(&report(None)), &plain);
        let weighted = report(Some(&[1.0, 2.0, 0.5, 3.0]));
        close(
            &figures(&weighted),
            &[
                0.9436769485473633,
                0.6017656326293945,
                0.38701921701431274,
                0.5288461446762085,
                0.4207875430583954,
            ],
        );
        let r2: Vec<f64> = weighted.outputs.iter().map(|s| s.r2).collect();
        close(&r2, &[0.9463401436805725, 0.9410136938095093]);
    }

    #[test]
    fn constant_and_zero_truths_are_as_in_scikit_learn() {
        let one = |p: [f64; 3], y: [f64; 3]| {
            let mut numbers = Numbers::new(1);
            numbers.update(arr2(&p.map(|x| [x])).view(), arr2(&y.map(|x| [x])).view(), None);
            numbers.finish().outputs[0]
        };
        assert_eq!(one([2.0; 3], [2.0; 3]).r2, 1.0);
        assert_eq!(one([2.0, 2.0, 3.0], [2.0; 3]).r2, 0.0);
        // mean_absolute_percentage_error([0, 1, 1], [1, 1, 1])
        close(&[one([1.0; 3], [0.0, 1.0, 1.0]).mape], &[1501199875790165.2]);
        let mut single = Numbers::new(1);
        single.update(arr2(&[[1.0]]).view(), arr2(&[[2.0]]).view(), None);
        let report = single.finish();
        assert!(report.outputs[0].r2.is_nan() && report.outputs[0].mae == 1.0);
        assert_eq!(report.intervals(), [None; 3]);
    }

    #[test]
    fn large_offsets_do_not_cost_digits() {
        let n = 3_000;
        let key = Key::new(9);
        let y = Array2::from_shape_fn((n, 1), |(i, _)| 1.7e15 + (key.bits(i as u64) % 64) as f64);
        let p = y.mapv(|y| y + 0.5);
        let mut numbers = Numbers::new(1);
        numbers.update(p.view(), y.view(), None);
        let report = numbers.finish();
        let small = y.mapv(|v| v - 1.7e15);
        let mean = small.mean().unwrap();
        let spread = small.mapv(|v| (v - mean).powi(2)).sum();
        close(&[report.outputs[0].r2, report.outputs[0].rmse], &[1.0 - 0.25 * n as f64 / spread, 0.5]);
        let [r2, rmse, mae] = report.intervals().map(Option::unwrap);
        assert!(r2.low < report.outputs[0].r2 && report.outputs[0].r2 < r2.high);
        close(&[rmse.low, rmse.high, mae.low, mae.high], &[0.5; 4]);
    }

    #[test]
    fn groups_give_the_interval_of_the_rows() {
        let rows = 40_000;
        let key = Key::new(2);
        // Sorted on purpose.
        let y = Array2::from_shape_fn((rows, 1), |(i, _)| i as f64 / rows as f64);
        let p = Array2::from_shape_fn((rows, 1), |(i, _)| y[(i, 0)] + 0.1 * key.normal(i as u64));
        let widths = [64, 2_048, 40_000].map(|limit| {
            let mut numbers = Numbers { group_limit: limit, ..Numbers::new(1) };
            numbers.update(p.view(), y.view(), None);
            numbers.finish().intervals().map(|i| i.map_or(f64::NAN, |i| i.high - i.low))
        });
        for i in 0..3 {
            assert!((widths[1][i] / widths[2][i] - 1.0).abs() < 0.1, "{widths:?}");
            assert!((widths[0][i] / widths[2][i] - 1.0).abs() < 0.4, "{widths:?}");
        }
    }
}

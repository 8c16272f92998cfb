//! Bringing a number column to a common scale: fitted in f64 on the training part, the same bits wherever it is used.

use serde::{Deserialize, Serialize};

use super::{normal, options::Scale};

/// Reference quantiles of [`Scaler::Quantile`], at most; as in scikit-learn's `QuantileTransformer`.
const QUANTILES: usize = 1000;

/// A fitted scaler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scaler {
    /// x
    None,
    /// 0: the column does not vary in the training part.
    Constant,
    /// (x - mean) / std
    Standard {
        /// Mean.
        mean: f64,
        /// Standard deviation (divided by n, as scikit-learn's `StandardScaler`).
        std: f64,
    },
    /// (x - median) / range
    Robust {
        /// Median.
        median: f64,
        /// Interquartile range; where that is 0, half of the whole range. (scikit-learn's `RobustScaler` divides by 1
        /// there, which leaves the few values that differ, such as Adult's capital gains, at their raw size.)
        range: f64,
    },
    /// (x - min) / (max - min); not clipped
    MinMax {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Φ⁻¹ of the share of the training part below x, ties counted half, clipped to ±5.2
    Quantile {
        /// Quantiles at equal steps from 0 to 1, ascending; two at least.
        quantiles: Vec<f64>,
    },
}

/// What a scaler is fitted from: the values of a column in the training part that are not missing.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) mean: f64,
    pub(super) std: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// The values in ascending order, where [`needs_order`] asks for them.
    pub(super) sorted: Vec<f32>,
    /// What must be added to `sorted`.
    pub(super) offset: f64,
}

impl Summary {
    /// Of several columns as if they were one; without their order.
    pub(super) fn together(columns: &[Summary]) -> Summary {
        let there = || columns.iter().filter(|column| column.count > 0);
        let count: u64 = there().map(|column| column.count).sum();
        let of_all = |f: &dyn Fn(&Summary) -> f64| {
            there().map(|column| column.count as f64 * f(column)).sum::<f64>() / count.max(1) as f64
        };
        let mean = of_all(&|column| column.mean);
        let variance =
            of_all(&|column| column.std * column.std + (column.mean - mean) * (column.mean - mean));
        Summary {
            count,
            mean,
            std: variance.sqrt(),
            min: there().map(|column| column.min).fold(f64::INFINITY, f64::min),
            max: there().map(|column| column.max).fold(f64::NEG_INFINITY, f64::max),
            sorted: Vec::new(),
            offset: 0.0,
        }
    }

    /// The `part`/`parts`-quantile with linear interpolation, numpy's default. Needs `sorted`, not empty.
    pub(super) fn quantile(&self, part: usize, parts: usize) -> f64 {
        let last = self.sorted.len() - 1;
        // multiplied first: with as many parts as values every quantile is one of the values, to the last bit
        let at = (part * last) as f64 / parts as f64;
        let low = at as usize;
        let (a, b) = (f64::from(self.sorted[low]), f64::from(self.sorted[(low + 1).min(last)]));
        self.offset + (a + (b - a) * (at - low as f64))
    }

    /// Whether all values are equal, or there are none.
    pub(super) fn is_constant(&self) -> bool {
        self.count == 0 || self.min == self.max
    }
}

/// Whether fitting this scale needs the values in order.
pub(super) fn needs_order(scale: Scale) -> bool {
    matches!(scale, Scale::Robust | Scale::Quantile)
}

impl Scaler {
    /// Fits `scale`. A column that does not vary gives [`Scaler::Constant`] unless it is left as it is.
    pub(super) fn fit(scale: Scale, summary: &Summary) -> Scaler {
        match scale {
            Scale::None => Scaler::None,
            _ if summary.is_constant() => Scaler::Constant,
            Scale::Standard => Scaler::Standard { mean: summary.mean, std: summary.std },
            Scale::MinMax => Scaler::MinMax { min: summary.min, max: summary.max },
            Scale::Robust => {
                let iqr = summary.quantile(3, 4) - summary.quantile(1, 4);
                let range = if iqr > 0.0 { iqr } else { (summary.max - summary.min) / 2.0 };
                Scaler::Robust { median: summary.quantile(1, 2), range }
            }
            Scale::Quantile => {
                let count = summary.sorted.len().min(QUANTILES);
                let mut quantiles: Vec<f64> = (0..count).map(|i| summary.quantile(i, count - 1)).collect();
                // rounding may put two quantiles in the wrong order
                for i in 1..count {
                    quantiles[i] = quantiles[i].max(quantiles[i - 1]);
                }
                Scaler::Quantile { quantiles }
            }
        }
    }

    /// The scaled value, finite for every finite `x`.
    #[inline]
    pub fn apply(&self, x: f64) -> f32 {
        let y = match self {
            Scaler::None => x,
            Scaler::Constant => 0.0,
            Scaler::Standard { mean, std } => (x - mean) / std,
            Scaler::Robust { median, range } => (x - median) / range,
            Scaler::MinMax { min, max } => (x - min) / (max - min),
            Scaler::Quantile { quantiles } => normal_score(quantiles, x),
        };
        y.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
    }

    /// Whether the parameters are ones that fitting could have given: those of a damaged model file may not be.
    pub(super) fn is_valid(&self) -> bool {
        let spread = |width: f64| width.is_finite() && width > 0.0;
        match self {
            Scaler::None | Scaler::Constant => true,
            Scaler::Standard { mean, std } => mean.is_finite() && spread(*std),
            Scaler::Robust { median, range } => median.is_finite() && spread(*range),
            Scaler::MinMax { min, max } => min.is_finite() && spread(max - min),
            Scaler::Quantile { quantiles } => {
                quantiles.len() >= 2
                    && quantiles.iter().all(|q| q.is_finite())
                    && quantiles.windows(2).all(|w| w[0] <= w[1])
            }
        }
    }
}

/// The normal score of `x` among reference quantiles, as scikit-learn's `QuantileTransformer` computes it: the mean of
/// the interpolated ranks from the left and from the right, so that ties get the middle of their span. (There, values
/// within 1e-7 of an end count as the end, whatever the column's unit; here only the ends themselves do.)
fn normal_score(quantiles: &[f64], x: f64) -> f64 {
    // Φ⁻¹(1 - (1e-7 - 2⁻⁵²)): the largest score
    const LARGEST: f64 = 5.199_337_582_605_575;
    let last = quantiles.len() - 1;
    if x <= quantiles[0] {
        return -LARGEST;
    }
    if x >= quantiles[last] {
        return LARGEST;
    }
    let (left, right) = (quantiles.partition_point(|&q| q < x), quantiles.partition_point(|&q| q <= x));
    let rank = if left == right {
        let (a, b) = (quantiles[left - 1], quantiles[left]);
        (left - 1) as f64 + (x - a) / (b - a)
    } else {
        0.5 * (left + right - 1) as f64
    };
    normal::quantile(rank / last as f64).clamp(-LARGEST, LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: impl IntoIterator<Item = f64>) -> Summary {
        let mut sorted: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
        sorted.sort_by(f32::total_cmp);
        let (n, wide) = (sorted.len() as f64, sorted.iter().map(|&x| f64::from(x)));
        let mean = wide.clone().sum::<f64>() / n;
        let std = (wide.clone().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (min, max) = (f64::from(sorted[0]), f64::from(sorted[sorted.len() - 1]));
        Summary { count: sorted.len() as u64, mean, std, min, max, sorted, offset: 0.0 }
    }

    fn close(scale: Scale, fitted_on: &Summary, table: &[(f64, f64)]) {
        let scaler = Scaler::fit(scale, fitted_on);
        assert!(scaler.is_valid());
        for &(x, y) in table {
            let got = f64::from(scaler.apply(x));
            assert!((got - y).abs() <= 1e-7 * y.abs().max(1.0), "{scale:?} of {x}: {got}, not {y}");
        }
    }

    // The expected numbers below are scikit-learn 1.9.1's, from StandardScaler(), RobustScaler(), MinMaxScaler() and
    // QuantileTransformer(output_distribution="normal"), fitted on these ten values and applied to the numbers before them.
    const VALUES: [f64; 10] = [1.0, 2.0, 2.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 1000.0];

    #[test]
    fn affine_scalers_are_those_of_scikit_learn() {
        let fitted = summary(VALUES);
        let standard =
            [(-5.0, -0.3712766980335663), (4.0, -0.34109160063246335), (1000.0, 2.999392511756263)];
        close(Scale::Standard, &fitted, &standard);
        close(Scale::Robust, &fitted, &[(-5.0, -0.9230769230769231), (100.0, 9.846153846153847)]);
        close(Scale::MinMax, &fitted, &[(-5.0, -0.006006006006006006), (5000.0, 5.004004004004004)]);
        close(Scale::None, &fitted, &[(-5.0, -5.0)]);
    }

    #[test]
    fn quantiles_are_those_of_scikit_learn() {
        let few = [
            (-5.0, -5.199337582605575),
            (1.0, -5.199337582605575),
            (1.5, -1.5932188180230507),
            (2.0, -0.7647096737863871),
            (2.5, -0.28221614706250825),
            (4.0, 0.0),
            (100.0, 1.2694234077839934),
            (1000.0, 5.19933758270342),
            (5000.0, 5.19933758270342),
        ];
        close(Scale::Quantile, &summary(VALUES), &few);
        let many = [
            (-1.0, -5.199337582605575),
            (1.0, -2.8778461189271787),
            (3.5, -2.542833796525419),
            (100.0, -1.23396159022193),
            (488.25, -0.005433971920805535),
            (900.0, 1.3748783279796157),
            (974.0, 2.696511062787801),
            (975.0, 2.8067114638675608),
            (976.0, 5.19933758270342),
        ];
        close(Scale::Quantile, &summary((0..2500u32).map(|k| f64::from(k * k % 977))), &many);
    }

    #[test]
    fn a_column_that_does_not_vary_becomes_zero() {
        for scale in [Scale::Standard, Scale::Robust, Scale::MinMax, Scale::Quantile] {
            assert_eq!(Scaler::fit(scale, &summary([0.1; 7])), Scaler::Constant);
        }
        assert_eq!(Scaler::Constant.apply(1e30), 0.0);
    }

    #[test]
    fn a_mostly_constant_column_has_a_robust_range() {
        let mut values = [0.0; 20];
        values[3] = 8.0;
        close(Scale::Robust, &summary(values), &[(0.0, 0.0), (8.0, 2.0)]);
    }

    #[test]
    fn a_scaled_value_is_finite() {
        let scaler = Scaler::Standard { mean: 0.0, std: 1e-300 };
        assert_eq!(scaler.apply(1.0), f32::MAX);
    }
}

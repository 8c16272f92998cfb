//! How far a figure may be off: 95 % intervals.

use crate::tensor::Key;

/// How often the rows are drawn again.
pub const RESAMPLES: usize = 1_000;

/// Two-sided 95 % point of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A range that holds the true figure in 95 of 100 samples like this one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How it was found, for a footnote.
    pub method: &'static str,
}

/// The score interval of a proportion `p` that was seen on `n` rows of equal weight (Wilson 1927); `None` without rows.
pub fn wilson(p: f64, n: f64) -> Option<Interval> {
    if n.is_nan() || n <= 0.0 || p.is_nan() {
        return None;
    }
    let z2 = Z * Z / n;
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = Z / (1.0 + z2) * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    // At p = 0 and 1 an end is exactly there, but for rounding.
    let low = if p <= 0.0 { 0.0 } else { centre - half };
    let high = if p >= 1.0 { 1.0 } else { centre + half };
    Some(Interval { low, high, method: "Wilson score" })
}

/// Percentile bootstrap (Efron 1979): `figures` gets the drawn indices of `0..n` and gives `N` figures.
///
/// The draws depend on `n` alone, so the same rows always give the same interval. An interval is `None` where `n`
/// is below 2 or a figure was never defined.
pub(super) fn bootstrap<const N: usize>(
    n: usize,
    mut figures: impl FnMut(&mut dyn Iterator<Item = usize>) -> [f64; N],
) -> [Option<Interval>; N] {
    if n < 2 {
        return [None; N];
    }
    let key = Key::new(0).named("bootstrap");
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    for i in 0..RESAMPLES {
        let mut stream = key.part(i as u64).stream();
        let drawn = figures(&mut (0..n).map(|_| stream.below(n as u64) as usize));
        for (samples, figure) in samples.iter_mut().zip(drawn) {
            samples.extend((!figure.is_nan()).then_some(figure));
        }
    }
    samples.map(|mut sample| {
        sample.sort_unstable_by(f64::total_cmp);
        let method = "percentile bootstrap, 1000 resamples";
        Some(Interval { low: quantile(&sample, 0.025)?, high: quantile(&sample, 0.975)?, method })
    })
}

/// The quantile of sorted numbers, linear between neighbours (type 7 of Hyndman & Fan 1996, NumPy's default).
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_that_of_scipy() {
        // SciPy 1.17.1: binomtest(29, 30).proportion_ci(method="wilson"), and for 0 of 10.
        let i = wilson(29.0 / 30.0, 30.0).unwrap();
        assert!((i.low - 0.8332961).abs() < 1e-6 && (i.high - 0.9940914).abs() < 1e-6, "{i:?}");
        let i = wilson(0.0, 10.0).unwrap();
        assert!(i.low == 0.0 && (i.high - 0.2775328).abs() < 1e-6, "{i:?}");
        assert_eq!(wilson(1.0, 10.0).unwrap().high, 1.0);
        assert_eq!((wilson(f64::NAN, 10.0), wilson(0.5, 0.0)), (None, None));
    }

    #[test]
    fn the_bootstrap_of_a_mean_is_close_to_its_standard_error() {
        let key = Key::new(5);
        let x: Vec<f64> = (0..400).map(|i| key.normal(i)).collect();
        let mean = |drawn: &mut dyn Iterator<Item = usize>| [drawn.map(|i| x[i]).sum::<f64>() / 400.0];
        let [interval] = bootstrap(400, mean);
        let interval = interval.unwrap();
        let m = x.iter().sum::<f64>() / 400.0;
        let sd = (x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / 400.0).sqrt();
        for (end, sign) in [(interval.low, -1.0), (interval.high, 1.0)] {
            assert!((end - m - sign * Z * sd / 20.0).abs() < 0.01, "{interval:?} around {m}");
        }
        assert_eq!(bootstrap(400, mean), [Some(interval)]);
        assert_eq!(bootstrap(1, mean), [None]);
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975])
        let x = [1.0, 2.0, 4.0, 8.0];
        let q = [0.025, 0.5, 0.975].map(|q| quantile(&x, q).unwrap());
        assert!((q[0] - 1.075).abs() < 1e-12 && q[1] == 3.0 && (q[2] - 7.7).abs() < 1e-12);
        assert_eq!(quantile(&[], 0.5), None);
    }
}

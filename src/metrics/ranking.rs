//! Areas under the ROC and the precision-recall curve.

/// Scores that are kept for exact curves, over all classes together; about 5 bytes each, 9 with row weights.
///
/// Beyond that they are counted in bins, and the report says so.
pub const SCORE_LIMIT: usize = 4_000_000;

/// Bins over all classes together, once there are more than [`SCORE_LIMIT`] scores; 16 bytes each.
pub const BIN_LIMIT: usize = 1 << 20;

/// Bins of one class: at most this many.
const BINS: usize = 1 << 16;

/// Bins divide the logits of the probabilities evenly from minus to plus this; f32 probabilities end near 17 on
/// the side of 1.
const LOGITS: f64 = 24.0;

/// Collects scores of one or several columns, each with its own truth.
#[derive(Clone, Debug)]
pub(super) struct Ranking {
    columns: usize,
    limit: usize,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    All {
        /// Row by row.
        scores: Vec<f32>,
        positive: Vec<bool>,
        /// A weight for each row, from the first row that has one.
        weights: Vec<f32>,
    },
    Bins {
        /// Weight of the positives and of the negatives in each bin, column by column.
        counts: Vec<(f64, f64)>,
        bins: usize,
    },
}

/// The two areas of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Areas {
    /// NaN where only one of positives and negatives is there.
    pub(super) roc_auc: f64,
    /// 0 without positives, as scikit-learn has it.
    pub(super) average_precision: f64,
    /// Whether there are positives at all.
    pub(super) has_positives: bool,
}

impl Ranking {
    pub(super) fn new(columns: usize) -> Self {
        Ranking::with_limit(columns, SCORE_LIMIT)
    }

    fn with_limit(columns: usize, limit: usize) -> Self {
        let kept = Kept::All { scores: vec![], positive: vec![], weights: vec![] };
        Ranking { columns, limit, kept }
    }

    /// Whether every score was kept.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.kept, Kept::All { .. })
    }

    /// Adds a row of as many probabilities as there are columns; `positive` tells the truth of each column.
    pub(super) fn push(
        &mut self,
        row: impl Iterator<Item = f32>,
        positive: impl Fn(usize) -> bool,
        weight: Option<f32>,
    ) {
        if let Kept::All { scores, .. } = &self.kept
            && scores.len() + self.columns > self.limit
        {
            self.make_bins();
        }
        match &mut self.kept {
            Kept::All { scores, positive: truths, weights } => {
                let rows = scores.len() / self.columns;
                scores.extend(row);
                truths.extend((0..self.columns).map(positive));
                if let Some(w) = weight {
                    weights.resize(rows, 1.0);
                    weights.push(w);
                } else if !weights.is_empty() {
                    weights.push(1.0);
                }
            }
            Kept::Bins { counts, bins } => {
                let weight = f64::from(weight.unwrap_or(1.0));
                for (c, score) in row.enumerate() {
                    let (p, n) = &mut counts[c * *bins + bin(score, *bins)];
                    *(if positive(c) { p } else { n }) += weight;
                }
            }
        }
    }

    fn make_bins(&mut self) {
        let bins = (BIN_LIMIT / self.columns).clamp(1, BINS);
        let empty = Kept::Bins { counts: vec![(0.0, 0.0); bins * self.columns], bins };
        if let Kept::All { scores, positive, weights } = std::mem::replace(&mut self.kept, empty) {
            for (r, row) in scores.chunks_exact(self.columns).enumerate() {
                let truth = &positive[r * self.columns..];
                self.push(row.iter().copied(), |c| truth[c], weights.get(r).copied());
            }
        }
    }

    /// The areas of each column.
    pub(super) fn finish(&self) -> Vec<Areas> {
        (0..self.columns).map(|c| self.column(c)).collect()
    }

    fn column(&self, c: usize) -> Areas {
        match &self.kept {
            Kept::Bins { counts, bins } => areas(counts[c * bins..(c + 1) * bins].iter().rev().copied()),
            Kept::All { scores, positive, weights } => {
                let at = |row: u32| row as usize * self.columns + c;
                let mut order: Vec<u32> = (0..(scores.len() / self.columns) as u32).collect();
                // The row breaks ties, so that sums are always taken in one order.
                order.sort_unstable_by(|&a, &b| scores[at(b)].total_cmp(&scores[at(a)]).then(a.cmp(&b)));
                let weight = |row: u32| weights.get(row as usize).map_or(1.0, |&w| f64::from(w));
                areas(order.chunk_by(|&a, &b| scores[at(a)] == scores[at(b)]).map(|tied| {
                    let mut sums = (0.0, 0.0);
                    for &row in tied {
                        *(if positive[at(row)] { &mut sums.0 } else { &mut sums.1 }) += weight(row);
                    }
                    sums
                }))
            }
        }
    }
}

fn bin(score: f32, bins: usize) -> usize {
    let p = f64::from(score);
    let logit = (p / (1.0 - p)).ln();
    // A cast saturates: minus infinity, and NaN, fall into the first bin.
    (((logit + LOGITS) / (2.0 * LOGITS) * bins as f64) as usize).min(bins - 1)
}

/// The areas over groups of tied scores, best first, each with the weight of its positives and negatives.
///
/// ROC: the trapezoids (Fawcett 2006, algorithm 3). Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ, without interpolation.
fn areas(groups: impl Iterator<Item = (f64, f64)>) -> Areas {
    let (mut tp, mut fp, mut area, mut precision) = (0.0, 0.0, 0.0, 0.0);
    for (p, n) in groups {
        area += n * (tp + p / 2.0);
        tp += p;
        fp += n;
        if p > 0.0 {
            precision += p * tp / (tp + fp);
        }
    }
    Areas {
        roc_auc: area / (tp * fp),
        average_precision: if tp > 0.0 { precision / tp } else { 0.0 },
        has_positives: tp > 0.0,
    }
}

/// The mean of the numbers that are not NaN; NaN where there are none.
pub(super) fn mean_of_defined(values: impl Iterator<Item = f64>) -> f64 {
    mean(values.filter(|v| !v.is_nan()))
}

/// The mean; NaN without values and if one of them is.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0, 0.0), |(n, sum), v| (n + 1, sum + v));
    sum / f64::from(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Key;

    fn areas_of(limit: usize, scores: &[f32], truth: &[u8], weights: Option<&[f32]>) -> Areas {
        let mut ranking = Ranking::with_limit(1, limit);
        for (i, (&s, &t)) in scores.iter().zip(truth).enumerate() {
            ranking.push([s].into_iter(), |_| t == 1, weights.map(|w| w[i]));
        }
        assert_eq!(ranking.is_exact(), scores.len() <= limit);
        ranking.finish()[0]
    }

    const SCORES: [f32; 8] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05];
    const TRUTH: [u8; 8] = [0, 0, 1, 1, 1, 0, 1, 0];

    #[test]
    fn ties_and_weights_are_scikit_learns() {
        // sklearn 1.9: roc_auc_score(y, s), average_precision_score(y, s), then with sample_weight=w.
        let a = areas_of(100, &SCORES, &TRUTH, None);
        assert!((a.roc_auc - 0.8125).abs() < 1e-12, "{a:?}");
        assert!((a.average_precision - 0.8166666666666667).abs() < 1e-12, "{a:?}");
        let w = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.0, 2.0];
        let a = areas_of(100, &SCORES, &TRUTH, Some(&w));
        assert!((a.roc_auc - 0.7777777777777778).abs() < 1e-12, "{a:?}");
        assert!((a.average_precision - 0.6698412698412699).abs() < 1e-12, "{a:?}");
    }

    #[test]
    fn one_class_alone_has_no_roc_area() {
        let a = areas_of(9, &[0.1, 0.2], &[0, 0], None);
        assert!(a.roc_auc.is_nan() && a.average_precision == 0.0 && !a.has_positives);
        let a = areas_of(9, &[0.1, 0.2], &[1, 1], None);
        assert!(a.roc_auc.is_nan() && a.average_precision == 1.0);
    }

    #[test]
    fn bins_are_close_to_the_exact_areas() {
        let key = Key::new(1);
        let truth: Vec<u8> = (0..20_000).map(|i| u8::from(key.bits(i) & 3 == 0)).collect();
        let score = |(i, &t): (usize, &u8)| {
            let logit = 6.0 * (key.part(1).normal(i as u64) + f64::from(t));
            (1.0 / (1.0 + (-logit).exp())) as f32
        };
        let scores: Vec<f32> = truth.iter().enumerate().map(score).collect();
        let weights: Vec<f32> = (0..20_000).map(|i| key.part(2).uniform(i) as f32).collect();
        for weights in [None, Some(&weights[..])] {
            let exact = areas_of(20_000, &scores, &truth, weights);
            let binned = areas_of(1_000, &scores, &truth, weights);
            assert!((exact.roc_auc - binned.roc_auc).abs() < 1e-5, "{exact:?} {binned:?}");
            assert!(
                (exact.average_precision - binned.average_precision).abs() < 1e-4,
                "{exact:?} {binned:?}"
            );
        }
    }

    #[test]
    fn weights_may_begin_late() {
        let mut ranking = Ranking::new(1);
        ranking.push([0.2].into_iter(), |_| false, None);
        ranking.push([0.8].into_iter(), |_| true, Some(2.0));
        ranking.push([0.1].into_iter(), |_| true, None);
        let Areas { roc_auc, .. } = ranking.finish()[0];
        assert!((roc_auc - 2.0 / 3.0).abs() < 1e-12);
    }
}

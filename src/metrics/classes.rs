//! One class out of several.

use ndarray::ArrayView2;

use super::ranking::{Ranking, mean};

/// Classes up to which the whole confusion matrix is kept.
const CONFUSION_LIMIT: usize = 256;

/// Classes up to which the areas under curves are computed.
pub const RANKED_LIMIT: usize = 1_000;

/// Gathers probabilities of classes; see [`ClassReport`].
#[derive(Clone, Debug)]
pub struct Classes {
    rows: u64,
    weight: f64,
    weight_squares: f64,
    hits: f64,
    log_loss: f64,
    scores: Vec<ClassScores>,
    /// Weight of the rows of each true class, by predicted class.
    confusion: Option<Vec<f64>>,
    ranking: Option<Ranking>,
}

/// What was counted for one class; weights take the place of counts where rows have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Rows of this class.
    pub support: f64,
    /// Rows for which it was predicted.
    pub predicted: f64,
    /// Rows for which it was predicted rightly.
    pub hits: f64,
    /// Area under the ROC curve of this class against the others; NaN where it is undefined or was not computed.
    pub roc_auc: f64,
    /// Average precision of this class against the others; NaN where it is undefined or was not computed.
    pub average_precision: f64,
}

impl ClassScores {
    /// Right ones among those predicted; 0 if it was never predicted, NaN without a row of the class.
    pub fn precision(&self) -> f64 {
        ratio(self.hits, self.predicted, self.support)
    }

    /// Right ones among those of the class; NaN without a row of the class.
    pub fn recall(&self) -> f64 {
        ratio(self.hits, self.support, self.support)
    }

    /// The harmonic mean of precision and recall; 0 if both are, NaN without a row of the class.
    pub fn f1(&self) -> f64 {
        ratio(2.0 * self.hits, self.support + self.predicted, self.support)
    }
}

/// `a / b`, 0 for 0/0: scikit-learn's `zero_division=0`. NaN without `support`: scikit-learn gives 0 there, or leaves the class out,
/// so that a figure may look perfect that says nothing.
pub(super) fn ratio(a: f64, b: f64, support: f64) -> f64 {
    match (support, b) {
        (0.0, _) => f64::NAN,
        (_, 0.0) => 0.0,
        _ => a / b,
    }
}

/// The loss of the probability `p` of what happened, clipped by the resolution of f32 as scikit-learn does for
/// f32 probabilities.
pub(super) fn log_loss_of(p: f32) -> f64 {
    -f64::from(p.clamp(f32::EPSILON, 1.0 - f32::EPSILON)).ln()
}

impl Classes {
    /// For classes `0..n`, `n` at least 2.
    pub fn new(n: usize) -> Self {
        assert!(n >= 2, "one class alone cannot be told from another");
        let none = ClassScores {
            support: 0.0,
            predicted: 0.0,
            hits: 0.0,
            roc_auc: f64::NAN,
            average_precision: f64::NAN,
        };
        Classes {
            rows: 0,
            weight: 0.0,
            weight_squares: 0.0,
            hits: 0.0,
            log_loss: 0.0,
            scores: vec![none; n],
            confusion: (n <= CONFUSION_LIMIT).then(|| vec![0.0; n * n]),
            // Of two classes the second is the positive one; the first has nothing to add.
            ranking: (n <= RANKED_LIMIT).then(|| Ranking::new(if n == 2 { 1 } else { n })),
        }
    }

    /// Adds rows: probabilities `[B, K]` (of two classes also `[B, 1]`: that of the second), true classes and row
    /// weights `[B]`. The class of the largest probability counts as predicted, the first of them in a tie.
    ///
    /// # Panics
    /// Where the lengths differ or a class is out of range.
    pub fn update(&mut self, probabilities: ArrayView2<'_, f32>, targets: &[u32], weights: Option<&[f32]>) {
        let n = self.scores.len();
        assert_eq!(probabilities.nrows(), targets.len());
        assert!(weights.is_none_or(|w| w.len() == targets.len()));
        assert!(probabilities.ncols() == n || (n == 2 && probabilities.ncols() == 1));
        for (i, (row, &target)) in probabilities.rows().into_iter().zip(targets).enumerate() {
            let second = (row.len() == 1).then(|| row[0]);
            let target = target as usize;
            let (predicted, p) = match second {
                Some(p) => (usize::from(p > 0.5), if target == 1 { p } else { 1.0 - p }),
                None => {
                    let mut best = 0;
                    for (c, p) in row.iter().enumerate() {
                        if *p > row[best] {
                            best = c;
                        }
                    }
                    (best, row[target])
                }
            };
            let weight = weights.map(|w| w[i]);
            self.count(predicted, target, f64::from(weight.unwrap_or(1.0)), p);
            if let Some(ranking) = &mut self.ranking {
                if n == 2 {
                    ranking.push(std::iter::once(second.unwrap_or_else(|| row[1])), |_| target == 1, weight);
                } else {
                    ranking.push(row.iter().copied(), |c| c == target, weight);
                }
            }
        }
    }

    fn count(&mut self, predicted: usize, target: usize, weight: f64, p: f32) {
        self.rows += 1;
        self.weight += weight;
        self.weight_squares += weight * weight;
        self.log_loss += weight * log_loss_of(p);
        self.scores[target].support += weight;
        self.scores[predicted].predicted += weight;
        if predicted == target {
            self.hits += weight;
            self.scores[target].hits += weight;
        }
        if let Some(confusion) = &mut self.confusion {
            confusion[target * self.scores.len() + predicted] += weight;
        }
    }

    /// All figures.
    pub fn finish(mut self) -> ClassReport {
        let areas = self.ranking.as_ref().map(Ranking::finish).unwrap_or_default();
        let first = if self.scores.len() == 2 { 1 } else { 0 };
        for (scores, areas) in self.scores[first..].iter_mut().zip(areas) {
            scores.roc_auc = areas.roc_auc;
            if areas.has_positives {
                scores.average_precision = areas.average_precision;
            }
        }
        ClassReport {
            rows: self.rows,
            effective_rows: self.weight * self.weight / self.weight_squares,
            accuracy: self.hits / self.weight,
            log_loss: self.log_loss / self.weight,
            classes: self.scores,
            confusion: self.confusion,
            exact_ranking: self.ranking.is_none_or(|r| r.is_exact()),
        }
    }
}

/// The figures of a classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassReport {
    /// How many rows.
    pub rows: u64,
    /// Rows of equal weight that would tell as much: (Σw)² / Σw² (Kish 1965).
    pub effective_rows: f64,
    /// The weight of the right rows, over that of all.
    pub accuracy: f64,
    /// The mean of −ln p(true class).
    pub log_loss: f64,
    /// For each class.
    pub classes: Vec<ClassScores>,
    /// Weight of the rows, `[true, predicted]` row by row; `None` for more than 256 classes.
    pub confusion: Option<Vec<f64>>,
    /// Whether the areas come from all scores; otherwise from bins, right to about four digits.
    pub exact_ranking: bool,
}

impl ClassReport {
    /// Positions of the classes without a row.
    pub fn without_rows(&self) -> impl Iterator<Item = usize> {
        self.classes.iter().enumerate().filter(|(_, c)| c.support == 0.0).map(|(i, _)| i)
    }

    /// The mean over all classes, as scikit-learn's `macro`; NaN if one of them has no row.
    fn macro_mean(&self, of: impl Fn(&ClassScores) -> f64) -> f64 {
        mean(self.classes.iter().map(of))
    }

    /// The mean recall of the classes.
    pub fn balanced_accuracy(&self) -> f64 {
        self.macro_mean(ClassScores::recall)
    }

    /// The mean of [`ClassScores::f1`].
    pub fn f1_macro(&self) -> f64 {
        self.macro_mean(ClassScores::f1)
    }

    /// The mean of [`ClassScores::precision`].
    pub fn precision_macro(&self) -> f64 {
        self.macro_mean(ClassScores::precision)
    }

    /// The mean of [`ClassScores::recall`].
    pub fn recall_macro(&self) -> f64 {
        self.macro_mean(ClassScores::recall)
    }

    /// Of two classes, the area for the second; of more, the mean over the classes, each against the others.
    ///
    /// NaN if a class has no row, as in scikit-learn.
    pub fn roc_auc(&self) -> f64 {
        mean(self.ranked().map(|c| c.roc_auc))
    }

    /// Of two classes, that of the second; of more, the mean over the classes, each against the others.
    ///
    /// NaN if a class has no row, where scikit-learn counts it as 0.
    pub fn average_precision(&self) -> f64 {
        if self.without_rows().next().is_some() {
            return f64::NAN;
        }
        mean(self.ranked().map(|c| c.average_precision))
    }

    /// The classes that have areas: of two the second.
    fn ranked(&self) -> impl Iterator<Item = &ClassScores> {
        self.classes.iter().skip(usize::from(self.classes.len() == 2))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ndarray::arr2;

    use super::*;

    /// Figures in the order: accuracy, balanced accuracy, f1, precision, recall (macro), ROC area, average precision, log loss.
    pub(in crate::metrics) fn figures(report: &ClassReport) -> [f64; 8] {
        [
            report.accuracy,
            report.balanced_accuracy(),
            report.f1_macro(),
            report.precision_macro(),
            report.recall_macro(),
            report.roc_auc(),
            report.average_precision(),
            report.log_loss,
        ]
    }

    pub(in crate::metrics) fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (i, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!((a - b).abs() < 1e-6 * b.abs().max(1e-3), "{i}: {a} {b} of {found:?}");
        }
    }

    pub(in crate::metrics) const THREE: [[f32; 3]; 8] = [
        [0.7, 0.2, 0.1],
        [0.2, 0.5, 0.3],
        [0.4, 0.4, 0.2],
        [0.1, 0.3, 0.6],
        [0.3, 0.4, 0.3],
        [0.2, 0.2, 0.6],
        [0.5, 0.25, 0.25],
        [0.0, 1.0, 0.0],
    ];
    pub(in crate::metrics) const TRUE: [u32; 8] = [0, 1, 1, 2, 2, 2, 0, 0];
    pub(in crate::metrics) const WEIGHTS: [f32; 8] = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.25, 2.0];

    // scikit-learn 1.9.1 on the same arrays: accuracy_score, balanced_accuracy_score, then f1_score, precision_score and
    // recall_score with average="macro", zero_division=0; the mean over the classes of roc_auc_score and of
    // average_precision_score, each class against the others; log_loss of f32 probabilities. Weighted: sample_weight=WEIGHTS.
    const PLAIN: [f64; 8] = [
        0.625,
        0.611111111111111,
        0.6222222222222222,
        0.6666666666666666,
        0.611111111111111,
        0.8083333333333335,
        0.736111111111111,
        2.6034085750579834,
    ];
    const WEIGHTED: [f64; 8] = [
        0.4883720930232558,
        0.5282051282051282,
        0.4974937343358396,
        0.6666666666666666,
        0.5282051282051282,
        0.6671598932468497,
        0.621966663827129,
        3.6179293477258017,
    ];
    const NEVER_PREDICTED: [f64; 5] =
        [0.5, 0.6666666666666666, 0.4444444444444444, 0.3333333333333333, 0.6666666666666666];
    const BINARY: [f64; 8] = [
        0.75,
        0.75,
        0.7333333333333334,
        0.8333333333333333,
        0.75,
        0.78125,
        0.8166666666666667,
        0.45690545439720154,
    ];

    fn report(rows: &[[f32; 3]], targets: &[u32], weights: Option<&[f32]>) -> ClassReport {
        let mut classes = Classes::new(3);
        classes.update(arr2(rows).view(), targets, weights);
        classes.finish()
    }

    #[test]
    fn three_classes_are_as_in_scikit_learn() {
        close(&figures(&report(&THREE, &TRUE, None)), &PLAIN);
        close(&figures(&report(&THREE, &TRUE, Some(&WEIGHTS))), &WEIGHTED);
    }

    #[test]
    fn a_class_that_is_never_predicted_counts_as_in_scikit_learn() {
        let rows = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.5, 0.4], [0.5, 0.2, 0.3]];
        close(&figures(&report(&rows, &[0, 1, 2, 2], None))[..5], &NEVER_PREDICTED);
    }

    #[test]
    fn a_class_without_a_row_leaves_what_needs_it_undefined() {
        // 0 is never predicted either, 2 is.
        let rows = [[0.1, 0.6, 0.3], [0.1, 0.2, 0.7]];
        let report = report(&rows, &[1, 1], None);
        let [accuracy, means @ .., log_loss] = figures(&report);
        close(&[accuracy, log_loss], &[0.5, (-(0.6f64.ln()) - 0.2f64.ln()) / 2.0]);
        assert!(means.iter().all(|mean| mean.is_nan()), "{means:?}");
        assert_eq!(report.without_rows().collect::<Vec<_>>(), [0, 2]);
        let of =
            |c: usize| [report.classes[c].precision(), report.classes[c].recall(), report.classes[c].f1()];
        assert!([of(0), of(2)].concat().iter().all(|figure| figure.is_nan()));
        close(&of(1), &[1.0, 0.5, 2.0 / 3.0]);
        // One row of two classes, rightly predicted: nothing is known of the other.
        let mut two = Classes::new(2);
        two.update(arr2(&[[0.9, 0.1]]).view(), &[0], None);
        let figures = figures(&two.finish());
        assert!(figures[0] == 1.0 && figures[1..7].iter().all(|figure| figure.is_nan()), "{figures:?}");
    }

    #[test]
    fn two_classes_take_the_second_as_positive() {
        let p = [0.1, 0.4, 0.35, 0.8, 0.4, 0.5, 0.9, 0.05];
        let two: Vec<[f32; 2]> = p.iter().map(|&p| [1.0 - p, p]).collect();
        let targets = [0, 0, 1, 1, 1, 0, 1, 0];
        let mut both = Classes::new(2);
        both.update(arr2(&two).view(), &targets, None);
        let mut one = Classes::new(2);
        one.update(arr2(&p.map(|p| [p])).view(), &targets, None);
        let (both, one) = (both.finish(), one.finish());
        close(&figures(&both), &BINARY);
        assert_eq!(figures(&both), figures(&one));
        assert_eq!(one.confusion, Some(vec![4.0, 0.0, 2.0, 2.0]));
    }

    #[test]
    fn batches_do_not_change_a_bit() {
        let all = report(&THREE, &TRUE, Some(&WEIGHTS));
        let mut parts = Classes::new(3);
        for i in [0..3, 3..4, 4..8] {
            parts.update(arr2(&THREE[i.clone()]).view(), &TRUE[i.clone()], Some(&WEIGHTS[i]));
        }
        assert_eq!(parts.finish(), all);
    }

    #[test]
    fn many_classes_leave_out_what_would_not_fit() {
        let mut classes = Classes::new(2_000);
        classes.update(ndarray::Array2::eye(2_000).slice(ndarray::s![..3, ..]), &[0, 1, 5], None);
        let report = classes.finish();
        assert_eq!((report.confusion.is_none(), report.roc_auc().is_nan()), (true, true));
        close(&[report.accuracy], &[2.0 / 3.0]);
        assert!(report.f1_macro().is_nan());
    }
}

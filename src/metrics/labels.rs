//! Several yes-or-no labels at once.

use ndarray::ArrayView2;

use super::classes::{log_loss_of, ratio};
use super::ranking::{Ranking, mean};

/// Gathers probabilities of labels that exclude each other or not; see [`LabelReport`].
#[derive(Clone, Debug)]
pub struct Labels {
    rows: u64,
    weight: f64,
    weight_squares: f64,
    all_right: f64,
    scores: Vec<LabelScores>,
    ranking: Ranking,
}

/// What was counted for one label; weights take the place of counts where rows have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelScores {
    /// Rows that have the label.
    pub support: f64,
    /// Rows for which it was predicted.
    pub predicted: f64,
    /// Rows for which it was predicted rightly.
    pub hits: f64,
    /// Mean of −ln of the probability of what is true.
    pub log_loss: f64,
    /// Area under the ROC curve; NaN where only one kind of row is there.
    pub roc_auc: f64,
    /// Average precision; NaN without a row that has the label.
    pub average_precision: f64,
}

impl LabelScores {
    /// Right ones among those predicted; 0 if there are none, NaN if no row has the label.
    pub fn precision(&self) -> f64 {
        ratio(self.hits, self.predicted, self.support)
    }

    /// Right ones among those that have the label; NaN if no row has it.
    pub fn recall(&self) -> f64 {
        ratio(self.hits, self.support, self.support)
    }

    /// The harmonic mean of precision and recall; 0 if both are, NaN if no row has the label.
    pub fn f1(&self) -> f64 {
        ratio(2.0 * self.hits, self.support + self.predicted, self.support)
    }
}

impl Labels {
    /// For `n` labels, at least one.
    pub fn new(n: usize) -> Self {
        let none = LabelScores {
            support: 0.0,
            predicted: 0.0,
            hits: 0.0,
            log_loss: 0.0,
            roc_auc: f64::NAN,
            average_precision: f64::NAN,
        };
        Labels {
            rows: 0,
            weight: 0.0,
            weight_squares: 0.0,
            all_right: 0.0,
            scores: vec![none; n],
            ranking: Ranking::new(n),
        }
    }

    /// Adds rows: probabilities and truths `[B, L]`, a truth being 0 or 1, and row weights `[B]`. A label counts as
    /// predicted where its probability is over a half.
    ///
    /// # Panics
    /// Where the shapes differ.
    pub fn update(
        &mut self,
        probabilities: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
        weights: Option<&[f32]>,
    ) {
        assert_eq!(probabilities.dim(), targets.dim());
        assert_eq!(probabilities.ncols(), self.scores.len());
        assert!(weights.is_none_or(|w| w.len() == targets.nrows()));
        for (i, (row, truth)) in probabilities.rows().into_iter().zip(targets.rows()).enumerate() {
            let weight = weights.map(|w| w[i]);
            let w = f64::from(weight.unwrap_or(1.0));
            let mut all_right = true;
            for ((&p, &t), scores) in row.iter().zip(truth).zip(&mut self.scores) {
                let (predicted, has) = (p > 0.5, t > 0.5);
                all_right &= predicted == has;
                scores.support += if has { w } else { 0.0 };
                scores.predicted += if predicted { w } else { 0.0 };
                scores.hits += if predicted && has { w } else { 0.0 };
                scores.log_loss += w * log_loss_of(if has { p } else { 1.0 - p });
            }
            self.rows += 1;
            self.weight += w;
            self.weight_squares += w * w;
            self.all_right += if all_right { w } else { 0.0 };
            self.ranking.push(row.iter().copied(), |c| truth[c] > 0.5, weight);
        }
    }

    /// All figures.
    pub fn finish(mut self) -> LabelReport {
        for (scores, areas) in self.scores.iter_mut().zip(self.ranking.finish()) {
            scores.log_loss /= self.weight;
            scores.roc_auc = areas.roc_auc;
            if areas.has_positives {
                scores.average_precision = areas.average_precision;
            }
        }
        LabelReport {
            rows: self.rows,
            effective_rows: self.weight * self.weight / self.weight_squares,
            accuracy: self.all_right / self.weight,
            labels: self.scores,
            exact_ranking: self.ranking.is_exact(),
        }
    }
}

/// The figures of a classifier of several labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelReport {
    /// How many rows.
    pub rows: u64,
    /// Rows of equal weight that would tell as much: (Σw)² / Σw² (Kish 1965).
    pub effective_rows: f64,
    /// The weight of the rows whose labels are all right, over that of all rows.
    pub accuracy: f64,
    /// For each label.
    pub labels: Vec<LabelScores>,
    /// Whether the areas come from all scores; otherwise from bins, right to about four digits.
    pub exact_ranking: bool,
}

impl LabelReport {
    /// The mean over all labels; NaN if it is not defined for one of them.
    fn mean(&self, of: impl Fn(&LabelScores) -> f64) -> f64 {
        mean(self.labels.iter().map(of))
    }

    /// Positions of the labels that all rows have, or none.
    pub fn one_sided(&self) -> impl Iterator<Item = usize> {
        self.labels.iter().enumerate().filter(|(_, label)| label.roc_auc.is_nan()).map(|(i, _)| i)
    }

    /// The mean of [`LabelScores::f1`].
    pub fn f1_macro(&self) -> f64 {
        self.mean(LabelScores::f1)
    }

    /// The mean of [`LabelScores::precision`].
    pub fn precision_macro(&self) -> f64 {
        self.mean(LabelScores::precision)
    }

    /// The mean of [`LabelScores::recall`].
    pub fn recall_macro(&self) -> f64 {
        self.mean(LabelScores::recall)
    }

    /// The mean area over the labels.
    pub fn roc_auc(&self) -> f64 {
        self.mean(|l| l.roc_auc)
    }

    /// The mean average precision over the labels.
    pub fn average_precision(&self) -> f64 {
        self.mean(|l| l.average_precision)
    }

    /// The mean over the labels of their log loss.
    pub fn log_loss(&self) -> f64 {
        self.mean(|l| l.log_loss)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;
    use crate::metrics::classes::tests::close;

    const P: [[f32; 3]; 5] =
        [[0.9, 0.2, 0.6], [0.4, 0.7, 0.5], [0.8, 0.8, 0.3], [0.3, 0.1, 0.2], [0.6, 0.6, 0.1]];
    const Y: [[f32; 3]; 5] =
        [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];

    // scikit-learn 1.9.1: accuracy_score; f1_score, precision_score, recall_score, roc_auc_score and
    // average_precision_score with average="macro"; the mean of log_loss over the columns. Weighted: sample_weight.
    const PLAIN: [f64; 7] = [
        0.2,
        0.7111111111111111,
        0.7777777777777777,
        0.7222222222222222,
        0.7777777777777778,
        0.8166666666666668,
        0.5102791686852773,
    ];
    const WEIGHTED: [f64; 7] = [
        0.14814814814814814,
        0.6266666666666666,
        0.8917748917748917,
        0.5555555555555555,
        0.7407407407407408,
        0.8599326599326599,
        0.4955952183148007,
    ];

    fn figures(weights: Option<&[f32]>) -> [f64; 7] {
        let mut labels = Labels::new(3);
        labels.update(arr2(&P).view(), arr2(&Y).view(), weights);
        let r = labels.finish();
        [
            r.accuracy,
            r.f1_macro(),
            r.precision_macro(),
            r.recall_macro(),
            r.roc_auc(),
            r.average_precision(),
            r.log_loss(),
        ]
    }

    #[test]
    fn labels_are_as_in_scikit_learn() {
        close(&figures(None), &PLAIN);
        close(&figures(Some(&[1.0, 2.0, 0.5, 3.0, 0.25])), &WEIGHTED);
    }

    #[test]
    fn a_label_that_nobody_has_leaves_the_means_undefined() {
        let mut labels = Labels::new(2);
        labels.update(arr2(&[[0.9, 0.2], [0.4, 0.7]]).view(), arr2(&[[1.0, 0.0], [0.0, 0.0]]).view(), None);
        let report = labels.finish();
        assert!(report.labels[1].roc_auc.is_nan() && report.labels[1].average_precision.is_nan());
        let means = [report.roc_auc(), report.average_precision(), report.f1_macro()];
        assert!(means.iter().all(|mean| mean.is_nan()), "{means:?}");
        assert_eq!(report.one_sided().collect::<Vec<_>>(), [1]);
        close(&[report.accuracy, report.labels[0].f1()], &[0.5, 1.0]);
    }
}

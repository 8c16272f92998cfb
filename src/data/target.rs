//! What is predicted: classes, several labels at once, or numbers.

use serde::{Deserialize, Serialize};

/// A 0/1 target among several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelTarget {
    /// The column.
    pub name: String,
    /// What 0 and 1 are called in the data.
    pub classes: [String; 2],
}

/// A number target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberTarget {
    /// The column.
    pub name: String,
    /// Subtracted in f64 before the value is rounded to 32 bits.
    pub offset: f64,
    /// The network learns (x - mean) / std; 0 where targets are left as they are.
    pub mean: f64,
    /// Standard deviation of the training part; 1 where it does not vary or targets are left as they are.
    pub std: f64,
}

impl NumberTarget {
    /// The number that the network learns for a raw value.
    #[inline]
    pub(super) fn scale(&self, raw: f32) -> f32 {
        ((f64::from(raw) + self.offset - self.mean) / self.std) as f32
    }

    /// A prediction in the unit of the data.
    #[inline]
    pub fn restore(&self, y: f32) -> f64 {
        f64::from(y) * self.std + self.mean
    }
}

/// The targets of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Targets {
    /// One of two or more classes; the table holds its position as a number.
    Classes {
        /// The column.
        column: String,
        /// Labels; in ascending order unless a config gives another.
        classes: Vec<String>,
    },
    /// At each step of a row one of two or more classes; the table's row holds the number of its steps, and the table's
    /// [`StepTargets`](super::StepTargets) their classes.
    StepClasses {
        /// The column.
        column: String,
        /// Labels; in ascending order unless a config gives another.
        classes: Vec<String>,
    },
    /// Several yes/no answers at once; the table holds a 0 or 1 for each.
    Labels {
        /// One for each column.
        columns: Vec<LabelTarget>,
    },
    /// One number or several; the table holds them standardised.
    Numbers {
        /// One for each column.
        columns: Vec<NumberTarget>,
    },
    /// At each step of a text its next token; the table's text holds them.
    NextToken {
        /// Number of ids.
        vocabulary: usize,
    },
}

impl Targets {
    /// Numbers in each row of the target.
    pub fn width(&self) -> usize {
        match self {
            Targets::Classes { .. } | Targets::StepClasses { .. } => 1,
            Targets::Labels { columns } => columns.len(),
            Targets::Numbers { columns } => columns.len(),
            Targets::NextToken { .. } => 0,
        }
    }

    /// Names of the columns.
    pub fn names(&self) -> Vec<&str> {
        (0..self.width()).map(|i| self.name(i)).collect()
    }

    /// The name of the column of number `i` of a row.
    pub(super) fn name(&self, i: usize) -> &str {
        match self {
            Targets::Classes { column, .. } | Targets::StepClasses { column, .. } => column,
            Targets::Labels { columns } => &columns[i].name,
            Targets::Numbers { columns } => &columns[i].name,
            Targets::NextToken { .. } => "next token",
        }
    }

    /// The classes, where there are some.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. } => Some(classes),
            _ => None,
        }
    }

    /// What each number of a row is: labels, or `None` for a number.
    pub(super) fn labels(&self, i: usize) -> Option<&[String]> {
        match self {
            Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. } => Some(classes),
            Targets::Labels { columns } => Some(&columns[i].classes),
            Targets::Numbers { .. } | Targets::NextToken { .. } => None,
        }
    }

    /// Whether the parts fit each other, as those of a damaged model file may not.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. } => classes.len() >= 2,
            Targets::NextToken { vocabulary } => *vocabulary > 0,
            Targets::Labels { columns } => !columns.is_empty(),
            Targets::Numbers { columns } => {
                let valid = |c: &NumberTarget| {
                    c.mean.is_finite() && c.offset.is_finite() && c.std.is_finite() && c.std > 0.0
                };
                !columns.is_empty() && columns.iter().all(valid)
            }
        }
    }
}

/// Different values that a number target may have and still be classes.
const MOST_CLASSES: usize = 20;

/// Keeps the different values of a number target while it is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Ascending; no longer kept up once the values cannot be classes.
    pub(super) values: Vec<f64>,
    /// How each of them is spelled; of several spellings the shortest, `1` rather than `1.0`.
    pub(super) spellings: Vec<String>,
    /// Why the values cannot be classes.
    not_classes: Option<&'static str>,
}

impl Tally {
    /// Adds a value, which is spelled `text`.
    #[inline]
    pub(super) fn add(&mut self, x: f64, text: &str) {
        let x = x + 0.0; // -0 is 0
        if self.not_classes.is_some() {
            return;
        }
        match self.values.binary_search_by(|v| v.total_cmp(&x)) {
            Ok(at) if text.len() < self.spellings[at].len() => self.spellings[at] = text.to_owned(),
            Ok(_) => {}
            Err(_) if x.fract() != 0.0 => self.not_classes = Some("not all are whole numbers"),
            Err(_) if self.values.len() == MOST_CLASSES => {
                self.not_classes = Some("more than 20 different whole numbers");
            }
            Err(at) => {
                self.values.insert(at, x);
                self.spellings.insert(at, text.to_owned());
            }
        }
    }

    /// How `x` is spelled.
    pub(super) fn spelling(&self, x: f64) -> String {
        let found = self.values.iter().position(|&v| v == x);
        found.map_or_else(|| x.to_string(), |at| self.spellings[at].clone())
    }

    /// Whether the values are the classes of `rows` rows, and why. They are where all are whole numbers, at most 20
    /// different ones, and on average each has at least as many rows as there are classes; two values always are.
    pub(super) fn verdict(&self, rows: usize) -> (bool, String) {
        let k = self.values.len();
        if let Some(reason) = self.not_classes {
            return (false, reason.into());
        }
        match k {
            0..=2 => (true, format!("{k} different whole numbers")),
            _ if k * k <= rows => (true, format!("{k} different whole numbers in {rows} rows")),
            _ => (false, format!("{k} different whole numbers in only {rows} rows")),
        }
    }

    /// Whether every value is 0 or 1.
    pub(super) fn is_flag(&self) -> bool {
        self.not_classes.is_none() && self.values.iter().all(|&v| v == 0.0 || v == 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(values: impl IntoIterator<Item = f64>) -> bool {
        let mut tally = Tally::default();
        let mut rows = 0;
        for x in values {
            tally.add(x, &x.to_string());
            rows += 1;
        }
        tally.verdict(rows).0
    }

    #[test]
    fn few_whole_numbers_are_classes() {
        assert!(verdict((0..1797).map(|i| f64::from(i % 10))), "digits");
        assert!(verdict((0..1599).map(|i| f64::from(3 + i % 6))), "wine quality");
        assert!(verdict([0.0, 1.0, 1.0]), "two values");
        assert!(!verdict((0..442).map(|i| f64::from(25 + i % 214))), "diabetes");
        assert!(!verdict((0..100).map(|i| f64::from(i % 2) + 0.5)), "not whole");
        assert!(!verdict((0..12).map(f64::from)), "a handful of rows");
        assert!(
            verdict((0..400).map(|i| f64::from(i % 20))) && !verdict((0..4000).map(|i| f64::from(i % 21)))
        );
    }

    #[test]
    fn predictions_are_mapped_back() {
        let target = NumberTarget { name: "y".into(), offset: 0.0, mean: 150.0, std: 75.0 };
        assert_eq!(target.scale(225.0), 1.0);
        assert_eq!(target.restore(1.0), 225.0);
    }
}

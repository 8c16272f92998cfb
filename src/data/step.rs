//! What is common to tables whose rows are steps of series: their moments, and what becomes of their columns.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::DateTime;

use super::date;
use super::field::{self, Markers, Number};
use super::long::STEPS;
use super::options::{ColumnPin, ColumnType, DataOptions};
use super::rows::Fields;
use super::schema::matching;
use super::tokenizer::TokenizerKind;
use super::windows::KNOWN;
use crate::error::{Error, Result, quote};

/// When a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    Number(f64),
    Date(DateTime),
}

impl Moment {
    /// Reads the field of the column that orders the rows; it must be of the same kind as `first`. `key` is that of the
    /// config.
    ///
    /// # Errors
    /// For a field that is missing, no number and no date, or a number among dates.
    pub(super) fn read<F: Fields>(
        row: &F,
        column: usize,
        name: &str,
        key: &str,
        markers: &Markers,
        first: Option<&Moment>,
    ) -> Result<Moment> {
        let text = row.get(column).trim_ascii();
        let number = match markers.number(text) {
            Number::Value(x) => Some(Moment::Number(x)),
            _ => None,
        };
        let moment = number.or_else(|| date::parse(text).map(|parsed| Moment::Date(parsed.date)));
        let expected = match first {
            Some(Moment::Number(_)) => "a number, as in the rows before",
            Some(Moment::Date(_)) => "a date, as in the rows before",
            None => "a number, or a date such as 2024-01-31 or 2024-01-31 23:59:00",
        };
        match (moment, first) {
            (Some(m @ Moment::Number(_)), None | Some(Moment::Number(_)))
            | (Some(m @ Moment::Date(_)), None | Some(Moment::Date(_))) => Ok(m),
            _ => Err(Error::data(field::place(row, name), "the rows cannot be put in order by this field")
                .expected(expected)
                .found(quote(text))
                .help(format!("fix the field, or take {key} out: rows then keep the order of the file"))),
        }
    }

    /// The order of two moments of one kind.
    pub(super) fn compare(&self, other: &Moment) -> Ordering {
        match (self, other) {
            (Moment::Number(a), Moment::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Moment::Date(a), Moment::Date(b)) => a.cmp(b),
            (Moment::Number(_), Moment::Date(_)) => Ordering::Less,
            (Moment::Date(_), Moment::Number(_)) => Ordering::Greater,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Number(x) => write!(f, "{x}"),
            Moment::Date(date) => write!(f, "{date}"),
        }
    }
}

/// What making samples of steps did to the columns of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// Columns that the samples do not have.
    pub(super) gone: Vec<String>,
    /// Columns whose words, one for each step, are one text of a sample.
    pub(super) words: Vec<String>,
    /// Columns that the samples have and that are no inputs of their own, and what they are.
    pub(super) aside: BTreeMap<String, String>,
    /// The length of every series, where a config fixes it.
    pub(super) length: Option<usize>,
    /// For forecasts.
    pub(super) windows: Option<Cut>,
}

/// How samples were cut from one long series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The columns that are forecast.
    pub(super) targets: Vec<String>,
    /// Steps that are forecast.
    pub(super) horizon: usize,
    /// Steps from one window to the next.
    pub(super) stride: usize,
}

impl DataOptions {
    /// The options for samples with these columns, made of a table that the options are about.
    pub(super) fn for_samples(mut self, columns: &[String], steps: &Steps) -> Self {
        let has = |name: &String| columns.contains(name);
        // A name or pattern that was about columns which are gone is done with.
        let left = |pattern: &String| {
            let gone = steps.gone.contains(pattern) || !matching(&steps.gone, pattern).is_empty();
            has(pattern) || !gone || !matching(columns, pattern).is_empty()
        };
        self.exclude.retain(left);
        if let Some(features) = &mut self.features {
            features.retain(left);
            features.extend([STEPS, KNOWN].map(str::to_owned).into_iter().filter(has));
        }
        self.columns.retain(|name, _| !steps.gone.contains(name));
        for name in &steps.words {
            // Each word is a token.
            let pin = self.columns.entry(name.clone()).or_default();
            pin.tokenizer.get_or_insert(TokenizerKind::Whitespace);
        }
        if let Some(cut) = &steps.windows {
            let ahead = |name: &String| (1..=cut.horizon).map(|k| format!("{name}+{k}")).collect::<Vec<_>>();
            self.target = self.target.iter().flat_map(ahead).collect();
            for output in &mut self.outputs {
                output.columns = output.columns.iter().flat_map(ahead).collect();
            }
            // Numbers, however few different ones there are.
            let number = ColumnPin { kind: Some(ColumnType::Number), ..ColumnPin::default() };
            self.columns.extend(self.target.iter().map(|name| (name.clone(), number.clone())));
        }
        self.steps = steps.clone();
        self
    }

    /// For each column whether the options leave it out of the inputs.
    pub(super) fn spare(&self, columns: &[String]) -> Vec<bool> {
        let hits = |patterns: &[String]| {
            let mut hit: Vec<bool> = columns.iter().map(|c| patterns.contains(c)).collect();
            patterns.iter().flat_map(|p| matching(columns, p)).for_each(|c| hit[c] = true);
            hit
        };
        let mut spare = hits(&self.exclude);
        if let Some(features) = &self.features {
            spare.iter_mut().zip(hits(features)).for_each(|(spare, wanted)| *spare |= !wanted);
        }
        spare
    }
}

//! What each column of a long table is for.

use super::{LongTable, STEPS};
use crate::data::field::{self, Markers};
use crate::data::infer::{MANY_VALUES, Profile, distinct};
use crate::data::options::{ColumnType, DataOptions, MissingPolicy, Scale};
use crate::data::rows::RowBuffer;
use crate::data::schema::{absent_column, matching};
use crate::error::{Code, Error, Problem, Result, quote};

/// What a column is while rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Numbers of the steps, at this position.
    Channel(usize),
    /// Numbers of the steps at this position if they vary within a series, else one value for each series.
    Candidate(usize),
    /// One value for each series.
    Constant,
    /// A label for each step; its position among the columns of words.
    Label(usize),
    /// A word of a text in each step, at this position among them, if it varies within a series; else one text for each series.
    Word(usize),
    /// Of no use: one value for each series where it has one.
    Spare,
    /// It orders the rows.
    Order,
}

/// What each column is for when a preprocessing is to be fitted.
pub(super) fn fit_uses(
    sample: &RowBuffer,
    table: &LongTable,
    options: &DataOptions,
    taken: &dyn Fn(usize) -> bool,
) -> Result<Vec<Use>> {
    let (columns, source) = (sample.columns(), sample.source());
    let markers = Markers::new(&options.missing_values);
    let spare = options.spare(columns);
    let is = |name: &Option<String>, c: usize| name.as_ref() == Some(&columns[c]);
    let other =
        |c: usize| options.target.contains(&columns[c]) || is(&options.weight, c) || is(&options.group, c);
    let without =
        |c: usize| options.prior.as_ref().is_some_and(|prior| prior.does_without(&columns[c], None));
    let settled_words =
        |name: &String| options.prior.as_ref().is_some_and(|prior| prior.has_words_of_steps(name));
    let mut uses: Vec<Use> = (0..columns.len())
        .map(|c| if (spare[c] || without(c)) && !other(c) { Use::Spare } else { Use::Constant })
        .collect();
    let mut words = 0..;
    let mut at = || words.next().unwrap_or_default();
    for c in (0..columns.len()).filter(|&c| !taken(c)) {
        let pinned = options.pin(&columns[c]).kind;
        if options.target.contains(&columns[c]) {
            if pinned == Some(ColumnType::Labels) {
                uses[c] = Use::Label(at());
            }
        } else if uses[c] == Use::Constant
            && !other(c)
            && (pinned == Some(ColumnType::Text) || settled_words(&columns[c]))
        {
            uses[c] = Use::Word(at());
        }
    }
    let settled = options.prior.as_ref().and_then(|prior| prior.channels(STEPS));
    let Some(patterns) = table.channels.as_deref().or(settled) else {
        let mut width = 0;
        for c in (0..columns.len()).filter(|&c| !taken(c) && !other(c) && !spare[c]) {
            if matches!(uses[c], Use::Word(_)) {
                continue;
            }
            let pinned = options.pin(&columns[c]).kind;
            let inferred = || Profile::new(sample, c, &markers).verdict(sample, c, &markers, true).kind;
            if pinned.unwrap_or_else(inferred) == ColumnType::Number {
                uses[c] = Use::Candidate(width);
                width += 1;
            }
        }
        return Ok(uses);
    };
    let mut problems = Vec::new();
    let mut width = 0;
    for pattern in patterns {
        let literal = columns.iter().position(|c| c == pattern);
        let hits = literal.map_or_else(|| matching(columns, pattern), |c| vec![c]);
        if hits.is_empty() {
            problems.push(absent_column(source, "data.series.channels", pattern, columns));
        }
        for c in hits {
            if taken(c) || other(c) {
                if literal.is_some() {
                    let what = format!("{} cannot be a channel: it has another use", quote(&columns[c]));
                    problems.push(Problem::new("data.series.channels", what));
                }
            } else if !matches!(uses[c], Use::Channel(_)) && (literal.is_some() || !spare[c]) {
                uses[c] = Use::Channel(width);
                width += 1;
            }
        }
    }
    match problems.is_empty() {
        true => Ok(uses),
        false => Err(Error::all(Code::Data, problems)),
    }
}

/// Whether the fields of a column may be labels of the steps: words, or few different numbers.
pub(super) fn may_be_labels(sample: &RowBuffer, column: usize, markers: &Markers) -> bool {
    !Profile::new(sample, column, markers).all_numbers() || distinct(sample, column, markers) <= MANY_VALUES
}

/// Refuses what cannot be fixed about single channels, which are scaled together.
pub(in crate::data) fn check_pins<'c>(
    options: &DataOptions,
    channels: impl Iterator<Item = &'c String>,
) -> Result<()> {
    let mut problems = Vec::new();
    for name in channels {
        let pin = options.pin(name);
        let mut wrong = |suffix: &str, what: &str| {
            let place = format!("{}.{suffix}", field::pin_key(name));
            problems.push(Problem::new(place, what));
        };
        if pin.missing.is_some_and(|m| !matches!(m, MissingPolicy::Mean | MissingPolicy::Error)) {
            wrong("missing", "a step of a series takes \"mean\" or \"error\" only");
        }
        if pin.scale.is_some() {
            wrong("scale", "the channels of a series are scaled together: set data.scale");
        }
    }
    if !matches!(options.scale, Scale::Standard | Scale::None) {
        let problem = Problem::new("data.scale", "the channels of a series have no such scale");
        let problem = problem.expected("\"standard\" or \"none\"").found(quote(options.scale.name()));
        problems.push(problem.help("set the scale of other columns in data.columns.NAME.scale"));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::all(Code::Usage, problems)) }
}

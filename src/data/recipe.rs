//! How the fields of a row become the channels of a step.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::category_index::CategoryIndex;
use super::column::Dictionary;
use super::date::DatePart;
use super::field::{self, Markers};
use super::infer::{MANY_VALUES, Profile};
use super::options::{ColumnType, DataOptions};
use super::preprocess::absent;
use super::prior::NOT_IN_MODEL;
use super::rows::RowBuffer;
use super::samples::Purpose;
use super::schema::{absent_column, matching};
use super::windows::WindowTable;
use crate::error::{Code, Error, Result, quote};

/// What a channel takes of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// The number.
    Number,
    /// A part of the date.
    Part(DatePart),
    /// 1 where the field is this text, else 0.
    Is(String),
}

/// The channels of a step, each with its column.
#[derive(Clone, Debug, Default)]
pub(super) struct Recipe {
    channels: Vec<(usize, String, Kind)>,
    /// Columns that give no channel, and why.
    left_out: BTreeMap<String, String>,
}

impl Recipe {
    /// The channels of a table, and those that are known in advance: numbers as they are, a channel for each part of a date, a
    /// 0/1 channel for each category.
    pub(super) fn new(
        texts: &RowBuffer,
        table: &WindowTable,
        options: &DataOptions,
        markers: &Markers,
    ) -> Result<(Recipe, Recipe)> {
        let columns = texts.columns();
        if texts.is_empty() {
            let error = Error::data(texts.source(), "0 rows").expected("a header and at least one row");
            return Err(error.help("check that the file is the one you mean"));
        }
        let known = known_columns(texts, table)?;
        let spare = options.spare(columns);
        let mut recipe = Recipe::default();
        for (c, name) in columns.iter().enumerate() {
            let target = table.targets.contains(name);
            if options.weight.as_ref() == Some(name) || (spare[c] && !target && !known[c]) {
                let reason = if options.weight.as_ref() == Some(name) {
                    None
                } else {
                    Some("excluded by data.exclude, or not among data.features")
                };
                recipe.left_out.extend(reason.map(|reason| (name.clone(), format!("left out: {reason}"))));
                continue;
            }
            let reason = recipe.add(c, texts, options, markers, target || known[c])?;
            if target && recipe.channels.last().is_none_or(|(of, _, kind)| (*of, kind) != (c, &Kind::Number))
            {
                let found = Profile::new(texts, c, markers).verdict(texts, c, markers, true).reason;
                let place = format!("{}, column {}", texts.source(), quote(name));
                return Err(Error::data(place, "the target of a forecast is no number")
                    .expected("a column of numbers")
                    .found(found)
                    .help("name a column of numbers in data.target, or fix the fields that are none"));
            }
            recipe.left_out.extend(reason.map(|reason| (name.clone(), format!("left out: {reason}"))));
        }
        // A number that orders the rows tells nothing but its own growth.
        let order = table.order.as_ref().and_then(|name| columns.iter().position(|c| c == name));
        let counts = |channel: &(usize, String, Kind)| {
            Some(channel.0) == order
                && channel.2 == Kind::Number
                && !known[channel.0]
                && !table.targets.contains(&channel.1)
        };
        if recipe.channels.iter().any(counts) {
            recipe.channels.retain(|channel| !counts(channel));
            recipe
                .left_out
                .extend(table.order.iter().map(|name| (name.clone(), "the order of the rows".to_owned())));
        }
        let of_known = recipe.channels.iter().filter(|(c, ..)| known[*c]).cloned().collect();
        Ok((recipe, Recipe { channels: of_known, left_out: BTreeMap::new() }))
    }

    /// The channels that a model has settled, and those of them that are known in advance; none of a column that `options` leave out.
    ///
    /// # Errors
    /// Those of [`Recipe::of_channels`]; [`Code::Data`] for columns known in advance that are not there.
    pub(super) fn settled(
        channels: &[String],
        texts: &RowBuffer,
        table: &WindowTable,
        options: &DataOptions,
    ) -> Result<(Recipe, Recipe)> {
        let columns = texts.columns();
        let known = known_columns(texts, table)?;
        let spare = options.spare(columns);
        let mut recipe = Recipe::of_channels(channels, texts)?;
        recipe.channels.retain(|&(c, ..)| !spare[c] || known[c] || table.targets.contains(&columns[c]));
        let without = |c: &usize| recipe.channels.iter().all(|channel| channel.0 != *c);
        let left_out = (0..columns.len()).filter(without);
        recipe.left_out =
            left_out.map(|c| (columns[c].clone(), format!("left out: {NOT_IN_MODEL}"))).collect();
        let of_known = recipe.channels.iter().filter(|(c, ..)| known[*c]).cloned().collect();
        Ok((recipe, Recipe { channels: of_known, left_out: BTreeMap::new() }))
    }

    /// Adds the channels of a column, or says why it has none.
    fn add(
        &mut self,
        c: usize,
        texts: &RowBuffer,
        options: &DataOptions,
        markers: &Markers,
        wanted: bool,
    ) -> Result<Option<String>> {
        let name = &texts.columns()[c];
        let pinned = options.pin(name).kind;
        let profile = Profile::new(texts, c, markers);
        let verdict = profile.verdict(texts, c, markers, wanted || pinned.is_some());
        if let Some(reason) = verdict.left_out {
            return Ok(Some(reason));
        }
        if verdict.kind == ColumnType::Text && pinned.is_none() {
            return Ok(Some("a step has no place for a text".into()));
        }
        let fields = || (0..texts.len()).map(|row| texts.field(row, c).trim_ascii());
        let first = fields().next().unwrap_or_default();
        if !wanted && fields().all(|text| text == first) {
            return Ok(Some("it does not vary".into()));
        }
        match pinned.unwrap_or(verdict.kind) {
            ColumnType::Number => self.channels.push((c, name.clone(), Kind::Number)),
            ColumnType::Date => {
                let format = profile.date_format.unwrap_or("%Y-%m-%d");
                for &part in DatePart::of_column(format, profile.has_time) {
                    self.channels.push((c, format!("{name}.{}", part.name()), Kind::Part(part)));
                }
            }
            ColumnType::Category => {
                let mut dictionary = Dictionary::default();
                fields().filter(|text| !markers.has(text)).for_each(|text| _ = dictionary.code(text));
                let (values, _) = dictionary.sorted(|_| true);
                if values.len() > MANY_VALUES {
                    return Ok(Some(format!("{} categories are too many for a step", values.len())));
                }
                // Of two values one tells the other, unless both are the same number.
                let alike = |a: &String, b: &String| CategoryIndex::new(&[a]).find(b).is_some();
                let skip = usize::from(matches!(&values[..], [a, b] if !alike(a, b)));
                for value in values.into_iter().skip(skip) {
                    self.channels.push((c, format!("{name}={value}"), Kind::Is(value)));
                }
            }
            other => {
                let place = format!("{}.type", field::pin_key(name));
                return Err(Error::usage(
                    place,
                    format!("a step has no place for the type {}", quote(other.name())),
                )
                .expected("number, category or date"));
            }
        }
        Ok(None)
    }

    /// The recipe that a model was trained with, from the names of its channels.
    ///
    /// # Errors
    /// [`Code::Model`] with all columns that are missing.
    pub(super) fn of_channels(names: &[String], texts: &RowBuffer) -> Result<Recipe> {
        let mut recipe = Recipe::default();
        let mut missing = Vec::new();
        for name in names {
            match find(name, texts.columns()) {
                Some((c, kind)) => recipe.channels.push((c, name.clone(), kind)),
                None => missing.push(&name[..]),
            }
        }
        match missing.is_empty() {
            true => Ok(recipe),
            false => Err(absent(&missing, texts.columns(), texts.source())),
        }
    }

    /// Each channel's column, and what it takes of the field.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Kind)> {
        self.channels.iter().map(|(c, _, kind)| (*c, kind))
    }

    /// For each channel of a category: which of its column's values it is, and all of them.
    pub(super) fn categories(&self) -> Vec<Option<(u32, Arc<CategoryIndex>)>> {
        let mut values: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let positions: Vec<Option<u32>> = self
            .channels
            .iter()
            .map(|(c, _, kind)| {
                let Kind::Is(value) = kind else { return None };
                let of_column = values.entry(*c).or_default();
                of_column.push(value);
                Some(of_column.len() as u32 - 1)
            })
            .collect();
        let indexes: BTreeMap<usize, Arc<CategoryIndex>> =
            values.iter().map(|(&c, values)| (c, Arc::new(CategoryIndex::new(values)))).collect();
        let channels = self.channels.iter().zip(positions);
        channels.map(|((c, ..), position)| Some((position?, indexes[c].clone()))).collect()
    }

    /// Number of channels.
    pub(super) fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Names of the channels.
    pub(super) fn names(&self) -> Vec<String> {
        self.channels.iter().map(|(_, name, _)| name.clone()).collect()
    }

    /// Columns whose numbers are channels.
    pub(super) fn number_columns<'t>(&self, texts: &'t RowBuffer) -> impl Iterator<Item = &'t String> {
        let numbers = self.channels.iter().filter(|(_, _, kind)| *kind == Kind::Number);
        numbers.map(|(c, ..)| &texts.columns()[*c])
    }

    /// What each column of the table is to a sample.
    pub(super) fn aside(
        &self,
        texts: &RowBuffer,
        known: &Recipe,
        purpose: Purpose<'_>,
    ) -> BTreeMap<String, String> {
        let weight = match purpose {
            Purpose::Fit(options) => options.weight.as_ref(),
            Purpose::Fitted { preprocessing, .. } => preprocessing.weight.as_ref(),
        };
        let of = |c: usize, name: &String| {
            let count = self.channels.iter().filter(|channel| channel.0 == c).count();
            let ahead = known.channels.iter().any(|channel| channel.0 == c);
            let ahead = if ahead { ", known in advance" } else { "" };
            match count {
                0 => self.left_out.get(name).cloned().unwrap_or_else(|| "left out".into()),
                1 => format!("a channel of the steps{ahead}"),
                n => format!("{n} channels of the steps{ahead}"),
            }
        };
        let columns = texts.columns().iter().enumerate().filter(|(_, name)| weight != Some(name));
        columns.map(|(c, name)| (name.clone(), of(c, name))).collect()
    }
}

/// For each column whether it is known in advance.
fn known_columns(texts: &RowBuffer, table: &WindowTable) -> Result<Vec<bool>> {
    let columns = texts.columns();
    let mut known = vec![false; columns.len()];
    let mut problems = Vec::new();
    for pattern in &table.known {
        let literal = columns.iter().position(|c| c == pattern);
        let hits = literal.map_or_else(|| matching(columns, pattern), |c| vec![c]);
        if hits.is_empty() {
            problems.push(absent_column(texts.source(), "data.windows.known", pattern, columns));
        }
        hits.into_iter().for_each(|c| known[c] = true);
    }
    match problems.is_empty() {
        true => Ok(known),
        false => Err(Error::all(Code::Data, problems)),
    }
}

/// The column of a channel, and what it takes of the field: `temp`, `city=Oslo`, `day.weekday`.
fn find(name: &str, columns: &[String]) -> Option<(usize, Kind)> {
    let position = |column: &str| columns.iter().position(|c| c == column);
    if let Some(c) = position(name) {
        return Some((c, Kind::Number));
    }
    let part = |at: usize| {
        let part = DatePart::from_name(&name[at + 1..])?;
        Some((position(&name[..at])?, Kind::Part(part)))
    };
    let value = |at: usize| Some((position(&name[..at])?, Kind::Is(name[at + 1..].to_owned())));
    let dots = name.match_indices('.').find_map(|(at, _)| part(at));
    dots.or_else(|| name.match_indices('=').find_map(|(at, _)| value(at)))
}

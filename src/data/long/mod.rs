//! Long tables: a row for each step of a series, an id that says which series it belongs to.
//!
//! The rows of an id make one sample, in the order in which the ids appear; they need not be neighbours. Its channels, numbers
//! that vary within a series, are the steps of the column [`STEPS`]. Words that vary, one in each row, make a text; so do labels of the
//! steps. Every other column has one value for each series.

mod spans;
mod uses;
mod words;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

pub(in crate::data) use self::uses::check_pins;
use self::uses::{Use, fit_uses, may_be_labels};
use self::words::Words;
use super::field::{self, Markers, Stage};
use super::held::{HeldRows, Payloads};
use super::kept::{FileRows, Keep, Kept};
use super::missing::{self, Missing};
use super::note::Note;
use super::options::DataOptions;
use super::preprocess::absent;
use super::raw::{missing_values, read_number};
use super::raw_target::missing_target;
use super::rows::{Fields, RowBuffer, Rows};
use super::samples::Purpose;
use super::schema::absent_column;
use super::step::{Moment, Steps};
use super::step_targets;
use super::stored::Series;
use crate::error::{Code, Error, Result, quote};

/// The column that holds the steps of a sample.
pub const STEPS: &str = "series";

/// What a config says about a long table (`[data.series]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LongTable {
    /// The column that says which series a row belongs to.
    pub id: String,
    /// The column that orders the rows of a series, numbers or dates; the order of the file if not given.
    pub order: Option<String>,
    /// Names or patterns of the columns that are numbers of a step; if not given, all number columns that vary within a
    /// series.
    pub channels: Option<Vec<String>>,
    /// The most steps of a sample: of a longer series the last ones are taken.
    pub length: Option<usize>,
    /// Channels in which no number may be missing.
    pub required: Vec<String>,
}

/// Reads all rows and makes a sample of each series; with `keep` the samples have their [`FileRows`].
///
/// # Errors
/// [`Code::Data`] for columns that are not there, values that do not fit, a column that should have one value for each series
/// and does not, two rows of one series at one moment, and a table in which nothing varies within a series;
/// [`Code::Model`] for channels of a model that are missing.
pub(super) fn read<R: Rows>(
    rows: &mut R,
    table: &LongTable,
    purpose: Purpose<'_>,
    keep: Option<&Keep>,
) -> Result<HeldRows> {
    let sample = match purpose {
        Purpose::Fit(_) => RowBuffer::sample(rows)?,
        Purpose::Fitted { .. } => RowBuffer::new(rows.source(), rows.columns()),
    };
    let mut reading = Reading::new(&sample, table, purpose, keep)?;
    (0..sample.len()).try_for_each(|i| reading.push(&sample.row(i)))?;
    drop(sample);
    while let Some(row) = rows.next_row()? {
        reading.push(&row)?;
    }
    reading.finish()
}

/// The first row of a series.
struct First {
    file: u32,
    line: u64,
    steps: u32,
}

struct Reading<'a> {
    table: &'a LongTable,
    purpose: Purpose<'a>,
    source: String,
    columns: Vec<String>,
    uses: Vec<Use>,
    id: usize,
    order: Option<usize>,
    /// Numbers of a step as they are read.
    width: usize,
    markers: Markers,
    ids: HashMap<Box<str>, u32>,
    series: Vec<First>,
    files: Vec<String>,
    /// `[series, columns]`: the fields of the first row.
    fields: Vec<Box<str>>,
    /// Whether a column of targets may hold labels of the steps.
    may_be_labels: Vec<bool>,
    /// Whether a column has several values in one series.
    varies: Vec<bool>,
    /// `[rows, width]`
    numbers: Vec<f32>,
    /// For each row its series, its line, and its moment where there is an order.
    of: Vec<u32>,
    lines: Vec<u64>,
    moments: Vec<Moment>,
    /// For each channel: how many numbers are missing, and where the first one is.
    missing: Vec<(u64, String, u64)>,
    /// For each column of words or labels.
    words: Vec<Words>,
    /// The fields of each row that are kept, where rows are.
    kept: Option<Kept>,
}

impl<'a> Reading<'a> {
    fn new(
        sample: &RowBuffer,
        table: &'a LongTable,
        purpose: Purpose<'a>,
        keep: Option<&Keep>,
    ) -> Result<Self> {
        let columns = sample.columns().to_vec();
        let source = sample.source().to_owned();
        if columns.iter().any(|c| c == STEPS) {
            let what = format!("a column is called {}, as the steps of a series are", quote(STEPS));
            return Err(Error::data(&source, what).help("rename it in the header"));
        }
        let find = |name: &str| columns.iter().position(|c| c == name);
        let missing = |names: &[(&str, &String)]| {
            Err(match purpose {
                Purpose::Fit(_) => Error::all(
                    Code::Data,
                    names.iter().map(|(key, name)| absent_column(&source, key, name, &columns)).collect(),
                ),
                Purpose::Fitted { .. } => {
                    let names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
                    absent(&names, &columns, &source)
                }
            })
        };
        let named = [("data.series.id", Some(&table.id)), ("data.series.order", table.order.as_ref())];
        let named = named.into_iter().filter_map(|(key, name)| Some((key, name?)));
        let absent: Vec<(&str, &String)> = named.filter(|(_, name)| find(name).is_none()).collect();
        if !absent.is_empty() || sample.columns().is_empty() {
            return missing(&absent);
        }
        let (id, order) = (find(&table.id).unwrap_or(0), table.order.as_deref().and_then(find));
        let taken = |c: usize| c == id || Some(c) == order;
        let mut uses = match purpose {
            Purpose::Fit(options) => fit_uses(sample, table, options, &taken)?,
            Purpose::Fitted { preprocessing, with_targets } => {
                let channels = preprocessing.channels(STEPS);
                let absent: Vec<(&str, &String)> =
                    channels.iter().filter(|name| find(name).is_none()).map(|name| ("", name)).collect();
                if !absent.is_empty() {
                    return missing(&absent);
                }
                let needed = |name: &String| preprocessing.needs(name, with_targets);
                let channel = |name: &String| channels.iter().position(|c| c == name).map(Use::Channel);
                let labels: Vec<&str> = preprocessing.targets.names_of_steps().collect();
                let mut found = 0..;
                let mut at = || found.next().unwrap_or_default();
                let of = |name: &String| match channel(name) {
                    Some(channel) => channel,
                    None if with_targets && labels.contains(&name.as_str()) => Use::Label(at()),
                    None if preprocessing.has_words_of_steps(name) => Use::Word(at()),
                    None if needed(name) => Use::Constant,
                    None => Use::Spare,
                };
                columns.iter().map(of).collect()
            }
        };
        uses[id] = Use::Constant;
        if let Some(order) = order {
            uses[order] = Use::Order;
        }
        let width = uses.iter().filter(|u| matches!(u, Use::Channel(_) | Use::Candidate(_))).count();
        let markers = Markers::new(purpose.missing_values());
        let words = uses.iter().filter(|u| matches!(u, Use::Label(_) | Use::Word(_)));
        let words = words.map(|_| Words::default()).collect();
        Ok(Reading {
            table,
            purpose,
            source,
            may_be_labels: (0..columns.len())
                .map(|c| purpose.is_target(&columns[c]) && may_be_labels(sample, c, &markers))
                .collect(),
            varies: vec![false; columns.len()],
            kept: keep.map(|keep| Kept::new(keep.positions(&columns))),
            columns,
            uses,
            id,
            order,
            width,
            markers,
            ids: HashMap::new(),
            series: Vec::new(),
            files: Vec::new(),
            fields: Vec::new(),
            numbers: Vec::new(),
            of: Vec::new(),
            lines: Vec::new(),
            moments: Vec::new(),
            missing: vec![(0, String::new(), 0); width],
            words,
        })
    }

    fn push<F: Fields>(&mut self, row: &F) -> Result<()> {
        let id = row.get(self.id).trim_ascii();
        if self.markers.has(id) {
            let error = Error::data(field::place(row, &self.table.id), "the id of the series is missing");
            return Err(error.found(quote(id)).help("fill it in or remove the row"));
        }
        let series = match self.ids.get(id) {
            Some(&series) => series as usize,
            None => self.start(row, id),
        };
        let start = self.numbers.len();
        self.numbers.resize(start + self.width, f32::NAN);
        for c in 0..self.uses.len() {
            let text = row.get(c).trim_ascii();
            let first = &self.fields[series * self.columns.len() + c];
            match self.uses[c] {
                Use::Channel(at) | Use::Candidate(at) => {
                    self.varies[c] |= **first != *text;
                    let x =
                        read_number(row, text, &self.columns[c], &self.markers, 0.0, self.purpose.stage())?;
                    self.numbers[start + at] = x;
                    if x.is_nan() {
                        let missing = &mut self.missing[at];
                        if missing.0 == 0 {
                            *missing = (0, row.file().into(), row.line());
                        }
                        missing.0 += 1;
                    }
                }
                Use::Constant if **first != *text => return Err(self.unsteady(row, c, series)),
                Use::Spare => self.varies[c] |= **first != *text,
                Use::Label(at) => {
                    let name = &self.columns[c];
                    if self.markers.has_text(text) {
                        return Err(missing_target(row, name, text));
                    }
                    step_targets::check_label(row, name, text)?;
                    self.words[at].push(text);
                }
                Use::Word(at) => {
                    self.varies[c] |= **first != *text;
                    self.words[at].push_token(row, &self.columns[c], text);
                }
                Use::Constant | Use::Order => {}
            }
        }
        if let Some(order) = self.order {
            let name = &self.columns[order];
            self.moments.push(Moment::read(
                row,
                order,
                name,
                "data.series.order",
                &self.markers,
                self.moments.first(),
            )?);
        }
        if let Some(kept) = &mut self.kept {
            kept.push(row);
        }
        self.series[series].steps += 1;
        self.of.push(series as u32);
        self.lines.push(row.line());
        if self.of.len() > u32::MAX as usize {
            return Err(Error::data(row.file(), format!("more than {} rows", u32::MAX)));
        }
        Ok(())
    }

    /// The first row of a series.
    fn start<F: Fields>(&mut self, row: &F, id: &str) -> usize {
        let series = self.series.len();
        self.ids.insert(id.into(), series as u32);
        if self.files.last().is_none_or(|file| file != row.file()) {
            self.files.push(row.file().into());
        }
        self.series.push(First { file: (self.files.len() - 1) as u32, line: row.line(), steps: 0 });
        self.fields.extend((0..self.columns.len()).map(|c| Box::from(row.get(c).trim_ascii())));
        series
    }

    /// A column with two values in a series.
    fn unsteady<F: Fields>(&self, row: &F, c: usize, series: usize) -> Error {
        let id = &self.fields[series * self.columns.len() + self.id];
        let first = &self.series[series];
        let what = format!("the value changes within the series {}", quote(id));
        let file = &self.files[first.file as usize];
        let place = if *file == row.file() { String::new() } else { format!("{file}, ") };
        let before = &self.fields[series * self.columns.len() + c];
        let error = Error::data(field::place(row, &self.columns[c]), what)
            .expected(format!("{}, as in {place}line {}", quote(before), first.line))
            .found(quote(row.get(c).trim_ascii()));
        if self.may_be_labels[c] {
            let key = field::pin_key(&self.columns[c]);
            return error
                .help(format!("where each step has a label of its own, set {key}.type = \"labels\""));
        }
        if self.purpose.is_target(&self.columns[c]) {
            return error.help(
                "a series has one target: write the same number into all of its rows, or name another target; the next numbers of one \
                 series are forecast with [data.windows] in place of [data.series]",
            );
        }
        error.help(match self.purpose.stage() {
            Stage::Train => {
                "a column of numbers that change can be named in data.series.channels, one with a word in each row gets \
                 type = \"text\"; any other goes into data.exclude"
            }
            Stage::Model => "the model takes this column as one value for each series",
        })
    }

    fn finish(mut self) -> Result<HeldRows> {
        if self.of.is_empty() && matches!(self.purpose, Purpose::Fit(_)) {
            let error = Error::data(&self.source, "0 rows").expected("a header and at least one row");
            return Err(error.help("check that the file is the one you mean"));
        }
        let mut channels = self.channels()?;
        if let Purpose::Fit(DataOptions { prior: Some(prior), .. }) = self.purpose
            && let Some(order) = prior.channels(STEPS)
        {
            channels.sort_by_key(|&(c, _)| {
                order.iter().position(|name| *name == self.columns[c]).unwrap_or(order.len())
            });
        }
        if let Purpose::Fit(options) = self.purpose {
            check_pins(options, channels.iter().map(|&(c, _)| &self.columns[c]))?;
        }
        let required = |at: &usize| self.table.required.contains(&self.columns[channels[*at].0]);
        let mut problems = Vec::new();
        for at in (0..channels.len()).filter(required) {
            let (count, file, line) = &self.missing[channels[at].1];
            if *count > 0 {
                let name = &self.columns[channels[at].0];
                problems.push(missing_values(&self.source, name, *count, file, *line));
            }
        }
        if !problems.is_empty() {
            return Err(Error::all(Code::Data, problems));
        }
        let order = self.sorted()?;
        let in_place = order.iter().zip(0..).all(|(&row, i)| row == i);
        if !(in_place
            && channels.iter().zip(0..).all(|(&(_, at), i)| at == i)
            && channels.len() == self.width)
        {
            let numbers = std::mem::take(&mut self.numbers);
            self.numbers.reserve_exact(order.len() * channels.len());
            for &row in &order {
                let row = &numbers[row as usize * self.width..][..self.width];
                self.numbers.extend(channels.iter().map(|&(_, at)| row[at]));
            }
        }
        let missing: Vec<Missing> = channels
            .iter()
            .map(|&(c, at)| Missing {
                column: self.columns[c].clone(),
                count: self.missing[at].0,
                all: self.of.len() as u64,
                became: self.purpose.became_of_steps(&self.columns[c]),
            })
            .collect();
        let (spans, note) = spans::last(self.series.iter().map(|s| s.steps as usize), self.table.length);
        let channels: Vec<usize> = channels.into_iter().map(|(c, _)| c).collect();
        let block = Series {
            channels: channels.iter().map(|&c| self.columns[c].clone()).collect(),
            numbers: std::mem::take(&mut self.numbers),
        };
        let words = self.words_of_steps()?;
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|c| !channels.contains(c) && Some(*c) != self.order)
            .filter(|&c| !(self.uses[c] == Use::Spare && self.varies[c]))
            .collect();
        let steps = Steps {
            gone: (0..self.columns.len())
                .filter(|c| !kept.contains(c))
                .map(|c| self.columns[c].clone())
                .collect(),
            words: words.iter().map(|&c| self.columns[c].clone()).collect(),
            aside: [(self.table.id.clone(), "the series that a row belongs to".to_owned())].into(),
            length: self.table.length,
            windows: None,
        };
        let numbers = !channels.is_empty();
        let texts = self.texts(&kept, &words, numbers, &order, &spans);
        let file_rows = self.kept.map(|kept| FileRows {
            columns: self.columns,
            kept,
            ids: self.ids,
            series: self.of,
            order,
            spans: spans.clone(),
        });
        let payloads = if numbers { Payloads::Steps(Arc::new(block), spans) } else { Payloads::None };
        let rows = HeldRows::new(texts, kept.len(), payloads).with_steps(steps).with_file_rows(file_rows);
        let notes = note.map(Note::new).into_iter().chain(missing::notes(&missing));
        Ok(rows.with_notes(notes.collect()))
    }

    /// The channels: their columns, and their positions among the numbers that were read.
    fn channels(&self) -> Result<Vec<(usize, usize)>> {
        let channel = |(c, u): (usize, &Use)| match *u {
            Use::Channel(at) => Some((c, at)),
            Use::Candidate(at) if self.varies[c] => Some((c, at)),
            _ => None,
        };
        let mut channels: Vec<(usize, usize)> = self.uses.iter().enumerate().filter_map(channel).collect();
        channels.sort_by_key(|&(_, at)| at);
        if matches!(self.purpose, Purpose::Fitted { .. }) {
            return Ok(channels);
        }
        if self.series.iter().all(|s| s.steps == 1) {
            let error = Error::data(&self.source, "every series has one row only")
                .expected(format!("rows that share a value of {}", quote(&self.table.id)))
                .found(format!("{} different values in {} rows", self.series.len(), self.of.len()));
            return Err(error.help(
                "name the column that says which series a row belongs to in data.series.id; a table with a row for each \
                 series needs no [data.series]",
            ));
        }
        if channels.is_empty() && self.words_of_steps()?.is_empty() {
            let error = Error::data(&self.source, "no number column varies within a series");
            return Err(error.help(
                "name the channels in data.series.channels, and check data.exclude; a column with a word in each row gets \
                 type = \"text\"",
            ));
        }
        Ok(channels)
    }

    /// The columns whose words make one text of each series. While a preprocessing is fitted, a text that never varies is one for
    /// the series.
    fn words_of_steps(&self) -> Result<Vec<usize>> {
        let settled = |c: usize| match self.purpose {
            Purpose::Fit(options) => {
                options.prior.as_ref().is_some_and(|prior| prior.has_words_of_steps(&self.columns[c]))
            }
            Purpose::Fitted { .. } => true,
        };
        let words = self.uses.iter().enumerate().filter_map(|(c, u)| match u {
            Use::Word(at) if self.varies[c] || settled(c) => Some(self.words[*at].check().map(|()| c)),
            _ => None,
        });
        words.collect()
    }

    /// The rows, series after series, each in its order.
    fn sorted(&self) -> Result<Vec<u32>> {
        let mut ends = Vec::with_capacity(self.series.len());
        let mut next = 0;
        for first in &self.series {
            ends.push(next);
            next += first.steps as usize;
        }
        let mut rows = vec![0u32; self.of.len()];
        for (row, &series) in self.of.iter().enumerate() {
            rows[ends[series as usize]] = row as u32;
            ends[series as usize] += 1;
        }
        let Some(order) = self.order else { return Ok(rows) };
        let mut rest = &mut rows[..];
        for (series, first) in self.series.iter().enumerate() {
            let (own, behind) = rest.split_at_mut(first.steps as usize);
            rest = behind;
            let moment = |row: u32| &self.moments[row as usize];
            own.sort_by(|&a, &b| moment(a).compare(moment(b)));
            if let Some(twice) = own.windows(2).find(|w| moment(w[0]).compare(moment(w[1])).is_eq()) {
                let id = quote(&self.fields[series * self.columns.len() + self.id]);
                let [a, b] = [twice[0], twice[1]].map(|row| self.lines[row as usize]);
                let place = format!("{}, column {}", self.source, quote(&self.columns[order]));
                let what = format!("two rows of the series {id} are at {}", moment(twice[0]));
                return Err(Error::data(place, what)
                    .found(format!("lines {a} and {b}"))
                    .help("remove one of them, or give each its own place in data.series.order"));
            }
        }
        Ok(rows)
    }

    /// A row for each series: its fields in these columns, of which `words` have one word for each step, and if there are `numbers`
    /// of the steps an empty one for them. The rows are in this `order`, of which each series has a span.
    fn texts(
        &self,
        kept: &[usize],
        words: &[usize],
        numbers: bool,
        order: &[u32],
        spans: &[Range<usize>],
    ) -> RowBuffer {
        let mut names: Vec<String> = kept.iter().map(|&c| self.columns[c].clone()).collect();
        names.extend(numbers.then(|| STEPS.into()));
        let mut texts = RowBuffer::new(&self.source, &names);
        let mut field = String::new();
        let fields = self.fields.chunks_exact(self.columns.len());
        for ((first, fields), span) in self.series.iter().zip(fields).zip(spans) {
            texts.start_row(&self.files[first.file as usize], first.line);
            for &c in kept {
                let at = match self.uses[c] {
                    Use::Label(at) => Some(at),
                    Use::Word(at) => words.contains(&c).then_some(at),
                    _ => None,
                };
                match at {
                    Some(at) => {
                        self.words[at].join(&order[span.clone()], &mut field);
                        texts.push_field(&field);
                    }
                    None => texts.push_field(&fields[c]),
                }
            }
            if numbers {
                texts.push_field("");
            }
        }
        texts
    }
}

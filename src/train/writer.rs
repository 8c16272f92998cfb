//! Predictions as lines of CSV or JSON.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::data::Targets;
use crate::error::{Error, Result, quote};
use crate::train::Format;
use crate::train::answer::{Answer, Line, Pairs, Predicted, Step};
use crate::train::blocks::Block;
use crate::train::in_order::InOrder;

/// Turns blocks into text.
pub(super) struct Writer {
    answer: Answer,
    /// Names of the kept columns.
    kept: Vec<String>,
    format: Format,
    text: Vec<u8>,
    header: bool,
    /// The rows of a long table, where each has a line of its own.
    in_order: Option<InOrder>,
}

impl Writer {
    /// # Errors
    /// `Code::Usage` for a kept column that has the name of an answer.
    pub(super) fn new(
        answer: Answer,
        kept: Vec<String>,
        format: Format,
        in_order: Option<InOrder>,
    ) -> Result<Writer> {
        let own = if format == Format::Csv { answer.columns() } else { answer.keys() };
        if let Some(name) = kept.iter().find(|name| own.contains(name)) {
            let what = format!("the kept column {} has the name of a column of the output", quote(name));
            return Err(Error::usage("--keep", what)
                .help("rename it in the input, or name the columns to keep without it"));
        }
        let header = format == Format::Csv;
        Ok(Writer { answer, kept, format, text: Vec::new(), header, in_order })
    }

    /// Lines of the first `rows` of `block`, for which each output predicts this, and before the first ones the header. Without
    /// [`InOrder`] a line for each row; with it, the lines of all rows of a long table that can be written by now, the
    /// block keeping the id of each series alone.
    ///
    /// # Errors
    /// None that the formats can have in memory.
    pub(super) fn write(&mut self, block: &Block, rows: usize, predicted: &[Predicted]) -> Result<&[u8]> {
        self.text.clear();
        if std::mem::take(&mut self.header) {
            let mut csv = csv::Writer::from_writer(&mut self.text);
            csv.write_record(self.kept.iter().chain(&self.answer.columns())).map_err(defect)?;
            csv.flush().map_err(defect)?;
        }
        let (answer, kept, format) = (&self.answer, &self.kept, self.format);
        let Some(in_order) = &mut self.in_order else {
            let mut lines = Lines { answer, kept, format, text: &mut self.text, ends: None };
            let line = |at| Line { kept: (&block.kept, at), predicted, at, step: Step::All };
            lines.write((0..rows).map(line))?;
            return Ok(&self.text);
        };
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for at in 0..rows {
            let rows = in_order.rows();
            let series = block.kept.row(at).next().and_then(|id| rows.series_of_id(id));
            let Some(series) = series else { unreachable!("the blocks are made of these rows") };
            let own = rows.rows_of(series);
            let before = rows.before_sample(series);
            let line = |(i, &row): (usize, &u32)| {
                let step = i.checked_sub(before).map_or(Step::Unseen, Step::One);
                Line { kept: (&rows.kept, row as usize), predicted, at, step }
            };
            text.clear();
            ends.clear();
            let mut lines = Lines { answer, kept, format, text: &mut text, ends: Some(&mut ends) };
            lines.write(own.iter().enumerate().map(line))?;
            in_order.put(series, &text, &ends);
            in_order.release(series + 1, &mut self.text);
        }
        Ok(&self.text)
    }

    /// The lines that are left once all blocks are there.
    pub(super) fn finish(&mut self) -> &[u8] {
        self.text.clear();
        if let Some(in_order) = &mut self.in_order {
            in_order.release(u32::MAX, &mut self.text);
        }
        &self.text
    }
}

/// What cannot happen in memory.
fn defect(e: impl std::fmt::Display) -> Error {
    Error::environment("the output", e.to_string())
}

/// Writes lines to the end of a text.
struct Lines<'w> {
    answer: &'w Answer,
    kept: &'w [String],
    format: Format,
    text: &'w mut Vec<u8>,
    /// Where in the text each line ends, if that is wanted.
    ends: Option<&'w mut Vec<usize>>,
}

impl Lines<'_> {
    fn write<'a>(&mut self, lines: impl Iterator<Item = Line<'a>>) -> Result<()> {
        let answer = self.answer;
        match self.format {
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(&mut *self.text);
                let mut spelled = String::new();
                for line in lines {
                    let (kept, at) = line.kept;
                    kept.row(at).try_for_each(|field| csv.write_field(field)).map_err(defect)?;
                    for cell in answer.cells(line).chain(answer.detail_cells(line)) {
                        spelled.clear();
                        cell.spell(&mut spelled);
                        csv.write_field(&spelled).map_err(defect)?;
                    }
                    csv.write_record(None::<&[u8]>).map_err(defect)?;
                    if let Some(ends) = &mut self.ends {
                        csv.flush().map_err(defect)?;
                        ends.push(csv.get_ref().len());
                    }
                }
                csv.flush().map_err(defect)
            }
            Format::Jsonl => {
                for line in lines {
                    let object = Object { answer, kept: self.kept, line };
                    serde_json::to_writer(&mut *self.text, &object).map_err(defect)?;
                    self.text.push(b'\n');
                    if let Some(ends) = &mut self.ends {
                        ends.push(self.text.len());
                    }
                }
                Ok(())
            }
        }
    }
}

/// A line as a JSON object.
struct Object<'a> {
    answer: &'a Answer,
    kept: &'a [String],
    line: Line<'a>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let (kept, at) = self.line.kept;
        for (name, field) in self.kept.iter().zip(kept.row(at)) {
            map.serialize_entry(name, field)?;
        }
        let Answer { names, parts } = self.answer;
        let mut said = self.answer.said(self.line);
        let only = if parts.len() == 1 { said.next() } else { None };
        match only {
            Some((part, said)) if names.len() == 1 => {
                map.serialize_entry("prediction", &part.cell(0, said))?;
            }
            _ => map.serialize_entry("prediction", &Pairs(names.iter().zip(self.answer.cells(self.line))))?,
        }
        for key in self.answer.detail_keys() {
            match only {
                Some((part, said)) => map.serialize_entry(key, &part.details(said))?,
                None => map.serialize_entry(key, &Details { key, object: self })?,
            }
        }
        map.end()
    }
}

/// The probabilities or the quantiles of several outputs: by target column, of a class target by class too.
struct Details<'a> {
    key: &'static str,
    object: &'a Object<'a>,
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let said = self.object.answer.said(self.object.line);
        for (part, said) in said.filter(|(part, _)| part.key == self.key) {
            match &part.targets {
                Targets::Labels { .. } => {
                    for (name, cell) in part.details(said).0 {
                        map.serialize_entry(name, &cell)?;
                    }
                }
                targets => map.serialize_entry(targets.names()[0], &part.details(said))?,
            }
        }
        map.end()
    }
}

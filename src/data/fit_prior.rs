//! Fitting a column that a model has settled already: its numbers become what they are for that model.

use super::column::{CategoryCell, CategoryFill, Cell, DateCell, Dictionary, Fill, NumberCell};
use super::date::{self, DatePart};
use super::field;
use super::fit::{Change, Fit, FittedCell};
use super::options::{MissingPolicy, Scale, Unknown};
use super::prior;
use super::raw::{RawFeature, RawKind};
use super::schema::ColumnSchema;
use super::stored::{ImageCell, SeriesCell};
use crate::error::{Error, Result, quote};

/// Unknown categories that an error shows.
const SHOWN: usize = 5;

impl Fit<'_> {
    /// The column as the model has it, and what to do with its raw cells; none where the model has no such column, or one of another
    /// kind. Images, series and texts are not among these.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for categories that the model does not know where those are errors.
    pub(super) fn settled(
        &mut self,
        feature: &RawFeature,
        about: &ColumnSchema,
    ) -> Result<Option<FittedCell>> {
        let raw = self.raw;
        let cell = raw.options.prior.as_ref().and_then(|prior| prior.cell(&about.name));
        Ok(match (&feature.kind, cell) {
            (RawKind::Number { .. }, Some(Cell::Number(number))) => {
                let fixed = about.pin.fill_value.as_deref().and_then(field::parse_number);
                let number = self.refilled(number, feature.cell, about, fixed);
                let change = Change::Scale(number.clone());
                Some((Cell::Number(number), vec![(feature.cell, change)]))
            }
            (RawKind::Date { parts }, Some(Cell::Date(date))) => {
                Some(self.settled_date(feature, parts, date, about))
            }
            (RawKind::Category(dictionary), Some(Cell::Category(category))) => {
                Some(self.settled_category(feature, dictionary, category, about)?)
            }
            _ => None,
        })
    }

    /// The number of a model, its fill as a pin wants it.
    fn refilled(
        &self,
        prior: &NumberCell,
        cell: usize,
        about: &ColumnSchema,
        fixed: Option<f64>,
    ) -> NumberCell {
        let fitted = || {
            let summary = self.summary(cell, prior.offset, Scale::None, about);
            self.number(&summary, Scale::None, about, fixed, false).missing
        };
        NumberCell { missing: prior::fill(&prior.missing, about.pin.missing, fitted), ..prior.clone() }
    }

    fn settled_date(
        &self,
        feature: &RawFeature,
        read: &[DatePart],
        prior: &DateCell,
        about: &ColumnSchema,
    ) -> FittedCell {
        let fixed = about.pin.fill_value.as_deref().and_then(date::parse).map(|parsed| parsed.date);
        let mut cell = DateCell { parts: Vec::new(), indicator: false };
        let mut changes = Vec::new();
        for (part, number) in &prior.parts {
            let Some(at) = read.iter().position(|read| read == part) else { continue };
            let at = feature.cell + at;
            let number = self.refilled(number, at, about, fixed.map(|date| part.of(date)));
            changes.push((at, Change::Scale(number.clone())));
            cell.parts.push((*part, number));
        }
        cell.indicator = cell.parts.iter().any(|(_, n)| matches!(n.missing, Fill::Indicator(_)));
        (Cell::Date(cell), changes)
    }

    fn settled_category(
        &mut self,
        feature: &RawFeature,
        dictionary: &Dictionary,
        prior: &CategoryCell,
        about: &ColumnSchema,
    ) -> Result<FittedCell> {
        let index = prior.index();
        let text = about.pin.fill_value.clone().unwrap_or_default();
        let missing = match about.pin.missing {
            None | Some(MissingPolicy::Mean | MissingPolicy::Median) => prior.missing,
            Some(MissingPolicy::Indicator) => CategoryFill::Own,
            Some(MissingPolicy::Constant) => {
                index.find(&text).map_or(CategoryFill::Unknown, |at| CategoryFill::Category(at as usize))
            }
            Some(MissingPolicy::DropRow) => CategoryFill::DropRow,
            Some(MissingPolicy::Error) => CategoryFill::Error,
        };
        let cell = CategoryCell {
            missing,
            encoding: about.pin.encoding.unwrap_or(prior.encoding),
            unknown: about.pin.unknown.unwrap_or(prior.unknown),
            ..prior.clone()
        };
        let code = |code: usize| index.find(dictionary.name(code as u32)).map(|position| position + 1);
        let codes: Vec<f32> = (0..dictionary.len()).map(|c| code(c).unwrap_or(0) as f32).collect();
        let new: Vec<&str> =
            (0..dictionary.len()).filter(|&c| code(c).is_none()).map(|c| dictionary.name(c as u32)).collect();
        if !new.is_empty() {
            let name = quote(&about.name);
            if cell.unknown == Unknown::Error {
                let place = format!("{}, column {name}", self.raw.schema.file);
                let shown: Vec<String> = new.iter().take(SHOWN).map(|text| quote(text)).collect();
                let more = if new.len() > SHOWN {
                    format!(" and {} more", new.len() - SHOWN)
                } else {
                    String::new()
                };
                let key = field::pin_key(&about.name);
                return Err(Error::data(place, "categories that the model of train.init_from does not know")
                    .expected(format!("one of {}", field::list(&cell.categories)))
                    .found(shown.join(", ") + &more)
                    .help(format!(
                        "give the values the names that the model has for them, or set {key}.unknown = \"other\""
                    )));
            }
            let unknown = |row: &&[f32]| {
                let raw = row[feature.cell];
                !raw.is_nan() && codes[raw as usize] == 0.0
            };
            let count = self.raw.cells.chunks_exact(self.raw.width).filter(unknown).count();
            let values = if count == 1 { "value" } else { "values" };
            self.notes.push(format!(
                "column {name}: {count} {values} that the model of train.init_from does not know; they count as unknown"
            ));
        }
        let change = Change::Recode { codes, missing: cell.missing_code() };
        Ok((Cell::Category(cell), vec![(feature.cell, change)]))
    }

    /// The scale of the model for images of as many channels.
    pub(super) fn settled_image(&self, cell: &mut ImageCell, about: &ColumnSchema) {
        if let Some(Cell::Image(prior)) = self.raw.options.prior.as_ref().and_then(|p| p.cell(&about.name))
            && prior.mean.len() == cell.mean.len()
        {
            (cell.mean, cell.std) = (prior.mean.clone(), prior.std.clone());
        }
    }

    /// The scale of the model for series of the same channels, and room for as many steps as it has seen.
    pub(super) fn settled_series(&self, cell: &mut SeriesCell, about: &ColumnSchema) {
        let Some(Cell::Series(prior)) = self.raw.options.prior.as_ref().and_then(|p| p.cell(&about.name))
        else {
            return;
        };
        if prior.channels == cell.channels {
            (cell.mean, cell.std, cell.fill) = (prior.mean.clone(), prior.std.clone(), prior.fill.clone());
        }
        if self.raw.options.steps.length.is_none() && self.raw.options.steps.windows.is_none() {
            cell.ragged |= prior.ragged || cell.length < prior.length;
            cell.length = cell.length.max(prior.length);
        }
    }
}

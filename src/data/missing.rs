//! Notes on missing values: how many a column has, and what they became.

use super::column::{CategoryCell, CategoryFill, Cell, Fill, NumberCell};
use super::note::Note;
use super::scaler::Scaler;
use super::stored::TextFill;
use crate::error::{counted, quote};

/// Columns that get a note each; the others are counted.
const SHOWN: usize = 10;

/// Missing values of a column, of which all that are there are of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) column: String,
    /// How many.
    pub(super) count: u64,
    /// Of how many.
    pub(super) all: u64,
    /// What became of them: `each became 5.84`.
    pub(super) became: String,
}

/// A note for each column that has missing values; a warning if it has no others.
pub(super) fn notes(columns: &[Missing]) -> Vec<Note> {
    let (whole, some): (Vec<&Missing>, Vec<&Missing>) =
        columns.iter().filter(|column| column.count > 0).partition(|column| column.count == column.all);
    let mut notes = Vec::new();
    for column in whole.iter().take(SHOWN) {
        let (name, all) = (quote(&column.column), counted(column.all, "value"));
        let all = if column.all == 1 { format!("its only {}", &all[2..]) } else { format!("all {all}") };
        let are = if column.all == 1 { "is" } else { "are" };
        notes.push(Note::warning(format!(
            "column {name} is missing whole: {all} {are} missing; {}; do not rely on results that need it",
            column.became
        )));
    }
    for column in some.iter().take(SHOWN) {
        let name = quote(&column.column);
        let (values, are) = (counted(column.all, "value"), if column.count == 1 { "is" } else { "are" });
        notes.push(Note::new(format!(
            "column {name}: {} of {values} {are} missing; {}",
            column.count, column.became
        )));
    }
    for (columns, what) in [(&whole, "are missing whole"), (&some, "have missing values")] {
        let more = columns.len().saturating_sub(SHOWN);
        if more > 0 {
            let count: u64 = columns[SHOWN..].iter().map(|column| column.count).sum();
            let text = format!("{} {what}: {count} in all", counted(more as u64, "other column"));
            notes.push(Note { text, warning: what == "are missing whole" });
        }
    }
    notes
}

/// What a missing value of a column becomes; none if its row is left out or it is an error.
pub(super) fn became(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Number(number) => of_number(number),
        Cell::Category(category) => of_category(category),
        Cell::Date(date) => match &date.parts.first()?.1.missing {
            Fill::DropRow | Fill::Error => None,
            Fill::Value(_) => Some("each part of the date was filled as in training".into()),
            Fill::Indicator(_) => {
                Some("each part of the date became its mean in training, marked as missing".into())
            }
        },
        Cell::Text(text) => (text.missing == TextFill::Empty).then(|| "each counts as an empty text".into()),
        Cell::Image(_) | Cell::Series(_) => None,
    }
}

fn of_number(number: &NumberCell) -> Option<String> {
    let mean = |x: f64| match &number.scaler {
        Scaler::Standard { mean, .. } if *mean == x => ", the mean in training",
        _ => "",
    };
    match number.missing {
        Fill::Value(x) => Some(format!("each became {}{}", short(x), mean(x))),
        Fill::Indicator(x) => Some(format!("each became {}{} and is marked as missing", short(x), mean(x))),
        Fill::DropRow | Fill::Error => None,
    }
}

fn of_category(category: &CategoryCell) -> Option<String> {
    match category.missing {
        CategoryFill::Own => Some("each counts as the category for missing values".into()),
        CategoryFill::Category(i) => {
            category.categories.get(i).map(|category| format!("each became {}", quote(category)))
        }
        CategoryFill::Unknown => Some("each counts as unknown: nothing was missing in training".into()),
        CategoryFill::DropRow | CategoryFill::Error => None,
    }
}

/// A number with six digits that mean something.
pub(super) fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let decimals = (5 - x.abs().log10().floor() as i32).clamp(0, 300) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_with_six_digits() {
        let told = [0.0, -5.843_333_333_3, 38.0, 1_700_000_000.25, 0.000_123_456_78, 1e-20].map(short);
        assert_eq!(told, ["0", "-5.84333", "38", "1700000000", "0.000123457", "0.00000000000000000001"]);
    }

    #[test]
    fn a_column_that_is_missing_whole_is_a_warning_and_many_columns_are_counted() {
        let of = |i: u64, count| Missing {
            column: format!("c{i}"),
            count,
            all: 4,
            became: "each became 1".into(),
        };
        let columns: Vec<Missing> = (0..14).map(|i| of(i, [0, 1, 4][i as usize % 3])).collect();
        let told = notes(&columns);
        assert_eq!(told.iter().filter(|note| note.warning).count(), 4);
        assert_eq!(
            told[0].text,
            "column \"c2\" is missing whole: all 4 values are missing; each became 1; do not rely on results that need it"
        );
        assert_eq!(told[4].text, "column \"c1\": 1 of 4 values is missing; each became 1");
        let many: Vec<Missing> = (0..12).map(|i| of(i, 2)).collect();
        let told = notes(&many);
        assert_eq!((told.len(), &told[10].text[..]), (11, "2 other columns have missing values: 4 in all"));
    }
}

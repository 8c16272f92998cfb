//! Rows that a stray quote has swallowed.
//!
//! A field that begins with a quote goes on to the next one, over any number of lines: so CSV keeps a text of several lines,
//! and so a quote that stands for itself takes the rows behind it, as far as the next, for its text. A field that swallowed
//! rows holds as many delimiters as they have, at the same places; prose rarely does.

use csv::StringRecord;

/// Counts the rows of more than one line, and those of them that look as if they had swallowed others.
#[derive(Clone, Debug, Default)]
pub(super) struct Swallowed {
    spanning: u64,
    suspicious: u64,
    /// The file, and the first and the last line of the first of them.
    first: Option<(String, u64, u64)>,
}

impl Swallowed {
    /// Looks at a row that ends `end - start` lines behind the one where it starts.
    pub(super) fn look(&mut self, record: &StringRecord, delimiter: u8, file: &str, start: u64, end: u64) {
        self.spanning += 1;
        if record.iter().enumerate().any(|(i, field)| holds_rows(field, i, record.len(), delimiter)) {
            self.suspicious += 1;
            self.first.get_or_insert_with(|| (file.into(), start, end));
        }
    }

    /// A sentence for the user, where most rows of several lines look like that.
    pub(super) fn note(&self) -> Option<String> {
        let (file, start, end) = self.first.as_ref().filter(|_| 2 * self.suspicious > self.spanning)?;
        let lines = format!("lines {start} to {end} are one, from a quote to the next");
        let more = match self.suspicious - 1 {
            0 => String::new(),
            1 => "; there is another".into(),
            more => format!("; there are {more} more"),
        };
        Some(format!(
            "{file}: a row seems to have swallowed others: {lines}{more}. Where quotes are plain text, set data.quoting = false"
        ))
    }
}

/// Whether `field`, of column `column` of `width`, holds the end of a row, whole rows, and the beginning of another.
fn holds_rows(field: &str, column: usize, width: usize, delimiter: u8) -> bool {
    let Some((first, rest)) = field.split_once('\n') else { return false };
    let (inner, last) = rest.rsplit_once('\n').map_or((None, rest), |(inner, last)| (Some(inner), last));
    let has = |line: &str, delimiters: usize| line.bytes().filter(|&b| b == delimiter).count() == delimiters;
    width > 1
        && has(first, width - 1 - column)
        && has(last, column)
        && inner.is_none_or(|inner| inner.split('\n').all(|line| has(line, width - 1)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::data::reader::{ReadOptions, TableReader};
    use crate::data::source::Opened;

    /// The notes on a table, which must have `rows` rows.
    fn notes(text: &str, rows: u64, quoting: bool) -> Vec<String> {
        let opened = Opened::new("t.csv", Cursor::new(text.as_bytes().to_vec())).unwrap();
        let mut reader =
            TableReader::from_opened(opened, &ReadOptions { quoting, ..ReadOptions::default() }).unwrap();
        while reader.next_row().unwrap().is_some() {}
        assert_eq!(reader.rows(), rows, "{text}");
        reader.notes()
    }

    #[test]
    fn rows_that_a_stray_quote_swallowed_are_told() {
        let text =
            "label\ttext\nham\tsee you\n\nham\t\"so he said\nspam\twin now\nham\tand she said\"\nham\tyes\n";
        insta::assert_snapshot!(notes(text, 3, true).join("\n"), @"t.csv: a row seems to have swallowed others: lines 4 to 6 are one, from a quote to the next. Where quotes are plain text, set data.quoting = false");
        assert_eq!(notes(text, 5, false), [""; 0]);
        // In the first column, and twice.
        let text = "text,label\n\"what,ham\nso\",ham\nyes,spam\n\"oh,ham\nno,ham\nwhy\",spam\n";
        insta::assert_snapshot!(notes(text, 3, true).join("\n"), @"t.csv: a row seems to have swallowed others: lines 2 to 3 are one, from a quote to the next; there is another. Where quotes are plain text, set data.quoting = false");
    }

    #[test]
    fn texts_of_several_lines_are_no_stray_quotes() {
        let prose = "\"One line, and more,\nanother\n\nand the last\"";
        let rows = format!("1,{prose},ham\n2,\"short, and\nyes\",spam\n\n\n3,yes,ham\n");
        assert_eq!(notes(&format!("id,text,label\n{rows}"), 3, true), [""; 0]);
        assert_eq!(notes("text\n\"a\nb\"\n\nc\n", 3, true), [""; 0]);
        // Most decide: an address of two lines may look like the end of a row and the beginning of another.
        let alike = "4,\"High Street 5, York\n5, Kingdom\",ham\n";
        assert_eq!(notes(&format!("id,text,label\n{rows}{alike}"), 4, true), [""; 0]);
        assert_eq!(notes(&format!("id,text,label\n3,yes,ham\n{alike}"), 2, true).len(), 1);
    }
}

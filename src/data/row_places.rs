//! Where rows stand in their files, for messages that come after the rows were read.

use super::rows::Fields;

/// The file and the line of each row of a block.
#[derive(Clone, Debug, Default)]
pub struct RowPlaces {
    /// The first row of each run of rows from one file, and the name of the file.
    files: Vec<(usize, String)>,
    lines: Vec<u64>,
    /// What the lines count; empty where the file is the row.
    unit: &'static str,
}

impl RowPlaces {
    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.files.clear();
        self.lines.clear();
    }

    /// Adds a row.
    pub fn push(&mut self, row: &(impl Fields + ?Sized)) {
        if self.files.last().is_none_or(|(_, file)| file != row.file()) {
            self.files.push((self.lines.len(), row.file().to_owned()));
        }
        self.lines.push(row.line());
        self.unit = row.unit();
    }

    /// The place of a row that was added: `new.csv, line 12`.
    pub fn of(&self, row: usize) -> String {
        let runs = self.files.partition_point(|(first, _)| *first <= row);
        let file = runs.checked_sub(1).map_or("", |run| self.files[run].1.as_str());
        match (self.unit, self.lines.get(row)) {
            ("", _) | (_, None) => file.to_owned(),
            (unit, Some(line)) => format!("{file}, {unit} {line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rows::{MemoryRows, RowBuffer, Rows};

    #[test]
    fn each_row_has_its_file_and_line() {
        let mut rows = RowBuffer::from_text("a.csv", "x|y\n1|2\n3|4");
        rows.start_row("b.csv", 9);
        rows.push_field("5");
        rows.push_field("6");
        let mut places = RowPlaces::default();
        for _ in 0..2 {
            let mut reader = MemoryRows::new(rows.clone());
            places.clear();
            while let Some(row) = reader.next_row().unwrap() {
                places.push(&row);
            }
            assert_eq!(
                [0, 1, 2].map(|row| places.of(row)),
                ["a.csv, line 2", "a.csv, line 3", "b.csv, line 9"]
            );
        }
        assert_eq!(places.of(3), "b.csv");
    }
}

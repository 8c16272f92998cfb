//! From rows to batches: the pieces of this folder together.

mod any_table;
mod bad_inputs;
mod fitting;
mod long;
mod prior;
mod round_trip;
mod step_labels;
mod step_words;
mod text;
mod windows;

use super::{ColumnPin, DataOptions, Fitted, MemoryRows, RawTable, Split};
use crate::error::Result;

/// Reads a table, fields separated by `|`.
fn read(text: &str, options: &DataOptions) -> Result<RawTable> {
    RawTable::read(&mut MemoryRows::from_text("t.csv", text), options)
}

/// Reads a table and fits on all of its rows.
fn fit(text: &str, options: &DataOptions) -> Result<Fitted> {
    let raw = read(text, options)?;
    let all = Split::all(raw.len());
    raw.fit(&all.train)
}

/// Options with target `y` and one pinned column.
fn pinned(column: &str, pin: ColumnPin) -> DataOptions {
    let mut options = DataOptions::new("y");
    options.columns.insert(column.into(), pin);
    options
}

/// All rows of the only block of numbers.
fn dense(fitted: &Fitted) -> Vec<Vec<f32>> {
    let input = &fitted.inputs.dense[0];
    let rows: Vec<u32> = (0..fitted.table.len() as u32).collect();
    let mut out = vec![f32::NAN; rows.len() * input.shape.len()];
    fitted.table.dense(input, &rows, &mut out);
    out.chunks(input.shape.len()).map(<[f32]>::to_vec).collect()
}

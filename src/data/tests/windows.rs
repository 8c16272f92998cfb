//! Windows over one long series.

use super::super::long::STEPS;
use super::super::samples::Purpose;
use super::super::step::Steps;
use super::super::windows::{WindowRows, WindowTable, read};
use super::super::{
    Cell, ColumnPin, ColumnType, DataOptions, Encoder, Fields, Fitted, KNOWN, MemoryRows, RawTable, Rows,
    Table, Targets,
};
use crate::error::Result;

fn table(length: usize, horizon: usize) -> WindowTable {
    WindowTable { length, horizon, stride: 1, targets: vec!["y".into()], ..WindowTable::default() }
}

fn cut(text: &str, table: &WindowTable, options: &DataOptions) -> Result<WindowRows> {
    read(&mut MemoryRows::from_text("t.csv", text), table, Purpose::Fit(options))
}

fn raw(text: &str, table: &WindowTable, options: &DataOptions) -> Result<RawTable> {
    let mut rows = cut(text, table, options)?;
    let options = options.clone().for_samples(rows.columns(), rows.steps());
    RawTable::read(&mut rows, &options)
}

fn fitted(text: &str, table: &WindowTable, options: &DataOptions) -> Result<Fitted> {
    let raw = raw(text, table, options)?;
    let train = raw.split(0.0, 0)?.train;
    raw.fit(&train)
}

fn message(text: &str, table: &WindowTable, options: &DataOptions) -> String {
    fitted(text, table, options).expect_err("it must not be read").to_string()
}

/// A row of a stored input in the unit of the data.
fn steps(fitted: &Fitted, column: &str, table: &Table, row: u32) -> Vec<f32> {
    let of = |name: &str| fitted.preprocessing.columns.iter().find(|c| c.name == name);
    let Some(Cell::Series(cell)) = of(column).map(|c| &c.cell) else { panic!("no series {column}") };
    let input = fitted.inputs.stored.iter().find(|input| input.name == column).expect("an input");
    let mut out = vec![0.0; input.shape.len()];
    table.stored(input, &[row], &mut out);
    let channels = cell.channels.len();
    let back = |(i, x): (usize, &f32)| {
        ((f64::from(*x) * cell.std[i % channels] + cell.mean[i % channels]) * 1e3).round() as f32 / 1e3
    };
    out.iter().enumerate().map(back).collect()
}

fn targets(fitted: &Fitted, table: &Table, row: u32) -> Vec<f64> {
    let Some((group, _)) = fitted.preprocessing.targets.iter().next() else { panic!("targets") };
    let Targets::Numbers { columns } = &group.targets else { panic!("numbers") };
    columns.iter().zip(table.target_row(row)).map(|(c, &y)| (c.restore(y) * 1e3).round() / 1e3).collect()
}

/// Seven steps, out of order; y is ten times t, a category and a date beside it.
const SEVEN: &str = "\
t|y|kind|day
2|20|a|2024-01-02
1|10|b|2024-01-01
3|30|a|2024-01-03
4|40|b|2024-01-04
7|70|a|2024-01-07
5|50|c|2024-01-05
6|60|b|2024-01-06";

fn ordered() -> WindowTable {
    WindowTable { order: Some("t".into()), ..table(3, 2) }
}

fn only(names: &[&str]) -> DataOptions {
    let mut options = DataOptions::new("y");
    options.features = Some(names.iter().map(|&n| n.into()).collect());
    options
}

#[test]
fn a_window_holds_the_steps_so_far_and_its_targets_are_the_next_ones() -> Result<()> {
    let fitted = fitted(SEVEN, &ordered(), &only(&["y"]))?;
    assert_eq!(fitted.table.len(), 3);
    let all: Vec<(Vec<f32>, Vec<f64>)> = (0..3)
        .map(|row| (steps(&fitted, STEPS, &fitted.table, row), targets(&fitted, &fitted.table, row)))
        .collect();
    assert_eq!(
        all,
        [
            (vec![10.0, 20.0, 30.0], vec![40.0, 50.0]),
            (vec![20.0, 30.0, 40.0], vec![50.0, 60.0]),
            (vec![30.0, 40.0, 50.0], vec![60.0, 70.0])
        ]
    );
    assert_eq!(fitted.preprocessing.targets.names(), ["y+1", "y+2"]);
    assert!(fitted.inputs.dense.is_empty() && !fitted.inputs.stored[0].ragged);
    Ok(())
}

#[test]
fn a_stride_leaves_windows_out() -> Result<()> {
    let table = WindowTable { stride: 2, ..ordered() };
    let fitted = fitted(SEVEN, &table, &only(&["y"]))?;
    assert_eq!(fitted.table.len(), 2);
    assert_eq!(targets(&fitted, &fitted.table, 1), [60.0, 70.0]);
    Ok(())
}

#[test]
fn targets_share_one_mean_and_deviation() -> Result<()> {
    let fitted = fitted(SEVEN, &ordered(), &only(&["y"]))?;
    let Some((group, _)) = fitted.preprocessing.targets.iter().next() else { panic!("targets") };
    let Targets::Numbers { columns } = &group.targets else { panic!("numbers") };
    // 40, 50, 60 and 50, 60, 70
    assert_eq!((columns[0].mean, columns[1].mean, columns[0].std), (55.0, 55.0, columns[1].std));
    assert!((columns[0].std - (550.0f64 / 6.0).sqrt()).abs() < 1e-9, "{}", columns[0].std);
    Ok(())
}

#[test]
fn categories_and_dates_are_channels() -> Result<()> {
    let mut options = DataOptions::new("y");
    options
        .columns
        .insert("t".into(), ColumnPin { kind: Some(ColumnType::Category), ..ColumnPin::default() });
    let rows = cut(SEVEN, &WindowTable { order: None, ..ordered() }, &options)?;
    let Some(super::super::Payload::Steps { block, .. }) =
        rows.clone().next_row()?.and_then(|row| row.payload(4))
    else {
        panic!("no steps")
    };
    let kinds = ["kind=a", "kind=b", "kind=c"];
    assert_eq!(block.channels[..8], ["t=1", "t=2", "t=3", "t=4", "t=5", "t=6", "t=7", "y"]);
    assert_eq!(block.channels[8..11], kinds);
    assert_eq!(block.channels[11], "day.year");
    let width = block.channels.len();
    assert_eq!(block.numbers[..11], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 1.0, 0.0, 0.0]);
    assert_eq!(block.numbers[width..width + 2], [1.0, 0.0]);
    let Steps { aside, .. } = rows.steps();
    assert_eq!(aside["kind"], "3 channels of the steps");
    assert_eq!(aside["y"], "a channel of the steps");
    Ok(())
}

#[test]
fn what_is_known_in_advance_is_an_input_of_its_own() -> Result<()> {
    let table = WindowTable { known: vec!["kind".into()], ..ordered() };
    let fitted = fitted(SEVEN, &table, &only(&["y"]))?;
    assert_eq!(steps(&fitted, KNOWN, &fitted.table, 0), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0], "b, then c");
    let input = fitted.inputs.stored.iter().find(|input| input.name == KNOWN).expect("an input");
    assert_eq!(input.shape.axes(), [2, 3]);
    // New rows end with two whose y nobody knows yet.
    let purpose = Purpose::Fitted { preprocessing: &fitted.preprocessing, with_targets: false };
    let text = "kind|y|t\na|1|1\na|2|2\nb|3|3\nc||4\nb||5";
    let mut rows = read(&mut MemoryRows::from_text("new.csv", text), &table, purpose)?;
    let mut encoder = Encoder::new(&fitted.preprocessing, rows.columns(), "new.csv", false)?;
    let mut new = Table::empty(&fitted.inputs, 0);
    assert_eq!(encoder.fill(&mut rows, &mut new, 10, &mut |_| Ok(()))?, 1);
    assert_eq!(steps(&fitted, KNOWN, &new, 0), [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    Ok(())
}

#[test]
fn new_rows_are_forecast_from_the_last_one_too() -> Result<()> {
    let table = WindowTable { stride: 3, ..ordered() };
    let fitted = fitted(SEVEN, &table, &only(&["y"]))?;
    let purpose = Purpose::Fitted { preprocessing: &fitted.preprocessing, with_targets: false };
    let text = "y|t|more\n5|1|p\n6|2|q\n8|4|r\n7|3|s";
    let mut rows = read(&mut MemoryRows::from_text("new.csv", text), &table, purpose)?;
    assert_eq!(rows.columns(), ["y", "t", "more", "series"]);
    let mut kept = Vec::new();
    let mut encoder = Encoder::new(&fitted.preprocessing, rows.columns(), "new.csv", false)?;
    let mut new = Table::empty(&fitted.inputs, 0);
    encoder.fill(&mut rows, &mut new, 10, &mut |row| {
        kept.push((row.get(2).to_owned(), row.line()));
        Ok(())
    })?;
    assert_eq!(kept, [("s".to_owned(), 5), ("r".to_owned(), 4)], "every row that has enough before it");
    assert_eq!(steps(&fitted, STEPS, &new, 1), [6.0, 7.0, 8.0]);

    let empty = read(&mut MemoryRows::from_text("new.csv", "y|t"), &table, purpose)?.next_row()?.is_none();
    assert!(empty, "no row, no forecast");
    let error = read(&mut MemoryRows::from_text("new.csv", "y|t\n1|1"), &table, purpose).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[3]: new.csv: 1 row is too few for one window\n  \
         expected: at least 3 rows: data.windows.length\n  help: add the rows before these"
    );
    let error = read(&mut MemoryRows::from_text("new.csv", "z|t\n1|1"), &table, purpose).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[4]: new.csv: the column \"y\" that the model needs is missing\n  \
         found: the columns \"z\", \"t\""
    );
    Ok(())
}

#[test]
fn parts_are_in_the_order_of_time() -> Result<()> {
    let rows: String = (0..103).map(|t| format!("\n{t}")).collect();
    let raw = raw(&format!("y{rows}"), &table(2, 2), &DataOptions::new("y"))?;
    let (split, test) = raw.parts(0.2, 0.25, 0)?;
    assert_eq!(raw.len(), 100);
    assert_eq!((test.first(), test.last()), (Some(&80), Some(&99)));
    // Window 79 has the targets of rows 81 and 82, window 80 begins its own with row 82.
    assert_eq!((split.validation.first(), split.validation.last()), (Some(&59), Some(&78)));
    assert_eq!((split.train.first(), split.train.last()), (Some(&0), Some(&57)));
    let error = raw.parts(0.0, 0.99, 0).expect_err("nothing is left to train").to_string();
    assert_eq!(
        error,
        "error[3]: t.csv: the training part would be empty: 100 windows, 0.99 of them held out\n  \
         help: add rows, choose a shorter data.windows.horizon, or set data.validation = 0"
    );
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() {
    let options = DataOptions::new("y");
    assert_eq!(
        message("y\n1\n2\n3", &table(3, 2), &options),
        "error[3]: t.csv: 3 rows are too few for one window\n  \
         expected: at least 5 rows: data.windows.length + horizon\n  help: add rows, or choose shorter windows"
    );
    assert_eq!(
        message("y\na\nb\nc", &table(1, 1), &options),
        "error[3]: t.csv, column \"y\": the target of a forecast is no number\n  \
         expected: a column of numbers\n  found: 3 different texts in 3 sampled fields\n  \
         help: name a column of numbers in data.target, or fix the fields that are none"
    );
    assert_eq!(
        message("y\n1\n\n3\n4", &table(1, 1), &options),
        "error[3]: t.csv, line 3, column \"y\": the target is missing\n  \
         expected: a value: a row without its target teaches nothing\n  found: \"\"\n  help: remove the row"
    );
    assert_eq!(
        message("y|x\n1|1\n2|2\n3|1", &WindowTable { order: Some("x".into()), ..table(1, 1) }, &options),
        "error[3]: t.csv, column \"x\": two rows are at 1\n  found: lines 2 and 4\n  \
         help: remove one of them; a table of several series is not for data.windows"
    );
    assert_eq!(
        message("y|x\n1|1\n2|b\n3|1", &WindowTable { order: Some("x".into()), ..table(1, 1) }, &options),
        "error[3]: t.csv, line 3, column \"x\": the rows cannot be put in order by this field\n  \
         expected: a number, as in the rows before\n  found: \"b\"\n  \
         help: fix the field, or take data.windows.order out: rows then keep the order of the file"
    );
    assert_eq!(
        message("y|x\n1|1\n2|2\n3|3", &WindowTable { known: vec!["w".into()], ..table(1, 1) }, &options),
        "error[3]: t.csv: data.windows.known names a column that is not there: \"w\"\n  \
         expected: one of \"y\", \"x\""
    );
    assert_eq!(
        message("y|known\n1|1", &table(1, 1), &options),
        "error[3]: t.csv: a column is called \"known\", as a part of each window is\n  help: rename it in the header"
    );
}

#[test]
fn a_missing_field_is_counted_once_whatever_it_fills() {
    let row = |i: usize| {
        let kind = if i == 3 || i == 7 { "" } else { ["a", "b", "c", "d", "e"][i % 5] };
        format!("{i}|{kind}\n")
    };
    let text = format!("y|kind\n{}", (0..20).map(row).collect::<String>());
    let table = WindowTable { required: vec!["kind".into()], ..table(2, 1) };
    let told = message(&text, &table, &only(&["y", "kind"]));
    assert!(told.contains("2 missing values") && told.contains("line 5"), "{told}");
}

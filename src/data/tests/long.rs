//! Long tables: a row for each step of a series.

use super::super::long::{LongTable, read};
use super::super::samples::Purpose;
use super::super::{
    Cell, ColumnPin, ColumnType, DataOptions, Fitted, HeldRows, MemoryRows, MissingPolicy, Preprocessing,
    RawTable, Rows, Scale, SeriesCell, Split,
};
use crate::error::Result;

fn table() -> LongTable {
    LongTable { id: "id".into(), ..LongTable::default() }
}

fn held(text: &str, table: &LongTable, options: &DataOptions) -> Result<HeldRows> {
    read(&mut MemoryRows::from_text("t.csv", text), table, Purpose::Fit(options), None)
}

fn fitted(text: &str, table: &LongTable, options: &DataOptions) -> Result<Fitted> {
    let mut rows = held(text, table, options)?;
    let options = options.clone().for_samples(rows.columns(), rows.steps());
    let raw = RawTable::read(&mut rows, &options)?;
    let all = Split::all(raw.len());
    raw.fit(&all.train)
}

fn cell(preprocessing: &Preprocessing) -> &SeriesCell {
    let cell = preprocessing.columns.iter().find_map(|c| match &c.cell {
        Cell::Series(cell) => Some(cell),
        _ => None,
    });
    cell.expect("there is a column of series")
}

/// Every row: its steps, `[T, C]`, in the unit of the data, and how many there are.
fn rows(fitted: &Fitted) -> Vec<(Vec<f32>, f32)> {
    let (input, cell) = (&fitted.inputs.stored[0], cell(&fitted.preprocessing));
    let of = |row: u32| {
        let (mut out, mut length) = (vec![0.0; input.shape.len()], [input.shape.axes()[0] as f32]);
        fitted.table.stored(input, &[row], &mut out);
        if input.ragged {
            fitted.table.lengths(input, &[row], &mut length);
        }
        let there = length[0] as usize * cell.channels.len();
        for (i, x) in out[..there].iter_mut().enumerate() {
            let c = i % cell.channels.len();
            *x = ((f64::from(*x) * cell.std[c] + cell.mean[c]) * 1e4).round() as f32 / 1e4;
        }
        (out, length[0])
    };
    (0..fitted.table.len() as u32).map(of).collect()
}

fn message(text: &str, table: &LongTable, options: &DataOptions) -> String {
    fitted(text, table, options).expect_err("it must not be read").to_string()
}

/// Three series, their rows apart; `age` is one number for each.
const APART: &str = "\
id|t|u|v|age|y
b|2|12|1|30|p
a|1|1|2|40|q
b|1|10|3|30|p
a|2|2|4|40|q
c|5|5|5|50|p
b|3|14|6|30|p";

#[test]
fn rows_of_a_series_need_not_be_neighbours() -> Result<()> {
    let order = LongTable { order: Some("t".into()), ..table() };
    let fitted = fitted(APART, &order, &DataOptions::new("y"))?;
    let cell = cell(&fitted.preprocessing);
    assert_eq!((&cell.channels[..], cell.length, cell.ragged), (&["u".to_owned(), "v".into()][..], 3, true));
    assert_eq!(
        rows(&fitted),
        [
            (vec![10.0, 3.0, 12.0, 1.0, 14.0, 6.0], 3.0),
            (vec![1.0, 2.0, 2.0, 4.0, 0.0, 0.0], 2.0),
            (vec![5.0, 5.0, 0.0, 0.0, 0.0, 0.0], 1.0)
        ]
    );
    let classes = fitted.preprocessing.targets.first_classes();
    assert_eq!(classes.map(|(_, classes)| classes), Some(&["p".to_owned(), "q".into()][..]));
    let target: Vec<f32> = (0..3).map(|row| fitted.table.target_row(row)[0]).collect();
    assert_eq!(target, [0.0, 1.0, 0.0]);
    assert_eq!(fitted.inputs.dense[0].features, ["age"]);
    Ok(())
}

#[test]
fn without_an_order_the_file_gives_it() -> Result<()> {
    let mut options = DataOptions::new("y");
    options.exclude = vec!["t".into(), "v".into()];
    let rows = rows(&fitted(APART, &table(), &options)?);
    assert_eq!(rows[0], (vec![12.0, 10.0, 14.0], 3.0));
    Ok(())
}

#[test]
fn dates_order_steps_and_the_last_ones_stay() -> Result<()> {
    let text = "id|day|u|y\na|2024-02-01|3|p\na|2023-12-31|1|p\na|2024-01-31 10:00|2|p\nb|2024-01-01|7|q\nb|2023-01-01|6|q";
    let order = LongTable { order: Some("day".into()), length: Some(2), ..table() };
    let fitted = fitted(text, &order, &DataOptions::new("y"))?;
    assert_eq!(rows(&fitted), [(vec![2.0, 3.0], 2.0), (vec![6.0, 7.0], 2.0)]);
    assert_eq!((cell(&fitted.preprocessing).length, cell(&fitted.preprocessing).ragged), (2, false));
    Ok(())
}

#[test]
fn a_length_of_the_config_is_the_length() -> Result<()> {
    let long = LongTable { length: Some(9), ..table() };
    let fitted = fitted(APART, &long, &DataOptions::new("y"))?;
    assert_eq!((cell(&fitted.preprocessing).length, cell(&fitted.preprocessing).ragged), (9, true));
    Ok(())
}

#[test]
fn channels_may_be_named_and_missing_numbers_are_the_mean() -> Result<()> {
    let text = "id|c1|c2|x|y\na|1||5|1.5\na|3|4|5|1.5\nb|2|8|6|2.5";
    let named = LongTable { channels: Some(vec!["c*".into()]), ..table() };
    let fitted = fitted(text, &named, &DataOptions::new("y"))?;
    assert_eq!(rows(&fitted)[0].0, [1.0, 6.0, 3.0, 4.0]);
    assert_eq!(fitted.inputs.dense[0].features, ["x"]);
    Ok(())
}

#[test]
fn numbers_may_stay_as_they_are() -> Result<()> {
    let mut options = DataOptions::new("y");
    options.scale = Scale::None;
    let fitted = fitted("id|u|y\na|1|1.5\na||1.5\nb|3|2.5\nb|5|2.5", &table(), &options)?;
    let mut out = [0.0; 2];
    fitted.table.stored(&fitted.inputs.stored[0], &[0], &mut out);
    assert_eq!(out, [1.0, 3.0], "a missing number is the mean all the same");
    Ok(())
}

#[test]
fn a_fitted_preprocessing_reads_new_series() -> Result<()> {
    let order = LongTable { order: Some("t".into()), ..table() };
    let fitted = fitted(APART, &order, &DataOptions::new("y"))?;
    // Other columns in another order, no target, one that varies and is of no use.
    let text = "v|note|t|u|id|age\n1|x|2|3|k|7\n2|y|1|4|k|7";
    let purpose = Purpose::Fitted { preprocessing: &fitted.preprocessing, with_targets: false };
    let mut rows = read(&mut MemoryRows::from_text("new.csv", text), &order, purpose, None)?;
    assert_eq!(rows.columns(), ["id", "age", "series"]);
    let extent = rows.extent().expect("series have an extent");
    assert_eq!((extent.longest, extent.shortest), (2, 2));
    assert_eq!(extent.place, "new.csv, series that begins in line 2");
    let mut table = super::super::Table::empty(&fitted.inputs, 0);
    let mut encoder = super::super::Encoder::new(&fitted.preprocessing, rows.columns(), "new.csv", false)?;
    encoder.fill(&mut rows, &mut table, 10, &mut |_| Ok(()))?;
    let input = &fitted.inputs.stored[0];
    let (mut out, mut length) = (vec![0.0; 6], [0.0]);
    table.stored(input, &[0], &mut out);
    table.lengths(input, &[0], &mut length);
    let cell = cell(&fitted.preprocessing);
    let back = |i: usize| ((f64::from(out[i]) * cell.std[i % 2] + cell.mean[i % 2]) * 1e4).round() / 1e4;
    assert_eq!(([0, 1, 2, 3].map(back), &out[4..], length), ([4.0, 2.0, 3.0, 1.0], &[0.0, 0.0][..], [2.0]));

    let text = "note|t|u|id|age\nx|2|3|k|7";
    let error = read(&mut MemoryRows::from_text("new.csv", text), &order, purpose, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[4]: new.csv: the column \"v\" that the model needs is missing\n  \
         found: the columns \"note\", \"t\", \"u\", \"id\", \"age\""
    );
    Ok(())
}

#[test]
fn a_preprocessing_makes_room_for_longer_and_shorter_series() -> Result<()> {
    let mut preprocessing =
        fitted("id|u|y\na|1|p\na|2|p\nb|3|q\nb|4|q", &table(), &DataOptions::new("y"))?.preprocessing;
    assert_eq!((preprocessing.steps(), cell(&preprocessing).ragged), (2, false));
    assert!(!preprocessing.cover(2, 2));
    assert!(preprocessing.cover(2, 1));
    assert_eq!((preprocessing.steps(), cell(&preprocessing).ragged), (2, true));
    assert!(preprocessing.cover(5, 5));
    assert_eq!(preprocessing.steps(), 5);
    Ok(())
}

#[test]
fn options_about_steps_do_not_reach_the_samples() -> Result<()> {
    let mut options = DataOptions::new("y");
    options.features = Some(vec!["u".into(), "age".into()]);
    options
        .columns
        .insert("u".into(), ColumnPin { missing: Some(MissingPolicy::Error), ..ColumnPin::default() });
    options
        .columns
        .insert("age".into(), ColumnPin { kind: Some(ColumnType::Category), ..ColumnPin::default() });
    let fitted = fitted(APART, &table(), &options)?;
    assert_eq!(cell(&fitted.preprocessing).channels, ["u"]);
    assert_eq!(fitted.inputs.dense[0].features, ["age=30", "age=40", "age=50"]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() {
    let options = DataOptions::new("y");
    assert_eq!(
        message("id|u|y\na|1|p\na|2|q", &table(), &options),
        "error[3]: t.csv, line 3, column \"y\": the value changes within the series \"a\"\n  \
         expected: \"p\", as in line 2\n  found: \"q\"\n  \
         help: where each step has a label of its own, set data.columns.y.type = \"labels\""
    );
    assert_eq!(
        message(
            &format!("id|u|y\n{}", (0..40).map(|i| format!("a|1|{i}.5\n")).collect::<String>()),
            &table(),
            &options
        ),
        "error[3]: t.csv, line 3, column \"y\": the value changes within the series \"a\"\n  \
         expected: \"0.5\", as in line 2\n  found: \"1.5\"\n  \
         help: a series has one target: write the same number into all of its rows, or name another target; the next \
         numbers of one series are forecast with [data.windows] in place of [data.series]"
    );
    assert_eq!(
        message("id|u|y\na|1|p\n|2|q", &table(), &options),
        "error[3]: t.csv, line 3, column \"id\": the id of the series is missing\n  \
         found: \"\"\n  help: fill it in or remove the row"
    );
    assert_eq!(
        message("id|series|y\na|1|p", &table(), &options),
        "error[3]: t.csv: a column is called \"series\", as the steps of a series are\n  help: rename it in the header"
    );
    assert_eq!(
        message("id|u|y\na|1|p\na|1|p\nb|2|q", &table(), &options),
        "error[3]: t.csv: no number column varies within a series\n  \
         help: name the channels in data.series.channels, and check data.exclude; a column with a word in each row \
         gets type = \"text\""
    );
    let channels = LongTable { channels: Some(vec!["y".into(), "w*".into()]), ..table() };
    assert_eq!(
        message("id|u|y\na|1|p\na|2|p", &channels, &options),
        "error[3]: data.series.channels: \"y\" cannot be a channel: it has another use\n\
         error[3]: t.csv: data.series.channels names a column that is not there: \"w*\"\n  \
         expected: one of \"id\", \"u\", \"y\""
    );
    let required = LongTable { required: vec!["u".into()], ..table() };
    assert_eq!(
        message("id|u|y\na|1|p\na||p\nb|NA|q", &required, &options),
        "error[3]: t.csv, column \"u\": 2 missing values where none is allowed\n  found: first in t.csv, line 3"
    );
    let mut pinned = DataOptions::new("y");
    pinned.scale = Scale::Robust;
    pinned.columns.insert(
        "u".into(),
        ColumnPin { scale: Some(Scale::None), missing: Some(MissingPolicy::DropRow), ..ColumnPin::default() },
    );
    assert_eq!(
        message("id|u|y\na|1|p\na|2|p", &table(), &pinned),
        "error[2]: data.columns.u.missing: a step of a series takes \"mean\" or \"error\" only\n\
         error[2]: data.columns.u.scale: the channels of a series are scaled together: set data.scale\n\
         error[2]: data.scale: the channels of a series have no such scale\n  \
         expected: \"standard\" or \"none\"\n  found: \"robust\"\n  \
         help: set the scale of other columns in data.columns.NAME.scale"
    );
}

#[test]
fn rows_that_have_no_order_are_refused() {
    let order = LongTable { order: Some("t".into()), ..table() };
    let options = DataOptions::new("y");
    assert_eq!(
        message("id|t|u|y\na|1|1|p\na|2|2|p\nb|1|3|q\na|1.0|4|p", &order, &options),
        "error[3]: t.csv, column \"t\": two rows of the series \"a\" are at 1\n  found: lines 2 and 5\n  \
         help: remove one of them, or give each its own place in data.series.order"
    );
    assert_eq!(
        message("id|t|u|y\na|1|1|p\na|2024-01-01|2|p", &order, &options),
        "error[3]: t.csv, line 3, column \"t\": the rows cannot be put in order by this field\n  \
         expected: a number, as in the rows before\n  found: \"2024-01-01\"\n  \
         help: fix the field, or take data.series.order out: rows then keep the order of the file"
    );
}

//! Fitting on new data what another model has settled already: the table is the one that the model's own preprocessing reads.

use super::*;
use crate::data::long::{self, LongTable, STEPS};
use crate::data::samples::Purpose;
use crate::data::windows::{self, WindowTable};
use crate::data::{
    Cell, ColumnType, Encoding, InputGroup, MissingPolicy, Preprocessing, Prior, Role, Rows, Scale, Targets,
    Unknown,
};

/// A number with a missing value, categories, numbers that name some, dates, a text, and what is predicted.
const FIRST: &str = "\
n|c|code|d|t|const|y
1|Oslo|1|2024-01-01|good good day|3|no
2|Rome|2|2024-02-03|bad day|4|yes
?|Oslo|3|2024-03-02|a good end|5|no
9|Bergen|1|2024-03-07|a bad end|3|yes";

/// Columns in another order and one more; no Bergen, a Paris, a code in another spelling, one date, a word that nobody knows, one class.
const SECOND: &str = "\
new|const|c|n|code|t|d|y
7|3|Rome|100|1.0|a good day|2025-01-01|yes
8|3|Paris|200|3|strange days|2025-01-01|yes
9|3|?|300|3||2025-01-01|yes";

fn options() -> DataOptions {
    let pin = |kind| ColumnPin { kind: Some(kind), ..ColumnPin::default() };
    let encoding = Some(Encoding::Embedding);
    let columns = [
        ("t".to_owned(), pin(ColumnType::Text)),
        ("code".to_owned(), ColumnPin { encoding, ..pin(ColumnType::Category) }),
    ];
    DataOptions { columns: columns.into(), ..DataOptions::new("y") }
}

fn after(model: &Preprocessing, options: DataOptions) -> DataOptions {
    let prior = Prior::new(model, &options.inputs);
    DataOptions { prior: Some(prior), ..options }
}

fn as_new_rows(model: &Preprocessing, text: &str) -> Result<crate::data::Table> {
    Ok(model.read(&mut MemoryRows::from_text("t.csv", text))?.0)
}

#[test]
fn new_data_become_what_the_model_takes_them_for() -> Result<()> {
    for scale in [Scale::Standard, Scale::MinMax, Scale::Quantile] {
        let model = fit(FIRST, &DataOptions { scale, ..options() })?.preprocessing;
        // Nothing is pinned here: kinds and encodings come from the model as well.
        let fitted = fit(SECOND, &after(&model, DataOptions::new("y")))?;
        assert_eq!(fitted.preprocessing.columns, model.columns);
        assert_eq!(fitted.preprocessing.inputs, model.inputs);
        assert_eq!(fitted.preprocessing.targets, model.targets);
        assert_eq!(fitted.table, as_new_rows(&model, SECOND)?, "{scale:?}");
        // The column that is new, and the text: three words of eight are none of the model's.
        assert_eq!(
            fitted.notes,
            [
                "column \"c\": 1 value that the model of train.init_from does not know; they count as unknown",
                "column \"new\" is ignored: the model of train.init_from does not have it",
            ]
        );
        assert_eq!(fitted.warnings, ["class \"no\" of \"y\" has no row in the training part"]);
        let about = |name: &str| fitted.schema.columns.iter().find(|c| c.name == name).map(|c| c.describe());
        assert_eq!(about("n").as_deref(), Some("number"));
        assert_eq!(about("new").as_deref(), Some("left out: the model of train.init_from does not have it"));
        // Going on once more, or from a checkpoint, changes nothing.
        let again = fit(SECOND, &after(&fitted.preprocessing, DataOptions::new("y")))?;
        assert_eq!((again.preprocessing, again.table), (fitted.preprocessing, fitted.table));
    }
    Ok(())
}

#[test]
fn a_pin_may_choose_what_becomes_of_missing_and_unknown_values() -> Result<()> {
    let model = fit("n|c|y\n1|a|0\n3|b|1", &DataOptions::new("y"))?.preprocessing;
    let new = "n|c|y\n10|a|0\n?|b|1\n20|?|1\n30|z|0";
    let with = |column: &str, pin: ColumnPin| fit(new, &after(&model, pinned(column, pin)));
    let plain = fit(new, &after(&model, DataOptions::new("y")))?;
    assert_eq!(dense(&plain), [[8.0, 0.0], [0.0, 1.0], [18.0, 0.5], [28.0, 0.5]], "the old mean is 0");
    let missing = |policy| ColumnPin { missing: Some(policy), ..ColumnPin::default() };
    // A mean is the model's; a median that the model does not have is still a value of it.
    for policy in [MissingPolicy::Mean, MissingPolicy::Median] {
        assert_eq!(with("n", missing(policy))?.table, plain.table, "{policy:?}");
    }
    let five = ColumnPin { fill_value: Some("5".into()), ..missing(MissingPolicy::Constant) };
    assert_eq!(dense(&with("n", five)?)[1], [3.0, 1.0]);
    assert_eq!(with("n", missing(MissingPolicy::DropRow))?.table.len(), 3);
    let b = ColumnPin { fill_value: Some("b".into()), ..missing(MissingPolicy::Constant) };
    assert_eq!(dense(&with("c", b)?)[2], [18.0, 1.0]);
    let error = ColumnPin { unknown: Some(Unknown::Error), ..ColumnPin::default() };
    assert_eq!(
        with("c", error).expect_err("z is unknown").to_string(),
        "error[3]: t.csv, column \"c\": categories that the model of train.init_from does not know\n  \
         expected: one of \"a\", \"b\"\n  found: \"z\"\n  help: give the values the names that the model has for them, or set \
         data.columns.c.unknown = \"other\""
    );
    Ok(())
}

#[test]
fn rows_are_dropped_and_refused_as_in_the_model() -> Result<()> {
    let pin = |missing| ColumnPin { missing: Some(missing), ..ColumnPin::default() };
    let first = "n|y\n1|0\n?|1\n3|1";
    let model = fit(first, &pinned("n", pin(MissingPolicy::DropRow)))?.preprocessing;
    assert_eq!(fit(first, &after(&model, DataOptions::new("y")))?.table.len(), 2);
    let model = fit("n|y\n1|0\n3|1", &pinned("n", pin(MissingPolicy::Error)))?.preprocessing;
    let refused = fit(first, &after(&model, DataOptions::new("y"))).expect_err("a value is missing");
    assert!(refused.to_string().starts_with("error[3]: t.csv, column \"n\": 1 missing value"), "{refused}");
    Ok(())
}

#[test]
fn targets_are_the_models_whatever_the_new_values_look_like() -> Result<()> {
    // Numbers that look like classes, and far from those of the model.
    let model = fit("a|y\n1|0.5\n2|1.5\n3|4", &DataOptions::new("y"))?.preprocessing;
    let fitted = fit("a|y\n1|1000\n2|1001", &after(&model, DataOptions::new("y")))?;
    assert_eq!(fitted.preprocessing.targets, model.targets);
    assert_eq!(fitted.table, as_new_rows(&model, "a|y\n1|1000\n2|1001")?);
    // Two outputs of classes, of which one has one value only.
    let both = DataOptions { target: vec!["y".into(), "z".into()], ..DataOptions::default() };
    let model = fit("a|y|z\n1|0|p\n2|1|q\n3|1|p", &both)?.preprocessing;
    assert!(
        matches!(model.targets.iter().next(), Some((group, _)) if matches!(group.targets, Targets::Labels { .. }))
    );
    let fitted = fit("a|y|z\n1|1|q\n2|1.0|p", &after(&model, both))?;
    assert_eq!(fitted.preprocessing.targets, model.targets);
    assert_eq!(fitted.table, as_new_rows(&model, "a|y|z\n1|1|q\n2|1.0|p")?);
    Ok(())
}

#[test]
fn a_new_class_says_what_the_model_would_have_needed() -> Result<()> {
    let model = fit("a|y\n1|no\n2|yes", &DataOptions::new("y"))?.preprocessing;
    let refused = fit("a|y\n1|no\n2|maybe", &after(&model, DataOptions::new("y"))).expect_err("a new class");
    assert_eq!(
        refused.to_string(),
        "error[3]: t.csv, line 3, column \"y\": the label is none of the classes of the model that train.init_from names\n  \
         expected: one of \"no\", \"yes\"\n  found: \"maybe\"\n  help: give the label the name that the model has for it; weights of \
         another class are not there: leave train.init_from out, or train the first model with data.columns.y.classes = [\"no\", \
         \"yes\", \"maybe\"]"
    );
    Ok(())
}

#[test]
fn an_input_of_another_shape_takes_nothing_over() -> Result<()> {
    let table = |n: usize, x: usize| {
        let row = |of: &dyn Fn(usize) -> String| (0..n).map(|i| of(i) + "|").collect::<String>();
        let numbers = |k: usize| row(&|i| (x + i * k).to_string());
        format!("{}y\n{}0\n{}1", row(&|i| format!("p{i}")), numbers(1), numbers(3))
    };
    let options = |n: usize| {
        let group = InputGroup {
            name: "p".into(),
            columns: vec!["p*".into()],
            shape: Some(vec![1, n]),
            resize: None,
        };
        DataOptions { inputs: vec![group], ..DataOptions::new("y") }
    };
    let model = fit(&table(4, 0), &options(4))?.preprocessing;
    let alone = fit(&table(6, 50), &options(6))?;
    let fitted = fit(&table(6, 50), &after(&model, options(6)))?;
    assert_eq!((fitted.preprocessing, fitted.table), (alone.preprocessing, alone.table));
    let same = fit(&table(4, 50), &after(&model, options(4)))?;
    assert_eq!(same.preprocessing.columns, model.columns);
    Ok(())
}

fn series(text: &str, table: &LongTable, options: DataOptions) -> Result<Fitted> {
    let mut rows =
        long::read(&mut MemoryRows::from_text("t.csv", text), table, Purpose::Fit(&options), None)?;
    let options = options.for_samples(rows.columns(), rows.steps());
    let raw = RawTable::read(&mut rows, &options)?;
    let all = Split::all(raw.len());
    raw.fit(&all.train)
}

#[test]
fn series_keep_their_channels_and_their_scale() -> Result<()> {
    let table = LongTable { id: "id".into(), ..LongTable::default() };
    let first = "id|u|v|age|y\na|1|10|5|0\na|2|30|5|0\na|4|20|5|0\nb|7|50|6|1\nb|9|90|6|1";
    let model = series(first, &table, DataOptions::new("y"))?.preprocessing;
    // Channels in another order, one that does not vary, a number of each step that is new, and shorter series.
    let second = "id|new|v|u|age|y\na|1|1|3|7|1\na|2|2|3|7|1\nb|3|3|3|8|1\nb|4|7|3|8|1";
    let fitted = series(second, &table, after(&model, DataOptions::new("y")))?;
    assert_eq!(fitted.preprocessing.columns, model.columns);
    let named = LongTable { channels: Some(vec!["v".into(), "u".into()]), ..table };
    let fitted = series(second, &named, after(&model, DataOptions::new("y")))?;
    let Some(Cell::Series(cell)) =
        fitted.preprocessing.columns.iter().find(|c| c.name == STEPS).map(|c| &c.cell)
    else {
        panic!("a series")
    };
    assert_eq!(
        (&cell.channels[..], cell.length, cell.ragged),
        (&["u".to_owned(), "v".to_owned()][..], 3, true)
    );
    Ok(())
}

#[test]
fn windows_keep_their_channels() -> Result<()> {
    let table = WindowTable {
        length: 2,
        horizon: 1,
        stride: 1,
        order: None,
        known: vec!["kind".into()],
        targets: vec!["y".into()],
        required: Vec::new(),
    };
    let windows = |text: &str, options: DataOptions| -> Result<Fitted> {
        let mut rows =
            windows::read(&mut MemoryRows::from_text("t.csv", text), &table, Purpose::Fit(&options))?;
        let options = options.for_samples(rows.columns(), rows.steps());
        let raw = RawTable::read(&mut rows, &options)?;
        let all = Split::all(raw.len());
        raw.fit(&all.train)
    };
    let first = "y|kind|x\n1.5|a|1\n2|b|3\n3|c|2\n5|a|7\n4|b|9";
    let model = windows(first, DataOptions::new("y"))?.preprocessing;
    // Another order, a kind that is missing and one that is new, a number that stands still, one that is new.
    let second = "x|more|y|kind\n4|1|10|a\n4|2|30|a\n4|3|20|d\n4|4|70|b";
    let fitted = windows(second, after(&model, DataOptions::new("y")))?;
    assert_eq!(fitted.preprocessing.columns, model.columns);
    assert_eq!(fitted.preprocessing.targets, model.targets);
    let more = fitted.schema.columns.iter().find(|c| c.name == "more").expect("a column");
    assert_eq!((more.role.clone(), more.reason.contains("does not have it")), (Role::Step, true));
    Ok(())
}

//! What fitting makes of a table.

use super::*;
use crate::data::{
    Cell, ColumnType, Encoding, InputGroup, MissingPolicy, OutputGroup, Scale, Scaler, Targets,
};

fn missing(policy: MissingPolicy, fill_value: Option<&str>) -> ColumnPin {
    ColumnPin { missing: Some(policy), fill_value: fill_value.map(Into::into), ..ColumnPin::default() }
}

#[test]
fn numbers_are_standardised_on_the_training_part_alone() -> Result<()> {
    let fitted = read("a|y\n1|0\n3|1\n100|1", &DataOptions::new("y"))?.fit(&[0, 1])?;
    assert_eq!(dense(&fitted), [[-1.0], [1.0], [98.0]]);
    Ok(())
}

#[test]
fn each_missing_policy_of_a_number() -> Result<()> {
    let table = "a|y\n0|0\n?|1\n2|1\n10|0";
    let with = |pin: ColumnPin| {
        let mut options = pinned("a", pin);
        options.scale = Scale::None;
        Ok::<_, crate::error::Error>(dense(&fit(table, &options)?))
    };
    assert_eq!(with(missing(MissingPolicy::Mean, None))?, [[0.0], [4.0], [2.0], [10.0]]);
    assert_eq!(with(missing(MissingPolicy::Median, None))?, [[0.0], [2.0], [2.0], [10.0]]);
    assert_eq!(with(missing(MissingPolicy::Constant, Some("-7")))?, [[0.0], [-7.0], [2.0], [10.0]]);
    assert_eq!(with(missing(MissingPolicy::DropRow, None))?, [[0.0], [2.0], [10.0]]);
    let indicator = [[0.0, 0.0], [4.0, 1.0], [2.0, 0.0], [10.0, 0.0]];
    assert_eq!(with(missing(MissingPolicy::Indicator, None))?, indicator);
    assert_eq!(with(ColumnPin::default())?, indicator);
    Ok(())
}

#[test]
fn dropped_rows_are_counted() -> Result<()> {
    let raw = read("a|y\n0|0\n?|1\n2|1", &pinned("a", missing(MissingPolicy::DropRow, None)))?;
    assert_eq!((raw.len(), raw.dropped()), (2, 1));
    Ok(())
}

#[test]
fn categories_become_one_hot_with_one_for_missing() -> Result<()> {
    let fitted = fit("a|y\nc|0\na|1\n?|1\nb|0", &DataOptions::new("y"))?;
    assert_eq!(fitted.inputs.dense[0].features, ["a=a", "a=b", "a=c", "a is missing"]);
    let expected = [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]];
    assert_eq!(dense(&fitted), expected);
    let constant = fit("a|y\nc|0\na|1\n?|1\nb|0", &pinned("a", missing(MissingPolicy::Constant, Some("b"))))?;
    assert_eq!(dense(&constant)[2], [0.0, 1.0, 0.0]);
    Ok(())
}

#[test]
fn two_categories_share_one_number() -> Result<()> {
    // "other" is met in the validation part alone
    let fitted = read("a|y\ntrue|0\nfalse|1\nother|1", &DataOptions::new("y"))?.fit(&[0, 1])?;
    assert_eq!(fitted.inputs.dense[0].features, ["a=true"]);
    assert_eq!(dense(&fitted), [[1.0], [0.0], [0.5]]);
    Ok(())
}

#[test]
fn many_categories_are_embedded_and_zero_is_unknown() -> Result<()> {
    let names = |n: usize| (0..2 * n).map(|i| format!("c{:02}|{}\n", i % n, i % 2)).collect::<String>();
    assert!(fit(&format!("a|y\n{}", names(32)), &DataOptions::new("y"))?.inputs.embeddings.is_empty());
    let raw = read(&format!("a|y\n{}", names(33)), &DataOptions::new("y"))?;
    let fitted = raw.fit(&(1..33).collect::<Vec<_>>())?;
    assert_eq!(fitted.inputs.embeddings.len(), 0, "only 32 are in the training part");

    let pin = ColumnPin { encoding: Some(Encoding::Embedding), ..ColumnPin::default() };
    let fitted = read("a|y\nq|0\np|1\nr|1", &pinned("a", pin))?.fit(&[0, 1])?;
    assert_eq!(fitted.inputs.embeddings[0].cardinality, 3);
    let mut ids = [f32::NAN; 3];
    fitted.table.ids(&fitted.inputs.embeddings[0], &[0, 1, 2], &mut ids);
    assert_eq!(ids, [2.0, 1.0, 0.0]);
    assert!(fitted.inputs.dense.is_empty());
    Ok(())
}

#[test]
fn where_unknown_is_an_error_the_validation_part_has_none() -> Result<()> {
    let strict = ColumnPin { unknown: Some(crate::data::Unknown::Error), ..ColumnPin::default() };
    let fitted = read("a|y\nq|0\np|1\nr|1", &pinned("a", strict))?.fit(&[0, 1])?;
    assert_eq!(fitted.inputs.dense[0].features, ["a=p", "a=q", "a=r"]);
    Ok(())
}

#[test]
fn a_time_stamp_keeps_its_seconds() -> Result<()> {
    let options = DataOptions { scale: Scale::MinMax, ..DataOptions::new("y") };
    let fitted = fit("a|y\n1700000000|0\n1700000001|1\n1700000004|0", &options)?;
    assert_eq!(dense(&fitted), [[0.0], [0.25], [1.0]]);
    Ok(())
}

#[test]
fn dates_become_the_parts_that_vary() -> Result<()> {
    let table = "a|y\n2023-01-05|0\n2023-01-12|1\n?|0\n2023-02-02|1";
    let fitted = fit(table, &DataOptions::new("y"))?;
    let features = &fitted.inputs.dense[0].features;
    // all are Thursdays of one year
    assert_eq!(features, &["a.month", "a.year_sin", "a.year_cos", "a.day", "a is missing"]);
    assert_eq!(fitted.schema.columns[0].describe(), "date %Y-%m-%d -> 5 numbers, 1 missing");
    let rows = dense(&fitted);
    assert_eq!((rows[2][4], rows[0][4]), (1.0, 0.0));
    assert!(rows[2][..1].iter().all(|x| x.abs() < 1e-6), "the mean of a standardised part is 0");
    Ok(())
}

#[test]
fn a_named_input_keeps_its_constant_columns_and_its_shape() -> Result<()> {
    let mut options = DataOptions::new("y");
    options.inputs.push(InputGroup {
        name: "img".into(),
        columns: vec!["p*".into()],
        shape: Some(vec![1, 2]),
        ..InputGroup::default()
    });
    let fitted = fit("x|p1|p2|y\n1|0|3|0\n2|0|?|1\n4|0|5|1", &options)?;
    let inputs: Vec<String> = fitted.inputs.dense.iter().map(|d| format!("{} {}", d.name, d.shape)).collect();
    assert_eq!(inputs, ["img [1, 2]", "features [1]"]);
    // The channel holds 0, 0, 0, 3 and 5; the missing number becomes 4, its column's mean.
    let scaled = |x: f64| ((x - 1.6) / 4.24f64.sqrt()) as f32;
    for (row, expected) in dense(&fitted).iter().zip([[0.0, 3.0], [0.0, 4.0], [0.0, 5.0]]) {
        assert!(row.iter().zip(expected).all(|(&x, raw)| (x - scaled(raw)).abs() < 1e-6), "{row:?}");
    }
    assert!(fitted.inputs.dense[0].zeros().iter().all(|&x| (x - scaled(0.0)).abs() < 1e-6));
    Ok(())
}

#[test]
fn channels_are_scaled_together_unless_a_scale_is_named() -> Result<()> {
    let text = "p1|p2|p3|p4|y\n0|4|0|1|0\n0|4|0|3|1\n0|4|0|1|0\n0|4|0|3|1";
    let mut options = DataOptions::new("y");
    let input = InputGroup { name: "img".into(), columns: vec!["p*".into()], ..InputGroup::default() };
    options.inputs.push(InputGroup { shape: Some(vec![2, 1, 2]), ..input.clone() });
    let first = |options: &DataOptions| fit(text, options).map(|fitted| dense(&fitted)[0].clone());
    let deep = (0.0f64 - 1.0) / 1.5f64.sqrt();
    assert_eq!(first(&options)?, [-1.0, 1.0, deep as f32, 0.0]);
    // A flat input has no channels, and a column's own scale is its own.
    options.inputs[0].shape = Some(vec![4]);
    assert_eq!(first(&options)?, [0.0, 0.0, 0.0, -1.0]);
    options.inputs[0].shape = Some(vec![1, 4]);
    let pin = ColumnPin { scale: Some(Scale::None), ..ColumnPin::default() };
    options.columns.insert("p2".into(), pin);
    assert_eq!(first(&options)?[1], 4.0);
    options.columns.clear();
    options.scale = Scale::MinMax;
    assert_eq!(first(&options)?, [0.0, 0.0, 0.0, 0.0]);
    Ok(())
}

#[test]
fn targets_are_classes_labels_or_numbers() -> Result<()> {
    let target = |fitted: &Fitted, row: u32| fitted.table.target_row(row).to_vec();
    let fitted = fit("a|y\n1|10\n2|9\n3|9.0\n4|10", &DataOptions::new("y"))?;
    assert_eq!(fitted.preprocessing.targets.first_classes(), Some((0, &["9".into(), "10".into()][..])));
    assert_eq!([0, 1, 2, 3].map(|r| target(&fitted, r)[0]), [1.0, 0.0, 0.0, 1.0]);

    let pin = ColumnPin { classes: Some(vec!["b".into(), "a".into()]), ..ColumnPin::default() };
    assert_eq!(target(&fit("a|y\n1|a\n2|b", &pinned("y", pin))?, 0), [1.0]);

    let number = ColumnPin { kind: Some(ColumnType::Number), ..ColumnPin::default() };
    let fitted = fit("a|y\n1|0\n2|1", &pinned("y", number))?;
    assert_eq!([target(&fitted, 0), target(&fitted, 1)], [[-1.0], [1.0]]);
    assert!(matches!(only(&fitted), Targets::Numbers { columns } if columns[0].restore(1.0) == 1.0));

    let several = DataOptions { target: vec!["z".into(), "y".into()], ..DataOptions::default() };
    let fitted = fit("a|y|z\n1|0|no\n2|1|no\n3|1|yes", &several)?;
    assert!(matches!(only(&fitted), Targets::Labels { columns } if columns[0].classes[1] == "yes"));
    assert_eq!([target(&fitted, 1), target(&fitted, 2)], [[0.0, 1.0], [1.0, 1.0]]);

    let fitted = fit("a|y|z\n1|0|1900.5\n2|1|1901.5\n3|0|1902.5", &several)?;
    assert_eq!(target(&fitted, 1)[0], 0.0);
    assert!((target(&fitted, 1)[1] - 2.0_f32.sqrt()).abs() < 1e-6);

    let counts = DataOptions { standardise_target: false, ..DataOptions::new("y") };
    assert_eq!(target(&fit("a|y\n1|1000000.5\n2|1000001.5\n3|3", &counts)?, 1), [1000001.5]);
    Ok(())
}

/// The targets of the only output.
fn only(fitted: &Fitted) -> &Targets {
    let mut groups = fitted.preprocessing.targets.iter();
    match (groups.next(), groups.next()) {
        (Some((group, _)), None) => &group.targets,
        _ => panic!("{:?}", fitted.preprocessing.targets),
    }
}

/// Name, columns and kind of each output.
fn outputs(fitted: &Fitted) -> Vec<(String, Vec<String>, bool)> {
    let names = |t: &Targets| t.names().into_iter().map(str::to_owned).collect();
    let groups = fitted.preprocessing.targets.iter();
    groups.map(|(g, _)| (g.name.clone(), names(&g.targets), g.targets.classes().is_some())).collect()
}

#[test]
fn targets_of_several_kinds_are_each_read_as_if_alone() -> Result<()> {
    let text = "a|y|kind|flag\n1|10|q|0\n2|20.5|p|1\n3|30|r|1\n4|10|p|0";
    let names = ["y", "kind", "flag"].map(String::from).to_vec();
    let options = DataOptions { target: names, ..DataOptions::default() };
    let fitted = read(text, &options)?.fit(&[0, 1, 2])?;
    let expected = [("y", false), ("kind", true), ("flag", true)];
    assert_eq!(outputs(&fitted), expected.map(|(n, c)| (n.to_owned(), vec![n.to_owned()], c)));
    let rows: Vec<&[f32]> = (0..4).map(|row| fitted.table.target_row(row)).collect();
    assert_eq!(rows[2][1..], [2.0, 1.0]);
    assert_eq!(rows[3][1..], [0.0, 0.0]);
    let alone = read(text, &DataOptions::new("y"))?.fit(&[0, 1, 2])?;
    assert_eq!(
        rows.iter().map(|r| r[0]).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(|r| alone.table.target_row(r)[0])
    );
    assert_eq!(fitted.table.class_counts(&[0, 1, 2, 3], 1, 3), [2.0, 1.0, 1.0]);
    let about = |name: &str| fitted.schema.columns.iter().find(|c| c.name == name).map(|c| c.target.clone());
    assert_eq!(about("kind").as_deref(), Some("3 classes"));
    Ok(())
}

#[test]
fn options_say_which_targets_go_together() -> Result<()> {
    let text = "a|y|kind|z\n1|10|q|0\n2|20.5|p|3\n3|30|r|1\n4|10|p|2";
    let group = |name: &str, columns: &[&str], standardise| OutputGroup {
        name: name.into(),
        columns: columns.iter().map(|&c| c.into()).collect(),
        standardise,
    };
    let options = DataOptions {
        target: ["y", "kind", "z"].map(String::from).to_vec(),
        outputs: vec![group("what", &["kind"], true), group("much", &["z", "y"], false)],
        ..DataOptions::default()
    };
    let fitted = fit(text, &options)?;
    assert_eq!(outputs(&fitted)[1], ("much".to_owned(), vec!["z".to_owned(), "y".to_owned()], false));
    assert_eq!(fitted.preprocessing.targets.names(), ["kind", "z", "y"]);
    assert_eq!(fitted.table.target_row(1), [0.0, 3.0, 20.5]);
    let json = fitted.preprocessing.to_json();
    let again = crate::data::Preprocessing::from_json(&json)?;
    assert_eq!(again, fitted.preprocessing);
    let (table, _) = again.read(&mut MemoryRows::from_text("new.csv", text))?;
    assert_eq!(table.targets, fitted.table.targets);
    Ok(())
}

#[test]
fn the_first_target_of_classes_divides_the_rows() -> Result<()> {
    let rows = (0..100).map(|i| format!("{i}|{}.5|{}", i % 7, ["a", "b"][usize::from(i < 20)]));
    let text = format!("x|y|kind\n{}", rows.collect::<Vec<_>>().join("\n"));
    let options = DataOptions { target: vec!["y".into(), "kind".into()], ..DataOptions::default() };
    let raw = read(&text, &options)?;
    let split = raw.split(0.2, 3)?;
    assert_eq!(split.validation.iter().filter(|&&r| r < 20).count(), 4);
    Ok(())
}

#[test]
fn weights_and_class_counts() -> Result<()> {
    let options = DataOptions { weight: Some("w".into()), ..DataOptions::new("y") };
    let fitted = fit("a|w|y\n1|0.5|p\n2|2|q\n3|1|q", &options)?;
    let mut weights = [0.0; 2];
    fitted.table.weight(&[2, 0], &mut weights);
    assert_eq!(weights, [1.0, 0.5]);
    assert_eq!(fitted.table.class_counts(&[0, 1, 2], 0, 2), [0.5, 3.0]);
    assert_eq!(fitted.inputs.dense[0].features, ["a"]);
    Ok(())
}

#[test]
fn features_and_exclude_take_patterns() -> Result<()> {
    let table = "a|b1|b2|y\n1|2|3|0\n2|4|7|1";
    let names = |options: &DataOptions| {
        Ok::<_, crate::error::Error>(fit(table, options)?.inputs.dense[0].features.clone())
    };
    let only = DataOptions { features: Some(vec!["b*".into()]), ..DataOptions::new("y") };
    assert_eq!(names(&only)?, ["b1", "b2"]);
    let without = DataOptions { exclude: vec!["b?".into()], ..DataOptions::new("y") };
    assert_eq!(names(&without)?, ["a"]);
    Ok(())
}

#[test]
fn the_schema_speaks_to_a_person() -> Result<()> {
    let fitted = fit("id|age|city|y\n1|20|x|0\n2||z|1\n3|40|w|1", &DataOptions::new("y"))?;
    let lines: Vec<String> = fitted.schema.columns.iter().map(|c| c.describe()).collect();
    assert_eq!(
        lines,
        [
            "left out: an identifier by its name, and every value is different",
            "number, 1 missing",
            "category, 3 values",
            "target: 2 classes (2 different whole numbers)",
        ]
    );
    Ok(())
}

#[test]
fn a_column_kept_between_dropped_ones_stays_in_place() -> Result<()> {
    let fitted = fit("a|b|c|y\n5|1|k|0\n5|2|k|1\n5|3|k|1", &DataOptions::new("y"))?;
    assert_eq!(fitted.inputs.dense[0].features, ["b"]);
    let Cell::Number(number) = &fitted.preprocessing.columns[0].cell else { panic!("a number") };
    assert!(matches!(number.scaler, Scaler::Standard { mean: 2.0, .. }));
    assert_eq!(dense(&fitted)[1], [0.0]);
    assert_eq!(fitted.table.bytes(), 4 * (3 + 3));
    Ok(())
}

//! The preprocessing in a model file, and new data through it.

use super::*;
use crate::data::{Encoder, Preprocessing, Rows, Scale, Table};

/// Numbers with and without gaps, a year, few and many categories, a date; 60 rows.
fn mixed() -> String {
    let mut text = "n|gap|year|city|many|day|flag|y\n".to_owned();
    for i in 0..80u32 {
        let n = f64::from(i * i % 37) / 7.0;
        let gap = if i % 9 == 4 { String::new() } else { format!("{}", i % 11) };
        let city = ["Oslo", "Rome", "Lima", "?"][i as usize % 4];
        let (month, day) = (i % 12 + 1, i % 28 + 1);
        let flag = i % 2 == 0;
        text += &format!(
            "{n}|{gap}|{}|{city}|k{}|2024-{month:02}-{day:02} {:02}:00|{flag}|{}\n",
            2000 + i % 5,
            i % 35,
            i % 24,
            i % 3
        );
    }
    text
}

/// The same table, its columns in the opposite order.
fn reversed(text: &str) -> String {
    let lines = text.lines().map(|line| line.split('|').rev().collect::<Vec<_>>().join("|"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn json_keeps_every_bit_and_column_order_does_not_matter() -> Result<()> {
    for scale in [Scale::None, Scale::Standard, Scale::Robust, Scale::MinMax, Scale::Quantile] {
        let fitted = fit(&mixed(), &DataOptions { scale, ..DataOptions::new("y") })?;
        let json = fitted.preprocessing.to_json();
        let again = Preprocessing::from_json(&json)?;
        assert_eq!(again, fitted.preprocessing);
        assert_eq!(again.to_json(), json);
        assert_eq!(again.inputs(), fitted.inputs);
        // rows read anew are, bit for bit, those that were fitted in place; no NaN survives but under an indicator
        for text in [mixed(), reversed(&mixed())] {
            let (table, report) = again.read(&mut MemoryRows::from_text("new.csv", &text))?;
            let bits = |table: &Table| table.cells.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&table), bits(&fitted.table));
            assert_eq!(table.targets, fitted.table.targets);
            assert!(report.unknown.is_empty());
        }
        assert!(dense(&fitted).iter().flatten().all(|x| x.is_finite()));
        assert_eq!(fitted.inputs.embeddings.len(), 1);
    }
    Ok(())
}

#[test]
fn what_version_0_1_0_wrote_of_spellings_is_read() -> Result<()> {
    let fitted = fit(&mixed(), &DataOptions::new("y"))?;
    let json = fitted.preprocessing.to_json();
    let old = json
        .replace("\"categories\":[", "\"one_spelling\":false,\"categories\":[")
        .replace("\"classes\":[\"0\",\"1\",\"2\"]", "\"classes\":[\"0\",\"1\",\"2\"],\"one_spelling\":true");
    assert_eq!(old.matches("one_spelling").count(), 4);
    assert_eq!(Preprocessing::from_json(&old)?, fitted.preprocessing);
    Ok(())
}

#[test]
fn rows_pass_in_blocks_of_any_size() -> Result<()> {
    let fitted = fit(&mixed(), &DataOptions::new("y"))?;
    for limit in [1, 7, 80, 1000] {
        let mut rows = MemoryRows::from_text("new.csv", &mixed());
        let mut encoder = Encoder::new(&fitted.preprocessing, rows.columns(), "new.csv", false)?;
        let mut table = Table::empty(&fitted.inputs, 0);
        let (mut cells, mut lines) = (Vec::new(), Vec::new());
        let mut kept = |row: &dyn crate::data::Fields| {
            lines.push(row.line());
            Ok(())
        };
        loop {
            let n = encoder.fill(&mut rows, &mut table, limit, &mut kept)?;
            cells.extend(table.cells.iter().map(|x| x.to_bits()));
            if n < limit {
                break;
            }
        }
        assert_eq!(cells, fitted.table.cells.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        assert_eq!(lines, (2..82).collect::<Vec<u64>>());
    }
    Ok(())
}

#[test]
fn numbers_of_other_spellings_are_the_same_label_and_category() -> Result<()> {
    let options =
        pinned("a", ColumnPin { kind: Some(crate::data::ColumnType::Category), ..ColumnPin::default() });
    let fitted = fit("a|y\n1|0\n2|1\n3|1", &options)?;
    let (table, report) =
        fitted.preprocessing.read(&mut MemoryRows::from_text("new.csv", "a|y\n1.0|0.0\n02|1.00\n3.|1"))?;
    assert_eq!((table.cells, table.targets), (fitted.table.cells, fitted.table.targets));
    assert!(report.unknown.is_empty());
    Ok(())
}

#[test]
fn a_gap_that_training_did_not_have_gets_the_mean() -> Result<()> {
    let fitted = fit("a|c|y\n1|p|0\n3|q|1", &DataOptions::new("y"))?;
    let (table, _) = fitted.preprocessing.read(&mut MemoryRows::from_text("new.csv", "a|c|y\n?|?|0"))?;
    let mut out = [f32::NAN; 2];
    table.dense(&fitted.inputs.dense[0], &[0], &mut out);
    assert_eq!(out, [0.0, 0.5]);
    Ok(())
}

#[test]
fn a_damaged_preprocessing_is_refused() -> Result<()> {
    let json = fit(&mixed(), &DataOptions::new("y"))?.preprocessing.to_json();
    let refuse = |from: &str, to: &str| {
        assert!(json.contains(from), "{from} in {json}");
        let result = Preprocessing::from_json(&json.replacen(from, to, 1));
        result.map_or_else(|e| e.to_string(), |_| "no error".into())
    };
    let help = "\n  help: train the model again, or take another copy of it";
    let flawed = |what: &str| format!("error[4]: the model's preprocessing: {what}{help}");
    assert_eq!(
        refuse("\"offset\":0.0", "\"offset\":1e999").lines().next(),
        Some("error[4]: the model's preprocessing: cannot be read: number out of range at line 1 column 124")
    );
    assert_eq!(refuse("\"std\":", "\"std\":-"), flawed("the parameters of column \"n\" are not valid"));
    assert_eq!(
        refuse("\"columns\":[0,1,2", "\"columns\":[0,1,99"),
        flawed("input \"features\" names a column that is not there")
    );
    assert_eq!(
        refuse("\"columns\":[0,1,2", "\"columns\":[0,1,1"),
        flawed("a column is not in exactly one input")
    );
    assert_eq!(refuse("[\"0\",\"1\",\"2\"]", "[\"0\"]"), flawed("the targets are not valid"));
    Ok(())
}

//! Whatever a file may contain: an answer or an error, no panic, and no number that is not finite.

use proptest::prelude::*;

use super::*;
use crate::data::Scale;

const FIELDS: &[&str] = &[
    "",
    "?",
    "NA",
    "nan",
    "inf",
    "-inf",
    "1e39",
    "-1e39",
    "3.4e38",
    "-3.4e38",
    "1e-45",
    "0",
    "-0",
    "1",
    "1.0",
    "2",
    "01",
    "-7.5",
    "1,234",
    "1e5",
    "1700000000",
    "1700000001",
    "x",
    "X",
    " x ",
    "y z",
    "true",
    "false",
    "2024-02-29",
    "2023-02-29",
    "2024/01/02 03:04",
    "1949-01",
    "1/2/11",
    "é",
    "\u{1b}[31m",
    "\"",
    "123456789012345678901234567890",
];

/// A table of three columns: mostly one kind of field in each, so that not all of them are errors.
fn table() -> impl Strategy<Value = String> {
    let column = prop::collection::vec(0..FIELDS.len(), 1..4);
    let choice = prop::collection::vec(any::<prop::sample::Index>(), 3);
    (prop::collection::vec(column, 3), prop::collection::vec(choice, 1..40)).prop_map(|(columns, rows)| {
        let row = |choice: &Vec<prop::sample::Index>| {
            let fields = columns.iter().zip(choice).map(|(column, i)| FIELDS[*i.get(column)]);
            fields.collect::<Vec<_>>().join("|")
        };
        format!("a|id|y\n{}", rows.iter().map(row).collect::<Vec<_>>().join("\n"))
    })
}

proptest! {
    #[test]
    fn every_table_is_encoded_or_refused(text in table(), scale in 0..Scale::NAMES.len(), half in any::<bool>()) {
        let scale = Scale::from_name(Scale::NAMES[scale]).unwrap_or(Scale::None);
        let options = DataOptions { scale, ..DataOptions::new("y") };
        let Ok(raw) = read(&text, &options) else { return Ok(()) };
        let train = if half { raw.split(0.5, 1).unwrap_or(Split::all(raw.len())).train } else { Split::all(raw.len()).train };
        let Ok(fitted) = raw.fit(&train) else { return Ok(()) };
        for input in &fitted.inputs.dense {
            let mut out = vec![f32::NAN; input.shape.len() * fitted.table.len()];
            fitted.table.dense(input, &Split::all(fitted.table.len()).train, &mut out);
            prop_assert!(out.iter().all(|x| x.is_finite()), "{out:?}");
        }
        prop_assert!(fitted.table.targets.iter().all(|x| x.is_finite()));
        let again = crate::data::Preprocessing::from_json(&fitted.preprocessing.to_json())
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        let (table, _) = again
            .read(&mut MemoryRows::from_text("t.csv", &text))
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        let bits = |cells: &[f32]| cells.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&table.cells), bits(&fitted.table.cells));
    }
}

//! Series from their table to predictions.

use crate::error::Code;
use crate::train::testing::Trained;
use crate::train::{Keep, PredictOptions};

/// Series of one channel: `steps` of each, rising where the label is `up`.
fn table(steps: impl Fn(usize) -> usize, series: std::ops::Range<usize>) -> String {
    let mut text = "id,t,x,label\n".to_owned();
    for s in series {
        let (label, sign) = [("up", 1.0), ("down", -1.0)][s % 2];
        for t in 0..steps(s) {
            let x = sign * t as f64 + (s * 7 % 5) as f64 * 0.1;
            text += &format!("s{s},{t},{x},{label}\n");
        }
    }
    text
}

fn trained(layers: &str, steps: impl Fn(usize) -> usize) -> Trained {
    let layers = format!("model.layers={layers}");
    let settings = ["data.target=label", "data.series={ id = \"id\", order = \"t\" }", &layers];
    Trained::new(&table(steps, 0..24), &settings)
}

const POOLED: &str = r#"[{ type = "linear", out_features = 8, activation = "tanh" }, { type = "mean" }]"#;
const FLAT: &str = r#"[{ type = "flatten" }, { type = "linear", out_features = 8, activation = "relu" }]"#;

fn proba() -> PredictOptions {
    PredictOptions { proba: true, keep: Keep::Columns(vec!["id".into()]), ..PredictOptions::default() }
}

#[test]
fn a_longer_series_beside_it_does_not_change_one_bit_of_a_prediction() {
    for even in [false, true] {
        let model = trained(POOLED, |s| if even { 6 } else { 3 + s % 4 });
        let short = table(|s| 2 + s % 3, 100..110);
        let (alone, notes) = model.predict(&short, &proba()).unwrap();
        assert_eq!(notes, [""; 0]);
        assert!(alone.starts_with("id,prediction,probability_down,probability_up\ns100,"), "{alone}");
        let long = table(|_| 40, 110..111);
        let (beside, _) =
            model.predict(&format!("{short}{}", long.split_once('\n').unwrap().1), &proba()).unwrap();
        assert_eq!(beside.lines().count(), 12);
        assert!(beside.starts_with(&alone), "even: {even}\n{alone}\n{beside}");
        let scores = model.evaluate(&format!("{short}{}", long.split_once('\n').unwrap().1)).unwrap().0;
        assert_eq!(scores.to_json()["rows"], 11);
    }
}

#[test]
fn weights_for_each_step_take_no_longer_series() {
    let model = trained(FLAT, |s| 3 + s % 4);
    assert!(model.predict(&table(|_| 2, 50..52), &proba()).is_ok(), "a shorter one is filled up with zeros");
    let error = model.predict(&table(|_| 9, 50..52), &proba()).unwrap_err();
    assert_eq!(error.code, Code::Data);
    let text = error.to_string();
    assert!(text.ends_with(
        "new.csv, series that begins in line 2: the series is too long for this network\n  \
         expected: at most 6 steps: a layer has weights for each step\n  found: 9 steps\n  \
         help: cut the series, or train with data.series.length, or with layers that take any number of steps, such as \
         conv1d and global_avg_pool"
    ), "{text}");
}

#[test]
fn a_validation_table_may_have_the_longest_series() {
    let held = tempfile::tempdir().unwrap();
    let path = held.path().join("held.csv");
    std::fs::write(&path, table(|_| 9, 50..54)).unwrap();
    let settings = [
        "data.target=label",
        "data.series={ id = \"id\" }",
        "data.exclude=[\"t\"]",
        &format!("data.validation={:?}", path.to_str().unwrap()),
        &format!("model.layers={FLAT}"),
    ];
    let model = Trained::new(&table(|s| 3 + s % 4, 0..24), &settings);
    assert!(model.predict(&table(|_| 9, 60..62), &proba()).is_ok());
}

#[test]
fn series_and_columns_of_a_table_go_into_one_network() {
    let text = table(|s| 3 + s % 4, 0..24);
    let (header, rows) = text.split_once('\n').unwrap();
    // One value for each series: whether its name begins with s1.
    let rows: Vec<String> =
        rows.lines().map(|row| format!("{row},{}", usize::from(row.starts_with("s1")))).collect();
    let text = format!("{header},old\n{}\n", rows.join("\n"));
    let layers = r#"model.layers=[{ type = "linear", input = "x", out_features = 4, name = "a" }, { type = "mean", name = "b" },
        { type = "concat", input = ["b", "features"] }]"#;
    let settings = [
        "data.target=label",
        "data.series={ id = \"id\", order = \"t\" }",
        "data.inputs.x.columns=series",
        "data.columns.old.type=number",
        layers,
    ];
    let model = Trained::new(&text, &settings);
    let (lines, _) =
        model.predict(&text, &PredictOptions { keep: Keep::All, ..PredictOptions::default() }).unwrap();
    assert!(lines.starts_with("id,label,old,prediction\ns0,up,0,"), "{lines}");
}

#[test]
fn series_and_columns_need_no_layers_in_the_config() {
    let text = table(|s| 3 + s % 4, 0..24).replace("label\n", "label,site\n");
    let text = text.replace("up\n", "up,north\n").replace("down\n", "down,south\n");
    let settings = ["data.target=label", "data.series={ id = \"id\", order = \"t\" }", "train.epochs=30"];
    let model = Trained::new(&text, &settings);
    // The column tells the label of a series whose steps tell the other one.
    let site = |site: &str| {
        let new = format!("id,t,x,site\na,0,0,{site}\na,1,0,{site}\n");
        model.predict(&new, &PredictOptions::default()).unwrap().0
    };
    assert_ne!(site("north"), site("south"));
}

#[test]
fn the_steps_of_a_series_are_no_column_to_keep() {
    let model = trained(POOLED, |_| 3);
    let keep = PredictOptions { keep: Keep::Columns(vec!["series".into()]), ..PredictOptions::default() };
    assert_eq!(
        model.predict(&table(|_| 3, 0..2), &keep).unwrap_err().to_string(),
        "error[2]: --keep: there is no column \"series\"\n  expected: one of \"id\", \"label\", or all"
    );
}

#[test]
fn steps_that_the_length_of_a_series_leaves_out_are_told() {
    // Five steps of each of twenty series, a label for each.
    let row = |i: usize| format!("s{},{},{},{}\n", i / 5, i % 5, i * 7 % 11, ["p", "q"][i % 2]);
    let text = format!("id,t,x,y\n{}", (0..100).map(row).collect::<String>());
    let settings = [
        "data.target=y",
        "data.series={ id = \"id\", order = \"t\", length = 2 }",
        "data.columns.y.type=labels",
    ];
    let model = Trained::new(&text, &settings);
    let note = "20 series have more than 2 steps, as data.series.length says: 60 steps before their last 2 are left out";
    assert!(model.notes().iter().any(|told| told == note), "{:?}", model.notes());
    let (figures, notes) = model.evaluate(&text).unwrap();
    assert_eq!((&figures.to_json()["steps"], notes), (&40.into(), vec![note.to_owned()]));
    let (lines, notes) = model.predict(&text, &PredictOptions::default()).unwrap();
    assert_eq!((lines.lines().filter(|line| *line == "\"\"").count(), notes), (60, vec![note.to_owned()]));
}

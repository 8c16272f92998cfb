//! Predictions of the steps of a long table: a line for each of its rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::data::reader::BadRows;
use crate::train::testing::Trained;
use crate::train::{Format, Keep, PredictOptions};

/// Rows `(id, t, u, y)` of series whose numbers rise or fall: what is done at a step shows in how its number changed.
fn rows() -> Vec<(String, usize, f64, &'static str)> {
    let mut rows = Vec::new();
    for id in 0..30 {
        let mut u = 0.0f64;
        for t in 0..(6 + id % 5) {
            let rising = (id * 7 + t * t) % 3 == 0;
            u += if rising { 1.0 } else { -0.4 };
            rows.push((format!("s{id}"), t, u, if rising { "up" } else { "down" }));
        }
    }
    rows
}

fn table<'a>(rows: impl IntoIterator<Item = &'a (String, usize, f64, &'static str)>) -> String {
    let lines = rows.into_iter().map(|(id, t, u, y)| format!("{id},{t},{u:.2},{y}\n"));
    "id,t,u,y\n".to_owned() + &lines.collect::<String>()
}

const STEPS: [&str; 2] = ["data.target=y", "data.columns.y.type=labels"];
const SPARE: &str = "data.exclude=[\"t\"]";
const ORDERED: &str = "data.series={ id = \"id\", order = \"t\" }";

fn trained(more: &[&str]) -> Trained {
    Trained::new(&table(&rows()), &[&STEPS[..], more].concat())
}

fn keep(names: &[&str]) -> PredictOptions {
    let keep = Keep::Columns(names.iter().map(|&name| name.into()).collect());
    PredictOptions { keep, ..PredictOptions::default() }
}

#[test]
fn each_row_of_a_long_table_has_a_line_in_its_place() {
    let model = trained(&[ORDERED, "train.epochs=40"]);
    let neighbours = rows();
    let (lines, notes) = model.predict(&table(&neighbours), &keep(&["y", "id", "t"])).unwrap();
    assert_eq!(notes, [""; 0]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!((lines[0], lines.len()), ("y,id,t,prediction", neighbours.len() + 1));
    let right = lines.iter().filter(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        fields[0] == fields[3]
    });
    assert!(right.count() > neighbours.len() * 9 / 10, "{lines:?}");
    // The same rows, all series side by side and each backwards in time.
    let mut apart = neighbours.clone();
    apart.sort_by_key(|(id, t, ..)| (usize::MAX - t, id.clone()));
    let (again, _) = model.predict(&table(&apart), &keep(&["y", "id", "t"])).unwrap();
    let again: Vec<&str> = again.lines().collect();
    let place: BTreeMap<&str, &str> = lines.iter().map(|line| line.rsplit_once(',').unwrap()).collect();
    assert_eq!(again.len(), lines.len());
    for (line, (id, t, _, y)) in again[1..].iter().zip(&apart) {
        let own = format!("{y},{id},{t}");
        assert_eq!(*line, format!("{own},{}", place[&own[..]]));
    }
    let all = PredictOptions { keep: Keep::All, ..PredictOptions::default() };
    let (all, _) = model.predict(&table(&apart), &all).unwrap();
    assert!(all.starts_with("id,t,u,y,prediction\ns14,9,"), "{all}");
}

#[test]
fn probabilities_stand_beside_the_label_of_a_step() {
    let model = trained(&["data.series.id=id", SPARE]);
    let proba = |format| PredictOptions { format, proba: true, ..keep(&["n"]) };
    let text = "n,id,u\n1,a,1\n2,b,1\n3,a,2\n";
    let (csv, notes) = model.predict(text, &proba(Format::Csv)).unwrap();
    assert_eq!(notes, [""; 0]);
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["n", "prediction", "probability_down", "probability_up"]);
    let (jsonl, _) = model.predict(text, &proba(Format::Jsonl)).unwrap();
    let objects: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), objects.len()), (4, 3));
    for (i, (line, object)) in lines[1..].iter().zip(&objects).enumerate() {
        assert_eq!((line[0], &object["n"]), (&(i + 1).to_string()[..], &json!((i + 1).to_string())));
        assert_eq!(object["prediction"], line[1]);
        let [down, up] = [2, 3].map(|c| line[c].parse::<f64>().unwrap());
        assert!((down + up - 1.0).abs() < 1e-6 && (up > down) == (line[1] == "up"), "{line:?}");
        assert_eq!(object["probabilities"], json!({ "down": down, "up": up }));
    }
    assert_eq!(model.predict("id,u\n", &keep(&["id"])).unwrap().0, "id,prediction\n");
    assert_eq!(
        model.predict(text, &keep(&["N"])).unwrap_err().to_string(),
        "error[2]: --keep: there is no column \"N\"\n  expected: one of \"n\", \"id\", \"u\", or all\n  \
         help: did you mean \"n\"?"
    );
}

#[test]
fn steps_before_the_length_have_no_label() {
    let model = trained(&["data.series={ id = \"id\", length = 3 }", SPARE]);
    let text = "id,u\na,1\na,2\nb,5\na,3\na,4\na,5\n";
    let (lines, _) = model.predict(text, &keep(&["u"])).unwrap();
    let labels: Vec<(&str, bool)> = lines
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(u, label)| (u, !label.is_empty()))
        .collect();
    assert_eq!(labels, [("1", false), ("2", false), ("5", true), ("3", true), ("4", true), ("5", true)]);
    let options = PredictOptions { format: Format::Jsonl, proba: true, ..PredictOptions::default() };
    let (lines, _) = model.predict(text, &options).unwrap();
    let none = r#"{"prediction":null,"probabilities":{"down":null,"up":null}}"#;
    assert_eq!(lines.lines().filter(|line| *line == none).count(), 2, "{lines}");
}

#[test]
fn rows_that_are_left_out_have_no_line() {
    // One value for each series; a series without it is left out.
    let text: String = table(&rows())
        .lines()
        .map(|line| match line.split_once(',') {
            Some(("id", rest)) => format!("id,age,{rest}\n"),
            Some((id, rest)) => format!("{id},{},{rest}\n", id.len()),
            None => unreachable!(),
        })
        .collect();
    let settings = [
        "data.series.id=id",
        "data.columns.age={ type = \"number\", missing = \"drop_row\" }",
        "data.inputs.series.columns=series",
        "data.inputs.age.columns=age",
        r#"model.layers=[{ type = "linear", input = "age", out_features = 2, name = "unused" },
            { type = "lstm", input = "series", hidden_size = 8, name = "seen" },
            { type = "add", input = ["seen", "seen"] }]"#,
        "data.max_bad_fraction=0.5",
    ];
    let model = Trained::new(&text, &[&STEPS[..], &settings].concat());
    let new = "id,age,t,u\na,1,0,1\nb,,0,1\nc,2,0,1\nb,,1,2\nc,2\na,1,1,2\nd,,0,1\n";
    let options = PredictOptions { on_bad_row: Some(BadRows::Skip), ..keep(&["id", "u"]) };
    let (lines, notes) = model.predict(new, &options).unwrap();
    let kept: Vec<&str> = lines.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(kept, ["id,u", "a,1", "c,1", "a,2"]);
    let skipped = notes[0].split_once(": ").unwrap().0;
    assert_eq!([skipped, &notes[1]], ["1 of 7 rows skipped", "2 series with missing values were left out"]);
}

#[test]
fn what_is_predicted_for_a_series_stands_on_each_of_its_rows() {
    let text: String = table(&rows())
        .lines()
        .map(|line| match line.split_once(',') {
            Some(("id", _)) => format!("{line},end\n"),
            Some((id, _)) => format!("{line},{}\n", ["p", "q"][id.len() % 2]),
            None => unreachable!(),
        })
        .collect();
    let settings = [
        "data.target=[\"y\", \"end\"]",
        "data.columns.y.type=labels",
        "data.series.id=id",
        SPARE,
        r#"model.layers=[{ type = "lstm", hidden_size = 8, name = "steps" }, { type = "last", name = "whole" }]"#,
        r#"model.outputs={ y = { input = "steps" }, end = { input = "whole" } }"#,
    ];
    let model = Trained::new(&text, &settings);
    let (lines, _) = model.predict("id,u\na,1\nb,3\na,9\na,4\n", &keep(&["id"])).unwrap();
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["id", "prediction_y", "prediction_end"]);
    let ends = |id: &str| -> Vec<&str> {
        let own = lines[1..].iter().filter(|line| line[0] == id);
        own.map(|line| line[2]).collect()
    };
    assert_eq!((ends("a").len(), ends("b").len()), (3, 1));
    assert!(ends("a").windows(2).all(|pair| pair[0] == pair[1] && !pair[0].is_empty()));
    assert!(lines[1..].iter().all(|line| ["up", "down"].contains(&line[1])), "{lines:?}");

    let scores = model.evaluate(&text).unwrap().0;
    let json = scores.to_json();
    assert_eq!((&json["steps"], &json["rows"]), (&json!(rows().len()), &json!(30)));
    let said = scores.to_text();
    assert!(said.starts_with("240 steps, 30 rows of "), "{said}");
    assert!(said.contains("f1  steps\n") && said.contains("f1  rows\n"), "{said}");
}

#[test]
fn more_series_than_a_block_holds() {
    let model = trained(&["data.series.id=id", SPARE]);
    let series = 10_000;
    let side_by_side = (0..2).flat_map(|t| (0..series).map(move |s| format!("{s},{}\n", s % 7 * (t + 1))));
    let text = "id,u\n".to_owned() + &side_by_side.collect::<String>();
    let (lines, _) = model.predict(&text, &keep(&["id", "u"])).unwrap();
    let kept: Vec<&str> = lines.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(kept, text.lines().collect::<Vec<_>>());
}

/// Rows `(id, t, word, y)`: what a city is depends on the word before it.
fn journeys(count: usize, legs: usize) -> Vec<(String, usize, &'static str, &'static str)> {
    let cities = ["Rome", "Oslo", "Bern", "Riga", "Kyiv"];
    let mut rows = Vec::new();
    for id in 0..count {
        for leg in 0..1 + (id * 5 + id / 3) % legs {
            let (word, y) = if (id + leg * leg) % 3 == 0 { ("from", "START") } else { ("to", "END") };
            rows.push((format!("s{id}"), 2 * leg, word, "O"));
            rows.push((format!("s{id}"), 2 * leg + 1, cities[(id * 3 + leg * 2) % 5], y));
        }
    }
    rows
}

fn words_table(rows: &[(String, usize, &str, &str)]) -> String {
    let lines = rows.iter().map(|(id, t, word, y)| format!("{id},{t},{word},{y}\n"));
    "id,t,word,y\n".to_owned() + &lines.collect::<String>()
}

#[test]
fn the_words_of_rows_get_labels() {
    let words = ["data.columns.word.type=text", ORDERED, "train.epochs=40"];
    let model = Trained::new(&words_table(&journeys(40, 4)), &[&STEPS[..], &words].concat());
    // Longer series than training saw, side by side.
    let mut new = journeys(25, 9);
    new.sort_by_key(|(id, t, ..)| (usize::MAX - t, id.clone()));
    let (lines, notes) = model.predict(&words_table(&new), &keep(&["y", "word"])).unwrap();
    assert_eq!(notes, [""; 0]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!((lines[0], lines.len()), ("y,word,prediction", new.len() + 1));
    let mut right = 0;
    for (line, (_, _, word, y)) in lines[1..].iter().zip(&new) {
        let (kept, found) = line.rsplit_once(',').unwrap();
        assert_eq!(kept, format!("{y},{word}"));
        right += usize::from(found == *y);
    }
    assert!(right > new.len() * 9 / 10, "{right} of {}", new.len());
}

#[test]
fn labels_of_a_text_that_is_cut_stand_beside_its_first_words() {
    let journeys = journeys(40, 5);
    let words = ["data.columns.word={ type = \"text\", max_tokens = 4 }", "train.epochs=40"];
    for (series, length) in
        [(ORDERED, usize::MAX), ("data.series={ id = \"id\", order = \"t\", length = 7 }", 7)]
    {
        let model = Trained::new(&words_table(&journeys), &[&STEPS[..], &words, &[series]].concat());
        let (lines, _) = model.predict(&words_table(&journeys), &keep(&["y"])).unwrap();
        let lines: Vec<&str> = lines.lines().skip(1).collect();
        assert_eq!(lines.len(), journeys.len());
        let (mut right, mut all) = (0, 0);
        for (line, (id, t, ..)) in lines.iter().zip(&journeys) {
            let steps = journeys.iter().filter(|(other, ..)| other == id).count();
            let first = steps.saturating_sub(length);
            let (y, label) = line.split_once(',').unwrap();
            assert_eq!(!label.is_empty(), (first..first + 4).contains(t), "{id} {t} of {steps}: {line}");
            all += usize::from(!label.is_empty());
            right += usize::from(label == y);
        }
        assert!(right > all * 9 / 10, "{right} of {all}");
    }
}

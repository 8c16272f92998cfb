//! Columns of texts from their table to predictions.

use crate::train::PredictOptions;
use crate::train::testing::{Trained, table};

fn proba() -> PredictOptions {
    PredictOptions { proba: true, ..PredictOptions::default() }
}

const NEW: &str = "channel,letter\nmail,Where is my lamp? It has not arrived.\nchat,\nmail,ÄÖ zebra\n";

#[test]
fn a_table_with_a_text_is_learnt_without_a_network_in_the_config() {
    let model = Trained::new(&table("tickets.csv"), &["data.target=desk", "train.epochs=20"]);
    let (evaluation, _) = model.evaluate(&table("tickets.csv")).unwrap();
    let accuracy = evaluation.to_json()["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.95, "{accuracy}");
    let (lines, notes) = model.predict(NEW, &proba()).unwrap();
    let missing = "column \"letter\": 1 of 3 values is missing; each counts as an empty text";
    assert_eq!(notes, [missing, "column \"letter\": 2 of 12 tokens are not in the vocabulary"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].starts_with("delivery,"), "{lines:?}");
    assert!(!lines.concat().contains("NaN"), "{lines:?}");
}

#[test]
fn room_behind_the_end_of_a_text_changes_no_bit() {
    let text = table("tickets.csv");
    let predictions = |room: usize| {
        let room = format!("data.columns.letter.max_tokens={room}");
        let model = Trained::new(&text, &["data.target=desk", "train.epochs=2", &room]);
        model.predict(NEW, &proba()).unwrap()
    };
    let short = predictions(40);
    assert_eq!(short, predictions(80));
    assert_ne!(short, predictions(3), "so short a room cuts texts");
}

#[test]
fn longer_texts_than_training_saw_are_cut_with_a_note() {
    let layers = r#"model.layers=[{ type = "embedding", embedding_dim = 4 }, { type = "max" }]"#;
    let settings =
        ["data.target=desk", "data.exclude=[\"channel\"]", "data.columns.letter.max_tokens=5", layers];
    let model = Trained::new(&table("tickets.csv"), &settings);
    let (lines, notes) = model.predict(NEW, &proba()).unwrap();
    assert_eq!(notes[2], "column \"letter\": 1 text has more tokens than the model takes; the rest is cut");
    let cut = NEW.replace(" lamp? It has not arrived.", " lamp?");
    let (of_cut, notes) = model.predict(&cut, &proba()).unwrap();
    assert_eq!((of_cut, notes.len()), (lines, 2));
}

#[test]
fn two_texts_and_numbers_go_into_one_network() {
    let row = |i: usize| {
        let (a, b) = (["red wine", "white wine", "red car"][i % 3], ["one", "two three"][i / 3 % 2]);
        format!("{},{a},{b} {},{}\n", i % 5, i % 11, i % 2)
    };
    let text = format!("n,a,b,y\n{}", (0..60).map(row).collect::<String>());
    let settings = [
        "data.target=y",
        "data.columns.a.type=text",
        "data.columns.b={ type = \"text\", tokenizer = \"char\" }",
        "train.mixup=0.4",
    ];
    let model = Trained::new(&text, &settings);
    let (lines, _) = model.predict(&text, &PredictOptions::default()).unwrap();
    assert_eq!(lines.lines().count(), 61);
}

#[test]
fn words_that_training_never_saw_say_nothing() {
    let layers = r#"model.layers=[{ type = "embedding", embedding_dim = 4 }, { type = "mean" }]"#;
    let model = Trained::new(
        &table("tickets.csv"),
        &["data.target=desk", "data.exclude=[\"channel\"]", "train.epochs=5", layers],
    );
    let (lines, _) = model.predict("letter\nzebra quagga\n\"\"\nlamp\n", &proba()).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[1], lines[2], "as a text without words");
    assert_ne!(lines[1], lines[3]);
}

#[test]
fn a_text_shorter_than_a_window_is_not_an_empty_one() {
    let layers = |window: &str| {
        format!(
            r#"model.layers=[{{ type = "embedding", embedding_dim = 8 }}, {{ {window}, kernel_size = 3 }}, {{ type = "max" }}]"#
        )
    };
    for window in
        [r#"type = "conv1d", out_channels = 16"#, r#"type = "max_pool1d""#, r#"type = "avg_pool1d""#]
    {
        let settings = ["data.target=desk", "data.exclude=[\"channel\"]", "train.epochs=2", &layers(window)];
        let model = Trained::new(&table("tickets.csv"), &settings);
        let (lines, _) = model.predict("letter\nlamp\narrived\nlamp arrived\n\"\"\n", &proba()).unwrap();
        let said: std::collections::BTreeSet<&str> = lines.lines().skip(1).collect();
        assert_eq!(said.len(), lines.lines().count() - 1, "{window}: {lines}");
    }
}

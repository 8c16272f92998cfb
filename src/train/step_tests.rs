//! A label for each step of a row, from its table to predictions.

use serde_json::{Value, json};

use crate::train::testing::{Trained, table};
use crate::train::{Format, PredictOptions};

const TEXT: [&str; 3] =
    ["data.target=labels", "data.columns.labels.type=labels", "data.columns.message.type=text"];

/// Trains on the messages of `orders.csv`.
fn orders(more: &[&str]) -> Trained {
    Trained::new(&table("orders.csv"), &[&TEXT[..], more].concat())
}

const NEW: &str = "message\nis Paris in Paris\nsend 3 bags\n";

#[test]
fn words_get_labels_by_what_stands_beside_them() {
    let model = orders(&["train.epochs=15"]);
    let json = model.evaluate(&table("orders.csv")).unwrap().0.to_json();
    let rows = table("orders.csv");
    let steps = rows.lines().skip(1).map(|l| l.split(',').next().unwrap().split(' ').count());
    assert_eq!(json["steps"], json!(steps.sum::<usize>()));
    assert!(json["accuracy"].as_f64().unwrap() > 0.97, "{json}");
    let (lines, notes) = model.predict(NEW, &PredictOptions::default()).unwrap();
    assert_eq!((&lines[..], notes), ("prediction\nO PERSON O CITY\nO NUMBER UNIT\n", vec![]));
}

#[test]
fn predictions_of_steps_stand_in_one_field_and_in_lists() {
    let model = orders(&[]);
    let options = |format, proba| PredictOptions { format, proba, ..PredictOptions::default() };
    let (csv, _) = model.predict(NEW, &options(Format::Csv, true)).unwrap();
    let header = "prediction,probability_CITY,probability_DAY,probability_NUMBER,probability_O,probability_PERSON,\
                  probability_PRODUCT,probability_UNIT";
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0].join(","), header);
    let counts: Vec<usize> = lines[1].iter().map(|field| field.split(' ').count()).collect();
    assert_eq!(counts, [4; 8], "{csv}");
    let (jsonl, _) = model.predict(NEW, &options(Format::Jsonl, true)).unwrap();
    let second: Value = serde_json::from_str(jsonl.lines().nth(1).unwrap()).unwrap();
    let labels: Vec<&str> =
        second["prediction"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(labels.join(" "), lines[2][0]);
    for step in 0..3 {
        let of = |class: &Value| class[step].as_f64().unwrap();
        let sum: f64 = second["probabilities"].as_object().unwrap().values().map(of).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{second}");
    }
}

#[test]
fn steps_behind_the_end_of_a_row_count_nothing() {
    let figures = |room: usize| {
        let room = format!("data.columns.message.max_tokens={room}");
        // Dropout draws other numbers where there is more room.
        let layers = r#"model.layers=[{ type = "embedding", embedding_dim = 8 },
            { type = "lstm", hidden_size = 8, bidirectional = true }]"#;
        let model = orders(&["train.epochs=2", layers, &room]);
        let json = model.evaluate(&table("orders.csv")).unwrap().0.to_json();
        let (lines, _) =
            model.predict(NEW, &PredictOptions { proba: true, ..PredictOptions::default() }).unwrap();
        (lines, json["accuracy"].clone(), json["loss"].as_f64().unwrap())
    };
    let (short, long) = (figures(10), figures(40));
    let numbers = |lines: &str| -> Vec<f64> {
        lines.split(|c: char| c == ',' || c.is_whitespace()).filter_map(|field| field.parse().ok()).collect()
    };
    let (a, b) = (numbers(&short.0), numbers(&long.0));
    assert_eq!((a.len(), &short.1), (7 * 7, &long.1));
    // A longer row is summed in other parts.
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
    assert!((short.2 - long.2).abs() < 1e-6);
}

#[test]
fn the_loss_is_the_mean_over_steps_however_rows_are_batched() {
    let rows = table("orders.csv");
    let loss = |model: &Trained, text: &str| {
        let json = model.evaluate(text).unwrap().0.to_json();
        (json["loss"].as_f64().unwrap(), json["steps"].as_f64().unwrap())
    };
    let model = orders(&[]);
    let lines: Vec<&str> = rows.lines().take(21).collect();
    let (whole, steps) = loss(&model, &(lines.join("\n") + "\n"));
    let each = lines[1..].iter().map(|line| {
        let (loss, steps) = loss(&model, &format!("{}\n{line}\n", lines[0]));
        loss * steps
    });
    assert!((each.sum::<f64>() / steps - whole).abs() < 1e-6);
}

#[test]
fn weights_of_classes_and_rows_reach_the_steps() {
    let recall = |more: &[&str]| {
        let json = orders(more).evaluate(&table("orders.csv")).unwrap().0.to_json();
        let classes = json["classes"].as_array().unwrap();
        let city = classes.iter().find(|c| c["class"] == "CITY").unwrap();
        city["recall"].as_f64().unwrap()
    };
    let linear = r#"model.layers=[{ type = "embedding", embedding_dim = 8 }]"#;
    let plain = recall(&["train.epochs=8", linear]);
    let heavy = recall(&["train.epochs=8", linear, "train.class_weights={ CITY = 20.0 }"]);
    assert!(heavy > plain, "{heavy} {plain}");
}

/// A long table of 30 series: what is done at a step shows in how its number changed since the step before.
fn series() -> String {
    let mut text = "id,u,y\n".to_owned();
    for id in 0..30 {
        let mut u = 0.0f64;
        for step in 0..(6 + id % 5) {
            let rising = (id * 7 + step * step) % 3 == 0;
            u += if rising { 1.0 } else { -0.4 };
            text += &format!("s{id},{u:.2},{}\n", if rising { "up" } else { "down" });
        }
    }
    text
}

#[test]
fn steps_of_series_get_labels() {
    let text = series();
    let settings = ["data.target=y", "data.columns.y.type=labels", "data.series.id=id", "train.epochs=60"];
    let model = Trained::new(&text, &settings);
    let json = model.evaluate(&text).unwrap().0.to_json();
    assert_eq!(json["steps"], json!(text.lines().count() - 1));
    assert!(json["accuracy"].as_f64().unwrap() > 0.95, "{json}");
    let steps = |n: usize| (0..n).map(|i| format!("a,{i}\n")).collect::<String>();
    let labels = |n: usize| {
        let (lines, _) = model.predict(&format!("id,u\n{}", steps(n)), &PredictOptions::default()).unwrap();
        lines.lines().skip(1).filter(|label| ["up", "down"].contains(label)).count()
    };
    assert_eq!((labels(3), labels(25)), (3, 25), "longer series than training saw too");
}

#[test]
fn what_steps_cannot_do_is_refused() {
    let said = |more: &[&str]| {
        let settings = [&TEXT[..], more].concat();
        Trained::attempt(&table("orders.csv"), &settings).err().expect("it must be refused").to_string()
    };
    assert_eq!(
        said(&["train.mixup=0.2"]),
        "error[2]: train.mixup: rows with a label for each step cannot be mixed\n  \
         found: labels of steps in \"labels\"\n  help: take train.mixup out"
    );
    let loss = said(&["train.loss.type=hinge"]);
    assert!(loss.contains("a target of 7 classes of \"labels\" for each step"), "{loss}");
    let layers = |layers: &str| {
        said(&[&format!(r#"model.layers=[{{ type = "embedding", embedding_dim = 4 }}, {layers}]"#)])
    };
    let mean = layers(r#"{ type = "mean" }"#);
    assert!(mean.contains("leave out the layers that reduce the steps to one"), "{mean}");
    let fewer = layers(r#"{ type = "conv1d", out_channels = 4, kernel_size = 3 }"#);
    let told = "layer \"conv1d_1\": it does not keep the steps, and the target has a value for each of them\n  \
                expected: 10 steps\n  found: 8 steps\n  \
                help: take layers that keep the steps: padding = \"same\" and stride = 1 of a convolution, no pooling";
    assert!(fewer.ends_with(told), "{fewer}");
}

#[test]
fn texts_longer_than_training_saw_get_all_their_labels() {
    let text = "message,labels\n".to_owned() + &"to Oslo,O CITY\nfrom Lima,O CITY\n".repeat(20);
    let long = format!("message\nto{}\nto Lima\n", " Oslo".repeat(300));
    let counts = |model: &Trained| {
        let (lines, notes) = model.predict(&long, &PredictOptions::default()).unwrap();
        (lines.lines().skip(1).map(|line| line.split(' ').count()).collect::<Vec<_>>(), notes)
    };
    let open = Trained::new(&text, &TEXT);
    assert_eq!(counts(&open), (vec![301, 2], vec![]));
    let scored = format!("message,labels\nto{},O{}\n", " Oslo".repeat(300), " CITY".repeat(300));
    assert_eq!(open.evaluate(&scored).unwrap().0.to_json()["steps"], json!(301));
    let cut = "column \"message\": 1 text has more tokens than the model takes; the rest is cut".to_owned();
    let limited = Trained::new(&text, &[&TEXT[..], &["data.columns.message.max_tokens=5"]].concat());
    assert_eq!(counts(&limited), (vec![5, 2], vec![cut.clone()]));
    // A vector for each place: no place for more steps.
    let placed =
        r#"model.layers=[{ type = "embedding", embedding_dim = 4 }, { type = "positional_embedding" }]"#;
    let placed = Trained::new(&text, &[&TEXT[..], &[placed]].concat());
    assert_eq!(counts(&placed), (vec![2, 2], vec![cut]));
}

#[test]
fn an_empty_text_gets_no_label_and_unknown_words_are_counted() {
    let model = orders(&[]);
    let options = PredictOptions { format: Format::Jsonl, ..PredictOptions::default() };
    let (lines, notes) = model.predict("n,message\n1,\n2,to zebra qqq\n", &options).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["prediction"], json!([]));
    assert_eq!(lines[1]["prediction"].as_array().unwrap().len(), 3);
    assert_eq!(
        notes,
        [
            "column \"n\" is ignored: the model does not know it",
            "column \"message\": 1 of 2 values is missing; each counts as an empty text",
            "column \"message\": 2 of 3 tokens are not in the vocabulary"
        ]
    );
}

#[test]
fn columns_beside_the_text_have_no_place() {
    let text = table("orders.csv").replace("message,", "n,message,");
    let text: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line}\n"),
            _ => format!("{},{line}\n", i % 7),
        })
        .collect();
    let error = Trained::attempt(&text, &TEXT).err().expect("it must be refused").to_string();
    assert!(
        error.starts_with("error[2]: model.layers: the network for a label of each step reads one text"),
        "{error}"
    );
    assert!(error.contains("found: \"n\"") && error.contains("data.exclude = [\"n\"]"), "{error}");
}

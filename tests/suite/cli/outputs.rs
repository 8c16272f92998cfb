//! A network of several outputs, from its config to its predictions.

use std::fmt::Write as _;

use serde_json::Value;

use super::Place;

/// Rows like those of the penguins of the Palmer archipelago: three species that differ in bill and flipper, and a body mass
/// that follows from both and from the sex.
fn penguins(rows: usize) -> String {
    let mut state = 17u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let species = [
        ("Adelie", 38.8, 190.0, 3700.0),
        ("Chinstrap", 48.8, 196.0, 3730.0),
        ("Gentoo", 47.5, 217.0, 5080.0),
    ];
    let mut text = String::from("bill_mm,flipper_mm,sex,species,body_mass_g\n");
    for _ in 0..rows {
        let (name, bill, flipper, mass) = species[((unit() + 0.5) * 3.0) as usize];
        let (size, male) = (unit(), unit() > 0.0);
        let bill = bill + 5.0 * size + 3.0 * unit();
        let flipper = flipper + 12.0 * size + 6.0 * unit();
        let sex = if male { "male" } else { "female" };
        let mass = mass + 900.0 * size * size.abs() + if male { 350.0 } else { -350.0 } + 150.0 * unit();
        let _ = writeln!(text, "{bill:.1},{flipper:.1},{sex},{name},{mass:.0}");
    }
    text
}

const CONFIG: &str = r#"
[data]
train = "penguins.csv"
target = ["species", "body_mass_g"]

[model]
layers = [
  { type = "linear", name = "trunk", out_features = 32, activation = "tanh" },
  { type = "linear", name = "mass", out_features = 16, activation = "tanh" },
]

[model.outputs.kind]
target = "species"
input = "trunk"

[model.outputs.body_mass_g]
weight = 0.5

[train]
epochs = 30
optimizer = { type = "adam", learning_rate = 5e-3 }
early_stopping = { metric = "body_mass_g.r2", patience = 30 }
"#;

fn place() -> Place {
    Place::new().with("penguins.csv", penguins(400)).with("p.toml", CONFIG)
}

fn lines(place: &Place, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path().join(name)).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn both_outputs_learn_and_are_told_apart_everywhere() {
    let place = place();
    let end = place.run("train p.toml --run-dir r");
    assert_eq!(end.code, 0, "{}", end.err);
    let closing = end.out;
    assert!(
        closing.contains("\noutput \"kind\"\n\nmetric ")
            && closing.contains("\noutput \"body_mass_g\"\n\nmetric "),
        "{closing}"
    );
    // model, interval, majority class or mean, linear model
    let figures = |metric: &str| -> Vec<f64> {
        let line = closing.lines().find(|line| line.starts_with(&format!("{metric} "))).expect("a line");
        line.split(' ').filter_map(|word| word.parse().ok()).collect()
    };
    let (accuracy, r2) = (figures("accuracy"), figures("r2"));
    assert!(accuracy[0] > 0.85 && accuracy[0] >= accuracy[4] && accuracy[3] < 0.6, "{closing}");
    assert!(r2[0] > 0.85 && r2[0] > r2[4] && r2[3] < 0.1, "{closing}");
    assert!(
        end.err.contains("val_kind.accuracy 0.") && end.err.contains("val_body_mass_g.r2 0."),
        "{}",
        end.err
    );
    assert!(end.err.contains("3 -> 32 -> 16 -> (3, 1)"), "{}", end.err);

    let rows = lines(&place, "r/metrics.jsonl");
    let last = rows.last().expect("a row");
    let keys: Vec<&str> = last.as_object().expect("an object").keys().map(String::as_str).collect();
    let classes = [
        "loss",
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "roc_auc",
        "average_precision",
        "log_loss",
    ]
    .map(|m| format!("kind.{m}"));
    let numbers = ["loss", "r2", "rmse", "mse", "mae", "mape"].map(|m| format!("body_mass_g.{m}"));
    let named: Vec<&str> = classes.iter().chain(&numbers).map(String::as_str).collect();
    assert_eq!(keys, [&["step", "epoch", "split", "loss"][..], &named[..]].concat());
    for row in rows.iter().filter(|row| row["split"] == "val") {
        let sum = number(&row["kind.loss"]) + 0.5 * number(&row["body_mass_g.loss"]);
        assert!((number(&row["loss"]) - sum).abs() < 1e-12, "{row}");
    }
    let mean: f64 = rows.iter().filter(|row| row["split"] == "train").map(|row| number(&row["loss"])).sum();
    assert!(mean.is_finite() && mean > 0.0);
}

#[test]
fn the_model_file_scores_as_the_trainer_did() {
    let place = place().with(
        "rest.csv",
        penguins(500)
            .lines()
            .enumerate()
            .filter(|(i, _)| *i == 0 || *i > 400)
            .map(|(_, line)| line.to_owned() + "\n")
            .collect::<String>(),
    );
    place.run("train p.toml --run-dir r --set data.test=rest.csv --set train.epochs=3").worked();
    let rows = lines(&place, "r/metrics.jsonl");
    let test = rows.iter().find(|row| row["split"] == "test").expect("the test's row");
    let figures = json(&place.run("eval r rest.csv --format json").worked());
    assert_eq!((&figures["rows"], &figures["loss"]), (&Value::from(100), &test["loss"]));
    for (output, metric) in [
        ("kind", "loss"),
        ("kind", "accuracy"),
        ("kind", "log_loss"),
        ("body_mass_g", "r2"),
        ("body_mass_g", "mape"),
    ] {
        assert_eq!(
            figures["outputs"][output][metric],
            test[format!("{output}.{metric}")],
            "{output}.{metric}"
        );
    }
    assert_eq!(figures["outputs"]["kind"]["classes"][1]["class"], "Chinstrap");
    assert_eq!(figures["outputs"]["body_mass_g"]["outputs"][0]["output"], "body_mass_g");
    let text = place.run("eval r rest.csv").worked();
    assert!(text.starts_with("100 rows of rest.csv\n\nmetric   value\nloss    "), "{text}");
    assert!(text.contains("\noutput \"kind\"\n\nmetric ") && text.contains("\ntrue \\ predicted "), "{text}");
    assert!(text.contains("\noutput \"body_mass_g\"\n\nmetric ") && text.contains("\nrmse "), "{text}");
}

#[test]
fn a_step_descends_the_sum_of_the_weighted_means() {
    let place = place();
    let still = "--set data.validation=0.0 --set train.early_stopping=none --set train.epochs=1 --set train.batch_size=400 \
                 --set train.optimizer={type=\"sgd\",learning_rate=1e-30} --set train.class_weights=balanced --quiet";
    place.run(&format!("train p.toml --run-dir r {still}")).worked();
    let step = number(&lines(&place, "r/metrics.jsonl")[0]["loss"]);
    let figures = json(&place.run("eval r penguins.csv --format json").worked());
    let of = |output: &str| number(&figures["outputs"][output]["loss"]);
    let sum = of("kind") + 0.5 * of("body_mass_g");
    assert!((step - sum).abs() < 1e-5 * sum, "{step} in training, {sum} in evaluation");
    assert!((number(&figures["loss"]) - sum).abs() < 1e-12);
}

#[test]
fn predictions_have_a_column_for_each_target() {
    let place = place().with("new.csv", "bill_mm,flipper_mm,sex\n38.5,189,male\n48,220,female\n");
    place.run("train p.toml --run-dir r --quiet").worked();
    let plain = place.run("predict r new.csv").worked();
    assert!(plain.starts_with("prediction_species,prediction_body_mass_g\nAdelie,"), "{plain}");
    let csv = place.run("predict r new.csv --proba --keep sex").worked();
    let header = "sex,prediction_species,prediction_body_mass_g,probability_species_Adelie,\
                  probability_species_Chinstrap,probability_species_Gentoo";
    assert_eq!(csv.lines().next(), Some(header));
    let jsonl = place.run("predict r new.csv --proba --format jsonl").worked();
    for (csv, line) in csv.lines().skip(1).zip(jsonl.lines()) {
        let (fields, row) = (csv.split(',').collect::<Vec<_>>(), json(line));
        let mass = &row["prediction"]["body_mass_g"];
        assert_eq!(
            (fields[1], fields[2]),
            (row["prediction"]["species"].as_str().expect("a class"), &*mass.to_string())
        );
        assert!((3000.0..6500.0).contains(&number(mass)), "{line}");
        let p = row["probabilities"]["species"].as_object().expect("an object");
        assert_eq!(
            p.iter().map(|(class, _)| class.as_str()).collect::<Vec<_>>(),
            ["Adelie", "Chinstrap", "Gentoo"]
        );
        assert!((p.values().map(number).sum::<f64>() - 1.0).abs() < 1e-6, "{line}");
        assert_eq!(fields[3..].join(","), p.values().map(Value::to_string).collect::<Vec<_>>().join(","));
        assert_eq!(row["probabilities"].as_object().map(serde_json::Map::len), Some(1));
    }
}

#[test]
fn quantiles_and_labels_are_named_by_their_columns() {
    let rows = (0..200)
        .map(|i| format!("{},{},{},{}", i % 10, i % 10 * 3, u8::from(i % 10 > 4), u8::from(i % 3 == 0)));
    let table = format!("x,y,high,third\n{}\n", rows.collect::<Vec<_>>().join("\n"));
    let config = "[data]\ntrain = \"t.csv\"\ntarget = [\"y\", \"high\", \"third\"]\ncolumns.y.type = \"number\"\n\
                  [model.outputs.y]\nloss = { type = \"pinball\", quantiles = [0.1, 0.5] }\n\
                  [model.outputs.flags]\ntarget = [\"high\", \"third\"]\n[train]\nepochs = 2\n";
    let place = Place::new().with("t.csv", table).with("t.toml", config);
    place.run("train t.toml --run-dir r --quiet").worked();
    let csv = place.feed("predict r - --proba", "x\n3\n").worked();
    let header = "prediction_y,prediction_high,prediction_third,quantile_y_0.1,quantile_y_0.5,probability_high,probability_third";
    assert_eq!(csv.lines().next(), Some(header));
    let row = json(&place.feed("predict r - --proba --format jsonl", "x\n3\n").worked());
    let keys =
        |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        (keys(&row), keys(&row["quantiles"])),
        ("prediction probabilities quantiles".into(), "y".into())
    );
    assert_eq!(
        (keys(&row["quantiles"]["y"]), keys(&row["probabilities"])),
        ("0.1 0.5".into(), "high third".into())
    );
    assert_eq!(row["prediction"]["y"], row["quantiles"]["y"]["0.5"]);
}

#[test]
fn targets_of_several_kinds_need_no_more_than_their_names() {
    let place = place();
    let line = "--data penguins.csv --target species --target body_mass_g --set train.epochs=2 --set train.early_stopping=none";
    place.run(&format!("train {line} --run-dir a --quiet")).worked();
    let config = std::fs::read_to_string(place.path().join("a/config.toml")).expect("the resolved config");
    insta::assert_snapshot!(config[config.find("\n[model.outputs").expect("outputs")..].split("\n[train]").next().unwrap_or_default(), @r#"

    [model.outputs.species]
    target = "species"
    loss = { type = "cross_entropy", label_smoothing = 0.1 }
    weight = 1.0

    [model.outputs.body_mass_g]
    target = "body_mass_g"
    loss = { type = "mse" }
    weight = 1.0
    "#);
    // What it resolved to trains the same model.
    place.run("train a/config.toml --run-dir b --quiet").worked();
    let model =
        |name: &str| std::fs::read(place.path().join(name).join("model.safetensors")).expect("a model");
    assert!(model("a") == model("b"));
}

#[test]
fn neither_threads_nor_a_pause_change_a_bit() {
    let place = place();
    let more = "--set train.early_stopping=none --set train.schedule=constant --set train.class_weights=balanced --quiet";
    let model =
        |name: &str| std::fs::read(place.path().join(name).join("model.safetensors")).expect("a model");
    place.run(&format!("train p.toml --run-dir one --threads 1 --set train.epochs=6 {more}")).worked();
    place.run(&format!("train p.toml --run-dir three --threads 3 --set train.epochs=6 {more}")).worked();
    assert!(model("one") == model("three"), "one thread and three differ");
    place.run(&format!("train p.toml --run-dir parts --set train.epochs=2 {more}")).worked();
    assert!(model("one") != model("parts"), "four more epochs change nothing");
    place.run("train --resume --run-dir parts --set train.epochs=6 --quiet").worked();
    assert!(model("one") == model("parts"), "a resumed run differs");
}

/// What `check` says of the config with some keys more.
fn told(more: &[&str]) -> String {
    let place = place();
    let mut command = place.command();
    command.args(["check", "p.toml"]);
    more.iter().for_each(|setting| _ = command.args(["--set", setting]));
    super::Ended::of(&command.output().expect("it runs")).failed(2)
}

#[test]
fn check_shows_each_output() {
    let text = place().run("check p.toml").worked();
    assert!(text.contains("\npredicts: \"species\" (3 classes), \"body_mass_g\" (a number)\n"), "{text}");
    assert!(
        text.contains(
            "\nloss: 1 * cross_entropy, label_smoothing 0.1 for \"kind\" + 0.5 * mse of the standardised target for \"body_mass_g\" (default)\n"
        ),
        "{text}"
    );
    let layer = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(&format!("{name} ")))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(layer("output_kind").as_deref(), Some("output_kind linear [3] 99 96"), "{text}");
    assert_eq!(layer("output_body_mass_g").as_deref(), Some("output_body_mass_g linear [1] 17 16"), "{text}");
    assert!(!text.contains("row_weight") && !text.contains("target_"), "{text}");
}

#[test]
fn a_layer_that_is_not_there() {
    insta::assert_snapshot!(told(&["model.outputs.kind.input=\"trank\""]), @r#"
    error[2]: layer "output_kind": no layer or input "trank" comes before it
      expected: one of "features", "mass", "trunk"
      help: name one of them in model.outputs.kind.input
    "#);
}

#[test]
fn a_layer_that_has_the_name_of_an_output_layer() {
    insta::assert_snapshot!(told(&["model.layers.0.name=\"output_kind\"", "model.outputs.kind.input=\"output_kind\""]), @r#"
    error[2]: layer "output_kind": the name is taken: the layer of an output has it
      help: give each layer a name of its own
    "#);
}

#[test]
fn a_loss_that_does_not_fit_its_target() {
    insta::assert_snapshot!(told(&["model.outputs.kind.loss=\"mse\""]), @r#"
    error[2]: model.outputs.kind.loss: "mse" does not fit the target
      expected: one of "bce_with_logits", "cross_entropy", "hinge", or no loss at all: it follows from the target
      found: a target of 3 classes of "species"
      help: choose a fitting loss, or pin the target's type: data.columns.NAME.type = "number" or "category"
    "#);
    insta::assert_snapshot!(
        told(&["model.outputs.body_mass_g.loss={type=\"pinball\",quantiles=[]}"]), @"
    error[2]: model.outputs.body_mass_g.loss.quantiles: no quantile is named
      expected: at least one number between 0 and 1, each once
      found: []
      help: name the quantiles to predict, such as quantiles = [0.05, 0.5, 0.95]
    ");
}

#[test]
fn one_loss_for_several_outputs() {
    insta::assert_snapshot!(told(&["train.loss=\"mse\""]), @r#"
    error[2]: --set "train.loss=\"mse\"": one loss cannot serve several outputs
      found: the outputs "kind", "body_mass_g"
      help: take it out, or set model.outputs.kind.loss, model.outputs.body_mass_g.loss
    "#);
    let place = place();
    let line = "check --data penguins.csv --target species --target body_mass_g --set train.loss=\"mse\"";
    let end = place.run(&line.replace("check", "train"));
    insta::assert_snapshot!(end.failed(2), @r#"
    error[2]: train.loss: one loss cannot serve several outputs
      found: the outputs "species", "body_mass_g"
      help: take it out, or set model.outputs.species.loss, model.outputs.body_mass_g.loss
    "#);
}

#[test]
fn a_metric_that_no_output_has() {
    insta::assert_snapshot!(told(&["train.early_stopping.metric=\"accuracy\""]), @r#"
    error[2]: train.early_stopping.metric: there is no metric "accuracy" here
      expected: one of "loss", "kind.loss", "kind.accuracy", "kind.balanced_accuracy", "kind.f1_macro", "kind.precision_macro", "kind.recall_macro", "kind.roc_auc", "kind.average_precision", "kind.log_loss", "body_mass_g.loss", "body_mass_g.r2", "body_mass_g.rmse", "body_mass_g.mse", "body_mass_g.mae", "body_mass_g.mape"
      help: did you mean "kind.accuracy"?
    "#);
    insta::assert_snapshot!(told(&["train.early_stopping.metric=\"kind.r2\""]), @r#"
    error[2]: train.early_stopping.metric: there is no metric "kind.r2" here
      expected: one of "loss", "kind.loss", "kind.accuracy", "kind.balanced_accuracy", "kind.f1_macro", "kind.precision_macro", "kind.recall_macro", "kind.roc_auc", "kind.average_precision", "kind.log_loss", "body_mass_g.loss", "body_mass_g.r2", "body_mass_g.rmse", "body_mass_g.mse", "body_mass_g.mae", "body_mass_g.mape"
      help: did you mean "body_mass_g.r2"?
    "#);
}

#[test]
fn class_weights_that_could_mean_several_outputs() {
    let more = ["data.target=[\"species\", \"body_mass_g\", \"sex\"]", "model.outputs.sex={}"];
    insta::assert_snapshot!(told(&[&more[..], &["train.class_weights=[1, 2]"]].concat()), @r#"
    error[2]: train.class_weights: weights of classes, and several outputs have some
      expected: "balanced", for each of them
      found: classes in the outputs "kind", "sex"
      help: take train.class_weights out, or set train.class_weights = "balanced"
    "#);
    let place = place();
    let mut command = place.command();
    command.args([
        "train",
        "p.toml",
        "--run-dir",
        "r",
        "--quiet",
        "--set",
        "train.class_weights=\"balanced\"",
        "--set",
        "train.epochs=1",
    ]);
    more.iter().for_each(|setting| _ = command.args(["--set", setting]));
    super::Ended::of(&command.output().expect("it runs")).worked();
    place.run("eval r penguins.csv").worked();
}

#[test]
fn probabilities_where_no_output_has_some() {
    let rows: Vec<String> =
        (0..60).map(|i| format!("{},{}.5,{}.25,{}", i % 7, i % 5, i % 3, ["a", "b"][i % 2])).collect();
    let place = Place::new().with("t.csv", format!("x,y,z,k\n{}\n", rows.join("\n")));
    let line = "train --data t.csv --set train.epochs=1 --quiet";
    place
        .run(&format!("{line} --target y --target z --set model.outputs={{y={{}},z={{}}}} --run-dir n"))
        .worked();
    insta::assert_snapshot!(place.run("predict n t.csv --proba").failed(2), @"
    error[2]: --proba: the model predicts numbers: there are no probabilities
      help: leave --proba out
    ");
    place
        .run(&format!(
            "{line} --target y --target k --set model.outputs={{y={{}},k={{loss=\"hinge\"}}}} --run-dir h"
        ))
        .worked();
    insta::assert_snapshot!(place.run("predict h t.csv --proba").failed(2), @r#"
    error[2]: --proba: the loss of the output "k" gives scores, not probabilities
      found: the loss "hinge"
      help: leave --proba out, or train with another loss
    "#);
}

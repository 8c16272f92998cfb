//! Going on from a model (`train.init_from`), through the binary: what is taken over, and what is refused.

use std::fmt::Write as _;
use std::fs;

use crate::cli::{Ended, Place};

/// A small transformer, and rates that stay as they are.
const NETWORK: &str = concat!(
    r#"--set model.layers=[{type="embedding",embedding_dim=16},{type="positional_embedding"},"#,
    r#"{type="transformer_block",num_heads=2,causal=true}] --set data.context=16 --set train.batch_size=8 "#,
    r#"--set train.optimizer={type="adam",learning_rate=0.01} --set train.schedule.type=constant"#
);

/// Sentences of some animals.
fn sentences(who: [&str; 3]) -> String {
    let verbs = ["schläft", "frißt", "fliegt fort"];
    (0..300).map(|i| format!("{} {}, {}.\n", who[i * 7 % 3], verbs[i * i % 3], i * 31 % 10)).collect()
}

/// Two texts: the second one lacks some characters of the first.
fn texts() -> Place {
    let place = Place::new().with("a.txt", sentences(["Der Bär", "Die Kuh", "Ein Vogel"]));
    let place = place.with("b.txt", sentences(["Die Kuh", "Ein Bär", "Der Bär"]));
    place.with("z.txt", sentences(["Die Kuh", "Zwölf Kühe", "Der Bär"]))
}

fn on(place: &Place, line: &str) -> Ended {
    let (command, rest) = line.split_once(' ').expect("a command and its flags");
    place.run(&format!("{command} {NETWORK} {rest}"))
}

/// The first figure of that name in the log of a run.
fn first(place: &Place, run: &str, name: &str) -> f64 {
    let log = fs::read_to_string(place.path().join(run).join("metrics.jsonl")).expect("a log");
    let rows = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    rows.filter(|row| row["split"] == "val").find_map(|row| row[name].as_f64()).expect("a figure")
}

fn model(place: &Place, run: &str) -> Vec<u8> {
    fs::read(place.path().join(run).join("model.safetensors")).expect("a model")
}

#[test]
fn a_language_model_goes_on_with_another_text_that_lacks_some_characters() {
    let place = texts();
    on(&place, "train --text a.txt --quiet --run-dir a --set train.epochs=10").worked();
    on(&place, "train --text b.txt --quiet --run-dir fresh --set train.epochs=1").worked();
    let from = "--set train.init_from=a/model.safetensors --set train.epochs=1";
    let end = on(&place, &format!("train --text b.txt --run-dir b {from}"));
    assert_eq!(end.code, 0, "{}", end.err);
    let told = end.err.matches("note: weights and tokenizer of a/model.safetensors\n").count();
    assert!(told == 1 && end.err.contains("the next of 34 tokens (tokenizer char)"), "{}", end.err);
    let (fresh, gone_on) = (first(&place, "fresh", "perplexity"), first(&place, "b", "perplexity"));
    assert!(gone_on < 3.0 && fresh > 5.0, "{gone_on} {fresh}");
    // The config of the run says what the tokenizer is.
    let config = fs::read_to_string(place.path().join("b/config.toml")).expect("a config");
    assert!(config.contains("\ntokenizer = \"char\"\n"), "{config}");
    insta::assert_snapshot!(on(&place, "check --text b.txt --set train.init_from=gone").failed(2), @r#"
    error[2]: gone: no such file
      help: train.init_from names a run directory or a .safetensors file
    "#);
    // A run directory names its model.
    let end = on(&place, "check --text b.txt --quiet --set train.init_from=a");
    assert_eq!(end.code, 0, "{}", end.err);
}

#[test]
fn a_character_that_the_model_does_not_know_is_refused_by_check_as_well() {
    let place = texts();
    on(&place, "train --text a.txt --quiet --run-dir a --set train.epochs=1").worked();
    for command in ["train", "check"] {
        let message =
            on(&place, &format!("{command} --text z.txt --quiet --set train.init_from=a")).failed(3);
        insta::allow_duplicates! {
            insta::assert_snapshot!(message, @r#"
            error[3]: z.txt: the character "Z" (U+005A) is not in the vocabulary
              expected: characters of the training text
              found: "Z"
              help: take the character out, or leave train.init_from out: the tokenizer is that of its model, and weights of other characters are not there
            "#);
        }
    }
    let held = "--text b.txt --quiet --set train.init_from=a --set data.validation=z.txt";
    assert!(on(&place, &format!("check {held}")).failed(3).contains("leave train.init_from out"));
    assert_eq!(place.list("."), ["a", "a.txt", "b.txt", "z.txt"], "no run directory is left");
}

#[test]
fn a_tokenizer_that_is_not_the_models_is_refused() {
    let place = texts();
    let bpe = "--set data.tokenizer=bpe --set data.vocabulary_size=300";
    on(&place, &format!("train --text a.txt --quiet --run-dir a --set train.epochs=1 {bpe}")).worked();
    let check =
        |more: &str| on(&place, &format!("check --text b.txt --quiet --set train.init_from=a {more}"));
    insta::assert_snapshot!(check("--set data.tokenizer=char").failed(2), @r#"
    error[2]: data.tokenizer: the tokenizer of the model that train.init_from names is another one
      expected: "bpe"
      found: "char"
      help: take the key out: the model's tokenizer is taken over
    "#);
    insta::assert_snapshot!(check("--set data.tokenizer=bpe --set data.vocabulary_size=280").failed(2), @"
    error[2]: data.vocabulary_size: the tokenizer of the model that train.init_from names is another one
      expected: 297
      found: 280
      help: take the key out: the model's tokenizer is taken over
    ");
    insta::assert_snapshot!(check("--set data.context=8").failed(4), @r#"
    error[4]: a/model.safetensors: tensor "positional_embedding_1.weight" has another shape
      expected: [8, 16]
      found: [16, 16]
      help: a layer has weights for each place of the context: set data.context = 16
    "#);
    check(bpe).worked();
    check("").worked();
    fs::write(place.path().join("t.csv"), table(["p", "q"], ["x", "y", "z"])).expect("a table");
    let end = place.run("check --data t.csv --target y --quiet --set train.init_from=a");
    insta::assert_snapshot!(end.failed(4), @"
    error[4]: train.init_from: the model is one of a text, and the data are a table
      help: name a model of this kind of data, or take train.init_from out
    ");
}

#[test]
fn a_context_that_is_left_out_is_the_models() {
    let place = texts();
    on(&place, "train --text a.txt --quiet --run-dir a --set train.epochs=0").worked();
    let line = "--text b.txt --quiet --set train.init_from=a --set train.epochs=0";
    place.run(&format!("train {line} --run-dir b")).worked();
    let config = fs::read_to_string(place.path().join("b/config.toml")).expect("a config");
    assert!(config.contains("\ncontext = 16\n"), "{config}");
    // The number that it has where no model is named, but said.
    let message = place.run(&format!("check {line} --set data.context=128")).failed(4);
    assert!(message.contains("found: [16, 16]") && message.contains("set data.context = 16"), "{message}");
}

#[test]
fn a_run_that_went_on_from_a_model_can_be_resumed_when_that_is_gone() {
    let place = texts();
    on(&place, "train --text a.txt --quiet --run-dir a --set train.epochs=1").worked();
    let line = "train --text b.txt --quiet --set train.init_from=a";
    on(&place, &format!("{line} --run-dir whole --set train.epochs=2")).worked();
    on(&place, &format!("{line} --run-dir b --set train.epochs=1")).worked();
    fs::remove_dir_all(place.path().join("a")).expect("removed");
    place.run("train --resume --run-dir b --quiet --set train.epochs=2").worked();
    assert!(model(&place, "b") == model(&place, "whole"));
}

/// `x,city,note,y`: a number, a category, a text and a class.
fn table(classes: [&str; 2], cities: [&str; 3]) -> String {
    let notes = ["all is very well", "nothing is well here", "it was not so bad"];
    let mut text = String::from("x,city,note,y\n");
    for i in 0..60 {
        let (city, note, class) = (cities[i % 3], notes[i * 7 % 3], classes[i % 2]);
        let _ = writeln!(text, "{}.{i},{city},{note} {i},{class}", i * 17 % 23);
    }
    text
}

const TABLE: &str = "--target y --quiet --set train.epochs=2 --set data.columns.note.type=text";

/// The model `m` of a table of the classes no and yes, and `t.csv`, another table.
fn tables(other: impl AsRef<[u8]>) -> Place {
    let place = Place::new().with("a.csv", table(["no", "yes"], ["Bergen", "Oslo", "Rome"]));
    place.run(&format!("train --data a.csv --run-dir m {TABLE}")).worked();
    place.with("t.csv", other)
}

/// What train and check say about going on from that model with another table.
#[track_caller]
fn refused(place: &Place, more: &str, code: i32) -> String {
    let line = format!("--data t.csv {TABLE} --set train.init_from=m {more}");
    let message = place.run(&format!("train {line}")).failed(code);
    assert_eq!(place.run(&format!("check {line}")).failed(code), message);
    assert_eq!(place.list("."), ["a.csv", "m", "t.csv"], "no run directory is left");
    message
}

#[test]
fn other_classes_are_refused() {
    let cities = ["Bergen", "Oslo", "Rome"];
    insta::assert_snapshot!(refused(&tables(table(["no", "good"], cities)), "", 3), @r#"
    error[3]: t.csv, line 3, column "y": the label is none of the classes of the model that train.init_from names
      expected: one of "no", "yes"
      found: "good"
      help: give the label the name that the model has for it; weights of another class are not there: leave train.init_from out, or train the first model with data.columns.y.classes = ["no", "yes", "good"]
    "#);
    let place = tables(table(["no", "yes"], cities));
    let turned = r#"--set data.columns.y.classes=["yes","no"]"#;
    insta::assert_snapshot!(refused(&place, turned, 4), @r#"
    error[4]: train.init_from: the classes of "y" are not those of the model
      expected: "no", "yes"
      found: "yes", "no"
      help: set data.columns.y.classes = ["no", "yes"]
    "#);
    let place = tables(table(["1.5", "2.5"], cities));
    insta::assert_snapshot!(refused(&place, "--set data.columns.y.type=number", 4), @r#"
    error[4]: train.init_from: the target "y" is not what it is in the model
      expected: a class
      found: a number
      help: set data.columns.y.type = "category"
    "#);
}

#[test]
fn columns_that_are_missing_or_pinned_otherwise_are_refused() {
    let same = table(["no", "yes"], ["Bergen", "Oslo", "Rome"]);
    let place = tables(&same);
    insta::assert_snapshot!(refused(&place, "--set data.columns.city.encoding=embedding", 4), @r#"
    error[4]: train.init_from: the categories of "city" do not reach the network as in the model
      expected: one_hot
      found: embedding
      help: set data.columns.city.encoding = "one_hot"
    "#);
    insta::assert_snapshot!(refused(&place, "--set data.columns.city.type=text", 4), @r#"
    error[4]: train.init_from: the column "city" is not what it is in the model
      expected: category
      found: text
      help: set data.columns.city.type = "category"
    "#);
    insta::assert_snapshot!(refused(&place, "--set data.columns.x.missing=indicator", 4), @r#"
    error[4]: train.init_from: the column "x" has not the numbers that it has in the model
      expected: "x"
      found: "x", "x is missing"
      help: set data.columns.x.missing = "mean"
    "#);
    insta::assert_snapshot!(refused(&place, "--set data.exclude=[\"x\"]", 4), @r#"
    error[4]: train.init_from: the columns of the input "features" are not those of the model
      expected: "x", "city", "note"
      found: "city", "note"
      help: "x" is in the data but left out: data.features, data.exclude or another use of it says so
    "#);
    insta::assert_snapshot!(refused(&tables(same.replace("x,city", "width,city")), "", 4), @r#"
    error[4]: train.init_from: the columns of the input "features" are not those of the model
      expected: "x", "city", "note"
      found: "city", "note"
      help: give the columns the names that the model has for them
    "#);
}

#[test]
fn a_scale_that_is_not_the_models_is_refused() {
    let place = Place::new().with("a.csv", table(["no", "yes"], ["Bergen", "Oslo", "Rome"]));
    let place = place.with("t.csv", table(["no", "yes"], ["Bergen", "Oslo", "Rome"]));
    place.run(&format!("train --data a.csv --run-dir m {TABLE} --set data.scale=min_max")).worked();
    insta::assert_snapshot!(refused(&place, "--set data.scale=robust", 2), @r#"
    error[2]: data.scale: the scale of the model that train.init_from names is another one
      expected: "min_max"
      found: "robust"
      help: take the key out: the model's scale is taken over
    "#);
    insta::assert_snapshot!(refused(&place, "--set data.columns.x.scale=standard", 2), @r#"
    error[2]: data.columns.x.scale: the scale of the model that train.init_from names is another one
      expected: "min_max"
      found: "standard"
      help: take the key out: the model's scale is taken over
    "#);
    let line = format!("train --data t.csv {TABLE} --set train.init_from=m");
    place.run(&format!("{line} --set data.columns.x.scale=min_max --run-dir on")).worked();
    let config = fs::read_to_string(place.path().join("on/config.toml")).expect("a config");
    assert!(config.contains("\nscale = \"min_max\"\n"), "{config}");
    let numbers = Place::new().with("a.csv", "x,y\n1,0.5\n2,1.5\n3,2.75\n4,8.5\n5,9.5\n");
    let numbers = numbers.with("t.csv", "x,y\n1,0.5\n2,1.5\n3,2.75\n4,8.5\n5,9.5\n");
    let line = "--target y --quiet --set train.epochs=1";
    numbers.run(&format!("train --data a.csv --run-dir m {line}")).worked();
    let line =
        format!("check --data t.csv {line} --set train.init_from=m --set data.standardise_target=false");
    insta::assert_snapshot!(numbers.run(&line).failed(4), @r#"
    error[4]: train.init_from: the target "y" has not the scale that it has in the model
      expected: standardised
      found: in its own unit
      help: set data.standardise_target = true, and a train.loss that is not about counts or rates
    "#);
}

/// The part of a model file that begins with `from` and ends at `to`.
fn part(place: &Place, run: &str, from: &str, to: &str) -> String {
    let model = model(place, run);
    let text = String::from_utf8_lossy(&model);
    let start = text.find(from).unwrap_or_else(|| panic!("no {from}"));
    text[start..start + text[start..].find(to).expect("its end")].to_owned()
}

#[test]
fn new_rows_of_their_own_kind_are_welcome() {
    // Other words, another scale, one class, columns in another order and a new one, cities that are missing and new, and a
    // column `x` with one value.
    let mut other = String::from("city,more,x,y,note\n");
    for i in 0..40 {
        let city = ["Oslo", "Paris", "Rome"][i % 3];
        let _ = writeln!(other, "{city},{i},91,yes,it is wonderfully strange {i}");
    }
    let place = tables(other);
    let line = "train --data t.csv --target y --set train.epochs=2 --set data.columns.note.type=text \
                --set train.init_from=m";
    let end = place.run(&format!("{line} --run-dir on"));
    assert_eq!(end.code, 0, "{}", end.err);
    for note in [
        "note: weights and preprocessing of m/model.safetensors\n",
        "note: column \"city\": 13 values that the model of train.init_from does not know; they count as unknown\n",
        "note: column \"more\" is ignored: the model of train.init_from does not have it\n",
        "warning: class \"no\" of \"y\" has no row in the training part\n",
    ] {
        assert_eq!(end.err.matches(note).count(), 1, "{note} {}", end.err);
    }
    for (from, to) in
        [("tokenizer\\\":", "]"), ("\\\"columns\\\":[", "\\\"length\\\""), ("\\\"targets\\\":", "]")]
    {
        assert_eq!(part(&place, "m", from, to), part(&place, "on", from, to));
    }
    let checked = place.run(&line.replace("train --data", "check --data"));
    assert!(checked.code == 0 && checked.err.contains("13 values that the model"), "{}", checked.err);
    // A run that goes on from a checkpoint has the same preprocessing, also without the first model.
    place.run(&format!("{line} --quiet --run-dir half --set train.epochs=1")).worked();
    fs::remove_dir_all(place.path().join("m")).expect("removed");
    place.run("train --resume --run-dir half --quiet --set train.epochs=2").worked();
    assert!(model(&place, "half") == model(&place, "on"));
}

#[test]
fn the_labels_tokenizer_and_network_are_the_models() {
    let place = tables(table(["no", "yes"], ["Bergen", "Oslo", "Rome"]));
    let classes = r#"--set data.columns.y.classes=["no","yes"]"#;
    let line = format!("check --data t.csv {TABLE} --set train.init_from=m");
    place.run(&format!("{line} {classes}")).worked();
    let message = place.run(&format!("{line} --set data.columns.note.lowercase=false")).failed(2);
    insta::assert_snapshot!(message, @"
    error[2]: data.columns.note.lowercase: the tokenizer of the model that train.init_from names is another one
      expected: true
      found: false
      help: take the key out: the model's tokenizer is taken over
    ");
    let network = concat!(
        r#"[{type="embedding",input="note",embedding_dim=3},{type="mean",name="mean"},"#,
        r#"{type="concat",input=["features","mean"]}]"#
    );
    let message = place.run(&format!("{line} --set model.layers={network}"));
    insta::assert_snapshot!(message.failed(4), @r#"
    error[4]: m/model.safetensors: the file has no tensor "embedding_0.weight"
      expected: "embedding_0.weight" [60, 3]
      found: "embedding_note.weight" [60, 64], "linear_3.bias" [256], "linear_3.weight" [256, 68], "output.bias" [2], "output.weight" [2, 256]
      help: the file belongs to another network: name its own in model.layers; config.toml of its run has it
    "#);
}

#[test]
fn labels_of_tokens_are_counted_by_the_tokenizer_that_was_taken_over() {
    let row = |i: usize| format!("to {}!,O {} O\n", ["Paris", "Rome", "them"][i % 3], ["C", "C", "O"][i % 3]);
    let table = format!("text,labels\n{}", (0..40).map(row).collect::<String>());
    let place = Place::new().with("t.csv", table);
    let line = "train --data t.csv --target labels --quiet --set train.epochs=1 --set data.columns.labels.type=labels \
                --set data.columns.text.type=text";
    place.run(&format!("{line} --run-dir m --set data.columns.text.tokenizer=word")).worked();
    // By white space there would be two tokens.
    place.run(&format!("{line} --run-dir on --set train.init_from=m")).worked();
}

#[test]
fn a_network_that_nobody_names_is_the_models() {
    // More rows than a small table has would get another network.
    let rows = |n: usize| {
        let rows = (0..n).map(|i| format!("{},{}\n", i % 7, ["no", "yes"][i % 7 / 4]));
        format!("x,y\n{}", rows.collect::<String>())
    };
    let place = Place::new();
    fs::write(place.path().join("few.csv"), rows(100)).expect("a table");
    fs::write(place.path().join("many.csv"), rows(3000)).expect("a table");
    place.run("train --data few.csv --target y --quiet --run-dir few --set train.epochs=1").worked();
    let line = "train --data many.csv --target y --quiet --set train.epochs=1 --run-dir";
    place.run(&format!("{line} on --set train.init_from=few")).worked();
    let layers = |run: &str| String::from_utf8_lossy(&model(&place, run)).matches(".weight\"").count();
    assert_eq!([layers("few"), layers("on")], [2, 2]);
    place.run(&format!("{line} alone")).worked();
    assert_eq!(layers("alone"), 4);

    fs::write(place.path().join("a.txt"), "what is the matter? ".repeat(30)).expect("a text");
    let own = r#"--set data.context=8 --set model.tie_weights=true --set model.layers=[{type="embedding",embedding_dim=4},{type="positional_embedding"},{type="transformer_block",num_heads=1,causal=true}]"#;
    place.run(&format!("train --text a.txt --quiet --run-dir a --set train.epochs=1 {own}")).worked();
    place.run("train --text a.txt --quiet --run-dir b --set train.epochs=1 --set train.init_from=a").worked();
}

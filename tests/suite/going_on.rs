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
    error[4]: train.init_from: the model is one of another kind of data
      expected: a text
      found: a table
    ");
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
fn refused(place: &Place, more: &str) -> String {
    let line = format!("--data t.csv {TABLE} --set train.init_from=m {more}");
    let message = place.run(&format!("train {line}")).failed(4);
    assert_eq!(place.run(&format!("check {line}")).failed(4), message);
    assert_eq!(place.list("."), ["a.csv", "m", "t.csv"], "no run directory is left");
    message
}

#[test]
fn other_classes_are_refused() {
    let cities = ["Bergen", "Oslo", "Rome"];
    insta::assert_snapshot!(refused(&tables(table(["bad", "good"], cities)), ""), @r#"
    error[4]: train.init_from: the classes of "y" are not those of the model
      expected: "no", "yes"
      found: "bad", "good"
      help: give the labels the names that the model has for them; weights of other classes are not there: leave train.init_from out, or train the first model with data.columns.y.classes = ["no", "yes", "bad", "good"]
    "#);
    let place = tables(table(["no", "yes"], cities));
    let turned = r#"--set data.columns.y.classes=["yes","no"]"#;
    insta::assert_snapshot!(refused(&place, turned), @r#"
    error[4]: train.init_from: the classes of "y" are not those of the model
      expected: "no", "yes"
      found: "yes", "no"
      help: set data.columns.y.classes = ["no", "yes"]
    "#);
    let place = tables(table(["1.5", "2.5"], cities));
    insta::assert_snapshot!(refused(&place, ""), @r#"
    error[4]: train.init_from: the target "y" is not what it is in the model
      expected: a class
      found: a number
      help: set data.columns.y.type = "category"
    "#);
}

#[test]
fn other_columns_and_categories_are_refused() {
    let classes = ["no", "yes"];
    insta::assert_snapshot!(refused(&tables(table(classes, ["Bergen", "Oslo", "Paris"])), ""), @r#"
    error[4]: train.init_from: the categories of "city" are not those of the model
      expected: "Bergen", "Oslo", "Rome"
      found: "Bergen", "Oslo", "Paris"
      help: give the values the names that the model has for them, or leave train.init_from out
    "#);
    insta::assert_snapshot!(refused(&tables(table(classes, ["Bergen", "Oslo", "Oslo"])), ""), @r#"
    error[4]: train.init_from: the categories of "city" are not those of the model
      expected: "Bergen", "Oslo", "Rome"
      found: "Bergen", "Oslo"
      help: train on a table that has all of them, such as the rows of the model and the new ones
    "#);
    // Two categories share one number, whose name is that of the second one alone.
    let two = Place::new().with("a.csv", table(classes, ["Bergen", "Oslo", "Oslo"]));
    two.run(&format!("train --data a.csv --run-dir m {TABLE}")).worked();
    let two = two.with("t.csv", table(classes, ["Basel", "Oslo", "Oslo"]));
    insta::assert_snapshot!(refused(&two, ""), @r#"
    error[4]: train.init_from: the categories of "city" are not those of the model
      expected: "Bergen", "Oslo"
      found: "Basel", "Oslo"
      help: give the values the names that the model has for them, or leave train.init_from out
    "#);
    let same = table(classes, ["Bergen", "Oslo", "Rome"]);
    insta::assert_snapshot!(refused(&tables(&same), "--set data.columns.city.encoding=embedding"), @r#"
    error[4]: train.init_from: the categories of "city" do not reach the network as in the model
      expected: one_hot
      found: embedding
      help: set data.columns.city.encoding = "one_hot"
    "#);
    insta::assert_snapshot!(refused(&tables(same.replace("x,city", "width,city")), ""), @r#"
    error[4]: train.init_from: the columns of the input "features" are not those of the model
      expected: "x", "city", "note"
      found: "width", "city", "note"
      help: give the columns the names that the model has for them
    "#);
    let turned: String = same
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            format!("{},{},{},{}\n", fields[1], fields[0], fields[2], fields[3])
        })
        .collect();
    insta::assert_snapshot!(refused(&tables(turned), ""), @r#"
    error[4]: train.init_from: the columns of the input "features" are not those of the model
      expected: "x", "city", "note"
      found: "city", "x", "note"
      help: bring the columns into this order
    "#);
    let gaps = same.replace("\n0.0,", "\n,").replace("\n1.20,", "\n,").replace("\n11.10,", "\n,");
    insta::assert_snapshot!(refused(&tables(gaps), ""), @r#"
    error[4]: train.init_from: the column "x" has not the numbers that it has in the model
      expected: "x"
      found: "x", "x is missing"
      help: set data.columns.x.missing = "mean"
    "#);
}

#[test]
fn new_rows_with_other_words_and_another_scale_are_welcome() {
    let same = table(["no", "yes"], ["Bergen", "Oslo", "Rome"]);
    let other = same.replace("well", "wonderfully strange").replace("\n1", "\n91");
    let place = tables(other);
    let line = "train --data t.csv --target y --set train.epochs=1 --set data.columns.note.type=text";
    let end = place.run(&format!("{line} --run-dir on --set train.init_from=m"));
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(
        end.err.matches("note: weights and tokenizer of m/model.safetensors\n").count(),
        1,
        "{}",
        end.err
    );
    let tokenizer = |run: &str| {
        let model = model(&place, run);
        let text = String::from_utf8_lossy(&model);
        let from = text.find("tokenizer\\\":").expect("a tokenizer");
        text[from..from + text[from..].find(']').expect("its end")].to_owned()
    };
    assert!(tokenizer("m").contains("well") && tokenizer("m") == tokenizer("on"));
    // The labels are the model's, in its order.
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

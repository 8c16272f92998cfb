//! `[model.outputs.NAME]`.

use insta::assert_snapshot;

use super::*;

const TWO: &str = "[data]\ntrain = \"a.csv\"\ntarget = [\"x\", \"y\"]\n";

#[test]
fn outputs_are_read_and_written_again() {
    let config = toml(&format!(
        "{TWO}[model.outputs.\"a b\"]\ntarget = [\"y\"]\ninput = \"trunk\"\nloss = \"mse\"\nweight = 0.25\n[model.outputs.x]\n"
    ));
    let [first, second] = &config.model.outputs[..] else { panic!("{:?}", config.model.outputs) };
    assert_eq!(
        (first.name.as_str(), &first.target[..], first.input.as_deref()),
        ("a b", &["y".to_owned()][..], Some("trunk"))
    );
    assert_eq!((first.loss.as_ref().map(|l| l.name), first.weight), (Some("mse"), 0.25));
    assert_eq!(second, &Output::of_column("x"));
    assert_eq!(first.key("loss"), "model.outputs.\"a b\".loss");
    let text = config.to_toml();
    assert_snapshot!(text[text.find("[model]").unwrap()..].split("\n[train]").next().unwrap(), @r#"
    [model]
    layers = "auto"

    [model.outputs."a b"]
    target = "y"
    input = "trunk"
    loss = { type = "mse" }
    weight = 0.25

    [model.outputs.x]
    target = "x"
    loss = "auto"
    weight = 1.0
    "#);
    assert_eq!(toml(&text), config);
    assert!(!toml(GOOD).to_toml().contains("outputs"));
}

#[test]
fn every_target_belongs_to_one_output() {
    assert_snapshot!(error(&format!("{TWO}[model.outputs.x]\n[model.outputs.z]\n")), @r#"
    error[2]: iris.toml:4:16: no output has the target "y"
      4 | [model.outputs.x]
        |                ^
      help: add [model.outputs.y], or take it out of data.target
    error[2]: iris.toml:5:16: model.outputs.z names no target, and "z" is not in data.target
      5 | [model.outputs.z]
        |                ^
      expected: one of "x", "y"
      help: name a column of data.target, or add this one to it
    "#);
    assert_snapshot!(error(&format!("{TWO}[model.outputs.x]\n[model.outputs.both]\ntarget = [\"x\", \"y\"]\n")), @r#"
    error[2]: iris.toml:6:11: the target "x" is given to two outputs
      6 | target = ["x", "y"]
        |           ^^^
      found: "x" and "both"
      help: leave it to one of them
    "#);
    assert_snapshot!(error(&format!("{TWO}[model.outputs.all]\ntarget = [\"x\", \"yy\"]\n[model.outputs.no]\ntarget = []\n")), @r#"
    error[2]: iris.toml:4:16: no output has the target "y"
      4 | [model.outputs.all]
        |                ^^^
      help: add [model.outputs.y], or take it out of data.target
    error[2]: iris.toml:5:16: model.outputs.all.target names "yy", which is not in data.target
      5 | target = ["x", "yy"]
        |                ^^^^
      expected: one of "x", "y"
      help: did you mean "y"?
    error[2]: iris.toml:7:10: model.outputs.no.target is empty
      7 | target = []
        |          ^^
      help: name the columns that it predicts
    "#);
}

#[test]
fn a_weight_below_zero_and_an_unknown_key() {
    assert_snapshot!(error(&format!("{TWO}[model.outputs.x]\nweight = -1\n[model.outputs.y]\nlosses = \"mse\"\n")), @r#"
    error[2]: iris.toml:5:10: model.outputs.x.weight is out of range
      5 | weight = -1
        |          ^^
      expected: a number at least 0
      found: -1
    error[2]: iris.toml:7:1: unknown key "losses" in [model.outputs.y]
      7 | losses = "mse"
        | ^^^^^^
      help: did you mean "loss"? known here: target, input, loss, weight
    "#);
}

#[test]
fn a_loss_of_the_whole_belongs_to_one_output() {
    assert_snapshot!(error(&format!("{TWO}[model.outputs]\nx = {{}}\ny = {{}}\n[train]\nloss = \"mse\"\n")), @r#"
    error[2]: iris.toml:8:8: one loss cannot serve several outputs
      8 | loss = "mse"
        |        ^^^^^
      found: the outputs "x", "y"
      help: take it out, or set model.outputs.x.loss, model.outputs.y.loss
    "#);
    let one = "[data]\ntrain = \"a.csv\"\ntarget = \"x\"\n[model.outputs.x]\n";
    assert_snapshot!(error(&format!("{one}loss = \"mse\"\n[train]\nloss = \"mse\"\n")), @r#"
    error[2]: iris.toml:7:8: train.loss and model.outputs.x.loss are two losses of one output
      7 | loss = "mse"
        |        ^^^^^
      help: take one of them out
    "#);
    assert!(toml(&format!("{one}[train]\nloss = \"mse\"\n")).train.loss.is_some());
    assert!(
        toml(&format!("{TWO}[model.outputs]\nx = {{}}\ny = {{}}\n[train]\nloss = \"auto\"\n"))
            .train
            .loss
            .is_none()
    );
}

//! Bad inputs 24 to 31: configs that are wrong. Exit code 2, before any data is read: the table is not there.

use super::Place;

fn check(name: &str, text: &str) -> String {
    Place::new().with(name, text).run(&format!("check {name}")).failed(2)
}

#[test]
fn input_24_a_syntax_error() {
    insta::assert_snapshot!(check("c.toml", "seed = 1\n[data\ntrain = \"no.csv\"\n"), @"
    error[2]: c.toml:2:6: not valid TOML: unclosed table
      2 | [data
        |      ^
      expected: `]`
    ");
    insta::assert_snapshot!(check("c.json", "{\"seed\": 1,, \"data\": {}}"), @r#"
    error[2]: c.json:1:12: not valid JSON: key must be a string
      1 | {"seed": 1,, "data": {}}
        |            ^
    "#);
}

#[test]
fn input_25_an_unknown_key() {
    let text = "[data]\ntrain = \"no.csv\"\ntarget = \"y\"\n[train]\noptimizer = { type = \"adam\", lerning_rate = 1 }\n";
    insta::assert_snapshot!(check("c.toml", text), @r#"
    error[2]: c.toml:5:30: unknown key "lerning_rate" of adam
      5 | optimizer = { type = "adam", lerning_rate = 1 }
        |                              ^^^^^^^^^^^^
      help: did you mean "learning_rate"? known here: learning_rate, betas, eps, amsgrad, weight_decay, decoupled_weight_decay, l1, l2, decay_bias_and_norm
    "#);
}

#[test]
fn input_26_everything_out_of_range_at_once() {
    let text = "\
[data]
train = \"no.csv\"
target = \"y\"
[model]
layers = [{ type = \"dropout\", p = 1.0 }]
[train]
epochs = 1e18
batch_size = 0
optimizer = { type = \"adam\", learning_rate = -1 }
shuffle = \"yes\"
";
    insta::assert_snapshot!(check("c.toml", text), @r#"
    error[2]: c.toml:5:35: model.layers.0.p is out of range
      5 | layers = [{ type = "dropout", p = 1.0 }]
        |                                   ^^^
      expected: a number at least 0 and below 1
      found: 1.0
    error[2]: c.toml:7:10: train.epochs is out of range
      7 | epochs = 1e18
        |          ^^^^
      expected: "auto", or a whole number from 0 to 1000000000
      found: 1e18
    error[2]: c.toml:8:14: train.batch_size is out of range
      8 | batch_size = 0
        |              ^
      expected: "auto", or a whole number from 1 to 2147483648
      found: 0
    error[2]: c.toml:9:46: train.optimizer.learning_rate is out of range
      9 | optimizer = { type = "adam", learning_rate = -1 }
        |                                              ^^
      expected: a number at least 0
      found: -1
    error[2]: c.toml:10:11: train.shuffle has the wrong type
      10 | shuffle = "yes"
         |           ^^^^^
      expected: true or false
      found: the text "yes"
    "#);
}

#[test]
fn input_27_a_duplicate_key() {
    insta::assert_snapshot!(check("c.toml", "seed = 1\nseed = 2\n[data]\ntrain = \"a\"\ntarget = \"y\"\n"), @r#"
    error[2]: c.toml:2:1: the key "seed" is given twice
      2 | seed = 2
        | ^^^^
      help: keep one of the two; the first is at line 1, column 1
    "#);
    let json = "{\"data\": {\"train\": \"no.csv\", \"target\": \"y\"}, \"seed\": 1, \"seed\": 2}";
    insta::assert_snapshot!(check("c.json", json), @r#"
    error[2]: c.json:1:57: the key "seed" is given twice
      1 | {"data": {"train": "no.csv", "target": "y"}, "seed": 1, "seed": 2}
        |                                                         ^^^^^^
      help: keep one of the two; the first is at line 1, column 46
    "#);
}

#[test]
fn input_28_shapes_that_do_not_fit() {
    let place = Place::new().with("t.csv", "a,b,y\n1,2,p\n2,3,q\n4,4,p\n5,1,q\n");
    let text = "\
[data]
train = \"t.csv\"
target = \"y\"
validation = 0.0
[model]
layers = [
  { type = \"linear\", name = \"wide\", out_features = 8 },
  { type = \"linear\", name = \"narrow\", out_features = 4, input = \"features\" },
  { type = \"add\", input = [\"wide\", \"narrow\"] },
]
";
    let place = place.with("c.toml", text);
    insta::assert_snapshot!(place.run("check c.toml").failed(2), @r#"
    error[2]: c.toml:9:3: layer "add_2": its input does not fit
      9 |   { type = "add", input = ["wide", "narrow"] },
        |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      expected: [8]
      found: [4]
      help: set out_features = 8 in "narrow"
    "#);
}

#[test]
fn input_29_an_absurd_size() {
    let place = Place::new().with("t.csv", "a,b,y\n1,2,p\n2,3,q\n4,4,p\n5,1,q\n");
    let text = "\
[data]
train = \"t.csv\"
target = \"y\"
validation = 0.0
[model]
layers = [{ type = \"linear\", out_features = 1000000000000 }]
";
    let place = place.with("c.toml", text);
    let message = place.run("check c.toml").failed(2);
    insta::assert_snapshot!(without_size(&message), @r#"
    error[2]: c.toml:6:11: layer "linear_0": its weight [1000000000000, 2] takes 8.0 TB of memory
      6 | layers = [{ type = "linear", out_features = 1000000000000 }]
        |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      expected: at most SIZE for the whole network: what this machine has free
      help: make the layer smaller
    "#);
    let nested = "{type=\"repeat\",times=10000,layers=[\"relu\"]}";
    let line = format!(
        "check --data t.csv --target y --set data.validation=0 --set model.layers=[{{type=\"repeat\",times=10000,layers=[{nested}]}}]"
    );
    let message = place.run(&line).failed(2);
    assert!(message.contains("the network has more than 100000 layers"), "{message}");
}

/// A message without the memory of this machine.
fn without_size(message: &str) -> String {
    let (before, after) = message.split_once("at most ").expect("a limit");
    let (_, after) = after.split_once(" for ").expect("what for");
    format!("{before}at most SIZE for {after}")
}

#[test]
fn input_30_too_large_or_too_deep() {
    let place = Place::new();
    let file = std::fs::File::create(place.path().join("huge.toml")).expect("a file");
    file.set_len(1 << 30).expect("a hole");
    insta::assert_snapshot!(place.run("check huge.toml").failed(2), @"
    error[2]: huge.toml: too large for a config
      expected: at most 1 MiB
      found: 1073741824 bytes
      help: is this the data? then: backprop train --data FILE --target COL
    ");
    let deep = format!("a = {}{}", "[".repeat(20_000), "]".repeat(20_000));
    insta::assert_snapshot!(check("c.toml", &deep), @r#"
    error[2]: c.toml:1:69: nested more than 64 deep
      1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
        |                                                   ^
      help: `{ type = "repeat", times = N, layers = [...] }` stacks layers without nesting
    "#);
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    insta::assert_snapshot!(check("c.json", &deep), @r#"
    error[2]: c.json:1:70: nested more than 64 deep
      1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
        |                                                   ^
      help: `{ type = "repeat", times = N, layers = [...] }` stacks layers without nesting
    "#);
}

#[test]
fn input_31_a_loss_that_does_not_fit_the_target() {
    let place = Place::new().with("t.csv", "a,b,y\n1,2,p\n2,3,q\n4,4,p\n5,1,q\n");
    let run =
        |more: &str| place.run(&format!("check --data t.csv --target y --set data.validation=0 {more}"));
    insta::assert_snapshot!(run("--set train.loss=mse").failed(2), @r#"
    error[2]: train.loss: "mse" does not fit the target
      expected: one of "bce_with_logits", "cross_entropy", "hinge", or no loss at all: it follows from the target
      found: a target of 2 classes of "y"
      help: choose a fitting loss, or pin the target's type: data.columns.NAME.type = "number" or "category"
    "#);
    let text = |layer: &str, loss: &str| {
        format!(
            "[data]\ntrain = \"t.csv\"\ntarget = \"y\"\nvalidation = 0.0\n[train]\nloss = \"{loss}\"\n[model]\nlayers = [\n  {layer},\n]\n"
        )
    };
    let twice = |layer: &str, loss: &str| {
        let place = Place::new().with("t.csv", "a,b,y\n1,2,p\n2,3,q\n4,4,p\n5,1,q\n");
        place.with("c.toml", text(layer, loss)).run("check c.toml")
    };
    insta::assert_snapshot!(twice(r#"{ type = "linear", out_features = 2 }, "softmax""#, "cross_entropy").failed(2), @r#"
    error[2]: c.toml:9:42: layer "softmax_1": a softmax before the loss "cross_entropy", which has its own
      9 |   { type = "linear", out_features = 2 }, "softmax",
        |                                          ^^^^^^^^^
      help: take the softmax out; the output layer is added, and predictions are probabilities
    "#);
    let sigmoid = r#"{ type = "linear", out_features = 1, activation = "sigmoid" }"#;
    insta::assert_snapshot!(twice(sigmoid, "bce_with_logits").failed(2), @r#"
    error[2]: c.toml:9:3: layer "linear_0": a sigmoid before the loss "bce_with_logits", which has its own
      9 |   { type = "linear", out_features = 1, activation = "sigmoid" },
        |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: take the sigmoid out; the output layer is added, and predictions are probabilities
    "#);
    // As a hidden layer, which has another width than the output, each is as good as any activation.
    for (activation, loss) in [("sigmoid", "bce_with_logits"), ("softmax", "cross_entropy")] {
        let hidden = format!(r#"{{ type = "linear", out_features = 8, activation = "{activation}" }}"#);
        twice(&hidden, loss).worked();
    }
}

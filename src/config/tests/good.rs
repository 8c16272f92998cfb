//! Configs that are right, and what they become.

use insta::assert_snapshot;

use super::*;

/// Sets most keys, in TOML's several ways.
const FULL: &str = r#"
seed = 7
[data]
train = ["a.csv", "part-*.csv"]
validation = "v.csv"
test = "t.csv"
target = ["x", "y"]
features = "f*"
exclude = ["id"]
weight = "w"
missing_values = [""]
scale = "robust"
standardise_target = false
delimiter = ";"
header = false
quoting = false
on_bad_row = "skip"
max_bad_fraction = 0.5
columns."petal width" = { type = "number", missing = "constant", fill_value = 1.5 }
[data.columns.city]
encoding = "one_hot"
classes = ["a", "b"]
[data.inputs.pixels]
columns = "p*"
shape = [1, 8, 8]
[model]
init = "he_normal"
layers = [
  { type = "linear", name = "first", out_features = 64, activation = "relu" },
  "flatten",
  { type = "residual", layers = [{ type = "dropout" }] },
]
[train]
epochs = 1e2
batch_size = 32
loss = "cross_entropy"
optimizer.type = "sgd"
optimizer.momentum = 0.9
schedule = { type = "cosine", warmup_steps = 100 }
early_stopping = { patience = 3 }
clip_grad_norm = 1
class_weights = { a = 1, b = 2.5 }
shuffle = false
max_steps = 9
init_from = "m.safetensors"
"#;

#[test]
fn settings_win_over_the_file_and_flags_over_settings() {
    let set = Setting::parse;
    let settings = [
        set("seed=2"),
        set("train.optimizer.learning_rate=0.5"),
        set("train.loss=mse"),
        set("model.layers.0.out_features=8"),
        set("data.columns.\"a.b\".type = \"number\""),
        set("data.target=last"),
        set("data.target=very last"),
        Setting::flag("--threads", "threads", Value::Int(3)),
        Setting::flag("--seed", "seed", Value::Int(4)),
    ];
    let text = format!(
        "seed = 1\n{GOOD}[model]\nlayers = [{{ type = \"linear\", out_features = 2 }}]\n[train]\noptimizer = \"sgd\"\n"
    );
    let config =
        Config::parse(&SourceText::new("a.toml", text, Format::Toml), &settings, registries()).unwrap();
    assert_eq!((config.seed, config.threads), (4, Some(3)));
    assert_eq!(config.data.target, ["very last"]);
    assert_eq!(config.data.columns[0].0, "a.b");
    let optimizer = config.train.optimizer.unwrap();
    assert_eq!((optimizer.name, optimizer.values.f64("learning_rate")), ("sgd", 0.5));
    assert_eq!(config.train.loss.unwrap().name, "mse");
    assert_eq!(config.model.layers.unwrap()[0].get("out_features").unwrap().to_value(), Value::Int(8));
}

#[test]
fn the_parts_of_a_full_config() {
    let config = toml(FULL);
    assert_eq!(config.data.delimiter, Some(b';'));
    assert_eq!(config.data.validation, Validation::Files(vec!["v.csv".into()]));
    assert_eq!(config.data.columns[0].1.get("fill_value"), Some(&Value::Float(1.5)));
    assert_eq!(config.data.inputs[0].shape, Some(vec![1, 8, 8]));
    assert_eq!((config.train.epochs, config.train.clip_grad_norm), (Some(100), Some(1.0)));
    assert_eq!(config.train.class_weights, ClassWeights::Named(vec![("a".into(), 1.0), ("b".into(), 2.5)]));
    let stopping = EarlyStopping::After { metric: "loss".into(), patience: Some(3), min_delta: 0.0 };
    assert_eq!(config.train.early_stopping, stopping);
    let optimizer = config.train.optimizer.as_ref().unwrap();
    assert_eq!((optimizer.index, optimizer.values.f64("momentum")), (0, 0.9));
    let layers = config.model.layers.as_ref().unwrap();
    // Defaults are filled in at every depth.
    assert_eq!(layers[2].get("layers").unwrap().items()[0].get("p").unwrap().to_value(), Value::Float(0.5));
    let first = config.report(registries()).pick(Family::Layer, &layers[0], "model.layers.0").unwrap();
    assert_eq!(
        (first.name, first.values.str("name"), first.values.usize("out_features")),
        ("linear", "first", 64)
    );
}

#[test]
fn toml_and_json_of_the_same_content_are_the_same_config() {
    let mut document: serde_json::Value = serde_json::json!({"seed": 7});
    let source = SourceText::new("full.toml", FULL, Format::Toml);
    let (tree, _) = spec::parse(&source, 0).unwrap();
    for (name, section) in tree.entries().iter().skip(1) {
        document[&name.text] = to_json(&section.to_value());
    }
    assert_eq!(parse(&document.to_string(), Format::Json, &[]).unwrap(), toml(FULL));
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Float(x) => (*x).into(),
        Value::Str(s) => s.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Table(entries) => entries.iter().map(|(k, v)| (k.clone(), to_json(v))).collect(),
    }
}

#[test]
fn the_resolved_config_is_complete_and_reads_back() {
    assert_snapshot!(toml(FULL).to_toml(), @r##"
seed = 7

[data]
train = ["a.csv", "part-*.csv"]
validation = "v.csv"
test = "t.csv"
target = ["x", "y"]
features = ["f*"]
exclude = ["id"]
weight = "w"
missing_values = [""]
scale = "robust"
standardise_target = false
delimiter = ";"
header = false
quoting = false
on_bad_row = "skip"
max_bad_fraction = 0.5

[data.columns."petal width"]
fill_value = 1.5
missing = "constant"
type = "number"

[data.columns.city]
classes = ["a", "b"]
encoding = "one_hot"

[data.inputs.pixels]
columns = "p*"
shape = [1, 8, 8]

[model]
layers = [
  { type = "linear", activation = { type = "relu" }, name = "first", out_features = 64 },
  { type = "flatten" },
  { type = "residual", layers = [{ type = "dropout", p = 0.5 }] },
]
init = { type = "he_normal" }

[train]
epochs = 100
batch_size = 32
loss = { type = "cross_entropy" }
optimizer = { type = "sgd", momentum = 0.9 }
schedule = { type = "cosine", warmup_steps = 100 }
early_stopping = { metric = "loss", patience = 3, min_delta = 0.0 }
clip_grad_norm = 1.0
accumulate_steps = 1
class_weights = { a = 1.0, b = 2.5 }
shuffle = false
max_steps = 9
log_every_steps = 0
checkpoint_every_steps = 0
init_from = "m.safetensors"
"##);
    for text in [GOOD, FULL] {
        let config = toml(text);
        assert_eq!(toml(&config.to_toml()), config);
    }
}

#[test]
fn a_default_is_read_like_what_is_typed() {
    let gated = |keys: &str| toml(&format!("{GOOD}[model]\nlayers = [{{ type = \"gated\"{keys} }}]\n"));
    let left_out = gated("");
    assert_eq!(left_out, gated(", activation = \"leaky_relu\""));
    assert_eq!(left_out, gated(", activation = { type = \"leaky_relu\", negative_slope = 0.01 }"));
    let written = "activation = { type = \"leaky_relu\", negative_slope = 0.01 }";
    assert!(left_out.to_toml().contains(written), "{}", left_out.to_toml());
}

#[test]
fn paths_are_relative_to_the_config_and_on_the_command_line_to_the_current_directory() {
    let directory = tempfile::tempdir().unwrap();
    let configs = directory.path().join("con[f]igs");
    std::fs::create_dir(&configs).unwrap();
    std::fs::write(
        configs.join("a.toml"),
        "[data]\ntrain = [\"../data/a.csv\", \"b*.csv\", \"/c.csv\", \"-\"]\ntarget = \"y\"\nvalidation = \"v.csv\"\n",
    )
    .unwrap();
    let source = SourceText::read(&configs.join("a.toml")).unwrap();
    let config = Config::parse(&source, &[Setting::parse("data.test=t.csv")], registries()).unwrap();
    let here = directory.path().display().to_string();
    let expected =
        [format!("{here}/data/a.csv"), format!("{here}/con[[]f[]]igs/b*.csv"), "/c.csv".into(), "-".into()];
    assert_eq!(config.data.train, expected);
    assert_eq!(config.data.validation, Validation::Files(vec![format!("{here}/con[f]igs/v.csv")]));
    assert_eq!(config.data.test, ["t.csv"]);
    let current = std::env::current_dir().unwrap();
    assert_eq!(config.with_absolute_paths().data.test, [current.join("t.csv").display().to_string()]);
}

#[test]
fn a_tokenizer_is_a_word_or_a_path() {
    let directory = tempfile::tempdir().unwrap();
    let tokenizers = |config: &Config| -> Vec<String> {
        config.data.columns.iter().map(|(_, pins)| pins.str("tokenizer").to_owned()).collect()
    };
    let path = directory.path().join("a.toml");
    let pins = "columns.a.tokenizer = \"bpe\"\ncolumns.b.tokenizer = \"t/tokenizer.json\"\n";
    std::fs::write(&path, format!("{GOOD}{pins}")).unwrap();
    let config = Config::parse(&SourceText::read(&path).unwrap(), &[], registries()).unwrap();
    assert_eq!(
        tokenizers(&config),
        ["bpe".to_owned(), format!("{}/t/tokenizer.json", directory.path().display())]
    );
    let config = toml(&format!("{GOOD}{pins}")).with_absolute_paths();
    let here = std::env::current_dir().unwrap();
    assert_eq!(tokenizers(&config)[1], here.join("t/tokenizer.json").display().to_string());
}

#[test]
fn the_template_trains_as_no_config_would_and_its_comments_are_the_defaults() {
    let template = Template {
        data: "iris.csv".into(),
        target: vec!["species".into()],
        task: "classification,\n3 classes".into(),
        columns: vec![
            ColumnNote { name: "petal width".into(), kind: "number".into(), note: "0.1 to 2.5".into() },
            ColumnNote { name: "species".into(), kind: "category".into(), note: "3 values".into() },
        ],
    };
    let text = template.to_toml();
    assert_eq!(toml(&text), toml(GOOD));
    assert!(text.contains("# columns.\"petal width\".type = \"number\"  # 0.1 to 2.5\n"), "{text}");
    let is_default = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && !key.contains([' ', '.']) && !line.contains('<') && !line.ends_with('[')
    };
    let uncommented = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if is_default(rest) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    });
    let uncommented: String = uncommented.collect();
    assert!(uncommented.contains("\nepochs = \"auto\"\n"), "{uncommented}");
    assert_eq!(toml(&uncommented), toml(GOOD));
}

#[test]
fn the_reference_names_every_key_and_row() {
    let text = reference(registries());
    let mut all: Vec<&str> = Vec::new();
    for keys in
        [keys::DATA, keys::COLUMN, keys::INPUT, keys::MODEL, keys::TRAIN, keys::EARLY_STOPPING, LAYER_KEYS]
    {
        all.extend(keys.iter().map(|key| key.name));
    }
    for family in Family::ALL {
        for row in registries().rows(family) {
            assert!(text.contains(&format!("### `{}`\n", row.name)), "{}", row.name);
            all.extend(row.keys.iter().map(|key| key.name));
        }
    }
    for name in all {
        assert!(text.contains(&format!("| `{name}` | ")), "{name}");
    }
    assert!(text.contains("| `eps` | a number above 0 | `1e-8` | Its meaning. |"));
}

#[test]
fn images_keep_their_size_and_their_changes() {
    let text = "[data]\ntrain = \"d\"\ntarget = \"label\"\n[data.inputs.image]\ncolumns = \"image\"\nshape = [3, 32, 32]\n\
                resize = \"pad\"\naugment = [\"horizontal_flip\", { type = \"random_crop\", padding = 2 }]\n\
                [train]\nmixup = 0.2\n";
    let parse = |text: &str| {
        Config::parse(&SourceText::new("c.toml", text, Format::Toml), &[], crate::config::registries())
    };
    let config = parse(text).unwrap();
    let input = &config.data.inputs[0];
    assert_eq!((input.resize.as_deref(), config.train.mixup), (Some("pad"), Some(0.2)));
    let names: Vec<&str> = input.augment.iter().map(|choice| choice.name).collect();
    assert_eq!(names, ["horizontal_flip", "random_crop"]);
    assert_eq!(input.augment[1].values.usize("padding"), 2);
    let again = parse(&config.to_toml()).unwrap();
    assert_eq!((&again.data, &again.train), (&config.data, &config.train));
}

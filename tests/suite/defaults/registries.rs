//! Every row of every registry: each of its keys, set to its default, changes nothing.

use std::path::Path;

use backprop::config::{Config, registries};
use backprop::spec::{Described, Family, Key, Kind, Preset, Setting, Value, toml_value};

use super::trained;

/// A value that `kind` admits.
fn sample(kind: &Kind) -> Value {
    match *kind {
        Kind::Int { min, .. } => Value::Int(min.max(1)),
        Kind::Float { min, .. } => Value::Float(min.max(0.5)),
        Kind::Str => Value::Str("x".into()),
        Kind::Bool => Value::Bool(true),
        Kind::OneOf(words) => Value::Str(words[0].into()),
        Kind::List(item) => Value::List(vec![sample(item)]),
        Kind::Tuple(len, item) => Value::List(vec![sample(item); len]),
        Kind::Any(kinds) => sample(&kinds[0]),
        Kind::Choice(Family::Layer) => Value::Table(vec![("type".into(), Value::Str("flatten".into()))]),
        ref other => panic!("a required key of the kind {other:?}"),
    }
}

/// `row` with its required keys alone.
fn smallest(row: &Described) -> Vec<(String, Value)> {
    let required = row.keys.iter().filter(|key| matches!(key.default, Preset::Required));
    let required = required.map(|key| (key.name.to_owned(), sample(&key.kind)));
    std::iter::once(("type".to_owned(), Value::Str(row.name.into()))).chain(required).collect()
}

/// The keys of `row` that have a default, with it.
fn defaults(row: &Described) -> impl Iterator<Item = (&'static Key, Value)> {
    row.keys.iter().filter_map(|key| Some((key, Option::<Value>::from(key.default)?)))
}

/// What a config becomes that has `value` in the place of its family.
fn config(family: Family, value: &Value) -> String {
    let value = toml_value(value);
    let own = match family {
        Family::Layer => format!("model.layers=[{value}]"),
        Family::Activation => format!("model.layers=[{{type=\"linear\",out_features=1,activation={value}}}]"),
        Family::Initializer => format!("model.init={value}"),
        Family::Augmentation => format!("data.inputs.x={{columns=\"x\",augment=[{value}]}}"),
        Family::Loss | Family::Optimizer | Family::Schedule => panic!("these are settled with the data"),
    };
    let settings = ["data.train=t.csv", "data.target=y", &own].map(Setting::parse);
    Config::from_flags(&settings, registries()).unwrap_or_else(|e| panic!("{own}\n{e}")).to_toml()
}

#[test]
fn keys_of_layers_activations_initializers_and_augmentations() {
    for family in [Family::Layer, Family::Activation, Family::Initializer, Family::Augmentation] {
        assert!(!registries().rows(family).is_empty());
        for row in registries().rows(family) {
            let alone = config(family, &Value::Table(smallest(row)));
            for (key, default) in defaults(row) {
                let mut with = smallest(row);
                with.push((key.name.to_owned(), default));
                assert_eq!(config(family, &Value::Table(with)), alone, "{}: {}", row.name, key.name);
            }
        }
    }
}

/// Trains with each row of `family` under `path`, and then with each of its keys set.
fn differences(family: Family, path: &str, fits: impl Fn(&str) -> Vec<&'static str>) -> Vec<String> {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = place.path().join("t.csv");
    let row = |i: usize| format!("{}.5,{},{},{}\n", i * 7 % 13, i * i % 5, ["a", "b"][i % 2], i % 7);
    std::fs::write(&file, "x,y,kind,size\n".to_owned() + &(0..20).map(row).collect::<String>())
        .expect("a file");
    let mut faults = Vec::new();
    for row in registries().rows(family) {
        let model = |settings: &[String]| {
            let own = [format!("data.train={}", file.display()), "threads=1".into(), "train.epochs=3".into()];
            let fits = fits(row.name).into_iter().map(str::to_owned);
            model_of(
                place.path(),
                &own.into_iter().chain(fits).chain(settings.iter().cloned()).collect::<Vec<_>>(),
            )
        };
        let smallest = smallest(row);
        let given = format!("{path}={}", toml_value(&Value::Table(smallest)));
        let alone = model(std::slice::from_ref(&given));
        for (key, default) in defaults(row) {
            // Keys that follow from the data for the program's own choice are gone through by the base runs.
            let is_own = Some(row.name) == family.preset() || row.name == "cross_entropy";
            let settled = ["learning_rate", "weight_decay", "label_smoothing"].contains(&key.name);
            if !(is_own && settled)
                && model(&[given.clone(), format!("{path}.{}={}", key.name, toml_value(&default))]) != alone
            {
                faults.push(format!("{} with its own {}", row.name, key.name));
            }
        }
    }
    faults
}

fn model_of(place: &Path, settings: &[String]) -> Vec<u8> {
    trained(place, settings).unwrap_or_else(|e| panic!("{settings:?}\n{e}")).1
}

#[test]
fn keys_of_optimizers_schedules_and_losses() {
    let class = |_: &str| vec!["data.target=kind"];
    let of_loss = |name: &str| match name {
        "cross_entropy" | "bce_with_logits" | "hinge" => vec!["data.target=kind"],
        _ => vec!["data.target=size", "data.columns.size.type=number"],
    };
    let mut faults = differences(Family::Optimizer, "train.optimizer", class);
    faults.extend(differences(Family::Schedule, "train.schedule", class));
    faults.extend(differences(Family::Loss, "train.loss", of_loss));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

//! A config as TOML.

use super::{Config, keys};
use crate::spec::{Key, Value, Values, toml_key, toml_value};

/// Every key that has a value, in the order of the reference.
pub(super) fn to_toml(config: &Config) -> String {
    let mut root = Values::default().with("seed", Value::Int(i64::try_from(config.seed).unwrap_or(i64::MAX)));
    if let Some(threads) = config.threads {
        root.set("threads", Value::Int(threads as i64));
    }
    let mut out = String::new();
    section(&mut out, "", keys::ROOT, &root);
    let data = if config.data.text.is_some() { keys::TEXT_DATA } else { keys::DATA };
    for (name, keys, values) in [
        ("data", data, config.data.to_values()),
        ("model", keys::MODEL, config.model.to_values()),
        ("train", keys::TRAIN, config.train.to_values()),
    ] {
        out.push_str(&format!("\n[{name}]\n"));
        section(&mut out, name, keys, &values);
    }
    out
}

/// The keys of one section; tables under names of the user's become sections of their own, after the rest.
fn section(out: &mut String, path: &str, keys: &[Key], values: &Values) {
    let is_named = |key: &&Key| matches!(key.kind, crate::spec::Kind::Table(_));
    for key in keys.iter().filter(|key| !is_named(key)) {
        match values.get(key.name) {
            Some(Value::List(items)) if items.iter().any(|item| matches!(item, Value::Table(_))) => {
                out.push_str(&format!("{} = [\n", key.name));
                items.iter().for_each(|item| out.push_str(&format!("  {},\n", toml_value(item))));
                out.push_str("]\n");
            }
            Some(value) => out.push_str(&format!("{} = {}\n", key.name, toml_value(value))),
            None => {}
        }
    }
    for key in keys.iter().filter(is_named) {
        let Some(Value::Table(tables)) = values.get(key.name) else { continue };
        for (name, table) in tables {
            out.push_str(&format!("\n[{path}.{}.{}]\n", key.name, toml_key(name)));
            if let Value::Table(entries) = table {
                entries
                    .iter()
                    .for_each(|(key, value)| out.push_str(&format!("{key} = {}\n", toml_value(value))));
            }
        }
    }
}

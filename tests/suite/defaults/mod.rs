//! Defaults hold: a key that is set changes that key alone.

mod bases;
mod command;
mod registries;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use backprop::checkpoint::Existing;
use backprop::config::{Config, reference, registries};
use backprop::spec::{Format, Setting, SourceText, Sources, Value, parse, toml_key, toml_value};
use backprop::train::{Job, Silent, Stop, train};
use bases::Base;

/// The resolved config and the model that `settings` give. Each run has a directory of its own in `place`: a process that another test
/// starts holds the lock of the last one for a moment.
fn trained(place: &Path, settings: &[String]) -> Result<(String, Vec<u8>), String> {
    let settings: Vec<Setting> = settings.iter().map(|text| Setting::parse(text)).collect();
    let config = Config::from_flags(&settings, registries()).map_err(|e| e.to_string())?;
    let directory = tempfile::tempdir_in(place).expect("a temporary directory");
    let run = directory.path().join("run");
    let job = Job { config, run_dir: Some(run.clone()), name: "run".into(), existing: Existing::Refuse };
    train(job, &mut Silent, &Stop::new()).map_err(|e| e.to_string())?;
    let read = |name: &str| fs::read(run.join(name)).expect("a file of the run");
    let resolved = String::from_utf8(read("config.toml")).expect("UTF-8");
    Ok((resolved, read("model.safetensors")))
}

/// The tensors of a model file, without the header, which has the config.
fn tensors(model: &[u8]) -> &[u8] {
    let length = model.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    &model[8 + length as usize..]
}

/// A resolved config as a value.
fn value_of(resolved: &str) -> Value {
    let source = SourceText::new("config.toml", resolved, Format::Toml);
    let id = Sources::default().add(source.clone());
    parse(&source, id).expect("a config that was written").0.to_value()
}

/// Every path of `value` with what stands there, tables and lists too.
fn paths(value: &Value, path: &str, all: &mut Vec<(String, Value)>) {
    if !path.is_empty() {
        all.push((path.to_owned(), value.clone()));
    }
    let under = |key: &str| if path.is_empty() { toml_key(key) } else { format!("{path}.{}", toml_key(key)) };
    match value {
        Value::Table(entries) => entries.iter().for_each(|(key, value)| paths(value, &under(key), all)),
        Value::List(items) => {
            let tables = items.iter().enumerate().filter(|(_, item)| matches!(item, Value::Table(_)));
            tables.for_each(|(i, item)| paths(item, &under(&i.to_string()), all));
        }
        _ => {}
    }
}

/// Sets each key of the base run to the value that it has there, one at a time, and adds what differs to `faults`. Returns the keys that
/// were tried, as [`identity`] calls them.
fn differences(base: &Base, faults: &Mutex<Vec<String>>) -> BTreeSet<String> {
    let place = tempfile::tempdir().expect("a temporary directory");
    let own = base.settings(place.path());
    let add = |fault: String| {
        faults.lock().expect("no test panics with it").push(format!("{}: {fault}", base.name))
    };
    let (resolved, model) = match trained(place.path(), &own) {
        Ok(both) => both,
        Err(error) => {
            add(error);
            return BTreeSet::new();
        }
    };
    let whole = value_of(&resolved);
    let mut all = Vec::new();
    paths(&whole, "", &mut all);
    let stated = base.stated.iter().map(|(key, value)| ((*key).to_owned(), Err(*value)));
    let all = all.into_iter().map(|(key, value)| (key, Ok(value))).chain(stated);
    let set: BTreeMap<&str, &str> = own.iter().filter_map(|setting| setting.split_once('=')).collect();
    let mut tried = BTreeSet::new();
    for (path, value) in all {
        // A section is no key, and the layers of a run without any cannot be named one by one.
        let is_section = ["data", "model", "train", "data.columns", "data.inputs"].contains(&path.as_str());
        let is_inner_layer = path.starts_with("model.layers.") && !set.contains_key("model.layers");
        if is_section || is_inner_layer || set.contains_key(path.as_str()) || !base.tries(&path) {
            continue;
        }
        if let Some(key) = identity(&path, &whole) {
            tried.insert(key);
        }
        let text = match &value {
            Ok(value) => toml_value(value),
            Err(text) => (*text).to_owned(),
        };
        let setting = format!("{path}={text}");
        match trained(place.path(), &[&own[..], std::slice::from_ref(&setting)].concat()) {
            Err(error) => add(format!("--set {setting}\n{error}")),
            Ok((_, with)) if tensors(&with) != tensors(&model) => {
                add(format!("--set {setting} gives other weights"));
            }
            // What is inferred is written into the config where it is set.
            Ok((_, with)) if value.is_ok() && with != model => {
                add(format!("--set {setting} gives another model file"));
            }
            Ok((with, _)) if value.is_ok() && with != resolved => {
                add(format!("--set {setting} gives another config\n{with}\nin place of\n{resolved}"));
            }
            Ok(_) => {}
        }
    }
    tried
}

/// A key as the reference names it: section or row of a registry, and key.
fn identity(path: &str, whole: &Value) -> Option<String> {
    let parts: Vec<&str> = path.split('.').collect();
    let last = parts.last()?;
    Some(match &parts[..] {
        [key] => format!("Top level: {key}"),
        ["data", "columns", _, key] => format!("[data.columns.NAME]: {key}"),
        ["data", "inputs", _, key] => format!("[data.inputs.NAME]: {key}"),
        ["data", section @ ("series" | "windows"), key] => format!("[data.{section}]: {key}"),
        ["data", key] => match whole {
            Value::Table(_) if text_of(whole, "data.text").is_some() => {
                format!("[data] of a language model: {key}")
            }
            _ => format!("[data]: {key}"),
        },
        ["model", "outputs", _, key] => format!("[model.outputs.NAME]: {key}"),
        ["train", "sample", key] => format!("[train.sample]: {key}"),
        ["train", "early_stopping", key] => format!("train.early_stopping: {key}"),
        [section @ ("model" | "train"), key] => format!("[{section}]: {key}"),
        _ => {
            let kind = text_of(whole, &format!("{}.type", parts[..parts.len() - 1].join(".")))?;
            format!("{kind}: {last}")
        }
    })
}

/// The text at `path`, or the first of the list there.
fn text_of(value: &Value, path: &str) -> Option<String> {
    let mut here = value;
    for key in path.split('.') {
        here = match here {
            Value::Table(entries) => &entries.iter().find(|(name, _)| name == key)?.1,
            Value::List(items) => items.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match here {
        Value::Str(text) => Some(text.clone()),
        Value::List(items) => items.iter().find_map(|item| text_of(item, "")),
        _ => None,
    }
}

/// The keys of the sections of the printed reference that have a default, as [`identity`] calls them.
fn keys_with_defaults() -> BTreeSet<String> {
    let text = reference(registries());
    let mut keys = BTreeSet::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
            section = title.replace('`', "");
            continue;
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        if let [key, _, default, ..] = cells[..]
            && key.starts_with("| `")
            && default.starts_with('`')
        {
            keys.insert(format!("{section}: {}", key.trim_start_matches("| ").trim_matches('`')));
        }
    }
    keys
}

/// Whether a key of the reference is one of a row of a registry: those are gone through one row at a time.
fn is_of_a_row(key: &str) -> bool {
    let section = key.split(": ").next().unwrap_or_default();
    !(section.starts_with('[') || ["Top level", "train.early_stopping"].contains(&section))
}

#[test]
fn every_key_set_to_its_default_gives_the_same_bytes() {
    let faults = Mutex::new(Vec::new());
    let bases = bases::all();
    let mut tried = BTreeSet::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = bases.iter().map(|base| scope.spawn(|| differences(base, &faults))).collect();
        threads.into_iter().for_each(|thread| tried.extend(thread.join().expect("no panic")));
    });
    let mut faults = faults.into_inner().expect("no panic");
    let keys = keys_with_defaults();
    assert!(keys.len() > 100, "the reference is read: {keys:?}");
    let missing = keys.iter().filter(|key| !is_of_a_row(key) && !tried.contains(*key));
    faults.extend(missing.map(|key| format!("no base run tries the key {key}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

//! Rules that hold for every file of `src/`.

use std::collections::{BTreeMap, BTreeSet};

use backprop::init::INITIALIZERS;
use backprop::layers::LAYERS;
use backprop::ops::{ACTIVATIONS, LOSSES, OPS};
use backprop::optim::OPTIMIZERS;
use backprop::schedule::SCHEDULES;

use crate::source::Source;

/// The longest file, in lines.
const LONGEST: usize = 600;

/// What of a file breaks a rule.
fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines >= LONGEST {
        faults.push(format!("src/{}: {lines} lines", source.path));
    }
    for (at, word) in source.words() {
        let after = source.code[at + word.len()..].trim_start();
        let before = source.code[..at].trim_end();
        let fault = match word {
            "unsafe" if !source.path.starts_with("backend/") => "unsafe outside of src/backend",
            "todo" | "unimplemented" | "dbg" if after.starts_with('!') => "work that is not done",
            "ignore" if before.ends_with("#[") => "a test that is not run",
            _ => continue,
        };
        faults.push(format!("src/{}, line {}: {fault}", source.path, source.line(at)));
    }
    faults
}

#[test]
fn files_are_short_safe_and_finished() {
    let faults: Vec<String> = Source::all().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_broken_rule_is_seen() {
    let long = "\n".repeat(LONGEST);
    for (path, text) in [
        ("ops/relu.rs", "fn f() { unsafe { g() } }"),
        ("backend/cpu/lane.rs", "fn f() { todo!() }"),
        ("graph/mod.rs", "fn f() { unimplemented ! () }"),
        ("graph/mod.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
        ("graph/mod.rs", &long),
    ] {
        assert_eq!(faults(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("backend/cpu/lane.rs", "fn f() { unsafe { g() } }"),
        ("graph/mod.rs", "#![deny(unsafe_code)] // unsafe, todo!()\nfn ignore(todo: bool) { if !todo {} }"),
    ] {
        assert!(faults(&Source::new(path, text)).is_empty(), "{path}: {text}");
    }
}

#[test]
fn every_file_is_compiled() {
    let sources = Source::all();
    let code: BTreeMap<&str, &Source> = sources.iter().map(|s| (s.path.as_str(), s)).collect();
    for source in &sources {
        let module = source.module();
        let Some((name, parent)) = module.split_last() else { continue };
        let folder = parent.join("/");
        let homes = if parent.is_empty() {
            vec!["lib.rs".to_owned()]
        } else {
            vec![format!("{folder}/mod.rs"), format!("{folder}.rs")]
        };
        let home = homes.iter().find_map(|h| code.get(h.as_str()));
        let home = home.unwrap_or_else(|| panic!("src/{}: no module around it", source.path));
        assert!(
            home.words().any(|(_, w)| w == *name),
            "src/{} is not named in src/{}",
            source.path,
            home.path
        );
    }
}

/// The names that the registry rows of a file carry.
fn entries(source: &Source) -> Vec<&str> {
    let starts = source.words().filter(|(at, word)| {
        let after = source.code[at + word.len()..].trim_start();
        word.ends_with("Entry") && after.starts_with('=')
    });
    starts
        .filter_map(|(at, _)| {
            let (_, name) = source.text[at..].split_once("name: \"")?;
            Some(name.split_once('"')?.0)
        })
        .collect()
}

#[test]
fn every_entry_is_in_its_registry_under_the_name_of_its_file() {
    let mut registered: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let ops = OPS.iter().map(|e| e.name).chain(ACTIVATIONS.iter().map(|e| e.name));
    registered.insert("ops", ops.chain(LOSSES.iter().map(|e| e.name)).collect());
    registered.insert("layers", LAYERS.iter().map(|e| e.name).collect());
    registered.insert("optim", OPTIMIZERS.iter().map(|e| e.name).collect());
    registered.insert("schedule", SCHEDULES.iter().map(|e| e.name).collect());
    registered.insert("init", INITIALIZERS.iter().map(|e| e.name).collect());
    let sources = Source::all();
    for (folder, names) in &registered {
        let mut seen = BTreeSet::new();
        for source in sources.iter().filter(|s| s.module().first() == Some(folder)) {
            let found = entries(source);
            // A file of several entries (xavier_uniform, xavier_normal) has a name of its own.
            if let ([name], Some(file)) = (&found[..], source.module().last()) {
                assert_eq!(name, file, "src/{}", source.path);
            }
            seen.extend(found);
        }
        let missing: Vec<_> = seen.difference(names).collect();
        assert!(missing.is_empty(), "{folder}: entries that are in no registry: {missing:?}");
        // Activations are layers without a file of their own there.
        let known: BTreeSet<&str> =
            ACTIVATIONS.iter().map(|a| a.name).filter(|_| *folder == "layers").collect();
        let unseen: Vec<_> = names.difference(&seen).filter(|n| !known.contains(*n)).collect();
        assert!(unseen.is_empty(), "{folder}: names without an entry: {unseen:?}");
    }
}

//! A module imports only from lower floors of the house, as the table in `src/lib.rs` has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// The floor of every module at the top, from the table.
fn floors(lib: &str) -> BTreeMap<String, u32> {
    let rows = lib.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("//! |")?.split('|').map(str::trim);
        Some((cells.next()?.parse::<u32>().ok()?, cells.next()?))
    });
    let mut floors = BTreeMap::new();
    for (floor, modules) in rows {
        for module in modules.split(',') {
            let name = module.trim().trim_start_matches("[`").trim_end_matches("`]");
            assert!(floors.insert(name.to_owned(), floor).is_none(), "{name} has two floors");
        }
    }
    floors
}

/// The modules at the top that a file names, with the byte at which it does.
fn imports(source: &Source, floors: &BTreeMap<String, u32>) -> Vec<(usize, String)> {
    let depth = source.module().len();
    let words: Vec<(usize, &str)> = source.words().collect();
    let follows = |i: usize| {
        let (at, word) = words[i];
        source.code[at + word.len()..].trim_start().strip_prefix("::").map(str::trim_start)
    };
    let mut found = Vec::new();
    let mut supers = 0;
    for (i, &(at, word)) in words.iter().enumerate() {
        supers = if word == "super" { supers + 1 } else { 0 };
        // A chain of `super` as long as the module's path ends at the top.
        if !(word == "crate" || (supers > 0 && supers >= depth)) {
            continue;
        }
        let Some(rest) = follows(i) else { continue };
        let names = match rest.strip_prefix('{') {
            Some(group) => group_heads(group),
            None => vec![head(rest)],
        };
        let names = names.into_iter().filter(|n| !matches!(n.as_str(), "" | "self" | "super"));
        // An inner `mod tests` is one deeper than its file: its longer chains may end below the top.
        found.extend(names.filter(|n| word == "crate" || floors.contains_key(n)).map(|n| (at, n)));
    }
    found
}

fn head(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first name of each item of `a::b, c::{d, e}, f}`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(head(group[start..i].trim_start()));
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

/// What of a file's imports does not come from a lower floor.
fn upward(source: &Source, floors: &BTreeMap<String, u32>) -> Vec<String> {
    // The crate's roots stand above all floors.
    let Some(&own) = source.module().first() else { return Vec::new() };
    let floor = floors[own];
    let message = |(at, name): (usize, String)| {
        let fault = match floors.get(&name) {
            _ if name == own => return None,
            Some(&other) if other < floor => return None,
            Some(&other) if other == floor => "of the same floor",
            Some(_) => "of a higher floor",
            None => "which is no module of the table in src/lib.rs",
        };
        Some(format!("src/{}, line {}: {own} imports {name}, {fault}", source.path, source.line(at)))
    };
    imports(source, floors).into_iter().filter_map(message).collect()
}

fn house() -> (Vec<Source>, BTreeMap<String, u32>) {
    let sources = Source::all();
    let lib = sources.iter().find(|s| s.path == "lib.rs").expect("src/lib.rs");
    let floors = floors(&lib.text);
    (sources, floors)
}

#[test]
fn no_module_imports_from_its_own_floor_or_above() {
    let (sources, floors) = house();
    let faults: Vec<String> = sources.iter().flat_map(|s| upward(s, &floors)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let (sources, floors) = house();
    let modules: BTreeSet<&str> = sources.iter().filter_map(|s| s.module().first().copied()).collect();
    assert_eq!(modules, floors.keys().map(String::as_str).collect());
}

#[test]
fn an_upward_import_is_seen() {
    let (_, floors) = house();
    let faults = |path: &str, text: &str| upward(&Source::new(path, text), &floors).len();
    for (path, text) in [
        ("ops/relu.rs", "use crate::graph::Graph;"),
        ("ops/relu.rs", "use crate::{error::Result, graph::{Graph, Plan}, tensor::Shape};"),
        ("ops/relu.rs", "fn f() -> crate::graph::Graph { todo() }"),
        ("ops/relu.rs", "use crate::optim::Chain;"),
        ("ops/relu.rs", "use super::super::train;"),
        ("ops/mod.rs", "use super::{layers, error};"),
        ("data/mod.rs", "pub use crate\n    ::backend::Matrix;"),
        ("error.rs", "use crate::tensor::Shape;"),
        ("tensor/rng.rs", "use crate::spec::Value;"),
        ("optim/adam.rs", "#[cfg(test)] mod tests { use crate::schedule::find; }"),
        ("config/mod.rs", "use crate::Nothing;"),
    ] {
        assert_eq!(faults(path, text), 1, "{path}: {text}");
    }
    for (path, text) in [
        (
            "ops/relu.rs",
            "use crate::backend::{Backend, cpu::{Cpu, Number}}; use crate::ops::Io; use crate::spec::Key;",
        ),
        ("ops/relu.rs", "// use crate::graph::Graph;\n/// [`crate::train`]\nconst S: &str = \"crate::cli\";"),
        ("ops/relu.rs", "pub(crate) use super::Map; mod tests { use super::super::Op; }"),
        ("graph/mod.rs", "use crate::{error, ops};"),
        ("main.rs", "use backprop::cli;"),
        ("lib.rs", "pub mod graph; use crate::cli::run;"),
    ] {
        assert_eq!(faults(path, text), 0, "{path}: {text}");
    }
}

//! Paths in a config are relative to its file; paths on the command line, to the current directory.

use std::path::{Component, Path, PathBuf};

use crate::spec::{Node, SourceText, Sources, Tree};

/// The keys that hold paths; `*` is any key.
const PATHS: [&[&str]; 7] = [
    &["data", "train"],
    &["data", "text"],
    &["data", "validation"],
    &["data", "test"],
    &["data", TOKENIZER],
    &["data", "columns", "*", TOKENIZER],
    &["train", "init_from"],
];

/// The key of a tokenizer: a word, or the path of a `tokenizer.json`.
pub(super) const TOKENIZER: &str = "tokenizer";

/// Makes every path of the tree relative to the current directory, each from the directory of the text it stands in.
pub(super) fn resolve(tree: &mut Tree, sources: &Sources) {
    each_path(tree, &|path, span| {
        let base = sources.get(span).and_then(SourceText::base)?;
        Some(from_directory(base, path))
    });
}

/// `path`, taken from the directory `base`: `configs` and `../data/a.csv` give `data/a.csv`.
///
/// A step up takes a name off the base only where that leads to the same directory: not through a symbolic link.
pub(super) fn from_directory(base: &Path, path: &str) -> String {
    if path == "-" || Path::new(path).is_absolute() {
        return path.to_owned();
    }
    let (mut base, mut rest) = (base.to_path_buf(), path);
    loop {
        if let Some(shorter) = rest.strip_prefix("./") {
            rest = shorter;
        } else if let Some(shorter) = rest.strip_prefix("../")
            && matches!(base.components().next_back(), Some(Component::Normal(_)))
            && !base.is_symlink()
        {
            base.pop();
            rest = shorter;
        } else {
            break;
        }
    }
    // Of a glob only the part that was typed is a pattern.
    let is_glob = rest.contains(['*', '?', '[']);
    let base = if is_glob { PathBuf::from(glob::Pattern::escape(&base.to_string_lossy())) } else { base };
    base.join(rest).to_string_lossy().into_owned()
}

fn each_path(tree: &mut Tree, change: &dyn Fn(&str, crate::spec::Span) -> Option<String>) {
    for keys in PATHS {
        let word = |path: &str| keys.ends_with(&[TOKENIZER]) && !path.ends_with(".json");
        at(tree, keys, &mut |found| {
            texts(found, &|path, span| if word(path) { None } else { change(path, span) })
        });
    }
}

/// Calls `visit` with whatever stands at these keys.
fn at(tree: &mut Tree, keys: &[&str], visit: &mut dyn FnMut(&mut Tree)) {
    match keys {
        [] => visit(tree),
        ["*", rest @ ..] => {
            if let Node::Table(entries) = &mut tree.node {
                entries.iter_mut().for_each(|(_, inner)| at(inner, rest, visit));
            }
        }
        [key, rest @ ..] => {
            if let Some(inner) = tree.get_mut(key) {
                at(inner, rest, visit);
            }
        }
    }
}

fn texts(tree: &mut Tree, change: &dyn Fn(&str, crate::spec::Span) -> Option<String>) {
    match &mut tree.node {
        Node::Str(path) => {
            if let Some(new) = change(path, tree.span) {
                *path = new;
            }
        }
        Node::List(items) => items.iter_mut().for_each(|item| texts(item, change)),
        _ => {}
    }
}

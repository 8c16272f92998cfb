//! Paths in a config are relative to its file; paths on the command line, to the current directory.

use std::path::{Component, Path, PathBuf};

use crate::spec::{Node, SourceText, Sources, Tree};

/// The keys that hold paths.
const PATHS: [&[&str]; 5] = [
    &["data", "train"],
    &["data", "text"],
    &["data", "validation"],
    &["data", "test"],
    &["train", "init_from"],
];

/// The key that holds a path where its text ends in this.
const TOKENIZER: ([&str; 2], &str) = (["data", "tokenizer"], ".json");

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
        let found = keys.iter().try_fold(&mut *tree, |here, key| here.get_mut(key));
        if let Some(found) = found {
            texts(found, change);
        }
    }
    let (keys, end) = TOKENIZER;
    let found = keys.iter().try_fold(tree, |here, key| here.get_mut(key));
    if let Some(found) = found.filter(|found| matches!(&found.node, Node::Str(path) if path.ends_with(end))) {
        texts(found, change);
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

//! The crate's own source text, for tests of the house rules.

use std::fs;
use std::path::Path;

/// One file of `src/`.
pub(crate) struct Source {
    /// Below `src/`, with slashes: `ops/relu.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked out, byte for byte in place.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), code: code(text) }
    }

    /// Every file of `src/`, by path.
    pub(crate) fn all() -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        collect(&root, "", &mut found);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(found.len() > 50, "{} files below {}", found.len(), root.display());
        found
    }

    /// The module's path: `ops/relu.rs` is `["ops", "relu"]`, `ops/mod.rs` is `["ops"]`, `lib.rs` and `main.rs` are `[]`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        if matches!(parts[..], [.., "mod"] | ["lib" | "main"]) {
            parts.pop();
        }
        parts
    }

    /// The words of the code with the byte at which each starts.
    pub(crate) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        let part = |c: char| !(c.is_alphanumeric() || c == '_');
        self.code.split(part).filter_map(move |word| {
            let start = at;
            // Every separator here is ASCII: literals and comments are gone.
            at += word.len() + 1;
            (!word.is_empty()).then_some((start, word))
        })
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let entry = entry.expect("an entry of src");
        let name = entry.file_name().into_string().expect("plain names");
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if name.ends_with(".rs") {
            found.push(Source::new(&path, &fs::read_to_string(entry.path()).expect("UTF-8")));
        }
    }
}

/// `text` with comments, strings and characters blanked out; lines and bytes stay where they are.
fn code(text: &str) -> String {
    let b = text.as_bytes();
    let mut out = b.to_vec();
    let mut i = 0;
    while i < b.len() {
        let end = literal_end(b, i);
        for byte in &mut out[i..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        i = end.max(i + 1);
    }
    String::from_utf8(out).expect("only whole literals were blanked")
}

/// Where the comment or literal that starts at `i` ends; `i` if none does.
fn literal_end(b: &[u8], i: usize) -> usize {
    let find = |from: usize, what: &[u8]| {
        b[from.min(b.len())..]
            .windows(what.len())
            .position(|w| w == what)
            .map_or(b.len(), |n| from + n + what.len())
    };
    let in_word = i > 0 && (b[i - 1].is_ascii_alphanumeric() || b[i - 1] == b'_');
    match b[i] {
        b'/' if b[i + 1..].first() == Some(&b'/') => find(i, b"\n") - usize::from(find(i, b"\n") < b.len()),
        b'/' if b[i + 1..].first() == Some(&b'*') => find(i + 2, b"*/"),
        b'r' if !in_word || b[i - 1] == b'b' => {
            let hashes = b[i + 1..].iter().take_while(|&&c| c == b'#').count();
            if b.get(i + 1 + hashes) != Some(&b'"') {
                return i;
            }
            find(i + 2 + hashes, &[b"\"", &b"#".repeat(hashes)[..]].concat())
        }
        b'"' => quoted(b, i, b'"'),
        // 'x' and '\n', but not the lifetime 'x.
        b'\'' if b.get(i + 1) == Some(&b'\\') => quoted(b, i, b'\''),
        b'\'' => {
            let len = b[i + 1..].iter().skip(1).take_while(|&&c| c & 0xc0 == 0x80).count() + 1;
            if b.get(i + 1 + len) == Some(&b'\'') { i + 2 + len } else { i }
        }
        _ => i,
    }
}

fn quoted(b: &[u8], start: usize, quote: u8) -> usize {
    let mut i = start + 1;
    while i < b.len() && b[i] != quote {
        i += if b[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(b.len())
}

#[test]
fn comments_and_literals_are_blanked_in_place() {
    let text = "a /* unsafe */ b // \"x\nlet c = \"unsafe \\\" // é\"; 'é' '\\'' 'a: &'a r#\"un\"safe\"# br\"x\" for";
    let kept = code(text);
    assert_eq!(kept.len(), text.len());
    let words: Vec<&str> = kept.split_whitespace().collect();
    assert_eq!(words, ["a", "b", "let", "c", "=", ";", "'a:", "&'a", "b", "for"]);
    let source = Source::new("ops/relu.rs", text);
    let (at, word) = source.words().last().unwrap();
    assert_eq!((&text[at..], word, source.line(at)), ("for", "for", 2));
}

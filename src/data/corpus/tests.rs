//! Texts as ids in their parts.

use std::io;

use super::*;
use crate::data::tokenizer::TokenizerKind;
use crate::data::utf8::PIECE;
use crate::error::Error;

fn read(text: &[u8], options: &CorpusOptions) -> Result<Corpus> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text.txt");
    std::fs::write(&path, text).unwrap();
    Corpus::read(&Source::file(&path), options).map_err(|e| {
        let told = e.to_string().replace(&*dir.path().to_string_lossy(), "DIR");
        Error::data("", told)
    })
}

fn options(name: &str, lines: bool, validation: f64, test: f64) -> CorpusOptions {
    CorpusOptions {
        tokenizer: TokenizerSpec {
            kind: TokenizerKind::from_name(name).unwrap(),
            vocabulary_size: None,
            lowercase: false,
            unknown: false,
            line_breaks: false,
        },
        known: None,
        help: "give up",
        lines,
        validation,
        test,
        seed: 3,
        spill: || Err(io::Error::other("no spill")),
    }
}

fn text(corpus: &Corpus, tokens: &Tokens) -> String {
    let mut decoder = corpus.tokenizer.decoder();
    let mut text = String::new();
    (0..tokens.len()).for_each(|at| decoder.push(tokens.get(at), &mut text));
    decoder.finish(&mut text);
    text
}

#[test]
fn a_text_is_divided_by_place_and_loses_nothing() {
    let whole = "Die Zügel ö🙂 lang.\n".repeat(100);
    for name in ["byte", "char", "bpe"] {
        let corpus = read(whole.as_bytes(), &options(name, false, 0.1, 0.2)).unwrap();
        let parts = [&corpus.train, &corpus.validation, &corpus.test].map(|part| text(&corpus, part));
        assert_eq!(parts.concat(), whole, "{name}");
        let count = |part: &String| part.chars().count();
        assert_eq!([count(&parts[0]), count(&parts[1]), count(&parts[2])], [1330, 190, 380], "{name}");
        assert_eq!(corpus.characters, 1900);
    }
}

#[test]
fn pieces_end_behind_lines_or_at_least_behind_characters() {
    let long = "ö".repeat(PIECE);
    let whole = format!("\u{feff}{long}\nabc\r\n{long}");
    let corpus = read(whole.as_bytes(), &options("char", false, 0.0, 0.0)).unwrap();
    assert!(text(&corpus, &corpus.train) == whole[3..]);
    assert_eq!(corpus.carriage_returns, 1);
    assert_eq!(corpus.tokenizer.vocabulary(), 6);
    assert!(corpus.validation.is_empty() && corpus.test.is_empty());
}

#[test]
fn lines_are_divided_by_chance_and_stay_whole() {
    let whole: String = (0..1000).map(|i| format!("name {i}\r\n\n")).collect();
    let corpus = read(whole.as_bytes(), &options("char", true, 0.1, 0.0)).unwrap();
    let (train, held) = (text(&corpus, &corpus.train), text(&corpus, &corpus.validation));
    let count = held.lines().count();
    assert!((70..130).contains(&count) && train.lines().count() + count == 1000, "{count}");
    assert!(train.lines().chain(held.lines()).all(|line| line.starts_with("name ")));
    let mut sorted: Vec<&str> = train.lines().chain(held.lines()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 1000);
    let number = |line: &str| line[5..].parse::<u32>().unwrap();
    let lines: Vec<u32> = train.lines().map(number).collect();
    let rising = lines.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((lines.len() * 2 / 5..lines.len() * 3 / 5).contains(&rising), "{rising}");
    let again = read(whole.as_bytes(), &options("char", true, 0.1, 0.0)).unwrap();
    assert_eq!(held, text(&again, &again.validation));
    assert_eq!(again.carriage_returns, 0, "a line ends with one line feed");
    let other = CorpusOptions { seed: 4, ..options("char", true, 0.1, 0.0) };
    let other = read(whole.as_bytes(), &other).unwrap();
    assert_ne!(held, text(&other, &other.validation));
}

#[test]
fn the_end_of_a_file_ends_a_line_and_joins_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let files = [path("a.txt", "ab\ncd"), path("b.txt", "ef\r\n"), path("c.txt", "gh")];
    let source = Source::parse(&files, dir.path()).unwrap();
    let lines = Corpus::read(&source, &options("char", true, 0.0, 0.0)).unwrap();
    let all = text(&lines, &lines.train);
    let mut sorted: Vec<&str> = all.lines().collect();
    sorted.sort_unstable();
    assert_eq!((sorted, all.len()), (vec!["ab", "cd", "ef", "gh"], 12));
    let again = Corpus::tokens(&source, &lines.tokenizer, true, || Err(io::Error::other("no spill")), "");
    assert_eq!(text(&lines, &again.unwrap()), "ab\ncd\nef\ngh\n");
    let whole = Corpus::read(&source, &options("char", false, 0.0, 0.0)).unwrap();
    assert_eq!(text(&whole, &whole.train), "ab\ncdef\r\ngh");
}

#[test]
fn texts_that_cannot_be_read_are_refused() {
    let message = |bytes: &[u8]| {
        let error = read(bytes, &options("char", false, 0.0, 0.0)).unwrap_err();
        error.problems[0].what.clone()
    };
    assert_eq!(
        message(b""),
        "error[3]: DIR/text.txt: the text is empty\n  expected: one character at least\n  help: check that the file is the one you mean"
    );
    assert_eq!(
        message(b"ab\ncd\xffe"),
        "error[3]: DIR/text.txt, line 2: not UTF-8\n  found: byte 0xFF at offset 5\n  \
         help: iconv -f LATIN1 -t UTF-8 makes it UTF-8, if it is Latin-1"
    );
    let foreign = |what: &str, help: &str| {
        format!("error[3]: DIR/text.txt: {what}\n  expected: a text in UTF-8\n  help: {help}")
    };
    let plain = "name a plain text; save a document as one first";
    let program = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0, 1, 0, 0, 0].repeat(9)].concat();
    assert_eq!(message(&program), foreign("this is a program, not a text", plain));
    let image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10";
    assert_eq!(message(image), foreign("this is a PNG image, not a text", plain));
    let numbers: Vec<u8> = (1..30_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(message(&numbers), foreign("this is a binary file, not a text", plain));
    let unpack = "unpack it; .gz and .zst files are read as they are";
    assert_eq!(message(b"BZh91AY&SY"), foreign("this is a bzip2 file, not a text", unpack));
    let wide: Vec<u8> = "\u{feff}ab cd".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let iconv = "save it as UTF-8, or: iconv -f utf-16 -t utf-8 FILE > NEW";
    assert_eq!(message(&wide), foreign("this file is UTF-16, not UTF-8", iconv));
    assert_eq!(
        message(&[&b"ab".repeat(1000)[..], b"\0\xff"].concat()),
        "error[3]: DIR/text.txt, line 1: not UTF-8\n  found: byte 0xFF at offset 2001\n  \
         help: it is a binary file, as its NUL bytes say: name a plain text"
    );
    assert!(
        message(
            "ab".repeat(PIECE).as_bytes().iter().chain(b"\xe2\x82").copied().collect::<Vec<_>>().as_slice()
        )
        .contains("line 1: not UTF-8\n  found: byte 0xE2 at offset 2097152")
    );
}

#[test]
fn a_tokenizer_that_is_there_reads_other_texts() {
    let corpus = read(b"abc\n", &options("char", false, 0.0, 0.0)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.txt");
    let tokens = |text: &str, lines: bool| {
        std::fs::write(&path, text).unwrap();
        let spill = || Err(io::Error::other(""));
        Corpus::tokens(&Source::file(&path), &corpus.tokenizer, lines, spill, "give up")
    };
    let ids = |tokens: Tokens| (0..tokens.len()).map(|at| tokens.get(at)).collect::<Vec<_>>();
    assert_eq!(ids(tokens("cab", false).unwrap()), [3, 1, 2]);
    assert_eq!(ids(tokens("\nc\n\nb", true).unwrap()), [3, 0, 2, 0]);
    let error = tokens(&format!("a\n{}cabz", "b".repeat(40)), false).unwrap_err().to_string();
    let told = "b.txt: the character \"z\" (U+007A) is not in the vocabulary\n  expected: characters of the training text\n  found: ";
    assert!(error.contains(&format!("{told}\"{}cabz\"\n", "b".repeat(27))), "{error}");
    assert!(tokens("", false).unwrap_err().to_string().contains("the text is empty"));
}

#[test]
fn what_tokens_do_not_give_back_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.txt");
    let lost = |name: &str, lines: bool, text: &str| {
        let plain = options(name, lines, 0.0, 0.0);
        let tokenizer = TokenizerSpec { line_breaks: lines, ..plain.tokenizer.clone() };
        let options = CorpusOptions { tokenizer, ..plain };
        let known = read("to be, or not to be\n".repeat(20).as_bytes(), &options).unwrap();
        std::fs::write(&path, text).unwrap();
        let spill = || Err(io::Error::other("no spill"));
        Corpus::tokens(&Source::file(&path), &known.tokenizer, lines, spill, "").unwrap().lose_text()
    };
    for name in ["byte", "char", "bpe"] {
        assert!(!lost(name, false, "to be, \n or not\n"), "{name}");
    }
    for (name, lines, text, expected) in [
        ("word", false, "to be,\nor not", false),
        ("word", false, "to be,\nor not ", true),
        ("word", false, "to  be", true),
        ("word", false, " to be", true),
        ("word", false, "to be , or", true),
        ("word", false, "to bee", true),
        ("word", true, "to be\nor not\n", false),
        ("word", true, "to be\tor\nnot\n", true),
        ("whitespace", false, "to be, or", false),
        ("whitespace", false, "to be, or\n", true),
        ("whitespace", true, "to be, or\nnot", false),
    ] {
        assert_eq!(lost(name, lines, text), expected, "{name} {lines} {text:?}");
    }
    let parts =
        read(format!("{}to  be\n", "to be\n".repeat(20)).as_bytes(), &options("word", false, 0.2, 0.1));
    let parts = parts.unwrap();
    assert_eq!([parts.validation.lose_text(), parts.test.lose_text()], [false, true]);
}

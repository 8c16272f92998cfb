//! Byte-pair encoding and everything that a `tokenizer.json` may say, through the `tokenizers` crate.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenizers::SplitDelimiterBehavior;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::ModelWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use self::spelling::{Spelling, byte_alphabet};
use super::{LARGEST_VOCABULARY, UnknownText};
use crate::data::source::{Source, printable};
use crate::error::{Error, Result};

mod spelling;
mod training;

pub(super) use self::training::PairCounts;

/// Words as GPT-2 cuts them (Radford et al. 2019), but of no more than 64 characters each: where nothing parts the words, as in Chinese
/// or in a genome, one word would be the whole text, and the time of a word grows with the square of its length.
const WORDS: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}{1,64}| ?\p{N}{1,64}| ?[^\s\p{L}\p{N}]{1,64}|\s{1,64}(?!\S)|\s{1,64}";

/// The smallest vocabulary that is trained: all bytes, and one pair.
pub(super) const SMALLEST: usize = 257;

/// Texts are encoded in pieces of about this many bytes, where that changes nothing: what the crate keeps beside a text is
/// many times its size.
const PIECE: usize = 1 << 16;

/// A tokenizer of the `tokenizers` crate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(super) struct Pairs {
    inner: Arc<tokenizers::Tokenizer>,
    /// What its file says: two tokenizers of one text are one.
    json: Arc<str>,
    /// The bytes of each id.
    tokens: Vec<Box<[u8]>>,
    unknown: Option<u32>,
    drops_first_space: bool,
    /// Whether a text may be cut before white space that follows something else.
    may_be_cut: bool,
}

impl PartialEq for Pairs {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl From<Pairs> for Value {
    fn from(from: Pairs) -> Self {
        // It was read from this text once.
        serde_json::from_str(&from.json).unwrap_or(Value::Null)
    }
}

impl TryFrom<Value> for Pairs {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Pairs::new(value)
    }
}

impl Pairs {
    pub(super) fn from_file(path: &Path) -> Result<Self> {
        let name = printable(path);
        Source::file(path).check()?;
        let text =
            std::fs::read(path).map_err(|e| Error::environment(&*name, format!("cannot be read: {e}")))?;
        let read: Result<Value, _> = serde_json::from_slice(&text);
        read.map_err(|e| e.to_string()).and_then(Pairs::new).map_err(|what| {
            Error::data(name, format!("the tokenizer cannot be read: {what}"))
                .expected("a tokenizer.json as Hugging Face's tokenizers library writes it")
                .help("copy or download the file again")
        })
    }

    /// The tokenizer of a `tokenizer.json`; what is wrong with it, if anything is.
    fn new(mut value: Value) -> Result<Self, String> {
        // Rows are cut and filled up elsewhere, and the same text must give the same ids: no dropout.
        for key in ["truncation", "padding"] {
            value.as_object_mut().and_then(|object| object.insert(key.into(), Value::Null));
        }
        if let Some(dropout) = value.pointer_mut("/model/dropout") {
            *dropout = Value::Null;
        }
        let inner: tokenizers::Tokenizer =
            serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        let spelling = Spelling::of(&value["decoder"]);
        let vocabulary = inner.get_vocab(true);
        let ids = vocabulary.values().map(|&id| id as usize + 1).max().unwrap_or(0);
        if ids == 0 || ids > LARGEST_VOCABULARY {
            return Err(format!("{} ids, not 1 to {LARGEST_VOCABULARY}", ids));
        }
        let added = inner.get_added_tokens_decoder();
        let alphabet = byte_alphabet();
        let mut tokens = vec![Box::default(); ids];
        for (token, id) in vocabulary {
            let bytes = match added.contains_key(&id) {
                true => token.into_bytes(),
                false => spelling.bytes(&token, &alphabet),
            };
            tokens[id as usize] = bytes.into_boxed_slice();
        }
        // A character of a private plane: whatever training saw, it was not this one.
        inner.encode_fast("\u{10FFFD}", false).map_err(|e| format!("it cannot encode every text: {e}"))?;
        let unknown = match inner.get_model() {
            ModelWrapper::Unigram(_) => value["model"]["unk_id"].as_u64().map(|id| id as u32),
            _ => value["model"]["unk_token"].as_str().and_then(|token| inner.token_to_id(token)),
        };
        let may_be_cut = value["normalizer"].is_null()
            && ends_words_at_blanks(&value["pre_tokenizer"])
            && added.is_empty();
        let json = serde_json::to_string(&value).map_err(|e| e.to_string())?.into();
        let drops_first_space = spelling.drops_first_space();
        Ok(Pairs { inner: Arc::new(inner), json, tokens, unknown, drops_first_space, may_be_cut })
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    pub(super) fn drops_first_space(&self) -> bool {
        self.drops_first_space
    }

    /// Whether the bytes of the ids are those of the text, byte for byte.
    pub(super) fn spells_text(&self) -> bool {
        self.may_be_cut
    }

    /// Gives each id of `text`, and how many bytes of it end with the id at the latest.
    pub(super) fn encode_with_ends(
        &self,
        text: &str,
        mut put: impl FnMut(u32, usize),
    ) -> Result<(), UnknownText> {
        let encoding = self.inner.encode(text, false).map_err(|_| first_of(text))?;
        encoding.get_ids().iter().zip(encoding.get_offsets()).for_each(|(&id, &(_, end))| put(id, end));
        Ok(())
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), UnknownText> {
        // No error is left: `new` has tried what no vocabulary holds.
        let encoded = |piece: &str| self.inner.encode_fast(piece, false).map_err(|_| first_of(text));
        if !self.may_be_cut || text.len() <= PIECE {
            ids.extend_from_slice(encoded(text)?.get_ids());
            return Ok(());
        }
        let pieces: Vec<&str> = cut(text).collect();
        let encoded: Vec<_> = pieces.par_iter().map(|piece| Ok(encoded(piece)?.get_ids().to_vec())).collect();
        for of_piece in encoded {
            ids.append(&mut of_piece?);
        }
        Ok(())
    }

    pub(super) fn token(&self, id: u32) -> &[u8] {
        self.tokens.get(id as usize).map_or(&[], |token| token)
    }
}

/// A character for each byte of a word.
fn bytes() -> ByteLevel {
    ByteLevel::new(false, false, false)
}

/// What cuts a text into [`WORDS`] of characters that stand for bytes.
fn words() -> tokenizers::Result<Sequence> {
    let words = Split::new(SplitPattern::Regex(WORDS.into()), SplitDelimiterBehavior::Isolated, false)?;
    Ok(Sequence::new(vec![words.into(), bytes().into()]))
}

/// Whether words are byte-level ones, as GPT-2 cuts them or as [`WORDS`] says.
fn ends_words_at_blanks(pre_tokenizer: &Value) -> bool {
    let of_gpt2 = pre_tokenizer["type"] == "ByteLevel"
        && pre_tokenizer["use_regex"] == true
        && pre_tokenizer["add_prefix_space"] == false;
    let own = || words().ok().and_then(|words| serde_json::to_value(PreTokenizerWrapper::from(words)).ok());
    of_gpt2 || own().is_some_and(|own| own == *pre_tokenizer)
}

/// Blames the first character of a text.
fn first_of(text: &str) -> UnknownText {
    let character = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
    UnknownText { character, position: 1, offset: 0 }
}

/// Pieces of `text` that byte-level words do not cross: no word goes on with white space behind anything else.
fn cut(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = (PIECE.min(rest.len())..=rest.len()).find(|&at| rest.is_char_boundary(at))?;
        let mut far = rest[start..].match_indices(char::is_whitespace).map(|(at, _)| start + at);
        let end = far.find(|&at| rest[..at].chars().next_back().is_some_and(|c| !c.is_whitespace()));
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::super::decoder::tests::goes_on;
    use super::super::{Tokenizer, TokenizerKind, TokenizerSpec};
    use super::*;

    fn text() -> String {
        let words = ["the", "queen", "and", "the", "other", "quarrel", "naïve", "🙂", "42", "it's"];
        let word = |i: u32| words[(i.wrapping_mul(2_654_435_761) >> 20) as usize % words.len()];
        let gap = |i: u32| {
            if i.is_multiple_of(11) {
                "\n"
            } else if i.is_multiple_of(97) {
                "\n\n  "
            } else {
                " "
            }
        };
        (0..40_000).map(|i| format!("{}{}", word(i), gap(i))).collect()
    }

    fn trained(texts: &[&str]) -> Tokenizer {
        let spec = TokenizerSpec {
            kind: TokenizerKind::Bpe,
            vocabulary_size: Some(300),
            lowercase: false,
            unknown: false,
            line_breaks: false,
        };
        Tokenizer::train(&spec, texts.iter().copied()).unwrap()
    }

    fn pairs(texts: &[&str]) -> Pairs {
        let mut counts = Box::new(PairCounts::new().unwrap());
        texts.iter().for_each(|text| counts.add(text));
        counts.train(300).unwrap()
    }

    #[test]
    fn the_same_text_gives_the_same_bytes() {
        let text = text();
        let json = |_| serde_json::to_string(&trained(&[&text])).unwrap();
        let all: Vec<String> = (0..4).map(json).collect();
        assert!(all.iter().all(|json| *json == all[0]));
        assert!(all[0].contains("\"merges\""));
    }

    #[test]
    fn pieces_give_the_ids_of_the_whole() {
        // White space that is one word stands where the second text would be cut.
        let texts = [text(), format!("{} \n \n\nthe end\n \nthe", "the ".repeat(PIECE / 4))];
        let pairs = pairs(&[&texts[0], "the end \n \n\nthe end \n \n\n"]);
        assert!(pairs.may_be_cut && cut(&texts[0]).count() > 2 && cut(&texts[1]).count() > 1);
        for text in &texts {
            assert_eq!(cut(text).collect::<String>(), *text);
            let mut ids = Vec::new();
            pairs.encode(text, &mut ids).unwrap();
            assert_eq!(ids, pairs.inner.encode_fast(&**text, false).unwrap().get_ids());
        }
    }

    #[test]
    fn words_have_an_end_where_nothing_parts_them() {
        let long = format!("{} {}\n{}", "a".repeat(1000), "7".repeat(1000), "-".repeat(1000));
        let found = words_of(&long);
        assert!(found.iter().all(|word| word.trim_start().len() <= 64), "{found:?}");
        assert_eq!(found.concat(), long);
        assert_eq!(round(&trained(&[&long]), &long), long);
        assert_eq!(
            words_of("It's  a\n\n  fine day, 1234!"),
            ["It", "'s", " ", " a", "\n\n ", " fine", " day", ",", " 1234", "!"]
        );
    }

    /// The words of a text as a trained tokenizer sees them.
    fn words_of(text: &str) -> Vec<String> {
        let mut cut = tokenizers::PreTokenizedString::from(text);
        tokenizers::PreTokenizer::pre_tokenize(&words().unwrap(), &mut cut).unwrap();
        let (original, bytes) = (tokenizers::OffsetReferential::Original, tokenizers::OffsetType::Byte);
        let places = cut.get_splits(original, bytes).into_iter().map(|(_, place, _)| place);
        places.map(|(start, end)| text[start..end].to_owned()).collect()
    }

    #[test]
    fn a_tokenizer_of_gpt2s_words_stays_what_it_is() {
        let mut value = Value::from(pairs(&["the end the end"]));
        value["pre_tokenizer"] = serde_json::json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true
        });
        let pairs = Pairs::new(value.clone()).unwrap();
        assert!(pairs.may_be_cut && Value::from(pairs) == value);
    }

    #[test]
    fn every_byte_has_the_character_that_the_crate_gives_it() {
        let alphabet = byte_alphabet();
        assert_eq!(alphabet.len(), 256);
        let own: std::collections::BTreeSet<char> = alphabet.keys().copied().collect();
        assert_eq!(own, ByteLevel::alphabet().into_iter().collect());
        let all: String = ('\0'..'\u{800}').collect();
        let pairs = pairs(&["a"]);
        let mut ids = Vec::new();
        pairs.encode(&all, &mut ids).unwrap();
        let back: Vec<u8> = ids.iter().flat_map(|&id| pairs.token(id)).copied().collect();
        assert_eq!(String::from_utf8(back).unwrap(), all);
    }

    #[test]
    fn long_white_space_keeps_every_byte() {
        let pairs = pairs(&["a b"]);
        let text = format!("a{}b", " ".repeat(2_000_000));
        let mut ids = Vec::new();
        pairs.encode(&text, &mut ids).unwrap();
        let back: usize = ids.iter().map(|&id| pairs.token(id).len()).sum();
        assert_eq!(back, text.len());
    }

    fn read(json: &str) -> Result<Tokenizer> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokenizer.json");
        std::fs::write(&path, json).unwrap();
        let result = Tokenizer::from_file(&path);
        result.map_err(|mut e| {
            e.problems[0].place = e.problems[0].place.replace(&format!("{}/", dir.path().display()), "");
            e
        })
    }

    fn round(tokenizer: &Tokenizer, text: &str) -> String {
        let (mut ids, mut back) = (Vec::new(), String::new());
        tokenizer.encode(text, &mut ids).unwrap();
        let mut decoder = tokenizer.decoder();
        ids.iter().for_each(|&id| decoder.push(id, &mut back));
        decoder.finish(&mut back);
        back
    }

    fn counted(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        let mut characters = Vec::new();
        tokenizer.encode_counted(text, &mut Vec::new(), &mut characters).unwrap();
        characters
    }

    const SPECIAL: &str = r#""added_tokens":[{"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":null,"post_processor":null"#;

    #[test]
    fn other_spellings_are_understood() {
        let pieces = format!(
            r###"{{"version":"1.0",{SPECIAL},"pre_tokenizer":{{"type":"Whitespace"}},"decoder":{{"type":"WordPiece","prefix":"##","cleanup":true}},
            "model":{{"type":"WordPiece","unk_token":"<unk>","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{{"<unk>":0,"play":1,"##ing":2,"the":3}}}}}}"###
        );
        let tokenizer = read(&pieces).unwrap();
        assert_eq!((tokenizer.vocabulary(), tokenizer.unknown()), (4, Some(0)));
        assert_eq!(round(&tokenizer, "the playing zebra the"), "the playing<unk> the");
        goes_on(&tokenizer, "the playing the");
        // Of " playing" the second token ends the word; an unknown word counts with all its letters.
        assert_eq!(counted(&tokenizer, "the playing\nzebra the "), [3, 5, 3, 6, 5]);

        let words = format!(
            r#"{{"version":"1.0",{SPECIAL},"pre_tokenizer":{{"type":"WhitespaceSplit"}},"decoder":null,
            "model":{{"type":"WordLevel","vocab":{{"<unk>":0,"the":1,"game":5}},"unk_token":"<unk>"}}}}"#
        );
        let tokenizer = read(&words).unwrap();
        assert_eq!((tokenizer.vocabulary(), &*tokenizer.token(3)), (6, &b""[..]));
        assert_eq!(round(&tokenizer, "the game\nthe"), "the game the");

        let spaces = format!(
            r#"{{"version":"1.0",{SPECIAL},"pre_tokenizer":{{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}},
            "decoder":{{"type":"Sequence","decoders":[{{"type":"Replace","pattern":{{"String":"▁"}},"content":" "}},{{"type":"ByteFallback"}},{{"type":"Fuse"}},{{"type":"Strip","content":" ","start":1,"stop":0}}]}},
            "model":{{"type":"BPE","dropout":0.5,"unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":false,
            "vocab":{{"<unk>":0,"▁":1,"a":2,"▁a":3,"<0xC3>":4,"<0xA9>":5}},"merges":[["▁","a"]]}}}}"#
        );
        let tokenizer = read(&spaces).unwrap();
        for _ in 0..20 {
            assert_eq!(round(&tokenizer, "a é a"), "a é a");
        }
        goes_on(&tokenizer, "a é a");
        // "▁a", "▁", two bytes of one character, "▁a".
        assert_eq!(counted(&tokenizer, "a é a"), [1, 1, 1, 0, 2]);
    }

    #[test]
    fn damaged_files_are_told_with_their_path() {
        let damaged = |json: &str| read(json).unwrap_err().to_string();
        let block = |what: &str| {
            format!(
                "error[3]: tokenizer.json: the tokenizer cannot be read: {what}\n  expected: a tokenizer.json as Hugging Face's tokenizers library writes it\n  help: copy or download the file again"
            )
        };
        assert_eq!(damaged(""), block("EOF while parsing a value at line 1 column 0"));
        assert_eq!(damaged("{\"model\": 3"), block("EOF while parsing an object at line 1 column 11"));
        assert_eq!(damaged("[1, 2]"), block("invalid type: sequence, expected struct Tokenizer"));
        let words = |vocabulary: &str| {
            format!(
                r#"{{"version":"1.0","added_tokens":[],"normalizer":null,"post_processor":null,"pre_tokenizer":{{"type":"WhitespaceSplit"}},"decoder":null,
                "model":{{"type":"WordLevel","vocab":{vocabulary},"unk_token":"<unk>"}}}}"#
            )
        };
        assert_eq!(damaged(&words("{}")), block("0 ids, not 1 to 16777216"));
        assert_eq!(damaged(&words(r#"{"a":4294967295}"#)), block("4294967296 ids, not 1 to 16777216"));
        assert_eq!(
            damaged(&words(r#"{"a":0}"#)),
            block("it cannot encode every text: WordLevel error: Missing [UNK] token from the vocabulary")
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none.json");
        let e = Tokenizer::from_file(&path).unwrap_err().to_string();
        assert!(e.starts_with(&format!("error[2]: {}: no such file\n", path.display())), "{e}");
    }

    #[test]
    fn no_damage_ends_the_program() {
        let whole = serde_json::to_string(&trained(&["ab ab abc"])).unwrap();
        let whole = &whole[r#"{"kind":"bpe","#.len()..];
        let whole = format!("{{{whole}");
        assert!(read(&whole).is_ok());
        for cut in (0..whole.len()).step_by(97) {
            if whole.is_char_boundary(cut) {
                assert!(read(&whole[..cut]).is_err(), "{cut}");
            }
        }
        for at in (0..whole.len()).step_by(13) {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1;
            // Most flips are errors, some give another good tokenizer; none may panic.
            _ = serde_json::from_slice::<Value>(&bytes).map_err(|e| e.to_string()).and_then(Pairs::new);
        }
    }
}

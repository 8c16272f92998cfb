//! Text to ids and back.
//!
//! | kind | an id is | ids |
//! | --- | --- | --- |
//! | `byte` | a byte | 256 |
//! | `char` | a character | those of the training text, sorted |
//! | `word` | a word, a punctuation mark or a line break (Unicode Standard Annex 29) | the most frequent ones; 0: unknown |
//! | `whitespace` | what stands between white space, and where lines are documents a line break | the most frequent ones; 0: unknown |
//! | `bpe` | a piece of a word, down to single bytes: byte-pair encoding, Sennrich et al. 2016 | trained on the text |
//! | a `tokenizer.json` | what the file says | as the file says |
//!
//! A [`Tokenizer`] is trained once and travels as JSON in the model; the same text gives the same bytes.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, quote};
use characters::Characters;
use pairs::Pairs;
use words::Words;

mod characters;
mod decoder;
mod pairs;
mod spec;
mod training;
mod words;

pub(super) use characters::CharacterSet;
pub use decoder::Decoder;
pub use spec::{TokenizerKind, TokenizerSpec};
pub(super) use training::Training;

/// The largest vocabulary: the network gets ids as 32-bit numbers, which hold whole ones up to here.
pub const LARGEST_VOCABULARY: usize = 1 << 24;

/// Turns a text into ids and ids into text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokenizer {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lowercase: bool,
    #[serde(flatten)]
    model: Model,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Model {
    Byte,
    Char(Characters),
    Word(Words),
    Bpe(Pairs),
}

/// A character that a tokenizer has no id for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownText {
    /// The character.
    pub character: char,
    /// Its place among the characters of the text, from 1.
    pub position: usize,
    /// Bytes before it.
    pub offset: usize,
}

impl fmt::Display for UnknownText {
    /// `the character "ж" (U+0436) at position 3 is not in the vocabulary`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, code) = (quote(&self.character.to_string()), u32::from(self.character));
        write!(
            f,
            "the character {shown} (U+{code:04X}) at position {} is not in the vocabulary",
            self.position
        )
    }
}

impl Tokenizer {
    /// Trains a tokenizer on `texts`, or reads the file that `spec` names.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for texts without a character where the texts make the vocabulary;
    /// [`Code::Usage`](crate::error::Code::Usage) for a vocabulary of a size that cannot be; those of [`Tokenizer::from_file`].
    pub fn train<'t>(spec: &TokenizerSpec, texts: impl Iterator<Item = &'t str>) -> Result<Tokenizer> {
        let mut training = Training::new(spec)?;
        texts.for_each(|text| training.add(text));
        training.finish()
    }

    /// Reads a `tokenizer.json`. Its special tokens are found in texts, but none is added to them.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) for a file that is not there, [`Code::Data`](crate::error::Code::Data) for one that
    /// is damaged or cannot encode every text.
    pub fn from_file(path: &Path) -> Result<Tokenizer> {
        Ok(Tokenizer { lowercase: false, model: Model::Bpe(Pairs::from_file(path)?) })
    }

    /// What a config calls this kind of tokenizer; `bpe` for all that come from a file.
    pub fn name(&self) -> &'static str {
        match &self.model {
            Model::Byte => "byte",
            Model::Char(_) => "char",
            Model::Word(words) if words.is_by_whitespace() => "whitespace",
            Model::Word(_) => "word",
            Model::Bpe(_) => "bpe",
        }
    }

    /// Whether texts are put in lower case first.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// The same, which puts texts in lower case first or does not.
    pub fn with_lowercase(self, lowercase: bool) -> Tokenizer {
        Tokenizer { lowercase, ..self }
    }

    /// Number of ids: all are below it.
    pub fn vocabulary(&self) -> usize {
        match &self.model {
            Model::Byte => 256,
            Model::Char(characters) => characters.vocabulary(),
            Model::Word(words) => words.vocabulary(),
            Model::Bpe(pairs) => pairs.vocabulary(),
        }
    }

    /// The id of text that training did not see, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        match &self.model {
            Model::Byte => None,
            Model::Char(characters) => characters.has_unknown().then_some(0),
            Model::Word(_) => Some(0),
            Model::Bpe(pairs) => pairs.unknown(),
        }
    }

    /// Puts the ids of `text` at the end of `ids`.
    ///
    /// # Errors
    /// The first character that has no id; then `ids` is as it was.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), UnknownText> {
        let before = ids.len();
        let done = match &self.model {
            Model::Byte => {
                ids.extend(lower(text, self.lowercase).bytes().map(u32::from));
                Ok(())
            }
            Model::Char(characters) => characters.encode(text, self.lowercase, ids),
            Model::Word(words) => {
                words.encode(&lower(text, self.lowercase), |id, _| ids.push(id));
                Ok(())
            }
            Model::Bpe(pairs) => pairs.encode(&lower(text, self.lowercase), ids),
        };
        done.inspect_err(|_| ids.truncate(before))
    }

    /// As [`Tokenizer::encode`], with the number of characters of `text` that each id stands for at the end of `characters`. What no
    /// id spells, as the white space between words, counts with the id after it, or at the end with the last one: the numbers
    /// add up to the characters of the text, unless it has no id at all.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`]; then both are as they were.
    pub fn encode_counted(
        &self,
        text: &str,
        ids: &mut Vec<u32>,
        characters: &mut Vec<u32>,
    ) -> Result<(), UnknownText> {
        let mut ends = Vec::new();
        let mut put = |id, end| {
            ids.push(id);
            ends.push(end);
        };
        let text = match &self.model {
            Model::Byte | Model::Char(_) => Cow::Borrowed(text),
            Model::Word(_) | Model::Bpe(_) => lower(text, self.lowercase),
        };
        match &self.model {
            Model::Word(words) => words.encode(&text, put),
            Model::Bpe(pairs) if !pairs.spells_text() => pairs.encode_with_ends(&text, &mut put)?,
            _ => {
                let before = ids.len();
                self.encode(&text, ids)?;
                characters.extend(ids[before..].iter().map(|&id| self.characters_of(id) as u32));
            }
        }
        if let Some(last) = ends.last_mut() {
            *last = text.len();
        }
        let mut from = 0;
        for end in ends {
            // Parts of a character may all claim its end: it counts once, where it begins.
            let end = text.len().min(end).max(from);
            characters.push(beginnings(&text.as_bytes()[from..end]) as u32);
            from = end;
        }
        Ok(())
    }

    /// Whether the bytes of the ids are those of the text, in lower case where it is put so: then [`Tokenizer::characters_of`]
    /// counts its characters.
    pub fn spells_text(&self) -> bool {
        match &self.model {
            Model::Byte | Model::Char(_) => true,
            Model::Word(_) => false,
            Model::Bpe(pairs) => pairs.spells_text(),
        }
    }

    /// Whether a line break has an id of its own, or one that begins or ends with it.
    pub fn keeps_line_breaks(&self) -> bool {
        let mut ids = Vec::new();
        let known = |&id: &u32| Some(id) != self.unknown() && self.token(id).contains(&b'\n');
        self.encode("\n", &mut ids).is_ok() && ids.iter().any(known)
    }

    /// The bytes of an id, which may be a part of a character; U+FFFD for the unknown id, nothing for an id that is not there.
    pub fn token(&self, id: u32) -> Cow<'_, [u8]> {
        match &self.model {
            Model::Byte => Cow::Owned(u8::try_from(id).into_iter().collect()),
            Model::Char(characters) => Cow::Owned(characters.token(id).into_bytes()),
            Model::Word(words) => Cow::Borrowed(words.token(id).as_bytes()),
            Model::Bpe(pairs) => Cow::Borrowed(pairs.token(id)),
        }
    }

    /// Characters that begin in the bytes of an id: over a whole text they add up to its characters where
    /// [`Tokenizer::spells_text`] holds, and leave out what no id spells where it does not.
    pub fn characters_of(&self, id: u32) -> usize {
        beginnings(&self.token(id))
    }

    /// A decoder at the beginning of a text.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder::new(self)
    }

    /// A decoder that goes on behind `text`, whose ids are `ids`: what it gives, written behind `text`, is one text with it. A space
    /// between them comes with the first id, unless `text` ends in white space that is no part of its ids.
    pub fn decoder_behind(&self, text: &str, ids: &[u32]) -> Decoder<'_> {
        Decoder::behind(self, text, ids)
    }

    /// What stands between two ids in a text.
    fn gap(&self, before: u32, after: u32) -> &'static str {
        match &self.model {
            Model::Word(words) => words.gap(before, after),
            _ => "",
        }
    }

    /// Whether the white space that a text begins with belongs to the first word's spelling.
    fn drops_first_space(&self) -> bool {
        matches!(&self.model, Model::Bpe(pairs) if pairs.drops_first_space())
    }
}

/// Characters that begin in some bytes of a text.
fn beginnings(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

fn lower(text: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
}

/// The same letter by letter: a letter has one form wherever it stands, as Greek has not, whose sigma has another at a word's end.
fn lower_letters(text: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The error of training texts without a character.
fn no_text() -> Error {
    Error::data("the training texts", "there is no text to make a vocabulary of")
        .expected("one character at least")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: TokenizerKind) -> TokenizerSpec {
        TokenizerSpec { kind, vocabulary_size: None, lowercase: false, unknown: false, line_breaks: false }
    }

    const TEXT: &str =
        "To be, or not to be: that is the question.\nSein oder Nichtsein — das ist die Frage 🙂";

    fn trained(name: &str) -> Tokenizer {
        let kind = TokenizerKind::from_name(name).unwrap();
        Tokenizer::train(
            &TokenizerSpec { vocabulary_size: kind.default_vocabulary().map(|_| 300), ..spec(kind) },
            [TEXT].into_iter(),
        )
        .unwrap()
    }

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        tokenizer.encode(text, &mut ids).unwrap();
        ids
    }

    fn text(tokenizer: &Tokenizer, ids: &[u32]) -> String {
        let mut decoder = tokenizer.decoder();
        let mut text = String::new();
        ids.iter().for_each(|&id| decoder.push(id, &mut text));
        decoder.finish(&mut text);
        text
    }

    #[test]
    fn every_kind_gives_its_text_back_also_after_a_journey_through_json() {
        for &name in TokenizerKind::NAMES {
            let tokenizer = trained(name);
            assert_eq!(tokenizer.name(), name);
            let ids = ids(&tokenizer, TEXT);
            assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary()), "{name}");
            let expected = if name == "whitespace" { TEXT.replace('\n', " ") } else { TEXT.to_owned() };
            assert_eq!(text(&tokenizer, &ids), expected, "{name}");

            let json = serde_json::to_string(&tokenizer).unwrap();
            let read: Tokenizer = serde_json::from_str(&json).unwrap();
            assert_eq!(read, tokenizer, "{name}");
            assert_eq!(self::ids(&read, TEXT), ids, "{name}");
            assert_eq!(serde_json::to_string(&read).unwrap(), json, "{name}");
        }
    }

    #[test]
    fn characters_are_counted_whatever_the_ids_are() {
        let text = format!(" \n{TEXT}\r\n\r\n  Zebra é\t");
        for &name in TokenizerKind::NAMES {
            let tokenizer = trained(name);
            let text = if name == "char" { TEXT } else { &text };
            let (mut ids, mut characters) = (vec![9], vec![9]);
            tokenizer.encode_counted(text, &mut ids, &mut characters).unwrap();
            assert_eq!(ids[1..], self::ids(&tokenizer, text), "{name}");
            assert_eq!(ids.len(), characters.len(), "{name}");
            let counted: u32 = characters[1..].iter().sum();
            assert_eq!(counted as usize, text.chars().count(), "{name}");
            let by_id: usize = ids[1..].iter().map(|&id| tokenizer.characters_of(id)).sum();
            let exact = by_id == counted as usize;
            assert_eq!((exact, tokenizer.spells_text()), (!name.contains("w"), exact), "{name}");
        }
    }

    #[test]
    fn white_space_counts_with_the_word_after_it_and_an_unknown_word_with_all_its_letters() {
        let counted = |name: &str, text: &str| {
            let (mut ids, mut characters) = (Vec::new(), Vec::new());
            trained(name).encode_counted(text, &mut ids, &mut characters).unwrap();
            characters
        };
        assert_eq!(counted("word", "to  Überraschung, be\r\n\n— "), [2, 14, 1, 3, 2, 1, 2]);
        assert_eq!(counted("whitespace", "\tto  Überraschung, be\n— "), [3, 15, 3, 3]);
        assert_eq!(counted("word", " "), [0u32; 0]);
    }

    #[test]
    fn an_unknown_character_is_named_and_leaves_nothing_behind() {
        let tokenizer = trained("char");
        let mut ids = vec![7];
        let unknown = tokenizer.encode("Seiж", &mut ids).unwrap_err();
        assert_eq!((unknown.position, unknown.offset, ids), (4, 3, vec![7]));
        assert_eq!(
            unknown.to_string(),
            "the character \"ж\" (U+0436) at position 4 is not in the vocabulary"
        );
    }

    #[test]
    fn line_breaks_have_an_id_where_that_is_wanted() {
        let kept = |name: &str| trained(name).keeps_line_breaks();
        assert_eq!(["byte", "char", "word", "whitespace", "bpe"].map(kept), [true, true, true, false, true]);
        let spec = TokenizerSpec { line_breaks: true, ..spec(TokenizerKind::Whitespace) };
        let tokenizer = Tokenizer::train(&spec, ["a b\nb"].into_iter()).unwrap();
        assert!(tokenizer.keeps_line_breaks());
        assert_eq!(text(&tokenizer, &ids(&tokenizer, "a  b\n b\n")), "a b\nb\n");
        assert_eq!(spec.count("a  b\n b\n"), Some(5));
        // A vocabulary of one word more than the unknown one has no room for it.
        let spec = TokenizerSpec { vocabulary_size: Some(2), ..spec };
        assert!(!Tokenizer::train(&spec, ["a b\nb"].into_iter()).unwrap().keeps_line_breaks());
    }

    #[test]
    fn lower_case_is_part_of_the_tokenizer() {
        for &name in TokenizerKind::NAMES {
            let kind = TokenizerKind::from_name(name).unwrap();
            let tokenizer =
                Tokenizer::train(&TokenizerSpec { lowercase: true, ..spec(kind) }, ["Ab aB İ"].into_iter())
                    .unwrap();
            assert_eq!(ids(&tokenizer, "AB ab İ"), ids(&tokenizer, "ab ab i̇"), "{name}");
        }
    }

    #[test]
    fn a_letter_with_two_small_forms_is_known_where_it_was_learned() {
        let text = "ΟΔΟΣ ΟΔΟΣ.";
        for &name in TokenizerKind::NAMES {
            let spec = TokenizerSpec { lowercase: true, ..spec(TokenizerKind::from_name(name).unwrap()) };
            let tokenizer = Tokenizer::train(&spec, [text].into_iter()).unwrap();
            let (mut counted, mut characters) = (Vec::new(), Vec::new());
            tokenizer.encode_counted(text, &mut counted, &mut characters).unwrap();
            assert_eq!(counted, ids(&tokenizer, text), "{name}");
            assert!(!counted.contains(&0) || tokenizer.unknown() != Some(0), "{name}");
            assert!(spec.count(text).is_none_or(|count| count == counted.len()), "{name}");
        }
    }

    #[test]
    fn texts_without_a_character_make_no_vocabulary() {
        for name in ["char", "word", "whitespace", "bpe"] {
            let e = Tokenizer::train(&spec(TokenizerKind::from_name(name).unwrap()), ["", ""].into_iter())
                .unwrap_err();
            assert_eq!(
                e.to_string(),
                "error[3]: the training texts: there is no text to make a vocabulary of\n  expected: one character at least",
                "{name}"
            );
        }
    }

    #[test]
    fn a_vocabulary_has_its_limits() {
        let small = TokenizerSpec { vocabulary_size: Some(100), ..spec(TokenizerKind::Bpe) };
        assert_eq!(
            Tokenizer::train(&small, ["a"].into_iter()).unwrap_err().to_string(),
            "error[2]: data.vocabulary_size: a vocabulary of this size cannot be made\n  expected: 257 to 16777216\n  found: 100\n  \
             help: name a larger one: all 256 bytes are in it"
        );
    }
}

//! Words as ids.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::no_text;
use crate::error::Result;

/// Where words end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Cut {
    /// At the boundaries of Unicode Standard Annex 29; punctuation marks and line breaks are words too.
    #[default]
    Boundaries,
    /// At white space.
    Whitespace,
    /// At white space, of which line breaks are words.
    WhitespaceAndLines,
}

/// The most frequent words of a text, ties in the order of their characters; id 0 is any other word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Words {
    words: Vec<String>,
    cut: Cut,
    ids: HashMap<String, u32>,
}

/// As it stands in a model file.
#[derive(Serialize, Deserialize)]
struct Saved {
    words: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    by_whitespace: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    line_breaks: bool,
}

impl From<Words> for Saved {
    fn from(from: Words) -> Self {
        let (by_whitespace, line_breaks) = (from.cut != Cut::Boundaries, from.cut == Cut::WhitespaceAndLines);
        Saved { words: from.words, by_whitespace, line_breaks }
    }
}

impl TryFrom<Saved> for Words {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let cut = match (saved.by_whitespace, saved.line_breaks) {
            (false, _) => Cut::Boundaries,
            (true, false) => Cut::Whitespace,
            (true, true) => Cut::WhitespaceAndLines,
        };
        let made = Words::new(saved.words, cut);
        match made.ids.len() == made.words.len() {
            true => Ok(made),
            false => Err("a tokenizer with a word twice".into()),
        }
    }
}

/// The words of texts, and how often each occurs.
pub(super) struct WordCounts {
    cut: Cut,
    counts: HashMap<String, u64>,
}

impl WordCounts {
    pub(super) fn new(cut: Cut) -> Self {
        WordCounts { cut, counts: HashMap::new() }
    }

    pub(super) fn add(&mut self, text: &str) {
        each(text, self.cut, |word, _| match self.counts.get_mut(word) {
            Some(count) => *count += 1,
            None => _ = self.counts.insert(word.to_owned(), 1),
        });
    }

    /// One less than `vocabulary_size` of them.
    pub(super) fn most_frequent(self, vocabulary_size: usize) -> Result<Words> {
        if self.counts.is_empty() {
            return Err(no_text());
        }
        let mut words: Vec<(String, u64)> = self.counts.into_iter().collect();
        words.sort_unstable_by(|(a, n), (b, m)| (Reverse(n), a).cmp(&(Reverse(m), b)));
        words.truncate(vocabulary_size - 1);
        Ok(Words::new(words.into_iter().map(|(word, _)| word).collect(), self.cut))
    }
}

impl Words {
    fn new(words: Vec<String>, cut: Cut) -> Self {
        let ids = words.iter().cloned().zip(1..).collect();
        Words { words, cut, ids }
    }

    pub(super) fn is_by_whitespace(&self) -> bool {
        self.cut != Cut::Boundaries
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.words.len() + 1
    }

    /// Gives each word's id, and how many bytes of `text` end with the word.
    pub(super) fn encode(&self, text: &str, mut put: impl FnMut(u32, usize)) {
        each(text, self.cut, |word, end| put(self.ids.get(word).copied().unwrap_or(0), end));
    }

    /// Words of a text, known or not.
    pub(super) fn count(text: &str, cut: Cut) -> usize {
        let mut count = 0;
        each(text, cut, |_, _| count += 1);
        count
    }

    pub(super) fn token(&self, id: u32) -> &str {
        match (id as usize).checked_sub(1) {
            Some(at) => self.words.get(at).map_or("", String::as_str),
            None => "\u{fffd}",
        }
    }

    /// A space, but none at a line break; of words at boundaries none before `.,;:!?)` and the like, and after an opening bracket.
    pub(super) fn gap(&self, before: u32, after: u32) -> &'static str {
        let (before, after) = (self.token(before), self.token(after));
        let breaks = before == LINE || after == LINE;
        let joined = || ".,;:!?)]}%…’”»".contains(after) || "([{“«".contains(before);
        if breaks || self.cut == Cut::Boundaries && joined() { "" } else { " " }
    }
}

const LINE: &str = "\n";

/// Calls `word` with each word of a text and the place behind it.
fn each(text: &str, cut: Cut, mut word: impl FnMut(&str, usize)) {
    if cut != Cut::Boundaries {
        let is_word = |c: char| !c.is_whitespace() || cut == Cut::WhitespaceAndLines && c == '\n';
        let mut rest = text;
        while let Some(at) = rest.find(is_word) {
            rest = &rest[at..];
            let end = if rest.starts_with(LINE) { Some(LINE.len()) } else { rest.find(char::is_whitespace) };
            let (own, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind;
            word(own, text.len() - rest.len());
        }
        return;
    }
    for (start, piece) in text.split_word_bound_indices() {
        match piece.chars().all(char::is_whitespace) {
            true => piece.match_indices(LINE).for_each(|(at, line)| word(line, start + at + line.len())),
            false => word(piece, start + piece.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(text: &str, cut: Cut, vocabulary_size: usize) -> Words {
        let mut counts = WordCounts::new(cut);
        counts.add(text);
        counts.most_frequent(vocabulary_size).unwrap()
    }

    #[test]
    fn the_most_frequent_words_come_first_and_ties_by_their_text() {
        let text = "b a, can't b\r\na 3.14 \n c";
        let words = trained(text, Cut::Boundaries, 6);
        assert_eq!(words.words, ["\n", "a", "b", ",", "3.14"]);
        let mut ids = Vec::new();
        words.encode("a zebra, b\n3.14 2", |id, _| ids.push(id));
        assert_eq!(ids, [2, 0, 4, 3, 1, 5, 0]);
    }

    #[test]
    fn white_space_alone_ends_a_word_where_that_is_wanted() {
        let words = |cut| {
            let text = "New-York, N.Y.\t\u{a0}New-York,\r\n\n a";
            trained(text, cut, 10)
        };
        assert_eq!(words(Cut::Whitespace).words, ["New-York,", "N.Y.", "a"]);
        let lines = words(Cut::WhitespaceAndLines);
        assert_eq!(lines.words, ["\n", "New-York,", "N.Y.", "a"]);
        let mut ids = Vec::new();
        lines.encode("a\n N.Y., \n\na", |id, end| ids.push((id, end)));
        assert_eq!(ids, [(4, 1), (1, 2), (0, 8), (1, 10), (1, 11), (4, 12)]);
        assert_eq!((lines.gap(4, 4), lines.gap(4, 1), lines.gap(1, 4)), (" ", "", ""));
        for cut in [Cut::Boundaries, Cut::Whitespace, Cut::WhitespaceAndLines] {
            let json = serde_json::to_string(&words(cut)).unwrap();
            assert_eq!(serde_json::from_str::<Words>(&json).unwrap(), words(cut));
        }
    }

    #[test]
    fn a_damaged_vocabulary_is_refused() {
        let e = serde_json::from_str::<Words>(r#"{"words":["a","a"]}"#).unwrap_err();
        assert!(e.to_string().starts_with("a tokenizer with a word twice"), "{e}");
    }
}

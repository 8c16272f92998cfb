//! Characters as ids.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{UnknownText, no_text};
use crate::error::Result;

/// The characters of a text in their order; with `unknown`, id 0 is any other character and the first one has id 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Characters {
    characters: Vec<char>,
    unknown: bool,
    ids: HashMap<char, u32>,
    /// The ids of the first characters of Unicode, [`NONE`] where there is none.
    first: Vec<u32>,
}

/// Characters whose ids are looked up without a hash.
const FIRST: usize = 0x3000;

/// No id.
const NONE: u32 = u32::MAX;

/// As it stands in a model file.
#[derive(Serialize, Deserialize)]
struct Saved {
    characters: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
}

impl From<Characters> for Saved {
    fn from(from: Characters) -> Self {
        Saved { characters: from.characters.iter().collect(), unknown: from.unknown }
    }
}

impl TryFrom<Saved> for Characters {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let made = Characters::new(saved.characters.chars().collect(), saved.unknown);
        if made.ids.len() != made.characters.len() || made.vocabulary() == 0 {
            return Err("a tokenizer without characters, or with one twice".into());
        }
        Ok(made)
    }
}

/// Different characters.
#[derive(Clone, Debug, Default)]
pub(in crate::data) struct CharacterSet {
    /// For each code point whether it is there; as long as the largest needs.
    there: Vec<bool>,
}

impl CharacterSet {
    /// Adds those of a text.
    pub(in crate::data) fn add(&mut self, text: &str) {
        for character in text.chars() {
            let at = character as usize;
            if at >= self.there.len() {
                self.there.resize(at + 1, false);
            }
            self.there[at] = true;
        }
    }

    /// In their order.
    pub(in crate::data) fn iter(&self) -> impl Iterator<Item = char> {
        let there = self.there.iter().zip(0..).filter(|(there, _)| **there);
        there.filter_map(|(_, code): (_, u32)| char::from_u32(code))
    }
}

impl Characters {
    /// Those of a set.
    pub(super) fn train(set: &CharacterSet, unknown: bool) -> Result<Self> {
        let characters: Vec<char> = set.iter().collect();
        if characters.is_empty() { Err(no_text()) } else { Ok(Characters::new(characters, unknown)) }
    }

    fn new(characters: Vec<char>, unknown: bool) -> Self {
        let first = u32::from(unknown);
        let ids: HashMap<char, u32> = characters.iter().copied().zip(first..).collect();
        let of_code = |code: u32| char::from_u32(code).and_then(|c| ids.get(&c).copied()).unwrap_or(NONE);
        let first = (0..FIRST as u32).map(of_code).collect();
        Characters { characters, unknown, ids, first }
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.characters.len() + usize::from(self.unknown)
    }

    pub(super) fn has_unknown(&self) -> bool {
        self.unknown
    }

    fn id(&self, c: char) -> Option<u32> {
        match self.first.get(c as usize) {
            Some(&id) => Some(id).filter(|id| *id != NONE),
            None => self.ids.get(&c).copied(),
        }
    }

    pub(super) fn encode(&self, text: &str, lowercase: bool, ids: &mut Vec<u32>) -> Result<(), UnknownText> {
        let mut one = |c: char| {
            let id = self.id(c).or(self.unknown.then_some(0));
            ids.extend(id);
            id.map(|_| ())
        };
        // Letter by letter, so that a complaint knows the place in the text as it was given.
        for (i, (offset, character)) in text.char_indices().enumerate() {
            let known =
                if lowercase { character.to_lowercase().try_for_each(&mut one) } else { one(character) };
            known.ok_or(UnknownText { character, position: i + 1, offset })?;
        }
        Ok(())
    }

    pub(super) fn token(&self, id: u32) -> String {
        let at = (id as usize).checked_sub(usize::from(self.unknown));
        match at {
            Some(at) => self.characters.get(at).map(char::to_string).unwrap_or_default(),
            None => char::REPLACEMENT_CHARACTER.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_order_of_the_characters() {
        let mut set = CharacterSet::default();
        ["béa", "a c"].into_iter().for_each(|text| set.add(text));
        let train = |unknown| Characters::train(&set, unknown).unwrap();
        let mut ids = Vec::new();
        train(false).encode(" abcé", false, &mut ids).unwrap();
        assert_eq!(ids, [0, 1, 2, 3, 4]);
        let with_unknown = train(true);
        ids.clear();
        with_unknown.encode("zé", false, &mut ids).unwrap();
        assert_eq!((&ids[..], with_unknown.vocabulary()), (&[0, 5][..], 6));
        assert_eq!([0, 5, 6].map(|id| with_unknown.token(id)), ["\u{fffd}", "é", ""]);
    }

    #[test]
    fn characters_are_found_with_and_without_a_hash() {
        let mut set = CharacterSet::default();
        set.add("🙂a\u{2fff}\u{3000}語");
        let characters = Characters::train(&set, false).unwrap();
        let mut ids = Vec::new();
        characters.encode("語🙂\u{3000}a\u{2fff}", false, &mut ids).unwrap();
        assert_eq!(ids, [3, 4, 2, 0, 1]);
        for foreign in ["b", "本"] {
            assert!(characters.encode(foreign, false, &mut ids).is_err());
        }
    }

    #[test]
    fn a_damaged_vocabulary_is_refused() {
        for json in [r#"{"characters":""}"#, r#"{"characters":"aa"}"#] {
            let e = serde_json::from_str::<Characters>(json).unwrap_err();
            assert!(e.to_string().starts_with("a tokenizer without characters, or with one twice"), "{e}");
        }
    }
}

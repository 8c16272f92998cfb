//! Characters as ids.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

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
}

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

impl Characters {
    pub(super) fn train<'t>(texts: impl Iterator<Item = Cow<'t, str>>, unknown: bool) -> Result<Self> {
        let mut characters = BTreeSet::new();
        texts.for_each(|text| characters.extend(text.chars()));
        match characters.is_empty() {
            true => Err(no_text()),
            false => Ok(Characters::new(characters.into_iter().collect(), unknown)),
        }
    }

    fn new(characters: Vec<char>, unknown: bool) -> Self {
        let first = u32::from(unknown);
        let ids = characters.iter().copied().zip(first..).collect();
        Characters { characters, unknown, ids }
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.characters.len() + usize::from(self.unknown)
    }

    pub(super) fn has_unknown(&self) -> bool {
        self.unknown
    }

    pub(super) fn encode(&self, text: &str, lowercase: bool, ids: &mut Vec<u32>) -> Result<(), UnknownText> {
        let mut one = |c: char| {
            let id = self.ids.get(&c).copied().or(self.unknown.then_some(0));
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
        let train = |unknown| Characters::train(["béa".into(), "a c".into()].into_iter(), unknown).unwrap();
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
    fn a_damaged_vocabulary_is_refused() {
        for json in [r#"{"characters":""}"#, r#"{"characters":"aa"}"#] {
            let e = serde_json::from_str::<Characters>(json).unwrap_err();
            assert!(e.to_string().starts_with("a tokenizer without characters, or with one twice"), "{e}");
        }
    }
}

//! Whether the ids of a text give it back.

use crate::data::tokenizer::{Decoder, Tokenizer};

/// Compares a text with what its ids give, as both come: neither is kept.
pub(super) struct Comparison<'t> {
    /// None where there is nothing left to find out.
    decoder: Option<Decoder<'t>>,
    lost: bool,
    /// What has no counterpart yet; one of them is empty.
    text: String,
    back: String,
}

impl<'t> Comparison<'t> {
    /// Before the first text.
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        let decoder = (!tokenizer.spells_text()).then(|| tokenizer.decoder());
        Comparison { decoder, lost: false, text: String::new(), back: String::new() }
    }

    /// Goes on with a text and its ids.
    pub(super) fn add(&mut self, text: &str, ids: &[u32]) {
        let Some(decoder) = &mut self.decoder else { return };
        ids.iter().for_each(|&id| decoder.push(id, &mut self.back));
        self.text.push_str(text);
        let common = self.text.len().min(self.back.len());
        if self.text.as_bytes()[..common] != self.back.as_bytes()[..common] {
            self.lost = true;
            self.decoder = None;
            return;
        }
        self.text.drain(..common);
        self.back.drain(..common);
    }

    /// Whether the ids of all texts do not give them back.
    pub(super) fn finish(mut self) -> bool {
        if let Some(decoder) = self.decoder {
            decoder.finish(&mut self.back);
            self.lost = self.text != self.back;
        }
        self.lost
    }
}

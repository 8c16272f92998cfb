//! Ids to text, one by one.

use super::Tokenizer;

/// Turns ids into text as they come. What it gives is never cut inside a character: bytes are held back until their
/// character is whole, and bytes that can be part of none become U+FFFD.
#[derive(Clone, Debug)]
pub struct Decoder<'t> {
    tokenizer: &'t Tokenizer,
    /// The beginning of a character.
    held: Vec<u8>,
    last: Option<u32>,
}

impl<'t> Decoder<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        Decoder { tokenizer, held: Vec::new(), last: None }
    }

    /// Takes the next id; the text that is now whole goes to the end of `text`.
    pub fn push(&mut self, id: u32, text: &mut String) {
        let token = self.tokenizer.token(id);
        match self.last.replace(id) {
            Some(before) => self.held.extend_from_slice(self.tokenizer.gap(before, id).as_bytes()),
            None if self.tokenizer.drops_first_space() => {
                self.held.extend_from_slice(token.strip_prefix(b" ").unwrap_or(&token));
                return self.release(text);
            }
            None => {}
        }
        self.held.extend_from_slice(&token);
        self.release(text);
    }

    /// Ends the text: the beginning of a character that never became whole is one U+FFFD.
    pub fn finish(mut self, text: &mut String) {
        self.release(text);
        if !self.held.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// Gives out everything but the beginning of a character at the end.
    fn release(&mut self, text: &mut String) {
        let mut from = 0;
        loop {
            let rest = &self.held[from..];
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    from = self.held.len();
                    break;
                }
                Err(e) => {
                    let (whole, behind) = rest.split_at(e.valid_up_to());
                    text.extend(whole.utf8_chunks().map(|chunk| chunk.valid()));
                    from += whole.len();
                    // None: more bytes may make it a character.
                    let Some(wrong) = e.error_len() else { break };
                    debug_assert!(wrong <= behind.len());
                    text.push(char::REPLACEMENT_CHARACTER);
                    from += wrong;
                }
            }
        }
        self.held.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tokenizer, TokenizerKind, TokenizerSpec};

    fn bytes() -> Tokenizer {
        let spec = TokenizerSpec {
            kind: TokenizerKind::Byte,
            vocabulary_size: None,
            lowercase: false,
            unknown: false,
            line_breaks: false,
        };
        Tokenizer::train(&spec, std::iter::empty()).unwrap()
    }

    fn pieces(bytes_in: &[u8]) -> Vec<String> {
        let tokenizer = bytes();
        let mut decoder = tokenizer.decoder();
        let mut pieces: Vec<String> = bytes_in
            .iter()
            .map(|&byte| {
                let mut piece = String::new();
                decoder.push(u32::from(byte), &mut piece);
                piece
            })
            .collect();
        let mut end = String::new();
        decoder.finish(&mut end);
        pieces.push(end);
        pieces
    }

    #[test]
    fn a_character_comes_when_its_last_byte_does() {
        assert_eq!(pieces("aé🙂".as_bytes()), ["a", "", "é", "", "", "", "🙂", ""]);
    }

    #[test]
    fn wrong_bytes_become_replacement_characters() {
        assert_eq!(
            pieces(b"\xffa\xe2\x82b\xf0\x9f"),
            ["\u{fffd}", "a", "", "", "\u{fffd}b", "", "", "\u{fffd}"]
        );
        // As the standard library reads the whole.
        let wild: Vec<u8> = (0..4_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        assert_eq!(pieces(&wild).concat(), String::from_utf8_lossy(&wild));
    }
}

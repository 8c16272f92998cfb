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
    border: Border,
}

/// What the next id has to do with a space between it and what stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Border {
    /// It brings the space that belongs there.
    Own,
    /// The space is there already, or none belongs there: one that the id brings is left out.
    Spaced,
    /// The space belongs to the id before, and was not written with it.
    Open,
}

impl<'t> Decoder<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        let border = if tokenizer.drops_first_space() { Border::Spaced } else { Border::Own };
        Decoder { tokenizer, held: Vec::new(), last: None, border }
    }

    /// One that goes on behind `text`, whose ids are `ids`: both texts together are that of all ids, except that white space
    /// at the end of `text` which has no id takes the place of the space that would come next.
    pub(super) fn behind(tokenizer: &'t Tokenizer, text: &str, ids: &[u32]) -> Self {
        let mut decoder = Decoder::new(tokenizer);
        let mut written = String::new();
        ids.iter().for_each(|&id| decoder.push(id, &mut written));
        decoder.held.clear();
        let spaced = |text: &str| text.ends_with(char::is_whitespace);
        decoder.border = match (spaced(text), spaced(&written)) {
            (true, false) => Border::Spaced,
            (false, true) => Border::Open,
            _ => Border::Own,
        };
        decoder
    }

    /// Takes the next id; the text that is now whole goes to the end of `text`.
    pub fn push(&mut self, id: u32, text: &mut String) {
        let start = self.held.len();
        let gap = self.last.replace(id).map_or("", |before| self.tokenizer.gap(before, id));
        self.held.extend_from_slice(gap.as_bytes());
        self.held.extend_from_slice(&self.tokenizer.token(id));
        match std::mem::replace(&mut self.border, Border::Own) {
            Border::Spaced if self.held[start..].starts_with(b" ") => _ = self.held.remove(start),
            Border::Open => self.held.insert(start, b' '),
            Border::Own | Border::Spaced => {}
        }
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
pub(super) mod tests {
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

    /// Makes sure that what is written behind a part of `text` is one text with it, wherever it is cut.
    pub(in crate::data::tokenizer) fn goes_on(tokenizer: &Tokenizer, text: &str) {
        let decode = |mut decoder: super::Decoder<'_>, ids: &[u32]| {
            let mut text = String::new();
            ids.iter().for_each(|&id| decoder.push(id, &mut text));
            decoder.finish(&mut text);
            text
        };
        let mut ids = Vec::new();
        tokenizer.encode(text, &mut ids).unwrap();
        let whole = decode(tokenizer.decoder(), &ids);
        for at in 1..ids.len() {
            let prompt = decode(tokenizer.decoder(), &ids[..at]);
            if prompt.contains('\u{fffd}') {
                continue; // A prompt is whole characters.
            }
            let more = decode(tokenizer.decoder_behind(&prompt, &ids[..at]), &ids[at..]);
            assert_eq!(format!("{prompt}{more}"), whole, "{} {at}", tokenizer.name());
        }
    }

    fn trained(name: &str) -> Tokenizer {
        let kind = TokenizerKind::from_name(name).unwrap();
        let spec = TokenizerSpec {
            kind,
            vocabulary_size: None,
            lowercase: false,
            unknown: false,
            line_breaks: true,
        };
        Tokenizer::train(&spec, ["the whale (a fish), it is.\nthe whale"].into_iter()).unwrap()
    }

    #[test]
    fn a_text_goes_on_behind_a_prompt() {
        for name in ["byte", "char", "word", "whitespace", "bpe"] {
            goes_on(&trained(name), "the whale (a fish), it is.\nit is the whale");
        }
    }

    #[test]
    fn white_space_at_the_end_of_a_prompt_is_not_doubled() {
        for name in ["word", "whitespace"] {
            let tokenizer = trained(name);
            let behind = |prompt: &str| {
                let (mut ids, mut whale, mut more) = (Vec::new(), Vec::new(), String::new());
                tokenizer.encode(prompt, &mut ids).unwrap();
                tokenizer.encode("whale", &mut whale).unwrap();
                tokenizer.decoder_behind(prompt, &ids).push(whale[0], &mut more);
                more
            };
            assert_eq!(["the", "the ", "the  ", "the\n"].map(behind), [" whale", "whale", "whale", "whale"]);
        }
    }
}

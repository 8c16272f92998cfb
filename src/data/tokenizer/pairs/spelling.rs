//! How tokens spell their bytes.

use std::collections::HashMap;

use serde_json::Value;

/// How the tokens of a vocabulary spell their bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spelling {
    /// A character for each byte.
    Bytes,
    /// A space is written as this text, and a byte as `<0x0A>`.
    Space { mark: String, drops_first: bool },
    /// A token that goes on with a word begins with this text.
    GoesOn(String),
    /// A token that ends a word ends with this text.
    Ends(String),
    /// Words, a space between them.
    Words,
    /// As they are.
    Plain,
}

impl Spelling {
    /// From the decoder of a `tokenizer.json`.
    pub(super) fn of(decoder: &Value) -> Self {
        let parts: Vec<&Value> = match decoder["decoders"].as_array() {
            Some(parts) => parts.iter().collect(),
            None => vec![decoder],
        };
        let part = |name: &str| parts.iter().find(|part| part["type"] == name);
        let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        if part("ByteLevel").is_some() {
            Spelling::Bytes
        } else if let Some(metaspace) = part("Metaspace") {
            let drops_first = metaspace["prepend_scheme"] != "never";
            Spelling::Space { mark: text(&metaspace["replacement"], "▁"), drops_first }
        } else if let Some(replace) = part("Replace").filter(|replace| replace["content"] == " ") {
            let drops_first = part("Strip").is_some_and(|strip| strip["start"].as_u64() > Some(0));
            Spelling::Space { mark: text(&replace["pattern"]["String"], "▁"), drops_first }
        } else if let Some(pieces) = part("WordPiece") {
            Spelling::GoesOn(text(&pieces["prefix"], "##"))
        } else if let Some(pairs) = part("BPEDecoder") {
            Spelling::Ends(text(&pairs["suffix"], "</w>"))
        } else if decoder.is_null() {
            Spelling::Words
        } else {
            Spelling::Plain
        }
    }

    pub(super) fn drops_first_space(&self) -> bool {
        match self {
            Spelling::Space { drops_first, .. } => *drops_first,
            Spelling::GoesOn(_) | Spelling::Words => true,
            Spelling::Bytes | Spelling::Ends(_) | Spelling::Plain => false,
        }
    }

    pub(super) fn bytes(&self, token: &str, alphabet: &HashMap<char, u8>) -> Vec<u8> {
        match self {
            Spelling::Bytes => {
                let bytes: Option<Vec<u8>> = token.chars().map(|c| alphabet.get(&c).copied()).collect();
                bytes.unwrap_or_else(|| token.into())
            }
            Spelling::Space { mark, .. } => {
                let byte = token.strip_prefix("<0x").and_then(|token| token.strip_suffix('>'));
                match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(byte) => vec![byte],
                    None => token.replace(mark, " ").into_bytes(),
                }
            }
            Spelling::GoesOn(prefix) => match token.strip_prefix(prefix.as_str()) {
                Some(rest) => rest.into(),
                None => format!(" {token}").into_bytes(),
            },
            Spelling::Ends(suffix) => match token.strip_suffix(suffix.as_str()) {
                Some(word) => format!("{word} ").into_bytes(),
                None => token.into(),
            },
            Spelling::Words => format!(" {token}").into_bytes(),
            Spelling::Plain => token.into(),
        }
    }
}

/// GPT-2's characters for bytes: a printable byte of Latin-1 is itself, the others follow from U+0100 on.
pub(super) fn byte_alphabet() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..);
    let (own, other): (Vec<u8>, Vec<u8>) = (0..=u8::MAX).partition(printable);
    let other = other.into_iter().zip('\u{100}'..);
    own.into_iter().map(|byte| (byte, char::from(byte))).chain(other).map(|(byte, c)| (c, byte)).collect()
}

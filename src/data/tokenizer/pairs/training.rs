//! Learning byte pairs.

use std::collections::HashMap;
use std::mem;

use rayon::prelude::*;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::utils::SysRegex;

use super::spelling::byte_alphabet;
use super::{Pairs, WORDS, bytes, cut, words};
use crate::data::tokenizer::no_text;
use crate::error::{Error, Result};

/// Bytes of texts that are cut into words together, on all threads.
const TOGETHER: usize = 1 << 20;

/// The words of texts, and how often each occurs.
pub(in crate::data::tokenizer) struct PairCounts {
    words: SysRegex,
    counts: HashMap<Box<str>, u64>,
    /// Texts that are not counted yet, and where each ends.
    waiting: String,
    ends: Vec<usize>,
}

impl PairCounts {
    pub(in crate::data::tokenizer) fn new() -> Result<Self> {
        let words = SysRegex::new(WORDS).map_err(failed)?;
        Ok(PairCounts { words, counts: HashMap::new(), waiting: String::new(), ends: Vec::new() })
    }

    pub(in crate::data::tokenizer) fn add(&mut self, text: &str) {
        self.waiting.push_str(text);
        self.ends.push(self.waiting.len());
        if self.waiting.len() >= TOGETHER {
            self.count();
        }
    }

    /// Counts the words of the texts that wait.
    fn count(&mut self) {
        let mut start = 0;
        let texts = self.ends.iter().map(|&end| &self.waiting[mem::replace(&mut start, end)..end]);
        let pieces: Vec<&str> = texts.flat_map(cut).collect();
        let found = pieces.par_iter().fold(HashMap::new, |mut counts: HashMap<&str, u64>, piece| {
            self.words
                .find_iter(piece)
                .for_each(|(start, end)| *counts.entry(&piece[start..end]).or_default() += 1);
            counts
        });
        for (word, count) in found.collect::<Vec<_>>().into_iter().flatten() {
            match self.counts.get_mut(word) {
                Some(all) => *all += count,
                None => _ = self.counts.insert(word.into(), count),
            }
        }
        self.waiting.clear();
        self.ends.clear();
    }

    /// Byte-level pairs (Radford et al. 2019): all 256 bytes, then the most frequent pairs that occur twice or more in [`WORDS`].
    pub(in crate::data::tokenizer) fn train(mut self: Box<Self>, vocabulary_size: usize) -> Result<Pairs> {
        self.count();
        if self.counts.is_empty() {
            return Err(no_text());
        }
        let mut alphabet = ['\0'; 256];
        byte_alphabet().into_iter().for_each(|(character, byte)| alphabet[usize::from(byte)] = character);
        let spelled =
            |word: Box<str>| word.bytes().map(|byte| alphabet[usize::from(byte)]).collect::<String>();
        let counts = self.counts.into_iter().map(|(word, count)| (spelled(word).into(), count)).collect();
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(vocabulary_size)
            .min_frequency(2)
            .initial_alphabet(alphabet.into_iter().collect())
            .build();
        let mut model = BPE::default();
        trainer.do_train(&counts, &mut model).map_err(failed)?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_pre_tokenizer(Some(words().map_err(failed)?));
        inner.with_decoder(Some(bytes()));
        let value = serde_json::to_value(&inner).map_err(|e| failed(e.into()))?;
        Pairs::new(value).map_err(|e| failed(e.into()))
    }
}

fn failed(e: tokenizers::Error) -> Error {
    Error::data("the training texts", format!("no byte pairs: {e}"))
}

//! What a language model knows of text, and the windows of tokens that it is trained on.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::preprocess::Preprocessing;
use super::target::Targets;
use super::target_groups::TargetGroups;
use super::tokenizer::Tokenizer;
use super::tokens::Tokens;
use crate::tensor::Key;

/// The input that holds the tokens.
pub const TEXT: &str = "text";

/// How a text becomes what the network gets; saved in the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// Text to ids and back.
    pub tokenizer: Tokenizer,
    /// T: tokens of a row.
    pub context: usize,
    /// Whether each line of a text is a document of its own.
    pub lines: bool,
}

impl Preprocessing {
    /// That of a language model: no columns, and the next token as the target.
    pub fn of_text(language: Language) -> Self {
        let targets = Targets::NextToken { vocabulary: language.tokenizer.vocabulary() };
        Preprocessing {
            missing_values: Vec::new(),
            columns: Vec::new(),
            inputs: Vec::new(),
            targets: TargetGroups::from(targets),
            weight: None,
            ignored: Vec::new(),
            language: Some(language),
        }
    }
}

/// The tokens of a text, `[B, T]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInput {
    /// As layers refer to it.
    pub name: String,
    /// T.
    pub steps: usize,
    /// Number of ids.
    pub vocabulary: usize,
    /// The id of tokens that training did not see, if there is one.
    pub unknown: Option<usize>,
}

impl Language {
    /// What the network gets.
    pub fn input(&self) -> TokenInput {
        TokenInput {
            name: TEXT.into(),
            steps: self.context,
            vocabulary: self.tokenizer.vocabulary(),
            unknown: self.tokenizer.unknown().map(|id| id as usize),
        }
    }

    /// Whether the parts fit each other, as those of a damaged model file may not.
    pub(super) fn is_valid(&self) -> bool {
        self.context > 0 && self.tokenizer.vocabulary() > 0
    }
}

/// What the tokens of a text stand for.
#[derive(Clone, Debug)]
pub struct Spelled {
    /// Characters of each id, where the tokens do not say.
    by_id: Vec<u32>,
    unknown: Option<u32>,
}

impl Spelled {
    /// For tokens that `tokenizer` made.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let ids = if tokenizer.spells_text() { tokenizer.vocabulary() as u32 } else { 0 };
        let by_id = (0..ids).map(|id| tokenizer.characters_of(id) as u32).collect();
        Spelled { by_id, unknown: tokenizer.unknown() }
    }

    /// How many characters the token at a place stands for, and whether it is the unknown one.
    ///
    /// # Panics
    /// Behind the end, and for tokens of another tokenizer.
    pub fn of(&self, tokens: &Tokens, at: usize) -> (u64, bool) {
        let id = tokens.get(at);
        let characters = tokens.characters(at).unwrap_or_else(|| self.by_id[id as usize]);
        (characters.into(), self.unknown == Some(id))
    }
}

/// The windows of a text: the row of number i is the T tokens from place i on, each with the token after it as its target.
#[derive(Clone, Debug)]
pub struct TokenRows {
    tokens: Arc<Tokens>,
    context: usize,
}

impl PartialEq for TokenRows {
    fn eq(&self, other: &Self) -> bool {
        self.context == other.context
            && self.tokens.len() == other.tokens.len()
            && (0..self.tokens.len()).all(|at| self.tokens.get(at) == other.tokens.get(at))
    }
}

impl TokenRows {
    /// Windows of `context` tokens.
    pub fn new(tokens: Tokens, context: usize) -> Self {
        TokenRows { tokens: Arc::new(tokens), context }
    }

    /// Number of tokens: rows may begin at each of them.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// T.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(super) fn bytes(&self) -> usize {
        self.tokens.bytes()
    }

    pub(super) fn checksum(&self, hash: u64) -> u64 {
        self.tokens.checksum(hash)
    }

    /// Tokens that are foreseen: all but the first.
    pub fn targets(&self) -> usize {
        self.tokens.len().saturating_sub(1)
    }

    /// The tokens of these rows, `[rows.len(), T]`.
    pub fn fill(&self, rows: &[u32], out: &mut [f32]) {
        for (out, &row) in out.chunks_exact_mut(self.context).zip(rows) {
            self.tokens.fill(row as usize, out);
        }
    }

    /// The places of the tokens that a row foresees.
    pub fn steps(&self, row: u32) -> Range<usize> {
        let first = row as usize + 1;
        first.min(self.len())..(first + self.context).min(self.len())
    }

    /// Rows that hold every token once, in their order.
    pub fn windows(&self) -> Vec<u32> {
        (0..self.targets()).step_by(self.context).map(|at| at as u32).collect()
    }

    /// Rows that an epoch trains on: windows side by side from a place that `key` chooses, so that epochs cut the text at other
    /// places and every token is foreseen in some of them. All are whole; their number does not depend on the key.
    pub fn shifted_windows(&self, key: Key) -> Vec<u32> {
        self.shifted_streams(1, key)
    }

    /// The same rows as `streams` streams: the windows of a stream follow each other, each in the batch after the one before, at the
    /// same place of it. All streams have the same number of windows; what is left over of the text lies before, between and behind
    /// them, divided as `key` chooses, so that no part of the text is left out in every epoch.
    pub fn shifted_streams(&self, streams: usize, key: Key) -> Vec<u32> {
        let streams = streams.max(1);
        let each = self.whole_windows() / streams;
        let left = self.targets().saturating_sub(streams * each * self.context) as u64;
        // Tokens left over before each stream.
        let mut before: Vec<usize> =
            (0..streams as u64).map(|stream| (key.bits(stream) % (left + 1)) as usize).collect();
        before.sort_unstable();
        let place = |stream: usize, step: usize| before[stream] + (stream * each + step) * self.context;
        let steps = (0..each).flat_map(|step| (0..streams).map(move |stream| (stream, step)));
        steps.map(|(stream, step)| place(stream, step) as u32).collect()
    }

    /// How many rows an epoch trains on.
    pub fn whole_windows(&self) -> usize {
        (self.targets() / self.context).saturating_sub(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::StepTargets;
    use crate::data::tokens::TokensBuilder;

    fn rows(tokens: u32, context: usize) -> TokenRows {
        let mut builder = TokensBuilder::new(1000, || Err(std::io::Error::other("no spill")));
        builder.extend(&(0..tokens).collect::<Vec<_>>()).unwrap();
        TokenRows::new(builder.finish().unwrap(), context)
    }

    /// How often each token is a target.
    fn counts(rows: &TokenRows, starts: &[u32]) -> Vec<usize> {
        let mut counts = vec![0; rows.len()];
        for &start in starts {
            rows.steps(start).for_each(|at| counts[at] += 1);
        }
        counts
    }

    #[test]
    fn a_row_is_a_window_and_the_tokens_after_it() {
        let rows = rows(6, 4);
        let (mut x, mut y, mut w) = ([9.0; 8], [9.0; 8], [9.0; 8]);
        rows.fill(&[0, 4], &mut x);
        StepTargets::NextToken(&rows).fill(&[0, 4], &mut y);
        StepTargets::NextToken(&rows).fill_weights(&[0, 4], &mut w);
        assert_eq!(x, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0]);
        assert_eq!(y, [1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0]);
        assert_eq!(w, [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn every_token_but_the_first_is_foreseen_once_in_an_evaluation() {
        for (tokens, context) in [(2, 4), (5, 4), (6, 4), (100, 7), (101, 10)] {
            let rows = rows(tokens, context);
            let mut expected = vec![1; tokens as usize];
            expected[0] = 0;
            assert_eq!(counts(&rows, &rows.windows()), expected);
        }
    }

    #[test]
    fn windows_of_a_stream_follow_each_other() {
        let rows = rows(101, 5);
        let starts = rows.shifted_streams(4, Key::new(1));
        for pair in starts.chunks(4).collect::<Vec<_>>().windows(2) {
            assert!(pair[0].iter().zip(pair[1]).all(|(a, b)| a + 5 == *b));
        }
    }

    #[test]
    fn every_token_is_foreseen_in_some_epoch() {
        // 61 windows: with 32 streams each has one, and nearly half of the text is left over.
        for (tokens, context, streams) in
            [(4001, 64, 32), (4001, 64, 8), (4001, 64, 1), (300, 7, 5), (100, 7, 1)]
        {
            let rows = rows(tokens, context);
            let mut seen = vec![0; tokens as usize];
            let mut add = |epochs: std::ops::Range<u64>| {
                for epoch in epochs {
                    let counts = counts(&rows, &rows.shifted_streams(streams, Key::new(epoch)));
                    assert!(counts.iter().all(|&count| count < 2), "twice in an epoch");
                    seen.iter_mut().zip(counts).for_each(|(seen, count)| *seen += count);
                }
                seen.iter().skip(1).filter(|&&seen| seen == 0).count()
            };
            let soon = add(0..10);
            assert!(soon <= 2 * context, "{soon} of {tokens} tokens in no epoch of 10");
            assert_eq!(add(10..1000), 0, "{tokens} {context} {streams}");
        }
    }

    #[test]
    fn epochs_cut_the_text_at_other_places_and_take_whole_windows() {
        for (tokens, context) in [(5, 4), (9, 4), (10, 4), (100, 7)] {
            let rows = rows(tokens, context);
            let mut firsts = std::collections::BTreeSet::new();
            for epoch in 0..200 {
                let starts = rows.shifted_windows(Key::new(epoch));
                assert_eq!(starts.len(), rows.whole_windows());
                assert!(counts(&rows, &starts).iter().sum::<usize>() == starts.len() * context);
                firsts.insert(starts[0]);
                assert!(rows.shifted_streams(1, Key::new(epoch)) == starts);
            }
            let expected = tokens as usize - rows.whole_windows() * context;
            assert_eq!(firsts.len(), expected, "{tokens} {context}");
        }
    }
}

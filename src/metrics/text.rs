//! Text: how well the next token is foreseen.

/// Gathers the losses of tokens; see [`TextReport`].
#[derive(Clone, Copy, Debug, Default)]
pub struct TextTotals {
    tokens: u64,
    characters: u64,
    unknown: u64,
    text_lost: bool,
    loss: f64,
}

impl TextTotals {
    /// Adds the sum of −ln p over some tokens.
    pub fn add_loss(&mut self, loss: f64) {
        self.loss += loss;
    }

    /// Counts one of these tokens: the characters of the text that it stands for, and whether it is the one of unknown words.
    pub fn count(&mut self, characters: u64, unknown: bool) {
        self.tokens += 1;
        self.characters += characters;
        self.unknown += u64::from(unknown);
    }

    /// Says that the text has something which its tokens do not give back.
    pub fn lose_text(&mut self) {
        self.text_lost = true;
    }

    /// All figures.
    pub fn finish(self) -> TextReport {
        let loss = self.loss / self.tokens as f64;
        let bits = self.loss / std::f64::consts::LN_2 / self.characters as f64;
        TextReport {
            tokens: self.tokens,
            characters: self.characters,
            loss,
            perplexity: loss.exp(),
            unknown: self.unknown,
            text_lost: self.text_lost,
            bits_per_char: if self.unknown == 0 && !self.text_lost { bits } else { f64::NAN },
        }
    }
}

/// The figures of a language model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextReport {
    /// How many tokens were foreseen.
    pub tokens: u64,
    /// The characters of the text that they stand for, the white space between words among them.
    pub characters: u64,
    /// How many of them are the token of all words that the vocabulary lacks.
    pub unknown: u64,
    /// Whether the text has something that its tokens do not give back, such as the number of blanks between two words.
    pub text_lost: bool,
    /// Mean of −ln p(next token).
    pub loss: f64,
    /// e to the mean loss of a token. It compares models of one tokenizer alone.
    pub perplexity: f64,
    /// The whole loss in bits over the characters: it compares models of different tokens on one text. NaN where a token is
    /// unknown, or where the tokens do not give the text back: which word or blanks stood there was not foreseen, and costs nothing.
    pub bits_per_char: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fair_coin_costs_a_bit() {
        let mut totals = TextTotals::default();
        for loss in [3.0, 5.0] {
            totals.add_loss(loss * std::f64::consts::LN_2);
        }
        [1, 1, 1, 3, 0, 6, 3, 1].iter().for_each(|&characters| totals.count(characters, false));
        let report = totals.finish();
        assert!((report.perplexity - 2.0).abs() < 1e-12 && (report.bits_per_char - 0.5).abs() < 1e-12);
    }

    #[test]
    fn no_bits_are_said_of_words_that_were_not_foreseen() {
        let mut totals = TextTotals::default();
        totals.add_loss(2.0 * std::f64::consts::LN_2);
        totals.count(3, false);
        totals.count(7, true);
        let report = totals.finish();
        assert_eq!((report.tokens, report.characters, report.unknown), (2, 10, 1));
        assert!(report.bits_per_char.is_nan() && (report.perplexity - 2.0).abs() < 1e-12);
        let mut totals = TextTotals::default();
        totals.add_loss(1.0);
        totals.count(3, false);
        assert!(totals.finish().bits_per_char > 0.0);
        totals.lose_text();
        assert!(totals.finish().bits_per_char.is_nan());
    }
}

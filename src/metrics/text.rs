//! Text: how well the next token is foreseen.

/// Gathers the losses of tokens; see [`TextReport`].
#[derive(Clone, Copy, Debug, Default)]
pub struct TextTotals {
    tokens: u64,
    characters: u64,
    loss: f64,
}

impl TextTotals {
    /// Adds tokens: the sum of −ln p over them, how many they are, and the characters that they spell.
    pub fn update(&mut self, loss: f64, tokens: u64, characters: u64) {
        self.loss += loss;
        self.tokens += tokens;
        self.characters += characters;
    }

    /// All figures.
    pub fn finish(self) -> TextReport {
        let loss = self.loss / self.tokens as f64;
        TextReport {
            tokens: self.tokens,
            characters: self.characters,
            loss,
            perplexity: loss.exp(),
            bits_per_char: self.loss / std::f64::consts::LN_2 / self.characters as f64,
        }
    }
}

/// The figures of a language model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextReport {
    /// How many tokens were foreseen.
    pub tokens: u64,
    /// The characters that they spell.
    pub characters: u64,
    /// Mean of −ln p(next token).
    pub loss: f64,
    /// e to the mean loss of a token.
    pub perplexity: f64,
    /// The loss in bits over the characters, so that models of different tokens can be compared.
    pub bits_per_char: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fair_coin_costs_a_bit() {
        let mut totals = TextTotals::default();
        totals.update(3.0 * std::f64::consts::LN_2, 3, 3);
        totals.update(5.0 * std::f64::consts::LN_2, 5, 13);
        let report = totals.finish();
        assert!((report.perplexity - 2.0).abs() < 1e-12 && (report.bits_per_char - 0.5).abs() < 1e-12);
    }
}

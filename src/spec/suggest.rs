//! "Did you mean": the known word nearest to an unknown one.

/// Longer words are not compared: no key comes near, and the comparison costs the product of the lengths.
const LONGEST: usize = 32;

/// Below this likeness (1: equal, 0: nothing shared) a guess would be noise.
const LIKENESS: f64 = 0.6;

/// The word of `known` that was probably meant by `typed`: its abbreviation (`lr` for `learning_rate`), a part of it
/// (`rate`), or the nearest by the Damerau-Levenshtein distance.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    if typed.len() > LONGEST {
        return None;
    }
    let typed = typed.to_lowercase().replace('-', "_");
    let likeness = |word: &str| strsim::normalized_damerau_levenshtein(&typed, word);
    let near = known.clone().map(|word| (likeness(word), word)).filter(|&(l, _)| l >= LIKENESS);
    let nearest = near.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let by_initials = || known.clone().find(|word| is_abbreviation(&typed, word));
    let by_part =
        || known.clone().find(|word| typed.len() >= 3 && (word.contains(&*typed) || typed.contains(*word)));
    nearest.map(|(_, word)| word).or_else(by_initials).or_else(by_part)
}

/// Whether `typed` is made of the first letters of `word`'s parts: `lr` of `learning_rate`.
pub(super) fn is_abbreviation(typed: &str, word: &str) -> bool {
    word.contains('_') && word.split('_').filter_map(|part| part.chars().next()).eq(typed.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(typed: &str) -> Option<&'static str> {
        nearest(typed, ["learning_rate", "batch_size", "epochs", "eps", "shuffle"].into_iter())
    }

    #[test]
    fn finds_typing_errors_abbreviations_and_parts() {
        assert_eq!(guess("learnig_rate"), Some("learning_rate"));
        assert_eq!(guess("Batch-Size"), Some("batch_size"));
        assert_eq!(guess("lr"), Some("learning_rate"));
        assert_eq!(guess("bs"), Some("batch_size"));
        assert_eq!(guess("rate"), Some("learning_rate"));
        assert_eq!(guess("epoch"), Some("epochs"));
    }

    #[test]
    fn says_nothing_where_nothing_is_near() {
        assert_eq!(guess("zzz"), None);
        assert_eq!(guess(""), None);
        assert_eq!(guess(&"learning_rate".repeat(1000)), None);
    }
}

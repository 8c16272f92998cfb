//! Which category or label a text stands for.
//!
//! A text stands for the category that is spelled like it. Only where none is, its meaning counts: `1.0` stands for the category `1`,
//! and `TRUE` for `true`, if no other category means the same. So codes such as `01730` and `1730` stay apart where training has seen
//! both, and a table that another program wrote with other spellings is still understood.

use std::collections::HashMap;

/// Finds categories by the text of a field.
#[derive(Clone, Debug, Default)]
pub struct CategoryIndex {
    spellings: HashMap<Box<str>, u32>,
    /// None where several categories mean the same.
    meanings: HashMap<Meaning, Option<u32>>,
}

impl CategoryIndex {
    /// An index of these categories, all of them different texts; a category is found as its position.
    pub fn new<S: AsRef<str>>(categories: &[S]) -> Self {
        let mut index = CategoryIndex::default();
        for (position, category) in (0..).zip(categories) {
            let category = category.as_ref();
            index.spellings.insert(category.into(), position);
            if let Some(meaning) = Meaning::of(category) {
                let only = index.meanings.entry(meaning).or_insert(Some(position));
                *only = only.filter(|&other| other == position);
            }
        }
        index
    }

    /// The position of the category that `text` stands for.
    #[inline]
    pub fn find(&self, text: &str) -> Option<u32> {
        self.spellings.get(text).copied().or_else(|| *self.meanings.get(&Meaning::of(text)?)?)
    }
}

/// What a text says in whatever spelling: a number or a boolean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    Boolean(bool),
    /// ± `digits` · 10^`exponent`, exact; `digits` neither begins nor ends with a zero, and that of 0 is empty.
    Number {
        negative: bool,
        digits: Box<str>,
        exponent: i64,
    },
}

impl Meaning {
    pub(super) fn of(text: &str) -> Option<Meaning> {
        boolean(text).map(Meaning::Boolean).or_else(|| Meaning::number(text))
    }

    /// The number that `text` spells in decimal notation. It is never rounded: account numbers of 20 digits differ in the last one.
    fn number(text: &str) -> Option<Meaning> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let scale = i64::from(exponent) - fraction.len() as i64;
        let digits = all.trim_end_matches('0');
        let exponent = scale + (all.len() - digits.len()) as i64;
        let digits = digits.trim_start_matches('0');
        Some(match digits {
            "" => Meaning::Number { negative: false, digits: "".into(), exponent: 0 },
            digits => Meaning::Number { negative: text.starts_with('-'), digits: digits.into(), exponent },
        })
    }
}

/// `true` and `false` in letters of either case.
fn boolean(text: &str) -> Option<bool> {
    match () {
        () if text.eq_ignore_ascii_case("true") => Some(true),
        () if text.eq_ignore_ascii_case("false") => Some(false),
        () => None,
    }
}

/// How programs spell a boolean or a whole number besides `text`: `true` for `TRUE`, `12` for `12.0`; none for other texts. The digits
/// stay as they are: `012` is no `12`.
pub(super) fn plain(text: &str) -> Option<&str> {
    if let Some(boolean) = boolean(text) {
        return Some(if boolean { "true" } else { "false" });
    }
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_before_its_number() {
        let index = CategoryIndex::new(&["1", "2.0", "01730", "1730", "1E3", "9007199254740992"]);
        let found = |text| index.find(text);
        assert_eq!([found("1"), found("1.0"), found("01"), found("+1e0")], [Some(0); 4]);
        assert_eq!([found("2.0"), found("2"), found("20e-1")], [Some(1); 3]);
        // two categories are this number: which one is meant cannot be known
        assert_eq!([found("01730"), found("1730"), found("1730.0")], [Some(2), Some(3), None]);
        assert_eq!([found("1000"), found("1e3"), found("1001")], [Some(4), Some(4), None]);
        assert_eq!([found("9007199254740992.0"), found("9007199254740993")], [Some(5), None]);
        assert_eq!([found(""), found("x"), found("nan"), found("-"), found(".")], [None; 5]);
    }

    #[test]
    fn booleans_are_found_in_either_case() {
        let index = CategoryIndex::new(&["True", "False", "maybe"]);
        assert_eq!(["true", "TRUE", "fALSE"].map(|text| index.find(text)), [Some(0), Some(0), Some(1)]);
        assert_eq!(index.find("Maybe"), None);
        let index = CategoryIndex::new(&["True", "TRUE"]);
        assert_eq!(["True", "TRUE", "true"].map(|text| index.find(text)), [Some(0), Some(1), None]);
    }

    #[test]
    fn numbers_are_exact() {
        let same = |a: &str, b: &str| Meaning::of(a) == Meaning::of(b);
        let equal =
            [("0", "-0.00"), ("1", "1.0"), ("1000", "1E3"), (".5", "0.50"), ("12e-1", "1.2"), ("-7", "-07.")];
        assert!(
            equal.iter().all(|(a, b)| same(a, b)),
            "{:?}",
            equal.map(|(a, b)| (Meaning::of(a), Meaning::of(b)))
        );
        let other = [("1", "-1"), ("0.1", "0.10000000000000001"), ("1e400", "1e401"), ("12", "120")];
        assert!(other.iter().all(|(a, b)| !same(a, b)));
        let none = ["", "e5", "1e", "1e1.5", "0x10", "1,000", "--1", "+-1", "1e99999999999", "١"];
        assert!(none.iter().all(|text| Meaning::of(text).is_none()));
    }
}

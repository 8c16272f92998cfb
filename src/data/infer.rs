//! What a column holds, from the sample at the head of the file.
//!
//! In this order, over the fields of the sample that are not missing:
//!
//! 1. no field at all: left out;
//! 2. at least 95 % numbers: a number column (infinities, numbers too large for 32 bits and numbers with thousands
//!    separators count as numbers here; reading then reports them), unless one of them is a code: it has a leading zero (`01730`), or
//!    is a whole number beyond 2^53 (an account number); such a column is a category;
//! 3. at least 95 % ISO-like dates: a date column;
//! 4. fields of [`TEXT_WORDS`] words or more on average of which most are different: running text, unless it is a target;
//! 5. fields of [`PHRASE_WORDS`] words or more on average that are too many for categories: a text too if they are
//!    phrases, that is if at least half of their words are in small letters (names, titles and addresses have capitals
//!    and digits) and at least half occur in more than one field (a word of one row teaches nothing about the others);
//! 6. otherwise a category.
//!
//! A column of which at least 95 % name image files (`.png`, `.jpg`, `.jpeg`, `.bmp`) is one of images.
//!
//! Identifiers are left out unless a config names them: number columns called `id` or the like whose values are whole and
//! all different; columns of 10 fields or more that are all different; columns with more than 32 values where more than
//! half of the fields differ (names, ticket numbers). Those of several words are texts where a config names them, or where
//! no other column is left as an input: person names beside other columns lower the accuracy (Titanic's by two points in a
//! hundred), alone they are better than nothing.

use std::collections::{HashMap, HashSet};

use super::date;
use super::field::{self, CodeLike, Markers, Number};
use super::options::ColumnType;
use super::picture::has_image_name;
use super::resolution::LOOKED_AT;
use super::rows::RowBuffer;
use crate::error::quote;

/// Categories above this number are embedded rather than one-hot encoded, and may be identifiers.
pub(super) const MANY_VALUES: usize = 32;

/// Words that the fields of a column have on average for it to be running text: names have about four, addresses and titles
/// some more.
const TEXT_WORDS: usize = 8;

/// Words that the fields of a column have on average for it to be a text at all, not a code or a name for something.
const PHRASE_WORDS: usize = 2;

/// What the sample says about a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    /// Fields that are not missing.
    pub(super) filled: usize,
    /// Finite numbers.
    numbers: usize,
    /// Not finite, too large, or with thousands separators.
    odd_numbers: usize,
    /// Whole numbers among `numbers`.
    whole: usize,
    /// The first number that is a code, and why.
    code: Option<(String, CodeLike)>,
    dates: usize,
    /// Words of all fields, as white space parts them.
    words: usize,
    /// Those in small letters alone.
    small_words: usize,
    /// Dates in other notations.
    other_dates: usize,
    /// The first date's format.
    pub(super) date_format: Option<&'static str>,
    /// Whether any date has a time of day.
    pub(super) has_time: bool,
    low: f64,
    high: f64,
    /// The first of `numbers`.
    pub(super) sample: Vec<f64>,
}

/// The type of a column, why, and why it is not an input (if it is not).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) kind: ColumnType,
    pub(super) reason: String,
    pub(super) left_out: Option<String>,
}

impl Profile {
    pub(super) fn new(sample: &RowBuffer, column: usize, markers: &Markers) -> Self {
        let mut p = Profile { low: f64::INFINITY, high: f64::NEG_INFINITY, ..Profile::default() };
        for row in 0..sample.len() {
            let text = sample.field(row, column).trim_ascii();
            match markers.number(text) {
                Number::Missing => continue,
                Number::Value(x) if (x as f32).is_finite() => {
                    p.numbers += 1;
                    if p.sample.len() < LOOKED_AT {
                        p.sample.push(x);
                    }
                    p.whole += usize::from(x.fract() == 0.0);
                    (p.low, p.high) = (p.low.min(x), p.high.max(x));
                }
                Number::Value(_) => p.odd_numbers += 1,
                Number::Bad => match date::parse(text) {
                    Some(parsed) => {
                        p.dates += 1;
                        p.has_time |= parsed.has_time;
                        p.date_format.get_or_insert(parsed.format);
                    }
                    None => {
                        let odd = field::parse_number(text).is_some() || field::has_thousands(text);
                        p.odd_numbers += usize::from(odd);
                        p.other_dates += usize::from(date::looks_like_date(text));
                    }
                },
            }
            if p.code.is_none() {
                p.code = CodeLike::of(text).map(|code| (text.to_owned(), code));
            }
            p.filled += 1;
            p.words += text.split_ascii_whitespace().count();
            p.small_words += text.split_ascii_whitespace().filter(|word| is_small(word)).count();
        }
        p
    }

    /// Whether every field is a number.
    pub(super) fn all_numbers(&self) -> bool {
        self.filled > 0 && self.numbers == self.filled
    }

    /// What to subtract from the values so that 32 bits tell them apart: 0 unless the values are far from 0 compared
    /// with how much they vary (years, time stamps).
    pub(super) fn offset(&self) -> f64 {
        let size = self.low.abs().max(self.high.abs());
        if self.numbers > 0 && size > 8.0 * (self.high - self.low) { self.low } else { 0.0 }
    }

    /// The verdict on this column. `wanted`: a config names the column as an input, so it is no identifier.
    pub(super) fn verdict(
        &self,
        sample: &RowBuffer,
        column: usize,
        markers: &Markers,
        wanted: bool,
    ) -> Verdict {
        let filled = self.filled;
        let of = |n: usize| if n == filled { "all".into() } else { format!("{n} of {filled}") };
        let verdict = |kind, reason, left_out| Verdict { kind, reason, left_out };
        if filled == 0 {
            let rows = if sample.len() == 1 { "row" } else { "rows" };
            let reason = format!("no value in the first {} {rows}", sample.len());
            return verdict(ColumnType::Number, reason.clone(), Some(reason));
        }
        let like = self.numbers + self.odd_numbers;
        let of_numbers = like * 100 >= filled * 95;
        if of_numbers && self.code.is_none() {
            let reason = format!("{} sampled values are numbers", of(like));
            let id = !wanted
                && self.whole == filled
                && filled > 1
                && is_id_name(&sample.columns()[column])
                && distinct(sample, column, markers) == filled;
            let id = id.then(|| "an identifier by its name, and every value is different".into());
            return verdict(ColumnType::Number, reason, id);
        }
        if self.dates * 100 >= filled * 95 {
            return verdict(ColumnType::Date, format!("{} sampled values are dates", of(self.dates)), None);
        }
        let values = distinct(sample, column, markers);
        if self.words >= TEXT_WORDS * filled && 2 * values > filled {
            let reason = format!("{} words in a field, and most fields are different", self.words / filled);
            return verdict(ColumnType::Text, reason, None);
        }
        let like_identifier = values == filled && filled >= 10;
        let too_many = like_identifier || values > MANY_VALUES && 2 * values > filled;
        let several_words = too_many && self.words >= PHRASE_WORDS * filled;
        if several_words && self.are_phrases(sample, column, markers) {
            let reason = format!("{values} different texts in {filled} sampled fields, of words that recur");
            return verdict(ColumnType::Text, reason, None);
        }
        let hint = match &self.code {
            _ if several_words => "; type = \"text\" reads them word by word",
            Some(_) if of_numbers => "; type = \"number\" reads them as numbers",
            _ => "",
        };
        let left_out = if wanted || !too_many {
            None
        } else if like_identifier {
            Some(format!("every value is different, as in an identifier{hint}"))
        } else {
            Some(format!("{values} different texts in {filled} fields are too many for categories{hint}"))
        };
        let code = self.code.as_ref().filter(|_| of_numbers);
        let code = code.map(|(text, code)| format!("{} {}: taken for codes{hint}", quote(text), code.why()));
        let reason = match like {
            _ if code.is_some() => code.unwrap_or_default(),
            0 if self.other_dates == filled => {
                format!("{values} different texts; a date would be read if written YYYY-MM-DD")
            }
            0 => format!("{values} different texts in {filled} sampled fields"),
            _ => format!("only {} sampled values are numbers", of(like)),
        };
        let kind = if several_words { ColumnType::Text } else { ColumnType::Category };
        verdict(kind, reason, left_out)
    }

    /// Whether at least half of the words are in small letters, and at least half are in more than one field.
    fn are_phrases(&self, sample: &RowBuffer, column: usize, markers: &Markers) -> bool {
        if 2 * self.small_words < self.words {
            return false;
        }
        // of each word: the last field that has it, whether another one has it too, and how often it is there
        let mut seen: HashMap<&str, (usize, bool, usize)> = HashMap::new();
        for row in 0..sample.len() {
            let text = sample.field(row, column);
            if markers.has(text.trim_ascii()) {
                continue;
            }
            for word in text.split_ascii_whitespace() {
                let (last, shared, count) = seen.entry(word).or_insert((row, false, 0));
                *shared |= *last != row;
                (*last, *count) = (row, *count + 1);
            }
        }
        let recurring: usize = seen.values().filter(|(_, shared, _)| *shared).map(|(.., count)| count).sum();
        2 * recurring >= self.words
    }
}

/// Whether a word has letters, all of them small, and at most punctuation beside them.
fn is_small(word: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_punctuation();
    word.chars().any(char::is_lowercase) && word.chars().all(|c| c.is_lowercase() || is_sign(c))
}

/// Whether at least 95 % of the fields that are not missing name image files.
pub(super) fn are_images(sample: &RowBuffer, column: usize, markers: &Markers) -> bool {
    let fields = (0..sample.len()).map(|row| sample.field(row, column).trim_ascii());
    let (mut filled, mut images) = (0, 0);
    for text in fields.filter(|text| !markers.has(text)) {
        filled += 1;
        images += usize::from(has_image_name(text));
    }
    images > 0 && images * 100 >= filled * 95
}

/// Different values of a column in the sample.
pub(super) fn distinct(sample: &RowBuffer, column: usize, markers: &Markers) -> usize {
    let fields = (0..sample.len()).map(|row| sample.field(row, column).trim_ascii());
    fields.filter(|text| !markers.has(text)).collect::<HashSet<_>>().len()
}

/// `id`, `PassengerId`, `row_id`, `index`, `Unnamed: 0`.
fn is_id_name(name: &str) -> bool {
    let name = name.trim();
    let lower = name.to_lowercase();
    ["id", "index", "idx", "row", "rowid", "rownum", "unnamed: 0", ""].contains(&lower.as_str())
        || ["_id", "-id", " id", ".id"].iter().any(|end| lower.ends_with(end))
        || name.ends_with("Id")
        || name.ends_with("ID")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(fields: &[&str]) -> Verdict {
        infer_named("x", fields, false)
    }

    fn infer_named(name: &str, fields: &[&str], wanted: bool) -> Verdict {
        let sample = RowBuffer::from_text("t.csv", &format!("{name}\n{}", fields.join("\n")));
        let markers = Markers::new(&["".into(), "?".into()]);
        Profile::new(&sample, 0, &markers).verdict(&sample, 0, &markers, wanted)
    }

    fn kind(fields: &[&str]) -> ColumnType {
        infer(fields).kind
    }

    #[test]
    fn ninety_five_percent_make_a_type() {
        let mut fields = vec!["1.5"; 19];
        fields.push("x");
        assert_eq!(kind(&fields), ColumnType::Number);
        fields[0] = "y";
        assert_eq!(kind(&fields), ColumnType::Category);
        fields.fill("?");
        fields[3] = " 7 ";
        assert_eq!(kind(&fields), ColumnType::Number);
    }

    #[test]
    fn odd_numbers_are_still_numbers() {
        assert_eq!(kind(&["1,234", "5,678", "9,999,999"]), ColumnType::Number);
        assert_eq!(kind(&["inf", "1e39", "2", "nan"]), ColumnType::Number);
        assert_eq!(kind(&["true", "false"]), ColumnType::Category);
    }

    #[test]
    fn dates_are_dates() {
        assert_eq!(kind(&["2024-01-02", "2024-01-03 10:00", ""]), ColumnType::Date);
        assert_eq!(kind(&["1/2/11", "1/3/11", "1/3/11"]), ColumnType::Category);
    }

    #[test]
    fn identifiers_are_left_out_unless_wanted() {
        let count: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let count: Vec<&str> = count.iter().map(String::as_str).collect();
        for name in ["id", "Id", "PassengerId", "row_id", "INDEX"] {
            assert!(infer_named(name, &count, false).left_out.is_some(), "{name}");
        }
        assert_eq!(infer_named("id", &count, true).left_out, None);
        assert_eq!(infer_named("humidity", &count, false).left_out, None);
        assert_eq!(infer_named("id", &["1", "1", "2"], false).left_out, None);

        let names: Vec<String> = (0..40).map(|i| format!("n{i}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(infer(&names).left_out.as_deref(), Some("every value is different, as in an identifier"));
        names.extend(["n1", "n2"]);
        let reason = "40 different texts in 42 fields are too many for categories";
        assert_eq!(infer(&names).left_out.as_deref(), Some(reason));
        assert_eq!(infer(&names[..5]).left_out, None);
    }

    /// `n` different fields of words from `lists`, taken in turn.
    fn combined(n: usize, lists: &[&[&str]]) -> Vec<String> {
        let field = |mut i: usize| {
            let words = lists.iter().map(|list| {
                let word = list[i % list.len()];
                i /= list.len();
                word
            });
            words.collect::<Vec<_>>().join(" ")
        };
        (0..n).map(field).collect()
    }

    fn infer_owned(fields: &[String]) -> Verdict {
        infer(&fields.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn short_phrases_are_texts_and_names_codes_and_addresses_are_not() {
        let colours = ["red", "dark blue", "green", "grey,"];
        let things = ["running shoes", "rain jacket", "socks", "winter hat"];
        let ends = ["for men", "for women", "on sale"];
        let phrases = combined(48, &[&colours, &things, &ends]);
        let found = infer_owned(&phrases);
        assert_eq!((found.kind, found.left_out), (ColumnType::Text, None));
        assert_eq!(found.reason, "48 different texts in 48 sampled fields, of words that recur");
        // so few that they are categories
        assert_eq!(infer_owned(&phrases[..9]).kind, ColumnType::Category);
        let twice: Vec<String> = phrases.iter().chain(&phrases).cloned().collect();
        assert_eq!(infer_owned(&twice).kind, ColumnType::Category);
        // no word twice: nothing can be learnt
        let words: Vec<String> = (0..48).map(|i| format!("{0}a {0}b", "x".repeat(i + 1))).collect();
        assert!(infer_owned(&words).left_out.is_some());

        let people = combined(
            48,
            &[
                &["Mr. Owen", "Miss. Anna", "Mrs. Jane"],
                &["Braund", "Allen"],
                &["A.", "B.", "C.", "D.", "E.", "F.", "G.", "H."],
            ],
        );
        let addresses = combined(
            48,
            &[
                &["12", "7", "81", "3"],
                &["Main street,", "rue de la Paix,"],
                &["75002 Paris", "90210 Springfield"],
                &["F", "US", "UK"],
            ],
        );
        let codes = combined(
            48,
            &[&["PC", "SOTON/O.Q.", "C.A.", "A/5"], &["17599", "3101282", "21171"], &["1", "2", "3", "4"]],
        );
        let days = combined(
            36,
            &[&["1", "2", "3"], &["january", "february", "march"], &["2021", "2022", "2023", "2024"]],
        );
        for fields in [people, addresses, codes, days] {
            let found = infer_owned(&fields);
            let reason =
                "every value is different, as in an identifier; type = \"text\" reads them word by word";
            assert_eq!(found.left_out.as_deref(), Some(reason), "{}", fields[0]);
            // what `init` suggests
            assert_eq!(found.kind, ColumnType::Text, "{}", fields[0]);
            let wanted: Vec<&str> = fields.iter().map(String::as_str).collect();
            let wanted = infer_named("x", &wanted, true);
            assert_eq!((wanted.kind, wanted.left_out), (ColumnType::Text, None));
        }
    }

    #[test]
    fn an_offset_is_used_where_thirty_two_bits_are_too_few() {
        let offset = |fields: &[&str]| {
            let sample = RowBuffer::from_text("t.csv", &format!("x\n{}", fields.join("\n")));
            Profile::new(&sample, 0, &Markers::new(&[])).offset()
        };
        assert_eq!(offset(&["1700000000", "1700000060"]), 1.7e9);
        assert_eq!(offset(&["2007", "2009"]), 2007.0);
        assert_eq!(offset(&["0.1", "-0.5", "100"]), 0.0);
    }

    #[test]
    fn a_column_without_values_says_so() {
        assert_eq!(infer(&["?", "", "?"]).left_out.as_deref(), Some("no value in the first 3 rows"));
    }
}

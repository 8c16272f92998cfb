//! One field of text: is it missing, which number is it, and what to say when it is neither.

use super::options::DataOptions;
use super::{date, rows::Fields};
use crate::error::{Code, Error, Problem, quote};

/// Who reads: decides which help an error can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Training data; the user can pin types.
    Train,
    /// Data for a finished model; its types are fixed.
    Model,
}

/// The fields that stand for "no value".
#[derive(Clone, Debug)]
pub(super) struct Markers {
    texts: Vec<String>,
    lengths: u64,
    any_number: bool,
    /// Whether nobody said what they are.
    default: bool,
}

impl Markers {
    pub(super) fn new(texts: &[String]) -> Self {
        let default = texts == DataOptions::MISSING_VALUES;
        let texts: Vec<String> = texts.iter().map(|t| t.trim().to_owned()).collect();
        let lengths = texts.iter().fold(0, |bits, t| bits | 1 << t.len().min(63));
        let any_number = texts.iter().any(|t| parse_number(t).is_some_and(f64::is_finite));
        Markers { texts, lengths, any_number, default }
    }

    /// Whether `text`, already trimmed, stands for "no value".
    #[inline]
    pub(super) fn has(&self, text: &str) -> bool {
        self.lengths >> text.len().min(63) & 1 == 1 && self.texts.iter().any(|t| t == text)
    }

    /// Whether `text`, already trimmed, stands for "no value" in a column of texts or of labels for steps: there `None` and `?` are words
    /// like any other unless a config lists them.
    pub(super) fn has_text(&self, text: &str) -> bool {
        if self.default { text.is_empty() } else { self.has(text) }
    }

    /// Reads `text`, already trimmed, as a number.
    #[inline]
    pub(super) fn number(&self, text: &str) -> Number {
        if self.any_number && self.has(text) {
            return Number::Missing;
        }
        match parse_number(text) {
            Some(x) if x.is_finite() => Number::Value(x),
            _ if self.has(text) => Number::Missing,
            _ => Number::Bad,
        }
    }
}

/// A field read as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Finite in f64.
    Value(f64),
    Missing,
    /// Text, or a number that is not finite.
    Bad,
}

/// A number in decimal notation, correctly rounded; also what `f64::from_str` takes for infinity and NaN.
#[inline]
pub(super) fn parse_number(text: &str) -> Option<f64> {
    // A mantissa below 2^53 divided by a power of ten up to 10^22, both exact, is rounded once (Clinger 1990).
    const TENS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let bytes = text.as_bytes();
    let digits = if bytes.first() == Some(&b'-') { &bytes[1..] } else { bytes };
    let (mut mantissa, mut point) = (0u64, None);
    if digits.len() > 16 {
        return text.parse().ok();
    }
    for (i, &b) in digits.iter().enumerate() {
        match b {
            b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(b - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return text.parse().ok(),
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return text.parse().ok();
    }
    let x = mantissa as f64 / TENS[point.map_or(0, |p| digits.len() - 1 - p)];
    Some(if bytes.len() > digits.len() { -x } else { x })
}

/// Whether `text` is a number written with thousands separators: `1,234`, `-12,345,678.9`.
pub(super) fn has_thousands(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let mut groups = whole.split(',');
    let all_digits = |g: &str| g.bytes().all(|b| b.is_ascii_digit());
    whole.contains(',')
        && groups.next().is_some_and(|g| (1..=3).contains(&g.len()) && all_digits(g))
        && groups.all(|g| g.len() == 3 && all_digits(g))
        && parse_number(&digits.replace(',', "")).is_some()
}

/// A number that is a code rather than a quantity, although it could be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeLike {
    /// `007`, `01730`
    LeadingZero,
    /// A whole number beyond 2^53: 64 bits do not tell it from its neighbours.
    Long,
}

impl CodeLike {
    /// What `text`, already trimmed, is; none for a quantity and for what is no number.
    #[inline]
    pub(super) fn of(text: &str) -> Option<CodeLike> {
        let digits = match text.as_bytes() {
            [b'-' | b'+', digits @ ..] => digits,
            digits => digits,
        };
        let padded = matches!(digits, [b'0', second, ..] if second.is_ascii_digit());
        if !(padded || digits.len() > 15) || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        if padded {
            return Some(CodeLike::LeadingZero);
        }
        let exact = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
        exact.is_none_or(|x| x > 1 << 53).then_some(CodeLike::Long)
    }

    /// Why it is no quantity.
    pub(super) fn why(self) -> &'static str {
        match self {
            CodeLike::LeadingZero => "has a leading zero",
            CodeLike::Long => "is a whole number of more digits than 64 bits tell apart",
        }
    }
}

/// `file, line N, column "name"`.
pub(super) fn place(row: &(impl Fields + ?Sized), column: &str) -> String {
    match row.unit() {
        "" => format!("{}, column {}", row.file(), quote(column)),
        unit => format!("{}, {unit} {}, column {}", row.file(), row.line(), quote(column)),
    }
}

/// The key of a column's table in a config, quoted where TOML needs it.
pub(super) fn pin_key(column: &str) -> String {
    key("data.columns", column)
}

/// The key of a table under a name of the user's, quoted where TOML needs it.
pub(super) fn key(table: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    format!("{table}.{}", if bare { name.to_owned() } else { quote(name) })
}

/// The error for a field of a number column that is no number of 32 bits.
pub(super) fn bad_number(place: String, column: &str, text: &str, stage: Stage) -> Error {
    let help = |first: String| match stage {
        Stage::Train => format!("{first}, or list it in data.missing_values"),
        Stage::Model => "fix the field; the model takes this column as numbers".into(),
    };
    let pin = format!("set {}.type = \"category\"", pin_key(column));
    let (what, expected, help) = if has_thousands(text) {
        let plain = text.replace(',', "");
        ("a number with thousands separators", plain, "write numbers without separators".to_owned())
    } else if date::parse(text).is_some() {
        ("a date in a number column", "a number".into(), help(pin))
    } else {
        match parse_number(text) {
            Some(x) if x.is_nan() || !text.bytes().any(|b| b.is_ascii_digit()) => {
                ("a value that is not finite", "a finite number".into(), help("fix the field".into()))
            }
            Some(_) => {
                let range = format!("a number between {:e} and {:e}", f32::MIN, f32::MAX);
                ("a number too large for 32 bits", range, help("fix the field".into()))
            }
            None => ("text in a number column", "a number".into(), help(pin)),
        }
    };
    Error::new(Code::Data, Problem::new(place, what).expected(expected).found(quote(text)).help(help))
}

/// `an image`
pub(super) fn an(kind: &str) -> String {
    let article = match kind {
        "labels" => "one of",
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => "an",
        _ => "a",
    };
    format!("{article} {kind}")
}

/// The candidate that `name` was probably meant to be.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a String>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c.as_str()))
        .filter(|(distance, c)| {
            let (own, other) = (name.chars().count(), c.chars().count());
            // Two single letters have nothing in common.
            *distance < own.max(other) && *distance <= (own.min(other) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// `"a", "b" and 3 more`: at most twenty names, quoted.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| quote(n)).collect();
    match names.len() {
        0..=20 => names.join(", "),
        n => format!("{} and {} more", names[..20].join(", "), n - 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        let texts = [
            "0",
            "-0",
            "7",
            "-12",
            "3.25",
            ".5",
            "5.",
            "0.1",
            "-0.30",
            "123456789012345",
            "1234567890123456",
            "12345678901234567",
            "0.000000000000001",
            "3.141592653589793",
            "1e5",
            "+4",
            "1e-400",
            "9007199254740993",
        ];
        for text in texts {
            assert_eq!(parse_number(text).map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
        }
        for text in ["", "-", ".", "-.", "1.2.3", "1,2", "abc", "1 2", "0x10", "--1"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_marker_wins_over_a_number() {
        let markers = Markers::new(&["-999".into(), "?".into(), "nan".into()]);
        assert_eq!(markers.number("-999"), Number::Missing);
        assert_eq!(markers.number("nan"), Number::Missing);
        assert_eq!(markers.number("-99"), Number::Value(-99.0));
        assert_eq!(markers.number("inf"), Number::Bad);
        assert_eq!(markers.number(""), Number::Bad);
        assert!(markers.has_text("?") && !markers.has_text(""));
        let default = Markers::new(&DataOptions::default().missing_values);
        assert!(
            default.has("?") && default.has_text("") && !default.has_text("?") && !default.has_text("None")
        );
    }

    #[test]
    fn thousands_separators_are_told_from_other_commas() {
        assert!(["1,234", "-12,345,678.9", "999,000"].iter().all(|t| has_thousands(t)));
        assert!(
            ["1,2", "1234", "1234,567", ",123", "1,234,56", "a,123", "1,234.x"]
                .iter()
                .all(|t| !has_thousands(t))
        );
    }

    #[test]
    fn codes_are_told_from_quantities() {
        let zero = ["007", "01730", "00", "-01", "+4930"].map(CodeLike::of);
        assert_eq!(zero[..4], [Some(CodeLike::LeadingZero); 4]);
        assert_eq!(zero[4], None);
        let quantities = ["0", "7", "0.5", "00.5", "1e300", "10", "9007199254740992", "-9007199254740992"];
        assert!(quantities.iter().all(|text| CodeLike::of(text).is_none()));
        let long = ["9007199254740993", "-9007199254740993", "123456789012345678901234567890"];
        assert!(long.iter().all(|text| CodeLike::of(text) == Some(CodeLike::Long)));
        assert!(
            ["", "x", "0x10", "01a", "1700000000000000000000.5"].iter().all(|t| CodeLike::of(t).is_none())
        );
    }

    #[test]
    fn suggestions_need_a_likeness() {
        let names = ["species".to_owned(), "petal_width".to_owned()];
        assert_eq!(closest("specie", &names), Some("species"));
        assert_eq!(closest("Petal_Width", &names), Some("petal_width"));
        assert_eq!(closest("colour", &names), None);
        let letters = ["X".to_owned(), "Z".to_owned()];
        assert_eq!((closest("Y", &letters), closest("x", &letters)), (None, Some("X")));
        assert_eq!(closest("zz", &letters), Some("Z"));
    }

    #[test]
    fn every_bad_number_has_its_message() {
        let message =
            |text| bad_number("t.csv, line 2, column \"a b\"".into(), "a b", text, Stage::Train).to_string();
        assert_eq!(
            message("abc"),
            "error[3]: t.csv, line 2, column \"a b\": text in a number column\n  expected: a number\n  found: \"abc\"\n  \
             help: set data.columns.\"a b\".type = \"category\", or list it in data.missing_values"
        );
        assert_eq!(
            message("inf"),
            "error[3]: t.csv, line 2, column \"a b\": a value that is not finite\n  expected: a finite number\n  \
             found: \"inf\"\n  help: fix the field, or list it in data.missing_values"
        );
        assert_eq!(
            message("1e39"),
            "error[3]: t.csv, line 2, column \"a b\": a number too large for 32 bits\n  \
             expected: a number between -3.4028235e38 and 3.4028235e38\n  found: \"1e39\"\n  \
             help: fix the field, or list it in data.missing_values"
        );
        assert_eq!(
            message("1e999"),
            message("1e39").replace("1e39", "1e999"),
            "a number that overflows 64 bits is too large as well"
        );
        assert_eq!(
            message("1,234.5"),
            "error[3]: t.csv, line 2, column \"a b\": a number with thousands separators\n  expected: 1234.5\n  \
             found: \"1,234.5\"\n  help: write numbers without separators"
        );
        assert_eq!(
            message("2024-03-01"),
            "error[3]: t.csv, line 2, column \"a b\": a date in a number column\n  expected: a number\n  \
             found: \"2024-03-01\"\n  help: set data.columns.\"a b\".type = \"category\", or list it in data.missing_values"
        );
    }
}

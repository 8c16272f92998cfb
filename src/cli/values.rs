//! Values of flags, and what is said of those that do not fit.

use std::fmt::Display;
use std::str::FromStr;

/// Reads a whole number from `least` to `most`.
pub(super) fn whole<T>(least: T, most: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Copy,
{
    move |text| {
        let number = text.parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| format!("not a whole number from {least} to {most}"))
    }
}

/// Reads a whole number of at least `least`.
pub(super) fn at_least(least: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|&n| n >= least);
        number.ok_or_else(|| format!("not a whole number from {least} on"))
    }
}

/// Reads a number of threads.
pub(super) fn threads(text: &str) -> Result<u16, String> {
    whole(1, 4096)(text)
}

/// Reads a number from 0 on.
pub(super) fn not_negative(text: &str) -> Result<f64, &'static str> {
    number(text, |x| x >= 0.0, "not a number from 0 on")
}

/// Reads a number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, &'static str> {
    number(text, |x| (0.0..=1.0).contains(&x), "not a number from 0 to 1")
}

/// Reads a number above 0.
pub(super) fn positive(text: &str) -> Result<f64, &'static str> {
    number(text, |x| x > 0.0, "not a number above 0")
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &'static str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|&x: &f64| x.is_finite() && fits(x)).ok_or(expected)
}

/// Reads a text of at least one character; `\n`, `\t` and `\\` are understood.
pub(super) fn escaped(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("an empty text");
    }
    let parts = text.split("\\\\").map(|part| part.replace("\\n", "\n").replace("\\t", "\t"));
    Ok(parts.collect::<Vec<_>>().join("\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_before_another_stands_for_itself() {
        for (text, expected) in [
            ("a\\nb", "a\nb"),
            ("\\t", "\t"),
            ("\\\\n", "\\n"),
            ("\\\\\\n", "\\\n"),
            ("c:\\d", "c:\\d"),
            ("\\", "\\"),
        ] {
            assert_eq!(escaped(text).as_deref(), Ok(expected));
        }
        assert!(escaped("").is_err());
    }
}

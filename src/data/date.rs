//! Dates: ISO-like texts, and the numbers that a network gets for one.

use std::f64::consts::TAU;

use jiff::civil::DateTime;

use super::options::named;
use serde::{Deserialize, Serialize};

named! {
    /// One number made from a date.
    DatePart {
        /// The year.
        Year = "year",
        /// 1 to 12.
        Month = "month",
        /// Day of the month, 1 to 31.
        Day = "day",
        /// Monday 0 to Sunday 6.
        Weekday = "weekday",
        /// Sine of the phase of the year.
        YearSin = "year_sin",
        /// Cosine of the phase of the year.
        YearCos = "year_cos",
        /// Sine of the phase of the week.
        WeekSin = "week_sin",
        /// Cosine of the phase of the week.
        WeekCos = "week_cos",
        /// Hour of the day with its fraction.
        Hour = "hour",
        /// Sine of the phase of the day.
        DaySin = "day_sin",
        /// Cosine of the phase of the day.
        DayCos = "day_cos",
    }
}

impl DatePart {
    /// The parts that a column of dates may have: none of the day where `format` has no day, none of the time of day
    /// where the sample has no time.
    pub(super) fn of_column(format: &str, has_time: bool) -> &'static [DatePart] {
        match (has_time, format == MONTHS) {
            (true, _) => &Self::ALL,
            (false, false) => &Self::ALL[..8],
            (false, true) => &Self::ALL[..4],
        }
    }

    /// All parts, from the coarse to the fine.
    const ALL: [DatePart; 11] = [
        DatePart::Year,
        DatePart::Month,
        DatePart::YearSin,
        DatePart::YearCos,
        DatePart::Day,
        DatePart::Weekday,
        DatePart::WeekSin,
        DatePart::WeekCos,
        DatePart::Hour,
        DatePart::DaySin,
        DatePart::DayCos,
    ];

    /// Whether the part is already between -1 and 1.
    pub(super) fn is_phase(self) -> bool {
        !matches!(self, DatePart::Year | DatePart::Month | DatePart::Day | DatePart::Weekday | DatePart::Hour)
    }

    /// The part's number.
    pub(super) fn of(self, date: DateTime) -> f64 {
        let day = (f64::from(date.hour()) * 3600.0
            + f64::from(date.minute()) * 60.0
            + f64::from(date.second())
            + f64::from(date.subsec_nanosecond()) * 1e-9)
            / 86400.0;
        let weekday = f64::from(date.weekday().to_monday_zero_offset());
        let week = || TAU * (weekday + day) / 7.0;
        let year = || TAU * (f64::from(date.day_of_year() - 1) + day) / f64::from(date.days_in_year());
        match self {
            DatePart::Year => f64::from(date.year()),
            DatePart::Month => f64::from(date.month()),
            DatePart::Day => f64::from(date.day()),
            DatePart::Weekday => weekday,
            DatePart::YearSin => year().sin(),
            DatePart::YearCos => year().cos(),
            DatePart::WeekSin => week().sin(),
            DatePart::WeekCos => week().cos(),
            DatePart::Hour => day * 24.0,
            DatePart::DaySin => (TAU * day).sin(),
            DatePart::DayCos => (TAU * day).cos(),
        }
    }
}

/// The format of dates without a day.
const MONTHS: &str = "%Y-%m";

/// A date, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parsed {
    pub(super) date: DateTime,
    pub(super) has_time: bool,
    pub(super) format: &'static str,
}

/// Reads `YYYY-MM-DD`, `YYYY/MM/DD` or `YYYY-MM`, the first two also with a time of day after a blank or `T`:
/// `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fraction`. A time zone (`Z`, `+02:00`) is read over: local time is what varies
/// with people's days.
pub(super) fn parse(text: &str) -> Option<Parsed> {
    let b = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i16> {
        let digits = b.get(from..to)?;
        digits.iter().try_fold(0i16, |n, d| d.is_ascii_digit().then(|| n * 10 + i16::from(d - b'0')))
    };
    let separator = *b.get(4).filter(|s| matches!(s, b'-' | b'/'))?;
    let (year, month) = (number(0, 4)?, number(5, 7)? as i8);
    let at = |day: i8, h: i8, m: i8, s: i8, ns: i32| DateTime::new(year, month, day, h, m, s, ns).ok();
    if b.len() == 7 && separator == b'-' {
        return Some(Parsed { date: at(1, 0, 0, 0, 0)?, has_time: false, format: MONTHS });
    }
    if b.get(7) != Some(&separator) {
        return None;
    }
    let day = number(8, 10)? as i8;
    let slash = separator == b'/';
    if b.len() == 10 {
        let format = if slash { "%Y/%m/%d" } else { "%Y-%m-%d" };
        return Some(Parsed { date: at(day, 0, 0, 0, 0)?, has_time: false, format });
    }
    if !matches!(b[10], b' ' | b'T') || b.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (number(11, 13)? as i8, number(14, 16)? as i8);
    let (mut end, mut second, mut nanosecond) = (16, 0, 0);
    let with_seconds = b.get(16) == Some(&b':');
    if with_seconds {
        second = number(17, 19)? as i8;
        end = 19;
        if b.get(19) == Some(&b'.') {
            let digits = b[20..].iter().take_while(|d| d.is_ascii_digit()).count();
            let first_nine = b[20..].iter().take(digits.min(9));
            let value = first_nine.fold(0i32, |n, d| n * 10 + i32::from(d - b'0'));
            nanosecond = value * 10i32.pow(9 - digits.min(9) as u32);
            end = 20 + digits;
            if digits == 0 {
                return None;
            }
        }
    }
    let format = match (slash, with_seconds) {
        (false, true) => "%Y-%m-%d %H:%M:%S",
        (false, false) => "%Y-%m-%d %H:%M",
        (true, true) => "%Y/%m/%d %H:%M:%S",
        (true, false) => "%Y/%m/%d %H:%M",
    };
    let date = at(day, hour, minute, second, nanosecond)?;
    is_zone(&b[end..]).then_some(Parsed { date, has_time: true, format })
}

/// Whether `text` may be a date that [`parse`] does not read: `1/2/11`, `31.12.2024`.
pub(super) fn looks_like_date(text: &str) -> bool {
    let groups: Vec<&str> = text.split(['/', '.', '-']).collect();
    groups.len() == 3
        && groups.iter().all(|g| matches!(g.len(), 1 | 2 | 4) && g.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `b` is nothing, `Z`, `+HH:MM`, `+HHMM` or `+HH`.
fn is_zone(b: &[u8]) -> bool {
    match b {
        [] | [b'Z'] => true,
        [b'+' | b'-', rest @ ..] => {
            matches!(rest.len(), 2 | 4 | 5)
                && rest
                    .iter()
                    .enumerate()
                    .all(|(i, c)| if rest.len() == 5 && i == 2 { *c == b':' } else { c.is_ascii_digit() })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_like_dates_are_read() {
        for (text, format, date) in [
            ("2024-02-29", "%Y-%m-%d", "2024-02-29T00:00:00"),
            ("2024/12/31", "%Y/%m/%d", "2024-12-31T00:00:00"),
            ("1949-01", "%Y-%m", "1949-01-01T00:00:00"),
            ("2024-01-02 03:04", "%Y-%m-%d %H:%M", "2024-01-02T03:04:00"),
            ("2024-01-02T03:04:05Z", "%Y-%m-%d %H:%M:%S", "2024-01-02T03:04:05"),
            ("2024/01/02 03:04:05.25+02:00", "%Y/%m/%d %H:%M:%S", "2024-01-02T03:04:05.25"),
        ] {
            let parsed = parse(text).map(|p| (p.format, p.date.to_string()));
            assert_eq!(parsed, Some((format, date.to_owned())));
        }
    }

    #[test]
    fn other_texts_are_not_dates() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "2024-01/02",
            "20240102",
            "1/1/11",
            "2024-01-02 25:00",
            "2024-01-02 03",
            "2024-01-02x",
            "2024-01-02 03:04:05 pm",
            "2024-01-02 03:04:",
            "é024-01-02",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_notations_are_recognised_as_such() {
        assert!(["1/2/11", "31.12.2024", "12-31-24"].iter().all(|t| looks_like_date(t)));
        assert!(["1/2", "a/b/c", "1.2.3.4", "127-555-1234x"].iter().all(|t| !looks_like_date(t)));
    }

    #[test]
    fn parts_of_a_date() -> Result<(), &'static str> {
        // 2024-07-01 is a Monday, day 183 of 366: half the year has passed but for one day
        let date = parse("2024-07-01 06:00").ok_or("not a date")?.date;
        let parts = DatePart::ALL.map(|p| p.of(date));
        let expected = [
            2024.0,
            7.0,
            (TAU * 182.25 / 366.0).sin(),
            (TAU * 182.25 / 366.0).cos(),
            1.0,
            0.0,
            (TAU * 0.25 / 7.0).sin(),
            (TAU * 0.25 / 7.0).cos(),
            6.0,
            1.0,
            0.0,
        ];
        for (got, want) in parts.iter().zip(expected) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
        Ok(())
    }
}

//! What went wrong, where, what was expected and found, and how to mend it.
//!
//! Every fallible function of the crate returns [`Result`]. An [`Error`] carries one exit [`Code`] and one or
//! more [`Problem`]s: a config reports all of its mistakes at once. Only `cli` prints one.

use std::fmt;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of failure; its number is the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 2: the command line or the config is wrong; nothing was started.
    Usage,
    /// 3: the data is wrong.
    Data,
    /// 4: the model file is wrong, damaged or does not fit, or the model gives a number that is not finite.
    Model,
    /// 5: the environment failed: disk full, no permission, not enough memory, a locked directory.
    Environment,
    /// 6: training diverged: a loss, an output or a weight is not finite.
    Diverged,
    /// 130 or 143: stopped by SIGINT (2) or SIGTERM (15); 128 + the signal's number.
    Interrupted(u8),
}

impl Code {
    /// The exit code of the process.
    pub fn exit(self) -> u8 {
        match self {
            Code::Usage => 2,
            Code::Data => 3,
            Code::Model => 4,
            Code::Environment => 5,
            Code::Diverged => 6,
            Code::Interrupted(signal) => 128 + signal,
        }
    }
}

/// One mistake: a place, a sentence, and what helps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Where: `iris.csv, line 12, column "petal_width"`, `layer "fc2"`, `--threads`.
    pub place: String,
    /// What is wrong, without a full stop.
    pub what: String,
    /// What was expected, where that can be said.
    pub expected: Option<String>,
    /// What was found instead; quoted with [`quote`] if it comes from a file.
    pub found: Option<String>,
    /// The mend.
    pub help: Option<String>,
    /// A few lines of the source with a caret below the spot, ready to print.
    pub excerpt: Option<String>,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Problem { place: place.into(), what: what.into(), ..Problem::default() }
    }

    /// Adds what was expected.
    pub fn expected(mut self, text: impl Into<String>) -> Self {
        self.expected = Some(text.into());
        self
    }

    /// Adds what was found.
    pub fn found(mut self, text: impl Into<String>) -> Self {
        self.found = Some(text.into());
        self
    }

    /// Adds the mend.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds lines of the source.
    pub fn excerpt(mut self, text: impl Into<String>) -> Self {
        self.excerpt = Some(text.into());
        self
    }
}

/// A failure: its code and all problems found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub code: Code,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Error {
    /// A failure with one problem.
    pub fn new(code: Code, problem: Problem) -> Self {
        Error { code, problems: vec![problem] }
    }

    /// A failure with many problems. `problems` must not be empty.
    pub fn all(code: Code, problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty());
        Error { code, problems }
    }

    /// [`Code::Usage`] at `place`.
    pub fn usage(place: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(Code::Usage, Problem::new(place, what))
    }

    /// [`Code::Data`] at `place`.
    pub fn data(place: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(Code::Data, Problem::new(place, what))
    }

    /// [`Code::Model`] at `place`.
    pub fn model(place: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(Code::Model, Problem::new(place, what))
    }

    /// [`Code::Environment`] at `place`.
    pub fn environment(place: impl Into<String>, what: impl Into<String>) -> Self {
        Error::new(Code::Environment, Problem::new(place, what))
    }

    /// Adds what was expected to the last problem.
    pub fn expected(self, text: impl Into<String>) -> Self {
        self.map_last(|p| p.expected(text))
    }

    /// Adds what was found to the last problem.
    pub fn found(self, text: impl Into<String>) -> Self {
        self.map_last(|p| p.found(text))
    }

    /// Adds the mend to the last problem.
    pub fn help(self, text: impl Into<String>) -> Self {
        self.map_last(|p| p.help(text))
    }

    fn map_last(mut self, change: impl FnOnce(Problem) -> Problem) -> Self {
        if let Some(last) = self.problems.pop() {
            self.problems.push(change(last));
        }
        self
    }
}

impl fmt::Display for Error {
    /// One block for each problem, as `cli` prints it on standard error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, p) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "error[{}]: {}: {}", self.code.exit(), p.place, p.what)?;
            if let Some(text) = &p.excerpt {
                write!(f, "\n{}", text.trim_end_matches('\n'))?;
            }
            let lines = [("expected", &p.expected), ("found", &p.found), ("help", &p.help)];
            for (label, text) in lines.iter().filter_map(|(l, t)| t.as_ref().map(|t| (l, t))) {
                write!(f, "\n  {label}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The longest piece of a file that a message repeats, in characters.
const QUOTE_LIMIT: usize = 80;

/// `text` as a message may show it: in quotes, control characters escaped, cut at 80 characters.
///
/// A data file must not drive the terminal.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for (i, c) in text.chars().enumerate() {
        if i == QUOTE_LIMIT {
            out.push('…');
            break;
        }
        let unsafe_to_show = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if unsafe_to_show => out.extend(c.escape_default()),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A whole number with commas between its thousands: `81,234`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `81,234 rows`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// `text` as one word of a shell, for a command that a message proposes.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_prints_as_one_block() {
        let e = Error::data("iris.csv, line 3, column \"width\"", "not a number")
            .expected("a number")
            .found(quote("ab\u{1b}[31m"))
            .help("list it under data.missing_values");
        assert_eq!(
            e.to_string(),
            "error[3]: iris.csv, line 3, column \"width\": not a number\n  expected: a number\n  \
             found: \"ab\\u{1b}[31m\"\n  help: list it under data.missing_values"
        );
    }

    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        let words = ["runs/a-1", "my run", "it's", ""].map(shell_word);
        assert_eq!(words, ["runs/a-1", "'my run'", r"'it'\''s'", "''"]);
    }

    #[test]
    fn numbers_have_commas_and_one_thing_is_no_plural() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 1_000].map(|n| counted(n, "row")), ["0 rows", "1 row", "1,000 rows"]);
    }

    #[test]
    fn quotes_are_cut_at_eighty_characters() {
        let q = quote(&"é".repeat(200));
        assert_eq!(q.chars().count(), 80 + 3);
    }
}

//! How errors reach the user: one block of text or one JSON object on standard error, and an exit code.

use std::any::Any;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, ValueEnum};
use serde_json::{Value, json};

use super::args::Cli;
use super::output;
use crate::error::{Error, quote};

/// How an error is printed: as its `Display`, or as one JSON object on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ErrorFormat {
    Text,
    Json,
}

impl ErrorFormat {
    /// What the arguments of the process ask for, as far as that can be told where they do not parse.
    pub(super) fn of_process() -> Self {
        let words: Vec<_> = std::env::args_os().take_while(|word| word != "--").collect();
        let joined = words.iter().any(|word| word == "--error-format=json");
        let apart = words.windows(2).any(|two| two[0] == "--error-format" && two[1] == "json");
        if joined || apart { ErrorFormat::Json } else { ErrorFormat::Text }
    }
}

/// Prints `error` and returns its exit code.
pub(super) fn print(error: &Error, format: ErrorFormat) -> ExitCode {
    let text = match format {
        ErrorFormat::Text => error.to_string(),
        ErrorFormat::Json => to_json(error).to_string(),
    };
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(error.code.exit())
}

/// The same as the text of `error`, field by field.
fn to_json(error: &Error) -> Value {
    let problems: Vec<Value> = error
        .problems
        .iter()
        .map(|p| {
            json!({
                "place": p.place, "what": p.what, "expected": p.expected, "found": p.found, "help": p.help,
                "excerpt": p.excerpt,
            })
        })
        .collect();
    json!({ "code": error.code.exit(), "problems": problems })
}

/// Makes a panic, which is a defect of this program, one line that asks for a report.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let payload = message_of(panic.payload()).replace('\n', " ");
        let _ = writeln!(
            io::stderr(),
            "backprop {}: a defect of the program{place}: {payload}; please report this line and your command",
            env!("CARGO_PKG_VERSION"),
        );
    }));
}

fn message_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Ends a process whose arguments do not parse: prints help or the version, or the error.
pub(super) fn of_arguments(e: &clap::Error, format: ErrorFormat) -> ExitCode {
    match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match output::print_styled(&e.render()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => print(&error, format),
        },
        _ => print(&to_error(e), format),
    }
}

/// clap's errors in this program's form.
fn to_error(e: &clap::Error) -> Error {
    let text = |kind| context(e, kind);
    let argument = || text(ContextKind::InvalidArg).unwrap_or_else(|| "command line".into());
    let command = command_of(e);
    let mut see = format!("see: {command} --help");
    let error = match e.kind() {
        ErrorKind::UnknownArgument => {
            let flag = argument().starts_with('-');
            if flag && (command.ends_with(" train") || command.ends_with(" check")) {
                see.push_str("; any key of the config is set with --set, e.g. --set train.epochs=20");
            }
            Error::usage(argument(), if flag { "no such flag" } else { "one argument too many" })
        }
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            Error::usage(quote(&name), "no such command")
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let all = Cli::command();
            let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            Error::usage("command line", "no command").expected(names.join(", "))
        }
        ErrorKind::MissingRequiredArgument => {
            // clap shows an argument that --resume excludes as one that may be there.
            Error::usage(argument(), "missing").expected(usage_of(e).replace("--resume [CONFIG]", "--resume"))
        }
        ErrorKind::ArgumentConflict => match text(ContextKind::PriorArg) {
            Some(prior) if prior == argument() => Error::usage(argument(), "given twice"),
            Some(prior) => Error::usage(argument(), format!("does not go together with {prior}")),
            None => Error::usage(argument(), "does not go together with the other arguments"),
        },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => invalid_value(e, argument()),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            Error::usage(argument(), "no value")
        }
        ErrorKind::TooManyValues => Error::usage(argument(), "too many values"),
        ErrorKind::InvalidUtf8 => Error::usage("command line", "an argument is not UTF-8"),
        _ => Error::usage("command line", e.to_string().trim().to_owned()),
    };
    error.help(suggestion(e).map_or(see, |word| format!("did you mean {word}?")))
}

/// A value that the argument does not take, or none at all.
fn invalid_value(e: &clap::Error, argument: String) -> Error {
    let value = context(e, ContextKind::InvalidValue).unwrap_or_default();
    let valid = context(e, ContextKind::ValidValue);
    let error = if value.is_empty() && e.kind() == ErrorKind::InvalidValue {
        Error::usage(argument, "no value")
    } else {
        let what =
            std::error::Error::source(e).map_or("not a value of this flag".into(), ToString::to_string);
        Error::usage(argument, what).found(quote(&value))
    };
    match valid {
        Some(values) => error.expected(values),
        None => error,
    }
}

/// The word that was probably meant: the last of clap's, which sorts them by likeness.
fn suggestion(e: &clap::Error) -> Option<String> {
    let best = |kind| match e.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.last().cloned(),
        _ => None,
    };
    let (command, flag) = (best(ContextKind::SuggestedSubcommand), best(ContextKind::SuggestedArg));
    match (command, flag, best(ContextKind::SuggestedValue)) {
        (Some(command), Some(flag), _) => Some(format!("{command} {flag}")),
        (one, None, None) | (None, one, None) | (_, _, one) => one,
    }
}

fn context(e: &clap::Error, kind: ContextKind) -> Option<String> {
    match e.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.split_last().map(|(last, rest)| match rest {
            [] => last.clone(),
            _ => format!("{} or {last}", rest.join(", ")),
        }),
        _ => None,
    }
    .filter(|text| !text.is_empty() || kind == ContextKind::InvalidValue)
}

/// The command whose usage clap shows, or else the first one among the arguments: `backprop train`.
fn command_of(e: &clap::Error) -> String {
    let usage = usage_of(e);
    let words = usage.split(' ');
    let name: Vec<&str> =
        words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    if !name.is_empty() {
        return name.join(" ");
    }
    let all = Cli::command();
    let named = std::env::args().skip(1).find(|word| all.find_subcommand(word).is_some());
    named.map_or_else(|| "backprop".into(), |name| format!("backprop {name}"))
}

/// The usage that clap shows with an error, or several, on one line; empty if there is none.
fn usage_of(e: &clap::Error) -> String {
    let Some(ContextValue::StyledStr(usage)) = e.get(ContextKind::Usage) else { return String::new() };
    let usage = usage.to_string();
    let lines = usage.trim_start_matches("Usage:").lines();
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", or: ")
}

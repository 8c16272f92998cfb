//! What of a run must be as it was when it goes on.

use std::path::Path;

use crate::checkpoint;
use crate::config::{Config, Validation};
use crate::error::{Code, Error, Result, counted, shell_word};
use crate::train::Model;
use crate::train::load::Loaded;
use crate::train::state::State;

/// Refuses settings that would make the rest of a run another run. A sample of text after each epoch changes nothing of it.
pub(super) fn only_longer(before: &Config, after: &Config) -> Result<()> {
    let fixed = |config: &Config| {
        let mut config = config.clone();
        config.threads = None;
        let train = &mut config.train;
        (train.epochs, train.max_steps, train.log_every_steps, train.checkpoint_every_steps) =
            (None, 0, 0, 0);
        train.early_stopping = crate::config::EarlyStopping::Never;
        train.sample = None;
        config.to_toml()
    };
    let (old, new) = (fixed(before), fixed(after));
    let Some((was, is)) = first_change(&old, &new) else { return Ok(()) };
    let key =
        |line: Option<&str>| line.and_then(|line| line.split(" = ").next()).unwrap_or_default().to_owned();
    let error = Error::usage("--resume", "a run goes on as it began, and this setting would change it");
    let error = error.expected(was.map_or_else(|| format!("no {}", key(is)), str::to_owned));
    let error = error.found(is.map_or_else(|| format!("no {}", key(was)), str::to_owned));
    let free = "train.epochs, max_steps, early_stopping, log_every_steps, checkpoint_every_steps, sample and threads may change";
    Err(error.help(format!(
        "{free}; for anything else start a new run, with train.init_from to keep these weights"
    )))
}

/// Refuses an end of the run that lies before its last step: its config would say what it did not do.
pub(super) fn not_shorter(config: &Config, state: &State) -> Result<()> {
    let train = &config.train;
    let refuse = |key: &str, expected: String, found: u64| {
        Err(Error::usage(format!("train.{key}"), "the run is longer than that already")
            .expected(expected)
            .found(found.to_string())
            .help("leave the key as it was, or start a new run"))
    };
    if train.max_steps > 0 && train.max_steps < state.step {
        let expected = format!("{} or more, or 0 for no limit", state.step);
        return refuse("max_steps", expected, train.max_steps);
    }
    let begun = state.begun();
    match train.epochs {
        Some(epochs) if epochs < begun => refuse("epochs", format!("{begun} or more"), epochs),
        _ => Ok(()),
    }
}

/// The first line in which two configs differ, as it was and as it is; none for a key that came or went.
fn first_change<'c>(old: &'c str, new: &'c str) -> Option<(Option<&'c str>, Option<&'c str>)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let at = (0..old.len().max(new.len())).find(|&i| old.get(i) != new.get(i))?;
    let (was, is) = (old.get(at).copied(), new.get(at).copied());
    // A line that only moved down has another one before it.
    Some(if was.is_some_and(|line| new[at..].contains(&line)) {
        (None, is)
    } else if is.is_some_and(|line| old[at..].contains(&line)) {
        (was, None)
    } else {
        (was, is)
    })
}

/// Refuses data that are not those of the run.
pub(super) fn same_data(model: &Model, loaded: &Loaded, state: &State) -> Result<()> {
    let (was, is) = (state.data, fingerprint(loaded));
    if was == is {
        return Ok(());
    }
    let of_text = model.preprocessing.language.is_some();
    let size = |[rows, columns, held, _]: [u64; 4]| {
        let own = match of_text {
            true => counted(rows, "token"),
            false => format!("{} of {}", counted(rows, "row"), counted(columns, "number")),
        };
        let unit = if of_text { "window" } else { "row" };
        match was[..2] == is[..2] && was[2] != is[2] {
            true => format!("{own}, {} to validate on", counted(held, unit)),
            false => own,
        }
    };
    let (expected, found) = (size(was), size(is));
    let found = if expected == found { format!("{found}, others") } else { found };
    let what = "the data are not those that this run was started with";
    Err(Error::data(model.config.data.train.join(", "), what)
        .expected(expected)
        .found(found)
        .help("start a new run, with train.init_from to keep its weights"))
}

/// Says what to do where a run's data came from standard input: nobody else has them.
pub(super) fn piped_again(error: Error, config: &Config, run: &Path) -> Error {
    let data = &config.data;
    let held = match &data.validation {
        Validation::Fraction(_) => &[][..],
        Validation::Files(files) => files,
    };
    if error.code != Code::Data || !data.train.iter().chain(held).chain(&data.test).any(|p| p == "-") {
        return error;
    }
    let run = shell_word(&checkpoint::place(run));
    error.help(format!(
        "the data of this run came from standard input, pipe the same in again: … | backprop train --resume --run-dir {run}"
    ))
}

/// Rows and columns of both tables, and a sum over the bits of the training table.
pub(super) fn fingerprint(loaded: &Loaded) -> [u64; 4] {
    let table = &loaded.fitted.table;
    [
        table.len() as u64,
        loaded.fitted.inputs.dense_width() as u64,
        loaded.validation_rows() as u64,
        table.checksum(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_change_come_or_go_are_found_wherever_they_stand() {
        let old = "[a]\nx = 1\ny = 2\n\n[b]\nz = 3\n";
        let change = |new: &'static str| first_change(old, new);
        assert_eq!(change(old), None);
        assert_eq!(change("[a]\nx = 1\ny = 5\n\n[b]\nz = 3\n"), Some((Some("y = 2"), Some("y = 5"))));
        assert_eq!(change("[a]\nx = 1\nw = 1\ny = 2\n\n[b]\nz = 3\n"), Some((None, Some("w = 1"))));
        assert_eq!(change("[a]\nx = 1\ny = 2\nw = 1\n\n[b]\nz = 3\n"), Some((None, Some("w = 1"))));
        assert_eq!(change("[a]\nx = 1\ny = 2\n\n[b]\nz = 3\nw = 1\n"), Some((None, Some("w = 1"))));
        assert_eq!(change("[a]\ny = 2\n\n[b]\nz = 3\n"), Some((Some("x = 1"), None)));
        assert_eq!(change("[a]\nx = 1\ny = 2\n\n[b]\n"), Some((Some("z = 3"), None)));
    }
}

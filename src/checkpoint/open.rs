//! Finding the model that a command line names.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::atomic::{directory_of, place};
use super::model::ModelFile;
use super::run_dir::{CHECKPOINTS, CONFIG_FILE, LAST_CHECKPOINT, MODEL_FILE};
use crate::error::{Code, Error, Result, shell_word};

/// Reads the model that a command line names: a run directory, or one file.
///
/// # Errors
/// As [`ModelFile::read`]. Where a file of a run is damaged or is no model, the help names the run's model, or else its newest good
/// checkpoint and the command that makes a model of it.
pub fn open_model(path: &Path) -> Result<ModelFile<'static>> {
    let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_path_buf() };
    if path.is_dir() && !file.exists() {
        let error = Error::usage(place(path), format!("the directory holds no {MODEL_FILE}"));
        return Err(if path.join(LAST_CHECKPOINT).is_file() {
            error.help(format!(
                "no weights of this run have passed yet; to go on with it: backprop train --resume --run-dir {}",
                shell_word(&place(path))
            ))
        } else {
            error.help("give the directory of a run, or one .safetensors file")
        });
    }
    ModelFile::read(&file).map_err(|e| match (e.code, good_file(&file)) {
        (Code::Model, Some(help)) => e.help(help),
        _ => e,
    })
}

/// The model of the run whose checkpoint is at `path`: the file that says what the checkpoint's weights are of.
///
/// # Errors
/// [`Code::Model`] where it is not there; as [`ModelFile::read`].
pub fn model_of_checkpoint(path: &Path) -> Result<ModelFile<'static>> {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let model = directory_of(directory_of(&full)).join(MODEL_FILE);
    let is_in_run = directory_of(&full).file_name().is_some_and(|name| name == CHECKPOINTS);
    if !is_in_run || !model.is_file() {
        return Err(Error::model(
            place(path),
            "this is a checkpoint, and the model of its run is not beside it",
        )
        .expected(format!("RUN/{LAST_CHECKPOINT} and RUN/{MODEL_FILE}"))
        .help("give the run directory, or its model.safetensors"));
    }
    ModelFile::read(&model)
}

/// What to take in place of `damaged`: the model of the run around it, else the newest checkpoint that can be read. A checkpoint has no
/// config in it: alone it is no model for other commands.
fn good_file(damaged: &Path) -> Option<String> {
    let mut run = directory_of(damaged);
    if run.file_name().is_some_and(|name| name == CHECKPOINTS) {
        run = directory_of(run);
    }
    if !run.join(CONFIG_FILE).is_file() {
        return None;
    }
    let model = run.join(MODEL_FILE);
    if model != damaged && ModelFile::read(&model).is_ok() {
        return Some(format!("the model of this run is {}", place(&model)));
    }
    let mut candidates: Vec<PathBuf> = fs::read_dir(run.join(CHECKPOINTS))
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    candidates.retain(|p| p.extension().is_some_and(|x| x == "safetensors") && p != damaged);
    let time = |p: &Path| p.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    candidates.sort_by_cached_key(|p| (std::cmp::Reverse(time(p)), p.clone()));
    let good = candidates.into_iter().find(|p| ModelFile::read(p).is_ok())?;
    let resume = if good == run.join(LAST_CHECKPOINT) {
        format!("; backprop train --resume --run-dir {}", shell_word(&place(run)))
    } else {
        String::new()
    };
    Some(format!("the newest good file of this run is {}{resume}", place(&good)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::damage_tests::sample;
    use crate::checkpoint::{Existing, RunDir, write_bytes};

    #[test]
    fn a_damaged_model_names_the_newest_good_checkpoint() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open(dir.path(), Existing::Refuse).unwrap();
        let message =
            |path: &Path| open_model(path).unwrap_err().to_string().replace(&place(dir.path()), "RUN");
        assert_eq!(
            message(dir.path()),
            "error[2]: RUN: the directory holds no model.safetensors\n  \
             help: give the directory of a run, or one .safetensors file"
        );
        assert_eq!(
            message(&dir.path().join("x")),
            "error[2]: RUN/x: no such file\n  \
             help: the first argument is a run directory or a .safetensors file"
        );
        write_bytes(&run.config(), b"").unwrap();
        sample().write(&run.last_checkpoint()).unwrap();
        assert_eq!(
            message(dir.path()),
            "error[2]: RUN: the directory holds no model.safetensors\n  \
             help: no weights of this run have passed yet; to go on with it: backprop train --resume --run-dir RUN"
        );
        sample().write(&run.model()).unwrap();
        assert_eq!(open_model(dir.path()).unwrap(), ModelFile::read(&run.model()).unwrap());

        fs::write(run.model(), "").unwrap();
        let damaged = "error[4]: RUN/model.safetensors: the file is empty\n  help: ";
        assert_eq!(
            message(dir.path()),
            format!(
                "{damaged}the newest good file of this run is RUN/checkpoints/last.safetensors; \
                 backprop train --resume --run-dir RUN"
            )
        );
        fs::write(run.last_checkpoint(), "").unwrap();
        assert_eq!(
            message(dir.path()),
            format!("{damaged}give a run directory, or a model.safetensors that backprop wrote")
        );
        sample().write(&run.model()).unwrap();
        assert_eq!(
            message(&run.last_checkpoint()),
            "error[4]: RUN/checkpoints/last.safetensors: the file is empty\n  \
             help: the model of this run is RUN/model.safetensors"
        );

        // The newest file is the checkpoint, but the model is what a command can use.
        sample().write(&run.last_checkpoint()).unwrap();
        let config = message(&run.config());
        assert!(config.ends_with("\n  help: the model of this run is RUN/model.safetensors"), "{config}");
    }
}

//! The calls into the library, in one place.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::predict::PredictFormat;
use super::signals::Flag;
use crate::checkpoint::Existing;
use crate::config::Config;
use crate::data::reader::ReadOptions;
use crate::data::source::Source;
use crate::error::{Error, Result};
use crate::spec::Setting;
use crate::train::{self, Finished, Job, Progress, Silent, Stop};

pub(super) struct HowToPredict<'a> {
    pub(super) format: PredictFormat,
    pub(super) proba: bool,
    pub(super) keep: &'a [String],
}

pub(super) fn train(
    config: Config,
    run_dir: Option<PathBuf>,
    name: String,
    existing: Existing,
    progress: &mut dyn Progress,
    stop: Flag,
) -> Result<Finished> {
    train::train(Job { config, run_dir, name, existing }, progress, &Stop::from_flag(stop))
}

pub(super) fn resume(
    directory: &Path,
    settings: &[Setting],
    progress: &mut dyn Progress,
    stop: Flag,
) -> Result<Finished> {
    train::resume(directory, settings, progress, &Stop::from_flag(stop))
}

pub(super) fn check(config: &Config) -> Result<String> {
    train::check(config, &mut Silent)
}

pub(super) fn evaluate(
    _: &Path,
    _: &Source,
    _: &ReadOptions,
    _: bool,
    _: &mut dyn Progress,
    _: Flag,
) -> Result<String> {
    Err(Error::environment("backprop", "not yet"))
}

pub(super) fn predict(
    _: &Path,
    _: &Source,
    _: &ReadOptions,
    _: &HowToPredict<'_>,
    _: &mut dyn Write,
    _: &mut dyn Progress,
    _: Flag,
) -> Result<()> {
    Err(Error::environment("backprop", "not yet"))
}

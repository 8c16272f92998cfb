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
use crate::train::{Finished, Progress};

pub(super) struct HowToPredict<'a> {
    pub(super) format: PredictFormat,
    pub(super) proba: bool,
    pub(super) keep: &'a [String],
}

pub(super) fn train(
    _: Config,
    _: Option<PathBuf>,
    _: String,
    _: Existing,
    _: &mut dyn Progress,
    _: Flag,
) -> Result<Finished> {
    Err(Error::environment("backprop", "not yet"))
}

pub(super) fn resume(_: &Path, _: &[Setting], _: &mut dyn Progress, _: Flag) -> Result<Finished> {
    Err(Error::environment("backprop", "not yet"))
}

pub(super) fn check(_: &Config) -> Result<String> {
    Err(Error::environment("backprop", "not yet"))
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

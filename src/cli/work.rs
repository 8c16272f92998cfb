//! The calls into the library that are not there yet.

use std::io::Write;
use std::path::Path;

use super::predict::PredictFormat;
use crate::data::reader::ReadOptions;
use crate::data::source::Source;
use crate::error::{Error, Result};
use crate::train::{Progress, Stop};

pub(super) struct HowToPredict<'a> {
    pub(super) format: PredictFormat,
    pub(super) proba: bool,
    pub(super) keep: &'a [String],
}

pub(super) fn evaluate(
    _: &Path,
    _: &Source,
    _: &ReadOptions,
    _: bool,
    _: &mut dyn Progress,
    _: &Stop,
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
    _: &Stop,
) -> Result<()> {
    Err(Error::environment("backprop", "not yet"))
}

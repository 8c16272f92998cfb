//! Small trained models for tests.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::checkpoint::Existing;
use crate::config::{Config, registries};
use crate::data::source::Source;
use crate::error::Result;
use crate::spec::Setting;
use crate::train::{
    Epoch, EvalOptions, Evaluation, Finished, Job, PredictOptions, Progress, Started, Stop, evaluate,
    predict, train,
};

/// Keeps notes and warnings.
#[derive(Default)]
pub(super) struct Heard(pub Vec<String>);

impl Progress for Heard {
    fn note(&mut self, text: &str) {
        self.0.push(text.into());
    }
    fn warning(&mut self, text: &str) {
        self.0.push(text.into());
    }
    fn started(&mut self, _run: &Started) {}
    fn directory(&mut self, _path: &str, _resumed: Option<u64>) {}
    fn batch(&mut self, _epoch: u64, _done: u64, _total: u64, _loss: f64) {}
    fn epoch(&mut self, _epoch: &Epoch) {}
    fn finished(&mut self, _end: &Finished) {}
}

/// The text of one of the tables in `data/`.
pub(super) fn table(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)).unwrap()
}

/// A trained model in a directory of its own, and the notes of its training.
pub(super) struct Trained(TempDir, Vec<String>);

impl Trained {
    /// Trains on `text` for a few epochs; `settings` as for `--set`.
    pub(super) fn new(text: &str, settings: &[&str]) -> Self {
        Self::attempt(text, settings).unwrap()
    }

    /// The same where training may be refused.
    pub(super) fn attempt(text: &str, settings: &[&str]) -> Result<Self> {
        let mut trained = Trained(tempfile::tempdir().unwrap(), Vec::new());
        let data = trained.file("train.csv", text);
        let mut all = vec![Setting::flag(
            "data",
            "data.train",
            crate::spec::Value::Str(data.to_string_lossy().into_owned()),
        )];
        all.push(Setting::parse("train.epochs=3"));
        all.extend(settings.iter().map(|s| Setting::parse(s)));
        let config = Config::from_flags(&all, registries()).unwrap();
        let job =
            Job { config, run_dir: Some(trained.run()), name: "test".into(), existing: Existing::Refuse };
        let mut heard = Heard::default();
        train(job, &mut heard, &Stop::new())?;
        trained.1 = heard.0;
        Ok(trained)
    }

    /// What a user was told while it was trained.
    pub(super) fn notes(&self) -> &[String] {
        &self.1
    }

    pub(super) fn run(&self) -> PathBuf {
        self.0.path().join("run")
    }

    /// A file beside the run.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Predictions and notes for the table `text`.
    pub(super) fn predict(&self, text: &str, options: &PredictOptions) -> Result<(String, Vec<String>)> {
        self.predict_file(&self.file("new.csv", text), options)
    }

    pub(super) fn predict_file(
        &self,
        path: &Path,
        options: &PredictOptions,
    ) -> Result<(String, Vec<String>)> {
        let (mut out, mut heard) = (Vec::new(), Heard::default());
        let source = Source::file(path);
        predict(&self.run(), &source, options, Some(2), &mut out, &mut heard, &Stop::new())?;
        Ok((String::from_utf8(out).unwrap(), heard.0))
    }

    /// Figures and notes for the table `text`.
    pub(super) fn evaluate(&self, text: &str) -> Result<(Evaluation, Vec<String>)> {
        let (source, mut heard) = (Source::file(self.file("new.csv", text)), Heard::default());
        let options = EvalOptions::default();
        let evaluation = evaluate(&self.run(), &source, &options, Some(2), &mut heard, &Stop::new())?;
        Ok((evaluation, heard.0))
    }
}

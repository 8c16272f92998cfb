//! What a run tells while it goes on. The library prints nothing; `cli` implements [`Progress`].

use std::fmt;
use std::time::Duration;

/// One figure by its name, as `metrics.jsonl` spells it.
pub type Figure = (String, f64);

/// What a training run is about to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Started {
    /// Columns and what each was taken for: name and description.
    pub columns: Vec<(String, String)>,
    /// What is predicted: `3 classes of "species"`.
    pub task: String,
    /// Network, loss, optimizer, schedule, batch, epochs and stopping.
    pub settings: Vec<SettingLine>,
    /// Rows that train and rows that validate; of a text its tokens.
    pub rows: (usize, usize),
    /// Tokens of a row of a batch, where the data are a text.
    pub context: Option<usize>,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Epochs, at most.
    pub epochs: u64,
    /// Bytes that table and plan take.
    pub bytes: usize,
}

/// A setting of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingLine {
    /// What it is about: `optimizer`.
    pub label: &'static str,
    /// Its values: `adamw, learning_rate 0.003, weight_decay 1`.
    pub text: String,
    /// What of it the program chose.
    pub chosen: Chosen,
}

/// What of a setting the program chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The config gives all of it.
    Nothing,
    /// The config gives nothing of it.
    Everything,
    /// The config gives these keys alone.
    AllBut(Vec<String>),
}

/// Its values, and whether they are defaults: `adamw, learning_rate 0.01, weight_decay 1 (default except learning_rate)`.
impl fmt::Display for SettingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.chosen {
            Chosen::Nothing => Ok(()),
            Chosen::Everything => f.write_str(" (default)"),
            Chosen::AllBut(keys) => write!(f, " (default except {})", keys.join(", ")),
        }
    }
}

/// How an epoch went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub epoch: u64,
    /// Epochs, at most.
    pub epochs: u64,
    /// Optimizer steps so far.
    pub step: u64,
    /// Mean loss over the epoch's training rows.
    pub train_loss: f64,
    /// Loss of the validation part and the first metric of each output; empty where there is none.
    pub validation: Vec<Figure>,
    /// The rate of the last step, where it is known.
    pub learning_rate: Option<f64>,
    /// Training rows, or tokens of a text, a second, data feeding included; none where a run goes on behind an epoch's last step.
    pub samples_per_second: Option<f64>,
    /// Whether the data are a text.
    pub of_text: bool,
    /// Whether these are the best weights so far.
    pub best: bool,
    /// A text that the network writes now, where one is wanted.
    pub sample: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// The part that the figures are of: `validation part`, `test.csv`, `training part`.
    pub part: String,
    /// What its figures count: how many, and of what ("row", "step", "token").
    pub counted: Vec<(u64, &'static str)>,
    /// Why the loss is not the figure that it resembles, such as `log_loss`: a sentence for each output where it is not.
    pub loss_differs: Vec<String>,
    /// Whether the data are a text.
    pub of_text: bool,
    /// The closing table, ready to print.
    pub table: String,
    /// The epoch whose weights were kept.
    pub best_epoch: u64,
    /// Epochs that were run to their end.
    pub epochs: u64,
    /// Steps of one more that `train.max_steps` cut short, and how many it has.
    pub part_of_epoch: Option<(u64, u64)>,
    /// Why it ended: `early stopping: no progress for 20 epochs`, `all epochs done`.
    pub reason: String,
    /// The model's file.
    pub model: String,
    /// Time since the start.
    pub seconds: Duration,
}

/// Listens to a run.
pub trait Progress: Send {
    /// Something worth knowing that is no mistake.
    fn note(&mut self, text: &str);
    /// Something that may be a mistake.
    fn warning(&mut self, text: &str);
    /// Training is about to start.
    fn started(&mut self, run: &Started);
    /// Where the files go, and the epoch that a resumed run goes on from.
    fn directory(&mut self, path: &str, resumed: Option<u64>);
    /// `done` of `total` batches of an epoch.
    fn batch(&mut self, epoch: u64, done: u64, total: u64, loss: f64);
    /// An epoch ended.
    fn epoch(&mut self, epoch: &Epoch);
    /// The run ended well.
    fn finished(&mut self, end: &Finished);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn note(&mut self, _text: &str) {}
    fn warning(&mut self, _text: &str) {}
    fn started(&mut self, _run: &Started) {}
    fn directory(&mut self, _path: &str, _resumed: Option<u64>) {}
    fn batch(&mut self, _epoch: u64, _done: u64, _total: u64, _loss: f64) {}
    fn epoch(&mut self, _epoch: &Epoch) {}
    fn finished(&mut self, _end: &Finished) {}
}

//! Epoch after epoch: steps, validation, best weights, checkpoints.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::checkpoint::{MetricsLog, ModelFile, Row, RunDir, Split, Tensor};
use crate::config::EarlyStopping;
use crate::data::EpochOrder;
use crate::error::{Code, Error, Problem, Result, counted, shell_word};
use crate::metrics;
use crate::optim::{Optimizer, StepOptions};
use crate::schedule::{self, Scheduler};
use crate::tensor::Key;
use crate::train::generate::Failure;
use crate::train::load::Loaded;
use crate::train::model::PREPROCESSING;
use crate::train::not_finite::Unscored;
use crate::train::pace::Pace;
use crate::train::scores::{Scores, score};
use crate::train::state::{Best, STATE, STATES, State};
use crate::train::stepper::{self, EVALUATE, TRAIN};
use crate::train::stop::interrupted;
use crate::train::{Epoch, Model, Progress, Stop, generate, language};

/// A checkpoint is written after an epoch if the last one is older than this.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);

/// Why a run ended that `train.max_steps` ended.
pub(super) const MAX_STEPS: &str = "max_steps reached";

/// Rows of an evaluation batch.
pub(super) const EVALUATION_ROWS: usize = 256;

/// A run.
pub(super) struct Trainer<'r> {
    pub model: Model,
    pub loaded: Loaded,
    pub pace: Pace,
    pub optimizer: Optimizer,
    pub scheduler: Scheduler,
    pub state: State,
    pub best: Option<Best>,
    pub directory: RunDir,
    pub log: MetricsLog,
    pub progress: &'r mut dyn Progress,
    pub stop: &'r Stop,
    pub order: EpochOrder,
    pub started: Instant,
    pub saved: Option<Instant>,
    /// Whether the weights as they stand gave finite numbers on the validation part.
    pub passed: bool,
    /// Whether the model in the directory is one of this run.
    pub wrote_model: bool,
}

/// What the weights after an epoch gave.
struct Scored {
    validation: Option<Scores>,
    sample: Option<String>,
}

/// The figure that decides which weights are best.
struct Watch {
    metric: String,
    higher: bool,
    min_delta: f64,
    patience: Option<u64>,
}

impl Trainer<'_> {
    fn watch(&self) -> Watch {
        let (metric, patience, min_delta) = match &self.model.config.train.early_stopping {
            EarlyStopping::After { metric, patience, min_delta } => {
                (metric.clone(), patience.map(|n| n as u64), *min_delta)
            }
            _ => ("loss".to_owned(), None, 0.0),
        };
        // Of several outputs its name comes before the metric's.
        let name = metric.rsplit('.').next().unwrap_or(&metric);
        let higher = metrics::find(name).is_some_and(|m| m.higher_is_better);
        Watch { metric, higher, min_delta, patience }
    }

    /// What a row counts in the speed: its tokens, of a text.
    fn samples_per_row(&self) -> usize {
        self.model.preprocessing.language.as_ref().map_or(1, |language| language.context)
    }

    fn epochs(&self) -> u64 {
        self.model.config.train.epochs.unwrap_or(0)
    }

    /// Trains until the epochs are done, early stopping or a signal, and writes the files; returns why it ended.
    ///
    /// # Errors
    /// `Code::Diverged`, `Code::Interrupted`, and those of writing files.
    pub(super) fn run(&mut self) -> Result<String> {
        let watch = self.watch();
        loop {
            if let Some(reason) = self.ended() {
                self.save()?;
                return Ok(reason);
            }
            let speed = self.steps()?;
            let scored = self.score(speed)?;
            if self.is_cut() {
                // A longer run goes on from here, within the epoch and as if nothing had been scored yet.
                self.save()?;
                self.close(&watch, speed, scored)?;
                self.save_model()?;
                self.log.sync()?;
                return Ok(MAX_STEPS.to_owned());
            }
            self.close(&watch, speed, scored)?;
            (self.state.epoch, self.state.steps_in_epoch, self.state.at_end) = (self.state.begun(), 0, false);
            (self.state.loss, self.state.weight) = (0.0, 0.0);
            let due = self.saved.is_none_or(|at| at.elapsed() >= CHECKPOINT_INTERVAL);
            if due && self.model.config.train.checkpoint_every_steps == 0 {
                self.save()?;
            }
        }
    }

    /// Whether `train.max_steps` leaves the epoch without its last steps.
    fn is_cut(&self) -> bool {
        let begun = (1..self.pace.per_epoch).contains(&self.state.steps_in_epoch);
        begun && self.state.step >= self.pace.total
    }

    /// The steps that were done of an epoch that `train.max_steps` cut short, and all of it.
    pub(super) fn part_of_epoch(&self) -> Option<(u64, u64)> {
        self.is_cut().then_some((self.state.steps_in_epoch, self.pace.per_epoch))
    }

    /// Why nothing is left to do, if so.
    pub(super) fn ended(&self) -> Option<String> {
        if self.state.at_end {
            // The checkpoint is older than the validation of its epoch.
            return None;
        }
        let watch = self.watch();
        if let Some(patience) = watch.patience.filter(|&p| self.state.stale >= p) {
            return Some(format!("no better {} for {}", watch.metric, counted(patience, "epoch")));
        }
        let done = self.state.epoch >= self.epochs();
        // The steps of an epoch that was cut short are still to be scored.
        let limited = self.state.step >= self.pace.total && !self.is_cut();
        match (done, limited) {
            (true, _) => Some("all epochs done".to_owned()),
            (false, true) => Some(MAX_STEPS.to_owned()),
            (false, false) => None,
        }
    }

    /// Scores the weights as they stand after the steps of an epoch. Nothing is changed: a checkpoint that is written while it is done,
    /// or after it, stands before the epoch is closed.
    ///
    /// # Errors
    /// `Code::Diverged` where a number is not finite, `Code::Interrupted`.
    fn score(&mut self, speed: Option<f64>) -> Result<Scored> {
        // All plans share the memory of what is carried from batch to batch.
        let carried = self.model.machine.states(TRAIN).to_vec();
        let scored =
            self.validate(speed).and_then(|validation| Ok(Scored { validation, sample: self.sample()? }));
        self.model.machine.states_mut(TRAIN).copy_from_slice(&carried);
        let scored = scored.map_err(|error| match error.code {
            Code::Interrupted(signal) => self.interrupted(signal),
            _ => error,
        })?;
        self.passed = scored.validation.is_some();
        Ok(scored)
    }

    /// Writes what an epoch scored, keeps its weights if they are the best, and reports it.
    fn close(&mut self, watch: &Watch, speed: Option<f64>, scored: Scored) -> Result<()> {
        let Scored { validation, sample } = scored;
        let train_loss = self.state.loss / self.state.weight;
        let epoch = self.state.begun();
        self.scheduler.observe(validation.as_ref().map_or(train_loss, |v| v.loss));
        let row = self.train_row(epoch, train_loss, speed);
        self.log.append(&row)?;
        if let Some(scores) = &validation {
            let row = Row::new(self.state.step, epoch, Split::Validation);
            self.log.append(&scores.add_to(row))?;
        }
        let best = self.keep_best(watch, validation.as_ref(), epoch);
        self.progress.epoch(&Epoch {
            epoch,
            epochs: self.epochs(),
            step: self.state.step,
            train_loss,
            validation: validation.map(|v| v.headlines()).unwrap_or_default(),
            learning_rate: self.state.rate,
            samples_per_second: speed,
            of_text: self.model.preprocessing.language.is_some(),
            best,
            sample,
        });
        Ok(())
    }

    /// The steps of an epoch that are still to do: rows a second, if there were any.
    fn steps(&mut self) -> Result<Option<f64>> {
        let train = self.model.config.train.clone();
        let seed = self.model.config.seed;
        let Pace { batch, rows, per_epoch, total } = self.pace;
        let group = batch * train.accumulate_steps;
        let mut order = std::mem::take(&mut self.order);
        let text = self.loaded.fitted.table.text();
        let in_order = match text {
            Some(text) => language::epoch_rows(&self.model, text, batch, self.state.epoch),
            None if train.shuffle => Vec::new(),
            None => self.loaded.train.clone(),
        };
        let shuffled: &[u32] = if train.shuffle && text.is_none() {
            order.shuffled(&self.loaded.train, seed, self.state.epoch)
        } else {
            &in_order
        };
        let key = Key::new(seed).named("step");
        let skip = self.state.steps_in_epoch as usize * group;
        let show_every = (per_epoch / 100).max(1);
        let mut seen = 0usize;
        let mut paused = Duration::ZERO;
        if self.state.steps_in_epoch == 0 {
            self.model.forget(TRAIN);
        }
        let start = Instant::now();
        for part in shuffled[skip.min(rows)..rows].chunks(group) {
            if self.state.step >= total {
                break;
            }
            let at = schedule::Progress {
                step: self.state.step,
                epoch: self.state.epoch,
                total_steps: total,
                total_epochs: self.epochs(),
            };
            let rate = self.scheduler.rate(at);
            let done = self.state.step + 1;
            let log = train.log_every_steps > 0 && done.is_multiple_of(train.log_every_steps);
            let last = self.state.steps_in_epoch + 1 == per_epoch;
            let every = train.checkpoint_every_steps;
            let saves = every > 0 && done.is_multiple_of(every);
            let ends = last || done == total;
            let options = StepOptions { measure_norm: log || ends, ..StepOptions::new(rate) };
            let key = key.part(self.state.step);
            let table = &self.loaded.fitted.table;
            let stepped =
                stepper::step(&mut self.model, &mut self.optimizer, table, part, batch, key, options);
            (self.state.rate, self.state.norm) = (Some(rate), stepped.norm);
            self.state.step = done;
            self.passed = false;
            let bad = !stepped.loss.is_finite() || stepped.norm.is_some_and(|n| !n.is_finite());
            if bad || ((ends || saves) && self.model.bad_tensor().is_some()) {
                return Err(self.diverged(part, key, stepped));
            }
            seen += part.len() * self.samples_per_row();
            self.state.steps_in_epoch += 1;
            self.state.at_end = last;
            self.state.loss += stepped.loss * stepped.weight;
            self.state.weight += stepped.weight;
            if self.state.steps_in_epoch.is_multiple_of(show_every) {
                let mean = self.state.loss / self.state.weight;
                self.progress.batch(self.state.epoch + 1, self.state.steps_in_epoch, per_epoch, mean);
            }
            let pause = Instant::now();
            if log && !last {
                let speed = seen as f64 / (pause - start - paused).as_secs_f64();
                let row = self.train_row(self.state.epoch + 1, stepped.loss, Some(speed));
                self.log.append(&row)?;
            }
            if saves {
                self.save()?;
            }
            if let Some(signal) = self.stop.signal() {
                return Err(self.interrupted(signal));
            }
            if every > 0 || log {
                paused += pause.elapsed();
            }
        }
        self.order = order;
        let seconds = (start.elapsed() - paused).as_secs_f64();
        Ok((seen > 0).then(|| seen as f64 / seconds))
    }

    /// A row about the steps up to now; what is not known of them is left out.
    fn train_row(&self, epoch: u64, loss: f64, speed: Option<f64>) -> Row {
        let unit = if self.model.preprocessing.language.is_some() {
            "tokens_per_second"
        } else {
            "samples_per_second"
        };
        let row = Row::new(self.state.step, epoch, Split::Train).number("loss", loss);
        let numbers = [
            ("learning_rate", self.state.rate),
            ("grad_norm", self.state.norm),
            (unit, speed.map(f64::round)),
        ];
        let known = numbers.iter().filter_map(|&(name, value)| Some((name, value?)));
        let row = known.fold(row, |row, (name, value)| row.number(name, value));
        let seconds = self.state.seconds + self.started.elapsed().as_secs_f64();
        row.number("seconds", (seconds * 1e3).round() / 1e3)
    }

    fn validate(&mut self, speed: Option<f64>) -> Result<Option<Scores>> {
        let Some((table, rows)) = self.loaded.validation() else { return Ok(None) };
        match score(&mut self.model, EVALUATE, table, rows, self.stop) {
            Ok(scores) => Ok(Some(scores)),
            Err(Unscored::NotFinite(found)) => {
                let row = self.train_row(self.state.begun(), self.state.loss / self.state.weight, speed);
                self.log.append(&row)?;
                Err(self.diverged_in_validation(&found))
            }
            Err(Unscored::Stopped(error)) => Err(error),
        }
    }

    /// The text to show, where the config wants one.
    fn sample(&mut self) -> Result<Option<String>> {
        let Some(sample) = &self.model.config.train.sample else { return Ok(None) };
        match generate::sample(&self.model, sample, self.stop) {
            Ok(text) => Ok(Some(text)),
            Err(Failure::NotFinite { step }) => Err(self.diverged_in_sample(step)),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    /// Keeps the weights if the watched figure got better. Without validation the last weights are the best.
    fn keep_best(&mut self, watch: &Watch, scores: Option<&Scores>, epoch: u64) -> bool {
        let Some(scores) = scores else { return false };
        let figure = scores.figure(&watch.metric).unwrap_or(f64::NAN);
        let better = match &self.best {
            _ if !figure.is_finite() => false,
            None => true,
            Some(best) if watch.higher => figure > best.figure + watch.min_delta,
            Some(best) => figure < best.figure - watch.min_delta,
        };
        self.state.stale = if better { 0 } else { self.state.stale + 1 };
        if !better {
            return false;
        }
        let (params, buffers) = (self.model.machine.params(), self.model.machine.buffers());
        match &mut self.best {
            Some(best) => {
                best.params.copy_from_slice(params);
                best.buffers.copy_from_slice(buffers);
                (best.figure, best.epoch) = (figure, epoch);
            }
            None => {
                let (params, buffers) = (params.to_vec(), buffers.to_vec());
                self.best = Some(Best { figure, epoch, params, buffers });
            }
        }
        true
    }

    /// Writes the best weights as the model, and everything that is needed to go on exactly.
    ///
    /// # Errors
    /// `Code::Environment`.
    pub(super) fn save(&mut self) -> Result<()> {
        self.save_model()?;
        self.log.sync()?;
        self.state.rows = Some(self.log.rows());
        self.state.schedule = self.scheduler.state();
        self.state.best = self.best.as_ref().map(|b| (b.figure, b.epoch));
        let state = State {
            seconds: self.state.seconds + self.started.elapsed().as_secs_f64(),
            ..self.state.clone()
        };
        let json = serde_json::to_string(&state).unwrap_or_else(|e| unreachable!("a state of numbers: {e}"));
        let mut metadata = BTreeMap::from([(STATE.to_owned(), json)]);
        metadata.insert("backprop.optimizer_steps".to_owned(), self.optimizer.steps().to_string());
        if self.model.config.train.init_from.is_some() {
            // Tokenizers that were taken over cannot be made from the data again.
            metadata.insert(PREPROCESSING.to_owned(), self.model.preprocessing.to_json());
        }
        let (params, buffers) = (self.model.machine.params(), self.model.machine.buffers());
        let mut tensors = self.model.tensors(params, buffers, "");
        let states = self.model.machine.states(TRAIN);
        if !states.is_empty() && self.state.steps_in_epoch > 0 {
            tensors.push(Tensor::f32(STATES.to_owned(), [states.len()], states));
        }
        if let Some(best) = &self.best {
            tensors.extend(self.model.tensors(&best.params, &best.buffers, "best."));
        }
        for (name, moment) in self.optimizer.moments() {
            tensors.push(Tensor::f32(format!("optimizer.{name}"), [moment.len()], moment));
        }
        ModelFile { metadata, tensors }.write(&self.directory.last_checkpoint())?;
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Writes the best weights so far as the model, or without any those that stand, unless a validation part is still to score them.
    pub(super) fn save_model(&mut self) -> Result<()> {
        let unscored = self.loaded.validation().is_some() && !self.passed;
        if unscored && self.best.is_none() {
            return Ok(());
        }
        self.write_model()
    }

    /// Writes the weights that were scored at the end, where none is there yet: of a run that had no step to do.
    pub(super) fn save_closed_model(&mut self) -> Result<()> {
        if self.wrote_model { Ok(()) } else { self.write_model() }
    }

    fn write_model(&mut self) -> Result<()> {
        let tensors = match &self.best {
            Some(best) => self.model.tensors(&best.params, &best.buffers, ""),
            None => self.model.tensors(self.model.machine.params(), self.model.machine.buffers(), ""),
        };
        ModelFile { metadata: self.model.metadata(), tensors }.write(&self.directory.model())?;
        self.wrote_model = true;
        Ok(())
    }

    /// Brings the best weights back.
    pub(super) fn restore_best(&mut self) {
        if let Some(best) = &self.best {
            self.model.machine.params_mut().copy_from_slice(&best.params);
            self.model.machine.buffers_mut().copy_from_slice(&best.buffers);
        }
    }

    fn interrupted(&mut self, signal: u8) -> Error {
        match self.save() {
            Ok(()) => self.stopped(signal),
            Err(error) => error,
        }
    }

    /// The error of a run that `signal` stopped behind its checkpoint.
    pub(super) fn stopped(&self, signal: u8) -> Error {
        let place = format!("step {} of {}", self.state.step, self.pace.total);
        let path = shell_word(&crate::checkpoint::place(self.directory.path()));
        let problem = Problem::new(place, "stopped by a signal; a checkpoint was saved");
        interrupted(signal, problem.help(format!("go on with: backprop train --resume --run-dir {path}")))
    }
}

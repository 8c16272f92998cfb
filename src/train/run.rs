//! A training run from its config to its closing table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::checkpoint::{self, Existing, MetricsLog, ModelFile, Row, RunDir, Split};
use crate::config::{ClassWeights, Config, registries};
use crate::data::{EpochOrder, Role, Table, Targets, balanced_class_weights};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::{Graph, Mode, PlanOptions};
use crate::metrics::{self, Column, Task, closing_table};
use crate::schedule::{SCHEDULES, Scheduler};
use crate::spec::{Setting, SourceText};
use crate::train::evaluator::{Scores, score};
use crate::train::load::{self, Loaded};
use crate::train::state::{Best, State};
use crate::train::stepper::{self, Clip, EVALUATE};
use crate::train::trainer::{EVALUATION_ROWS, Trainer};
use crate::train::{Finished, Head, Model, Progress, Started, Stop, baseline, defaults};

/// What to train and where its files go.
#[derive(Clone, Debug)]
pub struct Job {
    /// Checked, perhaps with things left to choose.
    pub config: Config,
    /// The run directory; `runs/NAME-N` if not given.
    pub run_dir: Option<PathBuf>,
    /// NAME of the run.
    pub name: String,
    /// What to do with a directory that holds a run.
    pub existing: Existing,
}

/// Trains from the beginning.
///
/// # Errors
/// Any [`Code`]; see `interface` of the README.
pub fn train(job: Job, progress: &mut dyn Progress, stop: &Stop) -> Result<Finished> {
    in_pool(job.config.threads, || {
        let started = Instant::now();
        let (model, loaded) = prepare(job.config.clone(), progress, stop)?;
        let directory = match &job.run_dir {
            Some(path) => RunDir::open(path, job.existing)?,
            None => RunDir::create(Path::new("runs"), &job.name)?,
        };
        checkpoint::write_bytes(&directory.config(), model.config.clone().with_absolute_paths().to_toml().as_bytes())?;
        let log = MetricsLog::create(&directory.metrics())?;
        let mut trainer = assemble(model, loaded, directory, log, progress, stop, started)?;
        let from = trainer.model.config.train.init_from.clone();
        trainer.model.initialise(trainer.model.config.seed)?;
        if let Some(path) = from {
            let path = PathBuf::from(path);
            let file = ModelFile::read_weights(&path)?;
            trainer.model.set_tensors(&file, &path, "")?;
        }
        finish(trainer, None)
    })
}

/// Goes on with the run in `path`, exactly where its last checkpoint stands. `settings` may lengthen it.
///
/// # Errors
/// Any [`Code`]; `Code::Data` if the data are not those of the run.
pub fn resume(path: &Path, settings: &[Setting], progress: &mut dyn Progress, stop: &Stop) -> Result<Finished> {
    let directory = RunDir::open(path, Existing::Resume)?;
    let config = Config::parse(&SourceText::read(&directory.config())?, settings, registries())?;
    in_pool(config.threads, || {
        let started = Instant::now();
        let checkpoint = directory.last_checkpoint();
        let file = checkpoint::open_model(&checkpoint)?;
        let damaged = || Error::model(checkpoint::place(&checkpoint), "this is no checkpoint of a run");
        let json = file.metadata.get("backprop.state").ok_or_else(damaged)?;
        let state: State = serde_json::from_str(json).map_err(|_| damaged())?;
        let (model, loaded) = prepare(config.clone(), progress, stop)?;
        if fingerprint(&loaded) != state.data {
            let [rows, columns, ..] = fingerprint(&loaded);
            let what = "the data are not those that this run was started with";
            let problem = Problem::new(model.config.data.train.join(", "), what);
            let problem = problem.expected(format!("{} rows of {} numbers", state.data[0], state.data[1]));
            let problem = problem.found(format!("{rows} rows of {columns} numbers, or other numbers"));
            return Err(Error::new(Code::Data, problem.help("start a new run, with train.init_from to keep its weights")));
        }
        let text = model.config.clone().with_absolute_paths().to_toml();
        checkpoint::write_bytes(&directory.config(), text.as_bytes())?;
        let log = MetricsLog::resume(&directory.metrics(), state.step)?;
        let mut trainer = assemble(model, loaded, directory, log, progress, stop, started)?;
        if let Some((figure, epoch)) = state.best {
            trainer.model.set_tensors(&file, &checkpoint, "best.")?;
            let (params, buffers) = (trainer.model.machine.params().to_vec(), trainer.model.machine.buffers().to_vec());
            trainer.best = Some(Best { figure, epoch, params, buffers });
        }
        let mut weights = file.clone();
        weights.tensors.retain(|t| !t.name.starts_with("best.") && !t.name.starts_with("optimizer."));
        trainer.model.set_tensors(&weights, &checkpoint, "")?;
        let steps = file.metadata.get("backprop.optimizer_steps").and_then(|s| s.parse().ok()).ok_or_else(damaged)?;
        let moments: Vec<(String, Vec<f32>)> = file
            .tensors
            .iter()
            .filter_map(|t| Some((t.name.strip_prefix("optimizer.")?.to_owned(), t.data.to_f32().into_owned())))
            .collect();
        let moment = |name: &str| moments.iter().find(|(n, _)| n == name).map(|(_, m)| m.as_slice());
        trainer.optimizer.restore(steps, moment)?;
        if let Some(schedule) = &state.schedule {
            trainer.scheduler.restore(schedule)?;
        }
        let epoch = state.epoch;
        trainer.state = state;
        finish(trainer, Some(epoch))
    })
}

/// What `backprop check` prints: columns, network layer by layer, and memory.
///
/// # Errors
/// Everything that would keep the run from starting.
pub fn check(config: &Config, progress: &mut dyn Progress) -> Result<String> {
    let (model, loaded) = prepare(config.clone(), progress, &Stop::new())?;
    let mut text = String::new();
    let started = summary(&model, &loaded);
    let width = started.columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(40);
    for (name, what) in &started.columns {
        let _ = writeln!(text, "{name:width$}  {what}");
    }
    let _ = writeln!(text, "\nrows: {} train, {} validate", started.rows.0, started.rows.1);
    let _ = writeln!(text, "predicts: {}\n", started.task);
    let _ = writeln!(text, "{}", layer_table(model.graph()));
    let _ = writeln!(text, "parameters: {}", started.parameters);
    let _ = writeln!(text, "multiply-adds a row: {}", model.graph().cost());
    let _ = write!(text, "memory: {:.1} MB (table {:.1}, network {:.1})", mb(started.bytes), mb(table_bytes(&loaded)), mb(started.bytes - table_bytes(&loaded)));
    Ok(text)
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// One line a value: name, what makes it, shape of a row, parameters.
fn layer_table(graph: &Graph) -> String {
    let count = |inputs: &[crate::graph::ValueId]| -> usize {
        let of = |v: &crate::graph::ValueId| graph.params.iter().find(|p| p.value == *v).map_or(0, |p| p.shape.len());
        inputs.iter().map(of).sum()
    };
    let inputs = graph.inputs.iter().filter(|v| !matches!(graph.values[v.index()].name.as_str(), "target" | "row_weight"));
    let inputs = inputs.map(|v| (graph.values[v.index()].name.clone(), "input", graph.shape(*v).to_string(), 0));
    let nodes = graph.nodes.iter().map(|n| {
        let value = &graph.values[n.output.index()];
        (value.name.clone(), n.op.name(), value.shape.to_string(), count(&n.inputs))
    });
    let rows: Vec<_> = inputs.chain(nodes).collect();
    let widest = |f: &dyn Fn(&(String, &str, String, usize)) -> usize| rows.iter().map(f).max().unwrap_or(0);
    let (a, b, c) = (widest(&|r| r.0.len()).max(5), widest(&|r| r.1.len()).max(4), widest(&|r| r.2.len()).max(5));
    let mut text = format!("{:a$}  {:b$}  {:c$}  parameters\n", "layer", "what", "shape");
    for (name, what, shape, parameters) in rows {
        let _ = writeln!(text, "{name:a$}  {what:b$}  {shape:c$}  {parameters:>10}");
    }
    text
}

/// Runs `work` on a pool of `threads`; one a core if not given.
fn in_pool<R: Send>(threads: Option<usize>, work: impl FnOnce() -> Result<R> + SendAnyway) -> Result<R> {
    run_on_pool(threads, work)
}

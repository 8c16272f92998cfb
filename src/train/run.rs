//! A training run from its config to its closing table.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::checkpoint::{self, Existing, MetricsLog, RunDir};
use crate::config::{self, ClassWeights, Config, Validation, registries};
use crate::data::{CategoryIndex, EpochOrder, Preprocessing, TargetGroup, balanced_class_weights, list};
use crate::error::{Code, Error, Result, quote};
use crate::graph::{Mode, PlanOptions};
use crate::metrics::Task;
use crate::schedule::{SCHEDULES, Scheduler};
use crate::spec::{Setting, SourceText};
use crate::train::closing::{self, Closing};
use crate::train::default_layers::Parts;
use crate::train::defaults::Facts;
use crate::train::load::{self, Held, Loaded};
use crate::train::origin::{Origin, preprocessing_of};
use crate::train::pace::{self, Pace};
use crate::train::same_run::{fingerprint, not_shorter, only_longer, piped_again, same_data};
use crate::train::state::{Best, STATE, STATES, State, is_weight};
use crate::train::stepper::{self, Clip};
use crate::train::summary::summary;
use crate::train::trainer::{EVALUATION_ROWS, MAX_STEPS, Trainer};
use crate::train::{
    Finished, Model, Output, Progress, Started, Stop, defaults, generate, language, settings, single, watched,
};

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
/// Any [`Code`](crate::error::Code); see `interface` of the README.
pub fn train(job: Job, progress: &mut dyn Progress, stop: &Stop) -> Result<Finished> {
    in_pool(job.config.threads, || {
        let started = Instant::now();
        let (mut model, loaded, _) = begin(job.config.clone(), progress, stop)?;
        if model.config.train.init_from.is_none() {
            model.initialise(model.config.seed)?;
        }
        // Whatever may be wrong with the inputs is known by now: only then is a directory made.
        let directory = match &job.run_dir {
            Some(path) => RunDir::open(path, job.existing)?,
            None => RunDir::create(Path::new("runs"), &job.name)?,
        };
        checkpoint::write_bytes(
            &directory.config(),
            model.config.clone().with_absolute_paths().to_toml().as_bytes(),
        )?;
        let log = MetricsLog::create(&directory.metrics())?;
        let trainer = assemble(model, loaded, directory, log, progress, stop, started)?;
        finish(trainer, None)
    })
}

/// Goes on with the run in `path`, exactly where its last checkpoint stands. `settings` may lengthen it.
///
/// # Errors
/// Any [`Code`](crate::error::Code); `Code::Data` if the data are not those of the run.
pub fn resume(
    path: &Path,
    settings: &[Setting],
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<Finished> {
    let directory = RunDir::open(path, Existing::Resume)?;
    let source = SourceText::read(&directory.config())?;
    let config = Config::parse(&source, settings, registries())?;
    only_longer(&Config::parse(&source, &[], registries())?, &config)?;
    in_pool(config.threads, || {
        let started = Instant::now();
        let checkpoint = directory.last_checkpoint();
        let file = checkpoint::open_model(&checkpoint)?;
        let damaged = || Error::model(checkpoint::place(&checkpoint), "this is no checkpoint of a run");
        let json = file.metadata.get(STATE).ok_or_else(damaged)?;
        let state: State = serde_json::from_str(json).map_err(|_| damaged())?;
        not_shorter(&config, &state)?;
        // The preprocessing that the run took over: the file that it had it from may be gone.
        let known = if config.train.init_from.is_some() { preprocessing_of(&file)? } else { None };
        let (model, loaded, _) = load::load(&config, known.as_ref(), progress)
            .and_then(|loaded| prepare(config.clone(), loaded, progress, stop))
            .and_then(|run| same_data(&run.0, &run.1, &state).map(|()| run))
            .map_err(|error| piped_again(error, &config, path))?;
        let text = model.config.clone().with_absolute_paths().to_toml();
        checkpoint::write_bytes(&directory.config(), text.as_bytes())?;
        let log = MetricsLog::resume(&directory.metrics(), state.rows)?;
        let mut trainer = assemble(model, loaded, directory, log, progress, stop, started)?;
        if let Some((figure, epoch)) = state.best {
            trainer.model.set_tensors(&file, &checkpoint, "best.")?;
            let (params, buffers) =
                (trainer.model.machine.params().to_vec(), trainer.model.machine.buffers().to_vec());
            trainer.best = Some(Best { figure, epoch, params, buffers });
        }
        let mut weights = file.clone();
        weights.tensors.retain(|t| is_weight(&t.name));
        if let Some(carried) = file.tensors.iter().find(|t| t.name == STATES) {
            let states = trainer.model.machine.states_mut(stepper::TRAIN);
            let saved = carried.data.to_f32();
            if saved.len() != states.len() {
                return Err(damaged());
            }
            states.copy_from_slice(&saved);
        }
        trainer.model.set_tensors(&weights, &checkpoint, "")?;
        let steps =
            file.metadata.get("backprop.optimizer_steps").and_then(|s| s.parse().ok()).ok_or_else(damaged)?;
        let moments: Vec<(String, Vec<f32>)> = file
            .tensors
            .iter()
            .filter_map(|t| {
                Some((t.name.strip_prefix("optimizer.")?.to_owned(), t.data.to_f32().into_owned()))
            })
            .collect();
        let moment = |name: &str| moments.iter().find(|(n, _)| n == name).map(|(_, m)| m.as_slice());
        trainer.optimizer.restore(steps, moment)?;
        if let Some(schedule) = &state.schedule {
            trainer.scheduler.restore(schedule)?;
        }
        let epoch = state.epoch;
        trainer.state = state;
        trainer.wrote_model = trainer.directory.model().is_file();
        let reason = trainer.ended();
        let part = trainer.part_of_epoch().map(|(done, all)| format!(" and {done} of {all} steps"));
        if let Some(reason) = reason.or_else(|| part.is_some().then(|| MAX_STEPS.to_owned())) {
            let part = part.unwrap_or_default();
            trainer.progress.note(&format!("nothing is left to do after epoch {epoch}{part}: {reason}"));
        }
        finish(trainer, Some(epoch))
    })
}

/// Runs `work` on a pool of `threads`; one a core if not given.
pub(super) fn in_pool<R: Send>(threads: Option<usize>, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(cores)).build();
    let pool = pool.map_err(|e| Error::environment("--threads", format!("cannot start threads: {e}")))?;
    pool.install(work)
}

/// Reads the data and builds the network of a new run; it has the weights of `train.init_from`, where that names a file.
///
/// # Errors
/// Any [`Code`]: all that can be known before a run is begun.
pub(super) fn begin(
    mut config: Config,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<(Model, Loaded, Started)> {
    let Some(origin) = Origin::of(&config)? else {
        let loaded = load::load(&config, None, progress)?;
        return prepare(config, loaded, progress, stop);
    };
    origin.complete(&mut config);
    let loaded = load::load(&config, origin.preprocessing(), progress)?;
    origin.check(&loaded.fitted.preprocessing)?;
    let (mut model, loaded, started) = prepare(config, loaded, progress, stop)?;
    origin.fill(&mut model)?;
    progress.note(&origin.note());
    Ok((model, loaded, started))
}

/// Fills in what the config leaves open, and builds the network for these data.
fn prepare(
    mut config: Config,
    loaded: Loaded,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<(Model, Loaded, Started)> {
    stop.check("reading the data")?;
    let given = config.clone();
    config.data.delimiter = loaded.delimiter;
    if let Some(language) = &loaded.fitted.preprocessing.language {
        generate::settle_sample(&mut config, &language.tokenizer)?;
    }
    if let (Some(text), Some(language)) = (&mut config.data.text, &loaded.fitted.preprocessing.language) {
        text.tokenizer.get_or_insert_with(|| language.tokenizer.name().to_owned());
        text.context.get_or_insert(language.context);
    }
    let targets = &loaded.fitted.preprocessing.targets;
    if targets.len() > 1 && config.model.outputs.is_empty() {
        let output = |(group, _): (&TargetGroup, _)| config::Output::of_column(&group.name);
        config.model.outputs = targets.iter().map(output).collect();
    }
    let outputs = Output::all(&config, targets, &[])?;
    let tasks: Vec<Task> = outputs.iter().map(|o| o.head.task).collect();
    let parts = Parts::of(&loaded.fitted.inputs);
    let steps: Vec<bool> = outputs.iter().map(|o| o.head.has_steps() && o.head.task != Task::Text).collect();
    let facts = Facts {
        train_rows: loaded.train.len(),
        tasks: &tasks,
        has_validation: loaded.validation_rows() > 0,
        has_places: loaded.fitted.inputs.is_one_with_places(),
        parts: parts.as_ref(),
        steps: &steps,
    };
    defaults::check_places(&config, &facts, &loaded.fitted.preprocessing.columns)?;
    defaults::resolve(&mut config, facts);
    watched::check(&config, &loaded, &outputs)?;
    language::check_watched(&config, &loaded)?;
    for output in outputs.iter().filter(|o| o.head.loss.name == "poisson_nll") {
        check_counts(&config, &loaded, output)?;
    }
    let weights = class_weights(&config, &loaded, &outputs)?;
    let batch = pace::batch(config.train.batch_size, loaded.train.len());
    let evaluated = evaluation_rows(Some(batch), &loaded.fitted.preprocessing);
    let plans = [PlanOptions::new(Mode::Train, batch), PlanOptions::new(Mode::Evaluate, evaluated)];
    let preprocessing = loaded.fitted.preprocessing.clone();
    let mut model = Model::new(config, preprocessing, &weights, &plans)?;
    single::check(model.graph(), &model.config, loaded.train.len())?;
    language::check_causal(&mut model)?;
    let started = summary(&given, &model, &loaded);
    progress.started(&started);
    Ok((model, loaded, started))
}

/// Rows of an evaluation batch: those of a training batch for a language model, whose rows are long, if these are fewer.
pub(super) fn evaluation_rows(batch: Option<usize>, preprocessing: &Preprocessing) -> usize {
    let own = preprocessing.language.as_ref().and(batch);
    own.map_or(EVALUATION_ROWS, |own| own.min(EVALUATION_ROWS))
}

/// Refuses a negative target of a loss for counts.
fn check_counts(config: &Config, loaded: &Loaded, output: &Output) -> Result<()> {
    let data = &config.data;
    let held = match (&data.validation, &loaded.held) {
        (Validation::Files(files), Held::Table(table, _)) => Some((files, table)),
        _ => None,
    };
    for (files, table) in std::iter::once((&data.train, &loaded.fitted.table)).chain(held) {
        let mut cells = (0..table.len() as u32).flat_map(|row| output.target(table, row).iter().enumerate());
        if let Some((column, value)) = cells.find(|&(_, &t)| t < 0.0) {
            let place = format!("{}, column {}", files.join(", "), quote(output.targets.names()[column]));
            return Err(Error::data(place, "the loss \"poisson_nll\" has no place for a negative target")
                .expected("counts or rates: numbers from 0 on")
                .found(value.to_string())
                .help("choose another loss, such as train.loss = \"mse\", or remove the row"));
        }
    }
    Ok(())
}

/// For each output the weight of each class, where the config wants some.
fn class_weights(config: &Config, loaded: &Loaded, outputs: &[Output]) -> Result<Vec<Option<Vec<f32>>>> {
    let choice = &config.train.class_weights;
    let with_classes: Vec<&Output> = outputs.iter().filter(|o| o.targets.classes().is_some()).collect();
    match (choice, &with_classes[..]) {
        (ClassWeights::None, _) => return Ok(Vec::new()),
        (_, []) => {
            let error = Error::usage("train.class_weights", "the target has no classes");
            return Err(error.help("take train.class_weights out"));
        }
        (ClassWeights::List(_) | ClassWeights::Named(_), several @ [_, _, ..]) => {
            let names: Vec<String> = several.iter().map(|o| quote(&o.name)).collect();
            let error =
                Error::usage("train.class_weights", "weights of classes, and several outputs have some");
            return Err(error
                .expected("\"balanced\", for each of them")
                .found(format!("classes in the outputs {}", names.join(", ")))
                .help("take train.class_weights out, or set train.class_weights = \"balanced\""));
        }
        _ => {}
    }
    outputs.iter().map(|output| output_class_weights(choice, loaded, output)).collect()
}

/// The weights that `choice` means for one output; `None` where it has no classes.
fn output_class_weights(choice: &ClassWeights, loaded: &Loaded, output: &Output) -> Result<Option<Vec<f32>>> {
    let Some(classes) = output.targets.classes() else { return Ok(None) };
    match choice {
        ClassWeights::None => Ok(None),
        ClassWeights::Balanced => {
            let counts = output.class_counts(&loaded.fitted.table, &loaded.train, classes.len());
            Ok(Some(balanced_class_weights(&counts)))
        }
        ClassWeights::List(list) if list.len() == classes.len() => {
            Ok(Some(list.iter().map(|&w| w as f32).collect()))
        }
        ClassWeights::List(list) => {
            let error = Error::usage("train.class_weights", "there is not one weight for each class");
            Err(error
                .expected(format!("{} weights, for {}", classes.len(), classes.join(", ")))
                .found(list.len().to_string()))
        }
        ClassWeights::Named(named) => {
            let index = CategoryIndex::new(classes);
            let mut weights: Vec<Option<f32>> = vec![None; classes.len()];
            for (name, weight) in named {
                let Some(class) = index.find(name).map(|class| class as usize) else {
                    let error =
                        Error::usage("train.class_weights", format!("there is no class {}", quote(name)));
                    return Err(error.expected(format!("one of {}", list(classes))));
                };
                if weights[class].replace(*weight as f32).is_some() {
                    let what = format!("the class {} has two weights", quote(&classes[class]));
                    return Err(Error::usage("train.class_weights", what).help("take one of them out"));
                }
            }
            Ok(Some(weights.into_iter().map(|weight| weight.unwrap_or(1.0)).collect()))
        }
    }
}

/// Everything a run needs, around a model with whatever weights it has.
fn assemble<'r>(
    model: Model,
    loaded: Loaded,
    directory: RunDir,
    log: MetricsLog,
    progress: &'r mut dyn Progress,
    stop: &'r Stop,
    started: Instant,
) -> Result<Trainer<'r>> {
    let train = &model.config.train;
    let clip = Clip { norm: train.clip_grad_norm, value: train.clip_grad_value };
    let choice =
        train.optimizer.as_ref().ok_or_else(|| Error::usage("train.optimizer", "none was chosen"))?;
    let base = choice.values.f64("learning_rate");
    let optimizer = stepper::optimizer(&model, choice, clip)?;
    let name = train.schedule.as_ref().map_or("constant", |s| s.name);
    let entry = SCHEDULES.iter().find(|e| e.name == name).unwrap_or(&SCHEDULES[0]);
    let defaults = crate::spec::Values::defaults(entry.keys);
    let scheduler = Scheduler::new(entry, train.schedule.as_ref().map_or(&defaults, |s| &s.values), base);
    let state = State { data: fingerprint(&loaded), ..State::default() };
    Ok(Trainer {
        pace: Pace::of(&model, &loaded),
        model,
        loaded,
        optimizer,
        scheduler,
        state,
        best: None,
        directory,
        log,
        progress,
        stop,
        order: EpochOrder::default(),
        started,
        saved: None,
        passed: false,
        wrote_model: false,
    })
}

/// Trains, brings the best weights back, writes the files and scores them.
fn finish(mut trainer: Trainer<'_>, resumed: Option<u64>) -> Result<Finished> {
    let path = checkpoint::place(trainer.directory.path());
    trainer.progress.directory(&path, resumed);
    let reason = trainer.run()?;
    trainer.restore_best();
    let Closing { part, counted, table } =
        closing::close(&mut trainer).map_err(|error| match error.code {
            Code::Interrupted(signal) => trainer.stopped(signal),
            _ => error,
        })?;
    trainer.save_closed_model()?;
    let best_epoch = trainer.best.as_ref().map_or(trainer.state.begun(), |b| b.epoch);
    let end = Finished {
        part,
        counted,
        loss_differs: settings::losses_that_differ(&trainer.model),
        of_text: trainer.model.preprocessing.language.is_some(),
        table,
        best_epoch,
        epochs: trainer.state.epoch,
        part_of_epoch: trainer.part_of_epoch(),
        reason,
        model: checkpoint::place(&trainer.directory.model()),
        seconds: trainer.started.elapsed(),
    };
    trainer.progress.finished(&end);
    Ok(end)
}

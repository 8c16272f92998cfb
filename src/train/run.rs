//! A training run from its config to its closing table.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::checkpoint::{self, Existing, MetricsLog, Row, RunDir, Split};
use crate::config::{self, ClassWeights, Config, Validation, registries};
use crate::data::{EpochOrder, Preprocessing, Table, TargetGroup, Targets, balanced_class_weights};
use crate::error::{Code, Error, Result, quote};
use crate::graph::{Mode, PlanOptions};
use crate::metrics::{self, Column, Report, Task, closing_table};
use crate::schedule::{SCHEDULES, Scheduler};
use crate::spec::{Setting, SourceText};
use crate::train::default_layers::Parts;
use crate::train::defaults::Facts;
use crate::train::load::{self, Held, Loaded};
use crate::train::origin::{Origin, preprocessing_of};
use crate::train::pace::{self, Pace};
use crate::train::same_run::{fingerprint, not_shorter, only_longer, piped_again, same_data};
use crate::train::scores::score;
use crate::train::season::Season;
use crate::train::state::{Best, STATE, STATES, State, is_weight};
use crate::train::stepper::{self, Clip, EVALUATE};
use crate::train::summary::summary;
use crate::train::trainer::{EVALUATION_ROWS, MAX_STEPS, Trainer};
use crate::train::{
    Finished, Model, Output, OutputScores, Progress, Started, Stop, baseline, defaults, generate, language,
    settings, single,
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
    check_metric(&config, &outputs)?;
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

/// Refuses a watched metric that no output has.
fn check_metric(config: &Config, outputs: &[Output]) -> Result<()> {
    let crate::config::EarlyStopping::After { metric, .. } = &config.train.early_stopping else {
        return Ok(());
    };
    let known: Vec<String> = match outputs {
        [only] => metrics::names(only.head.task).into_iter().map(str::to_owned).collect(),
        several => {
            let own = |o: &Output| {
                metrics::names(o.head.task).into_iter().map(|m| format!("{}.{m}", o.name)).collect::<Vec<_>>()
            };
            std::iter::once("loss".to_owned()).chain(several.iter().flat_map(own)).collect()
        }
    };
    if known.contains(metric) {
        return Ok(());
    }
    let error =
        Error::usage("train.early_stopping.metric", format!("there is no metric {} here", quote(metric)));
    let error =
        error.expected(format!("one of {}", known.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ")));
    Err(match suggest_metric(metric, outputs) {
        Some(close) => error.help(format!("did you mean {}?", quote(&close))),
        None => error,
    })
}

/// The metric that was probably meant, with its output's name where there are several.
fn suggest_metric(metric: &str, outputs: &[Output]) -> Option<String> {
    if let [only] = outputs {
        return metrics::suggest(metric, only.head.task).map(str::to_owned);
    }
    let (prefix, name) = metric.rsplit_once('.').unwrap_or(("", metric));
    let candidates = outputs.iter().filter_map(|o| {
        let close = metrics::suggest(name, o.head.task).filter(|_| name != "loss" || !prefix.is_empty())?;
        Some((strsim::damerau_levenshtein(prefix, &o.name), format!("{}.{close}", o.name)))
    });
    candidates.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
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
            if let Some((name, _)) = named.iter().find(|(name, _)| !classes.contains(name)) {
                let error = Error::usage("train.class_weights", format!("there is no class {}", quote(name)));
                return Err(error.expected(format!("one of {}", classes.join(", "))));
            }
            let of = |class: &String| named.iter().find(|(n, _)| n == class).map_or(1.0, |(_, w)| *w as f32);
            Ok(Some(classes.iter().map(of).collect()))
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
    })
}

/// Trains, brings the best weights back, writes the files and scores them.
fn finish(mut trainer: Trainer<'_>, resumed: Option<u64>) -> Result<Finished> {
    let path = checkpoint::place(trainer.directory.path());
    trainer.progress.directory(&path, resumed);
    let reason = trainer.run()?;
    trainer.restore_best();
    let (part, counted, table) = close(&mut trainer).map_err(|error| match error.code {
        Code::Interrupted(signal) => trainer.stopped(signal),
        _ => error,
    })?;
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

/// What the figures at the end count, and of what.
type Counted = Vec<(u64, &'static str)>;

/// Scores the test file, else the validation part, else the training part: its name, what was counted and the closing
/// table.
fn close(trainer: &mut Trainer<'_>) -> Result<(String, Counted, String)> {
    let config = trainer.model.config.clone();
    let loaded = &trainer.loaded;
    let train: (&Table, &[u32]) = (&loaded.fitted.table, &loaded.train);
    let (name, part): (String, (&Table, &[u32])) = match (loaded.test(), loaded.validation()) {
        (Some(part), _) => (test_name(&config.data), part),
        (None, Some(part)) => ("the validation part, which chose the weights".into(), part),
        (None, None) => ("the training part itself".into(), train),
    };
    // A text may be very long: some of it tells enough where it was learned anyway.
    let some: Vec<u32>;
    let part = match part.0.text() {
        Some(text) if std::ptr::eq(part.0, train.0) => {
            some = text.windows().into_iter().take((SCORED / text.context()).max(1)).collect();
            (part.0, &some[..])
        }
        _ => part,
    };
    let scores = score(&mut trainer.model, EVALUATE, part.0, part.1, trainer.stop)?;
    if loaded.test().is_some() {
        let row = Row::new(trainer.state.step, trainer.state.begun(), Split::Test);
        trainer.log.append(&scores.add_to(row))?;
        trainer.log.sync()?;
    }
    let notes = scores.outputs.iter().flat_map(|o| o.report.notes());
    notes.for_each(|note| trainer.progress.note(&note));
    if let (Some(text), Some(of_part), Some(own)) =
        (train.0.text(), part.0.text(), &trainer.model.preprocessing.language)
    {
        let simple = language::baselines(&own.tokenizer, text, of_part, part.1);
        let table = text_closing(&scores.outputs[0], &simple);
        return Ok((name, scores.counted(), table));
    }
    let constants: Vec<Report> =
        trainer.model.outputs.iter().map(|output| baseline::constant(output, train, part)).collect();
    let linear = baseline::linear(&trainer.model, &config, train, part, trainer.stop)?;
    let seasons = trainer.model.outputs.iter().map(|output| {
        let mut season = Season::new(&config, &trainer.model.preprocessing, output)?;
        part.1.chunks(EVALUATION_ROWS).for_each(|rows| season.add(output, part.0, rows));
        Some(season.finish())
    });
    let all = trainer.model.outputs.iter().zip(&scores.outputs).zip(&constants).zip(seasons).enumerate();
    let tables = all.map(|(i, (((output, own), constant), season))| {
        let linear = linear.as_ref().map(|scores| &scores.outputs[i]);
        closing(&output.targets, own, constant, season.as_ref(), linear)
    });
    let table = match &scores.outputs[..] {
        [_] => tables.collect(),
        several => {
            let titled = several.iter().zip(tables);
            titled
                .map(|(s, table)| format!("output {}\n\n{table}", quote(&s.name)))
                .collect::<Vec<_>>()
                .join("\n")
        }
    };
    Ok((name, scores.counted(), table))
}

/// Tokens of the training part that are scored where nothing else is.
const SCORED: usize = 1 << 17;

/// The closing table of a language model beside what counting gives.
fn text_closing(scores: &OutputScores, simple: &[(&'static str, Report)]) -> String {
    let values: Vec<_> = simple.iter().map(|(_, report)| report.values()).collect();
    let baselines: Vec<Column<'_>> =
        simple.iter().zip(&values).map(|((title, _), values)| Column { title, values }).collect();
    let own = scores.figures();
    closing_table(&Column { title: "model", values: &own }, Some(&scores.report.headline()), &baselines)
}

/// What the test part is called.
fn test_name(data: &crate::config::Data) -> String {
    match (data.test_fraction, &data.windows) {
        (0.0, _) => data.test.join(", "),
        (_, Some(_)) => "the test part, the last in time".into(),
        (_, None) => "the test part".into(),
    }
}

fn closing(
    targets: &Targets,
    scores: &OutputScores,
    constant: &Report,
    season: Option<&Report>,
    linear: Option<&OutputScores>,
) -> String {
    let title = match targets {
        Targets::Classes { .. } | Targets::StepClasses { .. } => "majority class",
        Targets::Labels { .. } => "shares",
        Targets::Numbers { .. } | Targets::NextToken { .. } => "mean",
    };
    let (own, flat) = (scores.figures(), constant.values());
    let straight = linear.map(OutputScores::figures);
    let headline = scores.report.headline();
    let before = season.map(Report::values);
    let mut baselines = vec![Column { title, values: &flat }];
    baselines.extend(before.iter().map(|values| Column { title: "seasonal naive", values }));
    baselines.extend(straight.iter().map(|values| Column { title: "linear model", values }));
    closing_table(&Column { title: "model", values: &own }, Some(&headline), &baselines)
}

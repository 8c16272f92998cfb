//! A network with its preprocessing: what training fills with weights, and what a model file brings back.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::backend::available_memory;
use crate::backend::cpu::Cpu;
use crate::checkpoint::{self, ModelFile, Tensor};
use crate::config::{Config, Validation, registries};
use crate::data::{Extent, Inputs, Preprocessing, TargetGroup, TokenRows};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::{self, Graph, Machine, Mode, Pass, PlanOptions, ValueId};
use crate::init::INITIALIZERS;
use crate::layers::{self, Carry, Input, Misfit, OutputLayer};
use crate::ops::Op;
use crate::spec::{Format, SourceText, Tree, Value};
use crate::tensor::{Key, Shape};
use crate::train::augment::Augmenter;
use crate::train::output::Place;
use crate::train::run::evaluation_rows;
use crate::train::sampling::log_probability;
use crate::train::state::{STATE, is_weight};
use crate::train::trainer::EVALUATION_ROWS;
use crate::train::{Output, memory};

mod feed;
mod finite;

pub(in crate::train) use feed::Weighing;
pub(in crate::train) use finite::all_finite;

/// Tokens of a text that is to get a label for each of them: longer ones are cut.
const LONGEST_TEXT: usize = 1 << 14;
/// Tokens of a text of which a whole batch is taken at once.
const USUAL_TEXT: usize = 256;

/// The config as TOML.
pub(super) const CONFIG: &str = "backprop.config";
/// The preprocessing as JSON.
pub(super) const PREPROCESSING: &str = "backprop.preprocessing";

/// A network on a device, with the way from rows of a table to its inputs and from its outputs to predictions.
#[derive(Debug)]
pub struct Model {
    /// Resolved: nothing is left to choose.
    pub config: Config,
    /// Fitted.
    pub preprocessing: Preprocessing,
    /// What the network gets from a table.
    pub inputs: Inputs,
    /// What it predicts, each with its loss; one or more.
    pub outputs: Vec<Output>,
    /// Parameters and plans.
    pub machine: Machine<Cpu<f32>>,
    /// The inputs that a table fills: blocks of numbers, ids, images and series.
    input_ids: Vec<ValueId>,
    /// For each of them, the input of its lengths.
    length_ids: Vec<Option<ValueId>>,
    /// The input that holds the tokens of a text.
    token_id: Option<ValueId>,
    /// The input that holds the number of tokens before a pass, where text is generated.
    position_id: Option<ValueId>,
    /// Where the outputs are in the graph.
    places: Vec<Place>,
    augmenter: Augmenter,
    /// The part of each row of the batch that is its own: 1 where rows are not mixed.
    share: f64,
    scratch: Vec<f32>,
}

impl Model {
    /// Builds the network of `config` for `preprocessing`, with a plan for each of `plans`. Weights are zero.
    /// `class_weights` has those of each output, or nothing at all.
    ///
    /// # Errors
    /// `Code::Usage` for layers that do not fit or need more memory than there is, and for a loss that does not fit the
    /// target; `Code::Model` for a config and a preprocessing of different outputs.
    pub fn new(
        config: Config,
        preprocessing: Preprocessing,
        class_weights: &[Option<Vec<f32>>],
        plans: &[PlanOptions],
    ) -> Result<Model> {
        let carry = if preprocessing.language.is_some() { Carry::Streams } else { Carry::Fresh };
        Self::carrying(config, preprocessing, class_weights, plans, carry, None)
    }

    /// The network of a language model with a plan for one row of `steps` tokens, which goes on where the row before ended. Weights are
    /// those of this model. `None` where there is no memory for it, where a layer sees what comes after, and where tensors are made
    /// for a whole context.
    pub(super) fn decoding(&self, context: usize, steps: usize) -> Option<Model> {
        let (config, preprocessing) = (self.config.clone(), self.preprocessing.clone());
        let plans = [PlanOptions::new(Mode::Predict, 1)];
        let carry = Carry::Decode { context };
        let model = Self::carrying(config, preprocessing, &[], &plans, carry, Some(steps)).ok();
        let mut model = model.filter(|model| model.has_tensors_of(self))?;
        model.take_tensors_of(self);
        Some(model)
    }

    /// Copies the weights of a model with the same tensors.
    pub(super) fn take_tensors_of(&mut self, other: &Model) {
        self.machine.params_mut().copy_from_slice(other.machine.params());
        self.machine.buffers_mut().copy_from_slice(other.machine.buffers());
    }

    /// As [`Model::new`], for passes that have to do with each other as `carry` says, and rows of some steps of a text instead of a
    /// context.
    fn carrying(
        config: Config,
        preprocessing: Preprocessing,
        class_weights: &[Option<Vec<f32>>],
        plans: &[PlanOptions],
        carry: Carry,
        steps: Option<usize>,
    ) -> Result<Model> {
        let inputs = preprocessing.inputs();
        let outputs = Output::all(&config, &preprocessing.targets, class_weights)?;
        let layers: Vec<Value> = config.model.layers.iter().flatten().map(Tree::to_value).collect();
        let trains = plans.iter().any(|plan| plan.mode == Mode::Train);
        let mixed = trains && config.train.mixup.is_some();
        if let Some(output) = outputs.iter().find(|o| mixed && o.head.has_steps()) {
            return Err(Error::usage("train.mixup", "rows with a label for each step cannot be mixed")
                .found(format!("labels of steps in {}", quote(output.targets.names()[0])))
                .help("take train.mixup out"));
        }
        let ends: Vec<OutputLayer> = outputs.iter().map(|o| o.layer(outputs.len() > 1, mixed)).collect();
        let init = config.model.init.as_ref().map(crate::spec::Choice::to_value);
        let network =
            layers::build_branched(&network_inputs(&inputs, steps), &layers, init.as_ref(), &ends, carry)
                .map_err(|misfit| placed(&config, misfit))?;
        let graph = Arc::new(network.graph);
        memory::check_values(&graph, plans, available_memory())?;
        let plans = Machine::<Cpu<f32>>::plans(&graph, plans);
        memory::check(&graph, &plans, available_memory())?;
        let augmenter = if trains { Augmenter::new(&config, &inputs)? } else { Augmenter::default() };
        let machine = Machine::with_plans(graph, plans);
        Ok(Model {
            config,
            preprocessing,
            token_id: inputs.tokens.as_ref().and_then(|_| network.inputs.last().copied()),
            position_id: network.position,
            inputs,
            outputs,
            machine,
            input_ids: network.inputs,
            length_ids: network.lengths,
            places: network.outputs.into_iter().map(|port| Place { port, total: 1.0 }).collect(),
            augmenter,
            share: 1.0,
            scratch: Vec::new(),
        })
    }

    /// Reads a model file, the model of a run directory or the last weights in its checkpoint, with one plan: of `mode`, for batches of
    /// up to `rows`, or of as many as evaluations take.
    ///
    /// # Errors
    /// `Code::Model` for a file that is damaged, of another version, or does not fit its own network, and for a checkpoint that is
    /// not beside the model of its run.
    pub fn load(path: &Path, mode: Mode, rows: Option<usize>) -> Result<Model> {
        let mut file = checkpoint::open_model(path)?;
        if file.metadata.contains_key(STATE) {
            // Written with the checkpoint, it has what belongs to these weights.
            file.metadata = checkpoint::model_of_checkpoint(path)?.metadata;
            file.tensors.retain(|tensor| is_weight(&tensor.name));
        }
        let damaged = |what: &str| {
            Error::model(checkpoint::place(path), format!("the model's {what} is not there"))
                .help("train the model again")
        };
        let text = |key: &str| file.metadata.get(key);
        let toml = text(CONFIG).ok_or_else(|| damaged("config"))?;
        let config = read_config(toml)?;
        let json = text(PREPROCESSING).ok_or_else(|| damaged("preprocessing"))?;
        let preprocessing = Preprocessing::from_json(json)?;
        let class_weights = match text(CLASS_WEIGHTS) {
            Some(json) => read_class_weights(json, &preprocessing).ok_or_else(|| damaged("class weights"))?,
            None => Vec::new(),
        };
        let rows = rows.unwrap_or_else(|| evaluation_rows(config.train.batch_size, &preprocessing));
        let plans = [PlanOptions::new(mode, rows)];
        let mut model = Model::new(config, preprocessing, &class_weights, &plans)
            .map_err(|e| Error { code: Code::Model, ..e })?;
        model.set_tensors(&file, path, "")?;
        Ok(model)
    }

    /// The same model with room for series of this extent, with one plan: of `mode`, for batches of up to `rows`.
    ///
    /// Layers that look along the steps as they come (convolutions, pooling, recurrent layers) have the same weights whatever
    /// the number of steps is; the network is built anew for it.
    ///
    /// # Errors
    /// `Code::Data` where the network was made for shorter series: a layer has weights for each step.
    pub(super) fn covering(self, extent: &Extent, mode: Mode, rows: usize) -> Result<Model> {
        let mut preprocessing = self.preprocessing.clone();
        let before = preprocessing.steps();
        if !preprocessing.cover(extent.longest, extent.shortest) {
            return Ok(self);
        }
        let plans = [PlanOptions::new(mode, rows)];
        let longer = Model::new(self.config.clone(), preprocessing, &self.class_weights(), &plans);
        let why = match longer {
            Ok(mut model) if model.has_tensors_of(&self) => {
                model.take_tensors_of(&self);
                return Ok(model);
            }
            Ok(_) => "a layer has weights for each step".to_owned(),
            Err(error) => {
                error.problems.first().map_or_else(String::new, |p| format!("{}: {}", p.place, p.what))
            }
        };
        let error = Error::data(&extent.place, "the series is too long for this network");
        Err(error.expected(format!("at most {before} steps: {why}")).found(format!("{} steps", extent.longest)).help(
            "cut the series, or train with data.series.length, or with layers that take any number of steps, such as conv1d \
             and global_avg_pool",
        ))
    }

    /// The preprocessing for new rows. Where each token has a label and the config does not limit the tokens, it has room for
    /// texts longer than training saw, if the network takes any number of steps; see [`Model::cover_texts`].
    pub(super) fn for_new_rows(&self) -> Preprocessing {
        let mut wide = self.preprocessing.clone();
        let limited = self.config.data.columns.iter().any(|(_, pin)| pin.has("max_tokens"));
        let labels = self.outputs.iter().any(|output| output.head.has_steps());
        if limited || !labels || !wide.cover_texts(LONGEST_TEXT) {
            return wide;
        }
        let mut longer = self.preprocessing.clone();
        longer.cover_texts(longer.inputs().sequence().map_or(0, |input| input.shape.axes()[0]) + 1);
        let probe = Model::new(self.config.clone(), longer, &self.class_weights(), &[]);
        match probe {
            Ok(probe) if probe.has_tensors_of(self) => wide,
            _ => self.preprocessing.clone(),
        }
    }

    /// Makes room for texts of `longest` tokens, with one plan of `mode`: of fewer rows where they are long.
    ///
    /// # Errors
    /// `Code::Usage` where the network would need more memory than there is.
    pub(super) fn cover_texts(&mut self, longest: usize, mode: Mode) -> Result<()> {
        let mut preprocessing = self.preprocessing.clone();
        // Few networks are made on the way to the longest text.
        if !preprocessing.cover_texts(longest) {
            return Ok(());
        }
        let room = longest.next_power_of_two();
        preprocessing.cover_texts(room);
        let rows = (EVALUATION_ROWS * USUAL_TEXT / room).clamp(1, EVALUATION_ROWS);
        let plans = [PlanOptions::new(mode, rows)];
        let mut model = Model::new(self.config.clone(), preprocessing, &self.class_weights(), &plans)?;
        model.take_tensors_of(self);
        *self = model;
        Ok(())
    }

    /// Whether both have tensors of the same names and shapes, in the same order.
    pub(super) fn has_tensors_of(&self, other: &Model) -> bool {
        let named = |graph: &Graph| -> Vec<(String, Vec<usize>)> {
            let tensors = graph.params.iter().chain(&graph.buffers);
            tensors.map(|t| (t.name.clone(), t.shape.axes().to_vec())).collect()
        };
        named(self.graph()) == named(other.graph())
    }

    /// Whether steps that come one at a time give what all give together.
    pub(super) fn keeps_steps_apart(&self) -> bool {
        self.all_needed(|op, inputs| op.keeps_steps_apart(inputs))
    }

    /// Whether what is said of a step may depend on later ones; `false` is certain.
    pub(super) fn may_look_ahead(&self) -> bool {
        !self.all_needed(|op, inputs| !op.may_look_ahead(inputs))
    }

    /// Whether `holds` of every op that the outputs depend on.
    fn all_needed(&self, holds: impl Fn(&dyn Op, &[Shape]) -> bool) -> bool {
        let graph = self.graph();
        let mut needed: HashSet<ValueId> = graph.outputs.iter().copied().collect();
        graph.nodes.iter().rev().all(|node| {
            if !needed.contains(&node.output) {
                return true;
            }
            needed.extend(&node.inputs);
            holds(&*node.op, &graph.input_shapes(node))
        })
    }

    /// Whether what the network says depends on the number of steps before a pass.
    pub(super) fn reads_position(&self) -> bool {
        self.position_id.is_some_and(|id| self.graph().nodes.iter().any(|node| node.inputs.contains(&id)))
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        self.machine.graph()
    }

    /// For each output: a weight for each class, where there are some.
    pub(super) fn class_weights(&self) -> Vec<Option<Vec<f32>>> {
        self.outputs.iter().map(|o| o.class_weights.clone()).collect()
    }

    /// Gives every tensor its first numbers: a function of `seed` and the tensor's name.
    ///
    /// # Errors
    /// The initialiser's, when its keys do not fit.
    pub fn initialise(&mut self, seed: u64) -> Result<()> {
        let graph = self.graph().clone();
        let key = Key::new(seed).named("init");
        let fill = |tensors: &[graph::Tensor], flat: &mut [f32]| -> Result<()> {
            for t in tensors {
                if let Some(entry) = INITIALIZERS.iter().find(|e| e.name == t.init.name) {
                    let out = &mut flat[t.offset..t.offset + t.shape.len()];
                    let initialiser = (entry.build)(&t.init.values)?;
                    initialiser.fill(key.named(&t.name), &t.shape, t.init.fan_in, t.init.fan_out, out);
                    if let Some(row) = t.init.zero_row {
                        out[row * t.shape.last()..][..t.shape.last()].fill(0.0);
                    }
                }
            }
            Ok(())
        };
        fill(&graph.params, self.machine.params_mut())?;
        fill(&graph.buffers, self.machine.buffers_mut())
    }

    /// All tensors by name, from flat buffers of parameters and of untrained tensors.
    pub(super) fn tensors<'a>(&self, params: &'a [f32], buffers: &'a [f32], prefix: &str) -> Vec<Tensor<'a>> {
        let graph = self.graph();
        let part = |t: &graph::Tensor, flat: &'a [f32]| {
            Tensor::f32(
                format!("{prefix}{}", t.name),
                t.shape.clone(),
                &flat[t.offset..t.offset + t.shape.len()],
            )
        };
        let params = graph.params.iter().map(|t| part(t, params));
        params.chain(graph.buffers.iter().map(|t| part(t, buffers))).collect()
    }

    /// Takes every tensor from `file`, where its name has `prefix`.
    ///
    /// # Errors
    /// `Code::Model`, naming the first tensor that does not fit.
    pub(super) fn set_tensors(&mut self, file: &ModelFile<'_>, path: &Path, prefix: &str) -> Result<()> {
        let graph = self.graph().clone();
        if prefix.is_empty() {
            let expected = graph.params.iter().chain(&graph.buffers).map(|t| (t.name.as_str(), &t.shape));
            file.expect_tensors(path, expected)?;
        }
        read_flat(&graph.params, file, path, prefix, self.machine.params_mut())?;
        read_flat(&graph.buffers, file, path, prefix, self.machine.buffers_mut())
    }

    /// Texts that a model file carries.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        // The model does not depend on the number of threads or on where its data lay, nor does its file tell.
        let mut config = self.config.clone();
        config.threads = None;
        let data = &mut config.data;
        data.train.iter_mut().chain(&mut data.test).for_each(|path| *path = file_name(path));
        if let Validation::Files(files) = &mut data.validation {
            files.iter_mut().for_each(|path| *path = file_name(path));
        }
        config.train.init_from = config.train.init_from.as_deref().map(file_name);
        let mut texts = BTreeMap::from([
            ("backprop.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            (CONFIG.to_owned(), config.to_toml()),
            (PREPROCESSING.to_owned(), self.preprocessing.to_json()),
        ]);
        let weights = self.class_weights();
        let json = match &weights[..] {
            [only] => only.as_ref().map(|w| serde_json::json!(w)),
            several => several.iter().any(Option::is_some).then(|| serde_json::json!(several)),
        };
        texts.extend(json.map(|json| (CLASS_WEIGHTS.to_owned(), json.to_string())));
        texts
    }

    /// Whether rows go on where those of the pass before ended: then windows of a text come in streams.
    pub(super) fn carries(&self) -> bool {
        !self.graph().states.is_empty()
    }

    /// Lets the rows of `plan` start from nothing.
    pub(super) fn forget(&mut self, plan: usize) {
        self.machine.states_mut(plan).fill(0.0);
    }

    /// What the network says after each of `tokens`, which are a row of `plan`, one that gives outputs: `[T, V]`.
    pub(super) fn logits(&mut self, plan: usize, tokens: &[f32]) -> Vec<f32> {
        if let Some(id) = self.token_id {
            self.machine.input_mut(plan, id, 1).copy_from_slice(tokens);
        }
        self.forget(plan);
        self.run(plan, 1, Key::new(0), false);
        self.machine.output(plan, self.places[0].port.output, 1).to_vec()
    }

    /// Reads `tokens`, as many as a row has, the first at `position`, with what it carries of those before.
    pub(super) fn read_on(&mut self, tokens: &[u32], position: usize) {
        if let Some(id) = self.token_id {
            let row = self.machine.input_mut(0, id, 1);
            row.iter_mut().zip(tokens).for_each(|(x, &token)| *x = token as f32);
        }
        if let Some(id) = self.position_id {
            self.machine.input_mut(0, id, 1).fill(position as f32);
        }
        self.run(0, 1, Key::new(0), false);
    }

    /// What the network said after the last token of the last pass: `[V]`.
    pub(super) fn last_logits(&self) -> &[f32] {
        let all = self.machine.output(0, self.places[0].port.output, 1);
        &all[all.len() - self.outputs[0].head.outputs..]
    }

    /// Runs `plan` on the rows that were filled in.
    pub(super) fn run(&mut self, plan: usize, rows: usize, key: Key, accumulate: bool) {
        self.machine.run(plan, Pass { rows, key, accumulate });
    }

    /// The weighted sum of the losses of the last pass.
    pub(super) fn loss(&mut self, plan: usize, rows: usize) -> f64 {
        (0..self.outputs.len()).map(|output| self.loss_of(output, plan, rows)).sum()
    }

    /// The weighted sum of the losses of output number `output` in the last pass.
    pub(super) fn loss_of(&self, output: usize, plan: usize, rows: usize) -> f64 {
        let port = &self.places[output].port;
        let sum = |loss: ValueId, weight: ValueId| -> f64 {
            let losses = self.machine.output(plan, loss, rows);
            let weights = self.machine.output(plan, weight, rows);
            losses.iter().zip(weights).map(|(&l, &w)| f64::from(l) * f64::from(w)).sum()
        };
        let mixed = port.mixed.filter(|_| self.share < 1.0);
        sum(port.loss, port.row_weight) + mixed.map_or(0.0, |mixed| sum(mixed.loss, mixed.row_weight))
    }

    /// The sum of −ln p over the tokens that `rows` of `text` foresee, in the last pass.
    pub(super) fn token_loss(&self, output: usize, plan: usize, text: &TokenRows, rows: &[u32]) -> f64 {
        let raw = self.machine.output(plan, self.places[output].port.output, rows.len());
        let vocabulary = self.outputs[output].head.outputs;
        let each = raw.len() / rows.len().max(1);
        let of_row = |(&row, raw): (&u32, &[f32])| -> f64 {
            let places = text.steps(row).zip(raw.chunks_exact(vocabulary));
            places.map(|(at, logits)| -log_probability(logits, text.tokens().get(at))).sum()
        };
        rows.iter().zip(raw.chunks_exact(each.max(1))).map(of_row).sum()
    }

    /// Predictions of output number `output` in the last pass: `[rows, predicted_width]`, or `[rows, T, predicted_width]` where each
    /// step has one.
    pub(super) fn predictions(&self, output: usize, plan: usize, rows: usize, out: &mut Vec<f64>) {
        let Output { head, targets, .. } = &self.outputs[output];
        let (from, to) = (head.columns(), head.predicted_width());
        let raw = self.machine.output(plan, self.places[output].port.output, rows);
        out.resize(raw.len() / from * to, 0.0);
        for (out, raw) in out.chunks_exact_mut(to).zip(raw.chunks_exact(from)) {
            head.predict(targets, raw, out);
        }
    }
}

/// The config in a model file, where there is one.
///
/// # Errors
/// `Code::Model` for one that this version cannot read.
pub(super) fn config_of(file: &ModelFile<'_>) -> Option<Result<Config>> {
    file.metadata.get(CONFIG).map(|toml| read_config(toml))
}

fn read_config(toml: &str) -> Result<Config> {
    let source = SourceText::new("the model's config", toml, Format::Toml);
    Config::parse(&source, &[], registries()).map_err(|e| Error { code: Code::Model, ..e })
}

/// The last part of a path.
fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The class weights as JSON: those of a single output, or a list of those of each, `null` where it has none.
const CLASS_WEIGHTS: &str = "backprop.class_weights";

/// The class weights of each output; `None` where they do not fit its classes.
fn read_class_weights(json: &str, preprocessing: &Preprocessing) -> Option<Vec<Option<Vec<f32>>>> {
    let targets = &preprocessing.targets;
    let all: Vec<Option<Vec<f32>>> = match targets.len() {
        1 => vec![Some(serde_json::from_str(json).ok()?)],
        _ => serde_json::from_str(json).ok()?,
    };
    let fits = |(weights, (group, _)): (&Option<Vec<f32>>, (&TargetGroup, Range<usize>))| {
        let classes = group.targets.classes().map(<[String]>::len);
        weights.as_ref().is_none_or(|w| Some(w.len()) == classes)
    };
    (all.len() == targets.len() && all.iter().zip(targets.iter()).all(fits)).then_some(all)
}

fn read_flat(
    tensors: &[graph::Tensor],
    file: &ModelFile<'_>,
    path: &Path,
    prefix: &str,
    flat: &mut [f32],
) -> Result<()> {
    for t in tensors {
        let name = format!("{prefix}{}", t.name);
        let found = file.tensor(&name).filter(|f| f.shape == t.shape).ok_or_else(|| {
            Error::model(
                checkpoint::place(path),
                format!("tensor {} is not there or has another shape", quote(&name)),
            )
        })?;
        flat[t.offset..t.offset + t.shape.len()].copy_from_slice(&found.data.to_f32());
    }
    Ok(())
}

/// A problem of a layer with the line of the config that the layer is on.
fn placed(config: &Config, misfit: Misfit) -> Error {
    let lists = misfit.at.split_first().and_then(|(first, rest)| {
        let layer = config.model.layers.as_ref()?.get(*first)?;
        rest.iter().try_fold(layer, |layer, &i| layer.get("layers")?.items().get(i))
    });
    let problem = misfit.problem;
    let problem = match lists {
        Some(tree) if config.sources.get(tree.span).is_some() => {
            let what = format!("{}: {}", problem.place, problem.what);
            config.sources.locate(tree.span, Problem { what, ..problem })
        }
        _ => problem,
    };
    Error::new(Code::Usage, problem)
}

/// The table's inputs as the network's: blocks of numbers first, then ids, then images, series and texts
/// of a table, then the tokens of one long text, `steps` of them instead of a context where that is given.
fn network_inputs(inputs: &Inputs, steps: Option<usize>) -> Vec<Input> {
    let dense = inputs.dense.iter().map(|d| Input::numbers(&d.name, d.shape.clone()));
    let ids = inputs.embeddings.iter().map(|e| Input::ids(&e.column, e.cardinality).unknown(Some(0)));
    let stored = inputs.stored.iter().map(|s| match s.cardinality {
        Some(ids) => Input::tokens(&s.name, s.shape.len(), ids, s.ragged).unknown(s.unknown),
        None => Input::channels_last(&s.name, s.shape.clone(), s.ragged),
    });
    let tokens = inputs
        .tokens
        .iter()
        .map(|t| Input::tokens(&t.name, steps.unwrap_or(t.steps), t.vocabulary, false).unknown(t.unknown));
    dense.chain(ids).chain(stored).chain(tokens).collect()
}

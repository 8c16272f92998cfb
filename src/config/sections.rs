//! The sections of a checked config as plain structs, from values and back.

use super::text::{Sample, Text};
use super::{Output, keys};
use crate::spec::{Choice, Family, Registries, Tree, Value, Values};

/// `[data]`: the tables, and what their columns mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Paths or globs of the training table, relative to the current directory.
    pub train: Vec<String>,
    /// The rows that choose the best weights.
    pub validation: Validation,
    /// Paths or globs of the table that is scored at the end.
    pub test: Vec<String>,
    /// The fraction of the training rows that is scored at the end instead; 0: none.
    pub test_fraction: f64,
    /// The columns to predict.
    pub target: Vec<String>,
    /// The only input columns, if given.
    pub features: Option<Vec<String>>,
    /// Columns that are not inputs.
    pub exclude: Vec<String>,
    /// The column of row weights.
    pub weight: Option<String>,
    /// The column whose values keep rows together in one part.
    pub group: Option<String>,
    /// Fields that stand for "no value".
    pub missing_values: Vec<String>,
    /// The scale of number columns without one of their own: `none`, `standard`, `robust`, `min_max` or `quantile`.
    pub scale: String,
    /// Whether number targets are standardised for the network.
    pub standardise_target: bool,
    /// The byte between fields; `None`: found from the first lines.
    pub delimiter: Option<u8>,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Whether double quotes may enclose a field.
    pub quoting: bool,
    /// Whether rows of the wrong length are skipped rather than an error.
    pub skip_bad_rows: bool,
    /// The largest fraction of rows that may be skipped.
    pub max_bad_fraction: f64,
    /// Pins of single columns, in the order of the config: `type`, `missing`, `fill_value`, `scale`, `encoding`,
    /// `unknown`, `classes`, each only if given.
    pub columns: Vec<(String, Values)>,
    /// Named inputs, in the order of the config.
    pub inputs: Vec<Input>,
    /// Where a row is a step of a series.
    pub series: Option<Series>,
    /// Where the rows are one series to forecast.
    pub windows: Option<Windows>,
    /// Of a language model; then `train` holds the paths of the text, and of the rest only `validation` and `test` mean something.
    pub text: Option<Text>,
}

/// `[data.windows]`: forecasts of one long series.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// Steps that a forecast looks back on.
    pub length: usize,
    /// Steps that are forecast.
    pub horizon: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// The column that orders the rows.
    pub order: Option<String>,
    /// Names or patterns of columns that are known in advance.
    pub known: Vec<String>,
    /// Steps of a season.
    pub season: Option<usize>,
}

/// `[data.series]`: rows that are steps of series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The column that says which series a row belongs to.
    pub id: String,
    /// The column that orders the steps.
    pub order: Option<String>,
    /// Names or patterns of the columns that are numbers of a step.
    pub channels: Option<Vec<String>>,
    /// The number of steps.
    pub length: Option<usize>,
}

/// Where validation rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Validation {
    /// This fraction of the training rows, in `[0, 1)`; 0: none.
    Fraction(f64),
    /// Paths or globs.
    Files(Vec<String>),
}

/// `[data.inputs.NAME]`: an input of the network made of some columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As layers refer to it.
    pub name: String,
    /// Column names or patterns.
    pub columns: Vec<String>,
    /// Sizes without the batch axis.
    pub shape: Option<Vec<usize>>,
    /// How images get that size: `stretch`, `crop` or `pad`.
    pub resize: Option<String>,
    /// Random changes in training.
    pub augment: Vec<Choice>,
}

/// `[model]`: the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Tables of the layers, checked, defaults filled in, each with its place in the config; `None`: chosen from the data.
    pub layers: Option<Vec<Tree>>,
    /// First weights of all layers; `None`: each layer's own.
    pub init: Option<Choice>,
    /// What each output predicts, in the order of the config; empty: one output, or as the targets are.
    pub outputs: Vec<Output>,
    /// Whether the output layer of a language model has the weight of the embedding.
    pub tie_weights: bool,
}

/// `[train]`: how the network is trained. `None` is "auto" where nothing else is said: chosen from the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    /// Passes over the training rows.
    pub epochs: Option<u64>,
    /// Rows of one step.
    pub batch_size: Option<usize>,
    /// What is made small.
    pub loss: Option<Choice>,
    /// The update rule.
    pub optimizer: Option<Choice>,
    /// The learning rate over time.
    pub schedule: Option<Choice>,
    /// When to stop early.
    pub early_stopping: EarlyStopping,
    /// The largest norm of the gradient; `None`: no limit.
    pub clip_grad_norm: Option<f64>,
    /// The largest value in the gradient; `None`: no limit.
    pub clip_grad_value: Option<f64>,
    /// Batches for one step of the optimizer.
    pub accumulate_steps: usize,
    /// Weights of the classes in the loss.
    pub class_weights: ClassWeights,
    /// Alpha of mixup; `None`: rows are not mixed.
    pub mixup: Option<f64>,
    /// Whether each epoch takes the rows in a new order.
    pub shuffle: bool,
    /// Steps after which training stops; 0: no limit.
    pub max_steps: u64,
    /// Steps between lines of metrics; 0: one an epoch.
    pub log_every_steps: u64,
    /// Steps between checkpoints; 0: one an epoch.
    pub checkpoint_every_steps: u64,
    /// What a language model generates after each epoch.
    pub sample: Option<Sample>,
    /// A model whose weights are the first ones.
    pub init_from: Option<String>,
}

/// When to stop before the last epoch.
#[derive(Clone, Debug, PartialEq)]
pub enum EarlyStopping {
    /// After half of the epochs without progress, where there are validation rows.
    Auto,
    /// Never.
    Never,
    /// After `patience` epochs without progress.
    After {
        /// The figure of the validation part to watch.
        metric: String,
        /// Epochs without progress; `None`: half of all.
        patience: Option<usize>,
        /// Smaller changes are no progress.
        min_delta: f64,
    },
}

/// Weights of the classes in the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// All equal.
    None,
    /// Inverse to the number of rows of each class.
    Balanced,
    /// In the order of the classes.
    List(Vec<f64>),
    /// By class name.
    Named(Vec<(String, f64)>),
}

impl Data {
    /// From the checked keys of the section.
    pub(super) fn from_values(values: &Values, registries: &Registries<'_>) -> Self {
        let texts = |key: &str| if values.has(key) { values.strs(key) } else { Vec::new() };
        let test_fraction =
            if let Some(Value::Float(fraction)) = values.get("test") { *fraction } else { 0.0 };
        Data {
            train: texts("train"),
            validation: match values.get("validation") {
                Some(Value::Float(fraction)) => Validation::Fraction(*fraction),
                _ => Validation::Files(texts("validation")),
            },
            test: if let Some(Value::Float(_)) = values.get("test") { Vec::new() } else { texts("test") },
            test_fraction,
            target: texts("target"),
            features: values.has("features").then(|| values.strs("features")),
            exclude: texts("exclude"),
            weight: values.has("weight").then(|| values.str("weight").to_owned()),
            group: values.has("group").then(|| values.str("group").to_owned()),
            missing_values: texts("missing_values"),
            scale: values.str("scale").to_owned(),
            standardise_target: values.bool("standardise_target"),
            delimiter: super::delimiter(values.str("delimiter")).unwrap_or_default(),
            header: values.bool("header"),
            quoting: values.bool("quoting"),
            skip_bad_rows: values.str("on_bad_row") == "skip",
            max_bad_fraction: values.f64("max_bad_fraction"),
            columns: tables(values, "columns", keys::COLUMN),
            inputs: tables(values, "inputs", keys::INPUT)
                .into_iter()
                .map(|(name, input)| Input {
                    name,
                    columns: input.strs("columns"),
                    shape: input
                        .has("shape")
                        .then(|| input.f64s("shape").iter().map(|&n| n as usize).collect()),
                    resize: input.has("resize").then(|| input.str("resize").to_owned()),
                    augment: match input.get("augment") {
                        Some(Value::List(items)) => {
                            let choice = |item| Choice::from_value(item, Family::Augmentation, registries);
                            items.iter().filter_map(choice).collect()
                        }
                        _ => Vec::new(),
                    },
                })
                .collect(),
            series: table(values, "series", keys::SERIES).map(|series| Series {
                id: series.str("id").to_owned(),
                order: series.has("order").then(|| series.str("order").to_owned()),
                channels: series.has("channels").then(|| series.strs("channels")),
                length: series.has("length").then(|| series.usize("length")),
            }),
            windows: table(values, "windows", keys::WINDOWS).map(|windows| Windows {
                length: windows.usize("length"),
                horizon: windows.usize("horizon"),
                stride: windows.usize("stride"),
                order: windows.has("order").then(|| windows.str("order").to_owned()),
                known: windows.strs("known"),
                season: windows.has("season").then(|| windows.usize("season")),
            }),
            text: None,
        }
    }

    /// From the checked keys of the section of a language model.
    pub(super) fn of_text(values: &Values) -> Self {
        let tables = Data::from_values(&Values::defaults(keys::DATA), &Registries::default());
        let shared =
            ["validation", "test"].into_iter().filter_map(|key| Some((key, values.get(key)?.clone())));
        let shared = shared.fold(Values::defaults(keys::DATA), |all, (key, value)| all.with(key, value));
        let parts = Data::from_values(&shared, &Registries::default());
        Data {
            train: if values.has("text") { values.strs("text") } else { Vec::new() },
            validation: parts.validation,
            test: parts.test,
            test_fraction: parts.test_fraction,
            text: Some(Text::from_values(values)),
            ..tables
        }
    }

    /// The section with every key that has a value.
    pub(super) fn to_values(&self) -> Values {
        let mut values = Values::default();
        let mut put = |key, value: Option<Value>| {
            if let Some(value) = value {
                values.set(key, value);
            }
        };
        put(if self.text.is_some() { "text" } else { "train" }, Some(one_or_list(&self.train)));
        put(
            "validation",
            Some(match &self.validation {
                Validation::Fraction(fraction) => Value::Float(*fraction),
                Validation::Files(paths) => one_or_list(paths),
            }),
        );
        put("test", (!self.test.is_empty()).then(|| one_or_list(&self.test)));
        put("test", (self.test_fraction > 0.0).then_some(Value::Float(self.test_fraction)));
        if let Some(text) = &self.text {
            text.put(&mut put);
            return values;
        }
        put("target", Some(one_or_list(&self.target)));
        put("features", self.features.as_deref().map(list));
        put("exclude", Some(list(&self.exclude)));
        put("weight", self.weight.clone().map(Value::Str));
        put("group", self.group.clone().map(Value::Str));
        put("missing_values", Some(list(&self.missing_values)));
        put("scale", Some(Value::Str(self.scale.clone())));
        put("standardise_target", Some(Value::Bool(self.standardise_target)));
        let delimiter = self.delimiter.map_or("auto".to_owned(), |byte| char::from(byte).to_string());
        put("delimiter", Some(Value::Str(delimiter)));
        put("header", Some(Value::Bool(self.header)));
        put("quoting", Some(Value::Bool(self.quoting)));
        put("on_bad_row", Some(text(if self.skip_bad_rows { "skip" } else { "error" })));
        put("max_bad_fraction", Some(Value::Float(self.max_bad_fraction)));
        put("series", self.series.as_ref().map(Series::to_value));
        put("windows", self.windows.as_ref().map(Windows::to_value));
        let columns = self.columns.iter().map(|(name, pins)| (name.clone(), pins.clone().into_table()));
        put("columns", (!self.columns.is_empty()).then(|| Value::Table(columns.collect())));
        let inputs = self.inputs.iter().map(|input| (input.name.clone(), input.to_value()));
        put("inputs", (!self.inputs.is_empty()).then(|| Value::Table(inputs.collect())));
        values
    }
}

impl Series {
    fn to_value(&self) -> Value {
        let order = self.order.as_deref().map(text);
        let channels = self.channels.as_deref().map(one_or_list);
        let length = self.length.map(|n| Value::Int(n as i64));
        let all =
            [("id", Some(text(&self.id))), ("order", order), ("channels", channels), ("length", length)];
        Value::Table(all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }
}

impl Windows {
    fn to_value(&self) -> Value {
        let whole = |n: usize| Some(Value::Int(n as i64));
        let all = [
            ("length", whole(self.length)),
            ("horizon", whole(self.horizon)),
            ("stride", whole(self.stride)),
            ("order", self.order.as_deref().map(text)),
            ("known", Some(list(&self.known))),
            ("season", self.season.and_then(whole)),
        ];
        Value::Table(all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }
}

impl Input {
    fn to_value(&self) -> Value {
        let mut entries = vec![("columns".to_owned(), one_or_list(&self.columns))];
        if let Some(shape) = &self.shape {
            let sizes = shape.iter().map(|&n| Value::Int(n as i64)).collect();
            entries.push(("shape".to_owned(), Value::List(sizes)));
        }
        if let Some(resize) = &self.resize {
            entries.push(("resize".to_owned(), text(resize)));
        }
        if !self.augment.is_empty() {
            let all = self.augment.iter().map(Choice::to_value).collect();
            entries.push(("augment".to_owned(), Value::List(all)));
        }
        Value::Table(entries)
    }
}

impl Model {
    /// From the checked keys of the section and the text it came from.
    pub(super) fn from_values(values: &Values, section: Option<&Tree>, registries: &Registries<'_>) -> Self {
        let layers = match values.get("layers") {
            Some(layers @ Value::List(_)) => {
                let written = section.and_then(|section| section.get("layers"));
                written.map(|written| written.with_value(layers).items().to_vec())
            }
            _ => None,
        };
        Model {
            layers,
            init: choice(values, "init", Family::Initializer, registries),
            outputs: Output::all(values, registries),
            tie_weights: matches!(values.get("tie_weights"), Some(Value::Bool(true))),
        }
    }

    /// The section with every key that has a value.
    pub(super) fn to_values(&self) -> Values {
        let layers =
            self.layers.as_ref().map(|layers| Value::List(layers.iter().map(Tree::to_value).collect()));
        let mut values = Values::default().with("layers", layers.unwrap_or_else(|| text("auto")));
        if let Some(init) = &self.init {
            values.set("init", init.to_value());
        }
        if self.tie_weights {
            values.set("tie_weights", Value::Bool(true));
        }
        if !self.outputs.is_empty() {
            let outputs = self.outputs.iter().map(|output| (output.name.clone(), output.to_value()));
            values.set("outputs", Value::Table(outputs.collect()));
        }
        values
    }
}

impl Train {
    /// From the checked keys of the section.
    pub(super) fn from_values(values: &Values, registries: &Registries<'_>) -> Self {
        let given = |key: &str| matches!(values.get(key), Some(Value::Int(_) | Value::Float(_)));
        let steps = |key: &str| values.usize(key) as u64;
        Train {
            epochs: given("epochs").then(|| steps("epochs")),
            batch_size: given("batch_size").then(|| values.usize("batch_size")),
            loss: choice(values, "loss", Family::Loss, registries),
            optimizer: choice(values, "optimizer", Family::Optimizer, registries),
            schedule: choice(values, "schedule", Family::Schedule, registries),
            early_stopping: EarlyStopping::from_value(values.get("early_stopping")),
            clip_grad_norm: given("clip_grad_norm").then(|| values.f64("clip_grad_norm")),
            clip_grad_value: given("clip_grad_value").then(|| values.f64("clip_grad_value")),
            accumulate_steps: values.usize("accumulate_steps"),
            class_weights: match values.get("class_weights") {
                Some(Value::Str(word)) if word == "balanced" => ClassWeights::Balanced,
                Some(Value::List(_)) => ClassWeights::List(values.f64s("class_weights")),
                Some(Value::Table(weights)) => {
                    let number = |value: &Value| if let Value::Float(x) = value { Some(*x) } else { None };
                    let weights =
                        weights.iter().filter_map(|(class, weight)| Some((class.clone(), number(weight)?)));
                    ClassWeights::Named(weights.collect())
                }
                _ => ClassWeights::None,
            },
            mixup: given("mixup").then(|| values.f64("mixup")),
            shuffle: values.bool("shuffle"),
            max_steps: steps("max_steps"),
            log_every_steps: steps("log_every_steps"),
            checkpoint_every_steps: steps("checkpoint_every_steps"),
            sample: Sample::from_values(values),
            init_from: values.has("init_from").then(|| values.str("init_from").to_owned()),
        }
    }

    /// The section with every key that has a value.
    pub(super) fn to_values(&self) -> Values {
        let whole = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let auto = |value: Option<Value>| value.unwrap_or_else(|| text("auto"));
        let mut values = Values::default()
            .with("epochs", auto(self.epochs.map(whole)))
            .with("batch_size", auto(self.batch_size.map(|n| whole(n as u64))))
            .with("loss", auto(self.loss.as_ref().map(Choice::to_given)))
            .with("optimizer", auto(self.optimizer.as_ref().map(Choice::to_given)))
            .with("schedule", auto(self.schedule.as_ref().map(Choice::to_given)))
            .with("early_stopping", self.early_stopping.to_value())
            .with("accumulate_steps", whole(self.accumulate_steps as u64))
            .with(
                "class_weights",
                match &self.class_weights {
                    ClassWeights::None => text("none"),
                    ClassWeights::Balanced => text("balanced"),
                    ClassWeights::List(weights) => {
                        Value::List(weights.iter().map(|&w| Value::Float(w)).collect())
                    }
                    ClassWeights::Named(weights) => Value::Table(
                        weights.iter().map(|(class, w)| (class.clone(), Value::Float(*w))).collect(),
                    ),
                },
            )
            .with("shuffle", Value::Bool(self.shuffle))
            .with("max_steps", whole(self.max_steps))
            .with("log_every_steps", whole(self.log_every_steps))
            .with("checkpoint_every_steps", whole(self.checkpoint_every_steps));
        for (key, limit) in [
            ("clip_grad_norm", self.clip_grad_norm),
            ("clip_grad_value", self.clip_grad_value),
            ("mixup", self.mixup),
        ] {
            if let Some(limit) = limit {
                values.set(key, Value::Float(limit));
            }
        }
        if let Some(sample) = &self.sample {
            values.set("sample", sample.to_value());
        }
        if let Some(path) = &self.init_from {
            values.set("init_from", Value::Str(path.clone()));
        }
        values
    }
}

impl EarlyStopping {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Str(word)) if word == "none" => EarlyStopping::Never,
            Some(table @ Value::Table(_)) => {
                let values = Values::from_table(table, &[keys::EARLY_STOPPING]).unwrap_or_default();
                EarlyStopping::After {
                    metric: values.str("metric").to_owned(),
                    patience: matches!(values.get("patience"), Some(Value::Int(_)))
                        .then(|| values.usize("patience")),
                    min_delta: values.f64("min_delta"),
                }
            }
            _ => EarlyStopping::Auto,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            EarlyStopping::Auto => text("auto"),
            EarlyStopping::Never => text("none"),
            EarlyStopping::After { metric, patience, min_delta } => Value::Table(vec![
                ("metric".to_owned(), text(metric)),
                ("patience".to_owned(), patience.map_or_else(|| text("auto"), |n| Value::Int(n as i64))),
                ("min_delta".to_owned(), Value::Float(*min_delta)),
            ]),
        }
    }
}

fn choice(values: &Values, key: &str, family: Family, registries: &Registries<'_>) -> Option<Choice> {
    Choice::from_value(values.get(key)?, family, registries)
}

/// The keys of a nested table.
pub(super) fn table(values: &Values, key: &str, keys: &[crate::spec::Key]) -> Option<Values> {
    values.get(key).and_then(|table| Values::from_table(table, &[keys]))
}

/// The tables under the names of a [`Kind::Table`](crate::spec::Kind::Table).
pub(super) fn tables(values: &Values, key: &str, keys: &[crate::spec::Key]) -> Vec<(String, Values)> {
    match values.get(key) {
        Some(Value::Table(entries)) => entries
            .iter()
            .filter_map(|(name, table)| Some((name.clone(), Values::from_table(table, &[keys])?)))
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn list(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|t| text(t)).collect())
}

/// One text alone, as most people write it.
fn one_or_list(texts: &[String]) -> Value {
    match texts {
        [one] => text(one),
        many => list(many),
    }
}

//! What a config leaves to the program: chosen from the number of training rows and the tasks.

use crate::config::{Config, EarlyStopping, registries};
use crate::data::{Column, Inputs};
use crate::error::{Error, Result, quote};
use crate::metrics::Task;
use crate::spec::{Choice, Family, SourceText, Span, Tree, Value};

/// Tables with fewer training rows than this are small: they need a simple network that is held back, not a deep one.
const SMALL: usize = 2_000;

/// What the choices follow from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// Rows that train.
    pub train_rows: usize,
    /// Of each output.
    pub tasks: &'a [Task],
    /// Whether some rows choose the best weights.
    pub has_validation: bool,
    /// Whether the only input is an image or a series.
    pub has_places: bool,
    /// The inputs, where they must be brought beside each other.
    pub parts: Option<&'a Parts>,
    /// Of each output whether each step of a row has a label.
    pub steps: &'a [bool],
}

/// The inputs of a table that do not reach one layer by themselves: texts, or images and series beside something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    /// Whether there are plain numbers or categories.
    features: bool,
    texts: Vec<String>,
    /// Images and series.
    placed: Vec<String>,
}

impl Parts {
    /// Those of `inputs`; `None` where the first layer reads all there is.
    pub(super) fn of(inputs: &Inputs) -> Option<Parts> {
        let dense = inputs.dense.iter().map(|input| (&input.name, input.shape.axes().len()));
        let stored = inputs.stored.iter().filter(|input| input.cardinality.is_none());
        let all: Vec<(&String, usize)> =
            dense.chain(stored.map(|input| (&input.name, input.shape.axes().len()))).collect();
        let texts = inputs.stored.iter().filter(|input| input.cardinality.is_some());
        let parts = Parts {
            features: !inputs.embeddings.is_empty() || all.iter().any(|(_, axes)| *axes < 2),
            texts: texts.map(|input| input.name.clone()).collect(),
            placed: all.iter().filter(|(_, axes)| *axes > 1).map(|(name, _)| (*name).clone()).collect(),
        };
        let one = parts.texts.is_empty() && usize::from(parts.features) + parts.placed.len() < 2;
        (!one).then_some(parts)
    }
}

/// Fills in everything that is "auto".
pub(super) fn resolve(config: &mut Config, facts: Facts<'_>) {
    let Facts { train_rows, tasks, has_validation, has_places, parts, .. } = facts;
    let steps = facts.steps.contains(&true);
    let auto_epochs = config.train.epochs.is_none();
    if tasks == [Task::Text] {
        text_defaults(config, train_rows);
    }
    let small = train_rows < SMALL;
    let own_network = config.model.layers.is_some();
    let train = &mut config.train;
    let batch = *train.batch_size.get_or_insert_with(|| match steps && small {
        // Many answers are learnt from each row.
        true => (train_rows / 30).next_power_of_two().clamp(4, 32),
        false => batch_size(train_rows),
    });
    let batch = batch.min(train_rows).max(1);
    let epochs = *train.epochs.get_or_insert_with(|| epochs(train_rows, batch));
    if train.early_stopping == EarlyStopping::Auto {
        train.early_stopping = if auto_epochs && has_validation {
            // Half the run: the falling rate often finds the best weights late.
            let patience = (epochs / 2).max(1) as usize;
            EarlyStopping::After { metric: "loss".into(), patience, min_delta: 0.0 }
        } else {
            EarlyStopping::Never
        };
    }
    // Who names an optimizer means its rate.
    let own_optimizer = train.optimizer.is_some();
    train.optimizer.get_or_insert_with(|| match steps {
        true => choice(Family::Optimizer, "adamw", if own_network { &[] } else { STEPS_OPTIMIZER }),
        false => optimizer(small, own_network),
    });
    train.schedule.get_or_insert_with(|| {
        choice(Family::Schedule, if own_optimizer { "constant" } else { "cosine" }, &[])
    });
    // A row of many labels is not soon fitted with certainty.
    let smooth = small && !steps;
    match (&mut config.model.outputs[..], tasks) {
        ([], &[task]) => _ = train.loss.get_or_insert_with(|| loss(task, smooth)),
        // Where train.loss is the only output's it stays so.
        (outputs, tasks) if train.loss.is_none() => {
            for (output, &task) in outputs.iter_mut().zip(tasks) {
                output.loss.get_or_insert_with(|| loss(task, smooth));
            }
        }
        _ => {}
    }
    let whole = facts.steps.contains(&false);
    if config.model.layers.is_none() && steps && whole {
        for (output, _) in config.model.outputs.iter_mut().zip(facts.steps).filter(|(_, steps)| **steps) {
            output.input.get_or_insert_with(|| STEPS.to_owned());
        }
    }
    config.model.layers.get_or_insert_with(|| match steps {
        true => steps_layers(parts, whole),
        false => layers(small, has_places, parts),
    });
}

/// Refuses a table for which there is no network by default: one with labels of steps whose columns are not all one text or series.
///
/// # Errors
/// `Code::Usage`, naming the columns.
pub(super) fn check_places(config: &Config, facts: &Facts<'_>, columns: &[Column]) -> Result<()> {
    let Some(parts) = facts.parts.filter(|_| config.model.layers.is_none() && facts.steps.contains(&true))
    else {
        return Ok(());
    };
    let sequences = parts.texts.len() + parts.placed.len();
    if sequences == 1 && !parts.features {
        return Ok(());
    }
    let names = columns.iter().filter(|column| sequences > 1 || column.cell.stored().is_none());
    let names: Vec<String> = names.map(|column| quote(&column.name)).collect();
    let names = names.join(", ");
    let what =
        "the network for a label of each step reads one text or series: other columns have no place in it";
    let mend = match sequences {
        1 => format!("leave them out: data.exclude = [{names}]"),
        _ => "leave all but one out by data.exclude".to_owned(),
    };
    let error = Error::usage("model.layers", what).found(names);
    Err(error.help(format!("{mend}; or write layers that read them")))
}

/// For a label of each step: what an LSTM reads from both sides (Graves & Schmidhuber 2005). Where another output is about the whole
/// row, its mean comes last.
fn steps_layers(parts: Option<&Parts>, whole: bool) -> Vec<Tree> {
    let layer = |kind: &str, keys: &[(&str, Value)]| {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Value::Table(std::iter::once(("type".to_owned(), Value::Str(kind.into()))).chain(keys).collect())
    };
    let dropout = || layer("dropout", &[("p", Value::Float(0.3))]);
    // Named, so that columns beside the text are found to have no place.
    let embedding = |text: &String| {
        let keys = [("input", Value::Str(text.clone())), ("embedding_dim", Value::Int(EMBEDDING))];
        [layer("embedding", &keys), dropout()]
    };
    let lstm = layer("lstm", &[("hidden_size", Value::Int(64)), ("bidirectional", Value::Bool(true))]);
    let text = parts.and_then(|parts| parts.texts.first());
    let first = text.map(embedding).into_iter().flatten();
    let mut layers: Vec<Value> = first.chain([lstm]).collect();
    if whole {
        let p = ("p", Value::Float(0.3));
        layers.extend([layer("dropout", &[("name", Value::Str(STEPS.into())), p]), layer("mean", &[])]);
    } else {
        layers.push(dropout());
    }
    checked_layers(&layers)
}

/// The layer that labels of steps are read from, beside an output about the whole row.
const STEPS: &str = "steps";

/// AdamW for [`steps_layers`].
const STEPS_OPTIMIZER: &[(&str, f64)] = &[("learning_rate", 5e-3), ("weight_decay", 0.01)];

/// A small transformer, as large as a few minutes on a CPU allow: about 2,000 steps, 100 of them to warm up.
fn text_defaults(config: &mut Config, windows: usize) {
    let own_network = config.model.layers.is_some();
    let train = &mut config.train;
    let batch = (*train.batch_size.get_or_insert(TEXT_BATCH)).min(windows).max(1);
    let steps = (windows / batch).max(1) as u64;
    train.epochs.get_or_insert((TEXT_STEPS / steps).clamp(1, 100));
    if train.optimizer.is_none() {
        let keys: &[(&str, f64)] = &[("learning_rate", 1e-3), ("weight_decay", 0.1)];
        train.optimizer = Some(choice(Family::Optimizer, "adamw", if own_network { &[] } else { keys }));
        train.schedule.get_or_insert_with(|| {
            let cosine = choice(Family::Schedule, "cosine", &[]);
            crate::spec::Choice { values: cosine.values.with("warmup_steps", Value::Int(100)), ..cosine }
        });
    }
    let table = |entries: &[(&str, Value)]| {
        Value::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    let text = |text: &str| Value::Str(text.to_owned());
    let layers = [
        table(&[("type", text("embedding")), ("embedding_dim", Value::Int(128))]),
        table(&[("type", text("positional_embedding"))]),
        table(&[
            ("type", text("transformer_encoder")),
            ("num_layers", Value::Int(4)),
            ("num_heads", Value::Int(4)),
            ("causal", Value::Bool(true)),
        ]),
    ];
    config.model.layers.get_or_insert_with(|| checked_layers(&layers));
}

/// Windows of a batch of text.
const TEXT_BATCH: usize = 16;
/// Steps of a run on text, about.
const TEXT_STEPS: u64 = 2_000;

/// Long steps and, on a small table, a strong pull of the weights towards zero. Both are fitted to the networks of
/// [`layers`]; any other network gets AdamW's own.
fn optimizer(small: bool, own_network: bool) -> Choice {
    let (rate, decay) = if small { (3e-3, 1.0) } else { (5e-3, 0.1) };
    let keys = [("learning_rate", rate), ("weight_decay", decay)];
    choice(Family::Optimizer, "adamw", if own_network { &[] } else { &keys })
}

/// About a hundred steps an epoch, within what a CPU's caches like.
fn batch_size(rows: usize) -> usize {
    if rows < SMALL { 32 } else { (rows / 100).next_power_of_two().clamp(32, 256) }
}

/// A hundred on a small table; about 5,000 steps on a larger one, but 20 epochs at least.
fn epochs(rows: usize, batch: usize) -> u64 {
    let steps = rows.div_ceil(batch) as u64;
    if rows < SMALL { 100 } else { (5_000 / steps.max(1)).clamp(20, 60) }
}

/// What the target asks for. On few rows the classes are smoothed, so that no row is fitted with certainty.
fn loss(task: Task, small: bool) -> Choice {
    match task {
        Task::Classes if small => choice(Family::Loss, "cross_entropy", &[("label_smoothing", 0.1)]),
        Task::Classes | Task::Text => choice(Family::Loss, "cross_entropy", &[]),
        Task::Labels => choice(Family::Loss, "bce_with_logits", &[]),
        _ => choice(Family::Loss, "mse", &[]),
    }
}

/// One hidden layer with much dropout on a small table, three with little on a larger one; places are taken side by side, and
/// of a text the mean of its tokens' vectors (Joulin et al. 2017, "Bag of tricks for efficient text classification").
fn layers(small: bool, has_places: bool, parts: Option<&Parts>) -> Vec<Tree> {
    let (hidden, dropout) = if small { (1, 0.5) } else { (3, 0.1) };
    let layer = |name: &str, key: &str, value: Value| {
        vec![("type".to_owned(), Value::Str(name.into())), (key.to_owned(), value)]
    };
    let mut linear = layer("linear", "out_features", Value::Int(256));
    linear.push(("activation".into(), Value::Str("relu".into())));
    let block = [Value::Table(linear), Value::Table(layer("dropout", "p", Value::Float(dropout)))];
    let flatten = Value::Table(vec![("type".to_owned(), Value::Str("flatten".into()))]);
    let first = match parts {
        Some(parts) => beside_each_other(parts),
        None if has_places => vec![flatten],
        None => Vec::new(),
    };
    checked_layers(&[first, vec![block; hidden].concat()].concat())
}

/// Layers that bring all inputs into one row.
fn beside_each_other(inputs: &Parts) -> Vec<Value> {
    let layer = |kind: &str, more: Vec<(&str, Value)>| {
        let more = more.into_iter().map(|(key, value)| (key.to_owned(), value));
        Value::Table(std::iter::once(("type".to_owned(), Value::Str(kind.into()))).chain(more).collect())
    };
    let text = |text: &str| Value::Str(text.to_owned());
    let mut parts = if inputs.features { vec![text("features")] } else { Vec::new() };
    let mut layers = Vec::new();
    for name in &inputs.texts {
        let vectors = text(&format!("embedding_{name}"));
        let width = ("embedding_dim", Value::Int(EMBEDDING));
        layers.push(layer("embedding", vec![("name", vectors), ("input", text(name)), width]));
        parts.push(text(&format!("mean_{name}")));
        layers.push(layer("mean", vec![("name", parts[parts.len() - 1].clone())]));
    }
    for name in &inputs.placed {
        parts.push(text(&format!("flatten_{name}")));
        layers.push(layer("flatten", vec![("name", parts[parts.len() - 1].clone()), ("input", text(name))]));
    }
    if parts.len() > 1 {
        layers.push(layer("concat", vec![("input", Value::List(parts))]));
    }
    layers
}

/// Length of the vectors of a text's tokens.
const EMBEDDING: i64 = 64;

/// Layers with every default filled in, as if a config had named them.
pub(super) fn checked_layers(layers: &[Value]) -> Vec<Tree> {
    let mut report = crate::spec::Report::new(crate::spec::Sources::default(), registries());
    let id = report.sources.add(SourceText::flag("defaults"));
    let span = Span::whole(id);
    let pick = |(i, v): (usize, &Value)| {
        let tree = Tree::from_value(v, span);
        let choice = report.pick(Family::Layer, &tree, &format!("model.layers.{i}"));
        choice.map_or_else(|| tree.clone(), |c| Tree::from_value(&c.to_value(), span))
    };
    layers.iter().enumerate().map(pick).collect()
}

/// A row of a registry with some of its number keys set.
fn choice(family: Family, name: &'static str, set: &[(&'static str, f64)]) -> Choice {
    let all = registries();
    let rows = all.rows(family);
    let index = rows.iter().position(|r| r.name == name).unwrap_or(0);
    let values = crate::spec::Values::defaults(rows[index].keys);
    let values = set.iter().fold(values, |values, &(key, value)| values.with(key, Value::Float(value)));
    Choice { index, name: rows[index].name, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Format;

    fn resolved(text: &str, rows: usize, task: Task) -> Config {
        let text = format!("data.train = \"t.csv\"\ndata.target = \"y\"\n{text}");
        let text = SourceText::new("a.toml", text, Format::Toml);
        let mut config = Config::parse(&text, &[], registries()).expect("a config without faults");
        resolve(
            &mut config,
            Facts {
                train_rows: rows,
                tasks: &[task],
                has_validation: true,
                has_places: false,
                parts: None,
                steps: &[false],
            },
        );
        config
    }

    fn number(choice: Option<&Choice>, key: &str) -> f64 {
        choice.expect("it is chosen").values.f64(key)
    }

    #[test]
    fn a_small_table_gets_a_network_that_is_held_back() {
        let (small, large) = (resolved("", 1_999, Task::Classes), resolved("", 2_000, Task::Classes));
        assert_eq!(small.model.layers.as_ref().map(Vec::len), Some(2));
        assert_eq!(large.model.layers.as_ref().map(Vec::len), Some(6));
        assert_eq!(number(small.train.optimizer.as_ref(), "weight_decay"), 1.0);
        assert_eq!(number(large.train.optimizer.as_ref(), "weight_decay"), 0.1);
        assert_eq!(number(small.train.loss.as_ref(), "label_smoothing"), 0.1);
        assert_eq!(number(large.train.loss.as_ref(), "label_smoothing"), 0.0);
    }

    #[test]
    fn texts_are_brought_beside_the_other_inputs() {
        let texts = |features, texts: &[&str], placed: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let parts = Parts { features, texts: names(texts), placed: names(placed) };
            layers(true, false, Some(&parts))
        };
        let alone = texts(false, &["t"], &[]);
        let told = |key: &str| [0, 1].map(|i: usize| alone[i].get(key).and_then(Tree::as_str));
        assert_eq!(told("type"), [Some("embedding"), Some("mean")]);
        assert_eq!(told("name"), [Some("embedding_t"), Some("mean_t")]);
        assert_eq!(told("input"), [Some("t"), None]);
        let all = texts(true, &["t", "u"], &["image"]);
        let joined = &all[5];
        assert_eq!(joined.get("type").and_then(Tree::as_str), Some("concat"));
        let parts: Vec<&str> = joined
            .get("input")
            .map(Tree::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Tree::as_str)
            .collect();
        assert_eq!(parts, ["features", "mean_t", "mean_u", "flatten_image"]);
    }

    #[test]
    fn labels_of_steps_and_a_class_of_the_row_get_a_layer_each() {
        let text = "data.train = \"t.csv\"\ndata.target = [\"tags\", \"kind\"]\n";
        let text = SourceText::new("a.toml", text, Format::Toml);
        let mut config = Config::parse(&text, &[], registries()).expect("a config without faults");
        config.model.outputs = ["tags", "kind"].map(crate::config::Output::of_column).to_vec();
        let parts = Parts { features: false, texts: vec!["t".into()], placed: Vec::new() };
        let facts = Facts {
            train_rows: 100,
            tasks: &[Task::Classes; 2],
            has_validation: true,
            has_places: false,
            parts: Some(&parts),
            steps: &[true, false],
        };
        resolve(&mut config, facts);
        let inputs: Vec<Option<&str>> = config.model.outputs.iter().map(|o| o.input.as_deref()).collect();
        assert_eq!(inputs, [Some("steps"), None]);
        let layers = config.model.layers.unwrap_or_default();
        let kinds: Vec<_> = layers.iter().filter_map(|l| l.get("type").and_then(Tree::as_str)).collect();
        assert_eq!(kinds, ["embedding", "dropout", "lstm", "dropout", "mean"]);
    }

    #[test]
    fn nothing_that_the_config_says_is_replaced() {
        let text = "train.epochs = 7\ntrain.batch_size = 5\ntrain.schedule.type = \"constant\"\n\
                    train.optimizer = { type = \"sgd\", learning_rate = 0.5 }\ntrain.loss.type = \"l1\"\n\
                    [[model.layers]]\ntype = \"linear\"\nout_features = 3\n";
        let config = resolved(text, 100, Task::Numbers);
        let train = &config.train;
        let name = |choice: &Option<Choice>| choice.as_ref().map(|c| c.name);
        assert_eq!((train.epochs, train.batch_size), (Some(7), Some(5)));
        assert_eq!(name(&train.schedule), Some("constant"));
        assert_eq!((name(&train.optimizer), name(&train.loss)), (Some("sgd"), Some("l1")));
        assert_eq!(config.model.layers.as_ref().map(Vec::len), Some(1));
    }

    #[test]
    fn a_network_of_the_config_gets_adamw_as_it_is() {
        let config = resolved("[[model.layers]]\ntype = \"linear\"\nout_features = 3\n", 100, Task::Numbers);
        assert_eq!(number(config.train.optimizer.as_ref(), "learning_rate"), 1e-3);
        assert_eq!(number(config.train.optimizer.as_ref(), "weight_decay"), 1e-2);
    }

    #[test]
    fn the_rate_falls_unless_the_config_names_the_optimizer() {
        let schedule = |text| resolved(text, 100, Task::Classes).train.schedule.map(|c| c.name);
        assert_eq!(schedule(""), Some("cosine"));
        assert_eq!(schedule("train.optimizer.type = \"adam\""), Some("constant"));
    }

    #[test]
    fn only_epochs_that_are_chosen_here_are_stopped_early() {
        let after = |config: Config| match config.train.early_stopping {
            EarlyStopping::After { patience, .. } => Some(patience),
            _ => None,
        };
        assert_eq!(after(resolved("", 100, Task::Classes)), Some(50));
        assert_eq!(after(resolved("train.epochs = 7", 100, Task::Classes)), None);
    }

    #[test]
    fn the_steps_of_a_run_stay_within_bounds_at_any_size() {
        for (rows, batch, epochs) in [
            (1, 1, 100),
            (120, 32, 100),
            (1_999, 32, 100),
            (2_000, 32, 60),
            (12_000, 128, 53),
            (1_000_000, 256, 20),
        ] {
            let train = resolved("", rows, Task::Classes).train;
            let used = train.batch_size.map(|b| b.min(rows));
            assert_eq!((used, train.epochs), (Some(batch), Some(epochs)), "{rows} rows");
        }
    }
}

//! What a config leaves to the program: chosen from the number of training rows, the tasks and the network.
//!
//! A key that a config gives changes that key alone: each choice here follows from the data and from the values of other keys, never
//! from whether another key was given.

use crate::config::{Config, EarlyStopping, registries};
use crate::data::Column;
use crate::error::{Error, Result, quote};
use crate::metrics::Task;
use crate::spec::{Choice, Family, Tree, Value};
use crate::train::default_layers::{Parts, STEPS, layers, steps_layers, text_layers};

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

/// Fills in everything that is left open.
pub(super) fn resolve(config: &mut Config, facts: Facts<'_>) {
    let Facts { train_rows: rows, tasks, has_validation, has_places, parts, .. } = facts;
    let data = Data::of(&facts);
    let whole = facts.steps.contains(&false);
    let network = config.model.layers.get_or_insert_with(|| match data {
        Data::Text => text_layers(),
        Data::Steps => steps_layers(parts, whole),
        Data::Rows => layers(rows < SMALL, has_places, parts),
    });
    let make = Make::of(network);
    if whole && Make::has_layer_named(network, STEPS) {
        for (output, _) in config.model.outputs.iter_mut().zip(facts.steps).filter(|(_, steps)| **steps) {
            output.input.get_or_insert_with(|| STEPS.to_owned());
        }
    }
    settle_losses(config, tasks, rows < SMALL && data == Data::Rows);
    let train = &mut config.train;
    let batch = *train.batch_size.get_or_insert_with(|| batch_size(data, rows));
    let epochs = *train.epochs.get_or_insert_with(|| epochs(data, rows, batch.min(rows).max(1)));
    settle_stopping(&mut train.early_stopping, epochs, has_validation);
    settle(&mut train.optimizer, optimizer(data, rows < SMALL, make));
    settle(&mut train.schedule, schedule(data));
}

/// Kinds of data that need settings of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// A text to learn the next token of.
    Text,
    /// Rows with a label for each step, beside outputs about the whole row or alone.
    Steps,
    /// Any other table.
    Rows,
}

impl Data {
    fn of(facts: &Facts<'_>) -> Self {
        match facts.tasks {
            [Task::Text] => Data::Text,
            _ if facts.steps.contains(&true) => Data::Steps,
            _ => Data::Rows,
        }
    }
}

/// What a network is made of, as far as its learning rate and decay follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Make {
    /// Neither of the others: linear layers, embeddings, norms, dropout, pooling and the like.
    Plain,
    /// With convolutions or recurrent layers.
    Places,
    /// With attention.
    Attention,
}

impl Make {
    fn of(layers: &[Tree]) -> Self {
        let kinds =
            layers.iter().map(|layer| match layer.get("type").and_then(Tree::as_str).unwrap_or_default() {
                "multi_head_attention"
                | "transformer_block"
                | "transformer_encoder"
                | "transformer_decoder" => Make::Attention,
                "rnn" | "lstm" | "gru" => Make::Places,
                kind if kind.starts_with("conv") => Make::Places,
                // Blocks of layers.
                _ => layer.get("layers").map_or(Make::Plain, |inner| Make::of(inner.items())),
            });
        kinds.max_by_key(|kind| *kind as u8).unwrap_or(Make::Plain)
    }

    fn has_layer_named(layers: &[Tree], name: &str) -> bool {
        layers.iter().any(|layer| layer.get("name").and_then(Tree::as_str) == Some(name))
    }
}

/// Lays what the config gives over the choice of the program.
fn settle(given: &mut Option<Choice>, own: Choice) {
    *given = Some(given.as_ref().map_or_else(|| own.clone(), |given| given.completed(&own)));
}

fn settle_losses(config: &mut Config, tasks: &[Task], smooth: bool) {
    let train = &mut config.train;
    match (&mut config.model.outputs[..], tasks) {
        ([], &[task]) => settle(&mut train.loss, loss(task, smooth)),
        // Where train.loss is the only output's it stays so.
        ([_], &[task]) if train.loss.is_some() => settle(&mut train.loss, loss(task, smooth)),
        (outputs, tasks) => {
            outputs.iter_mut().zip(tasks).for_each(|(o, &task)| settle(&mut o.loss, loss(task, smooth)));
        }
    }
}

/// Half the run, where there is something to watch: the falling rate often finds the best weights late.
fn settle_stopping(stopping: &mut EarlyStopping, epochs: u64, has_validation: bool) {
    let half = epochs.div_ceil(2).max(1) as usize;
    match stopping {
        EarlyStopping::Auto if has_validation => {
            *stopping = EarlyStopping::After { metric: "loss".into(), patience: Some(half), min_delta: 0.0 };
        }
        EarlyStopping::Auto => *stopping = EarlyStopping::Never,
        EarlyStopping::After { patience, .. } => _ = patience.get_or_insert(half),
        EarlyStopping::Never => {}
    }
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

/// Rows of a batch of text.
const TEXT_BATCH: usize = 16;
/// Steps of a run on text, about: a few minutes on a CPU.
const TEXT_STEPS: u64 = 2_000;
/// Steps of these in which the rate rises.
const TEXT_WARMUP: i64 = 100;

/// AdamW, with a rate and a decay that are fitted to the networks of [`default_layers`](super::default_layers): long steps and, on a
/// small table, a strong pull of the weights towards zero. Convolutions, recurrence and attention take shorter steps.
fn optimizer(data: Data, small: bool, make: Make) -> Choice {
    let (rate, decay) = match (data, make) {
        (Data::Text, _) => (1e-3, 0.1),
        (Data::Steps, Make::Plain | Make::Places) => (5e-3, 0.01),
        (Data::Rows, Make::Plain) if small => (3e-3, 1.0),
        (Data::Rows, Make::Plain) => (5e-3, 0.1),
        (_, Make::Places | Make::Attention) => (1e-3, 0.01),
    };
    preset(Family::Optimizer, &[("learning_rate", Value::Float(rate)), ("weight_decay", Value::Float(decay))])
}

/// The rate falls to zero.
fn schedule(data: Data) -> Choice {
    let warmup = [("warmup_steps", Value::Int(TEXT_WARMUP))];
    preset(Family::Schedule, if data == Data::Text { &warmup } else { &[] })
}

/// About a hundred steps an epoch, within what a CPU's caches like.
fn batch_size(data: Data, rows: usize) -> usize {
    match data {
        Data::Text => TEXT_BATCH,
        // Many answers are learnt from each row.
        Data::Steps if rows < SMALL => (rows / 30).next_power_of_two().clamp(4, 32),
        _ if rows < SMALL => 32,
        _ => (rows / 100).next_power_of_two().clamp(32, 256),
    }
}

/// A hundred on a small table; about 5,000 steps on a larger one, but 20 epochs at least.
fn epochs(data: Data, rows: usize, batch: usize) -> u64 {
    match data {
        Data::Text => (TEXT_STEPS / (rows / batch).max(1) as u64).clamp(1, 100),
        _ if rows < SMALL => 100,
        _ => (5_000 / (rows.div_ceil(batch) as u64).max(1)).clamp(20, 60),
    }
}

/// What the target asks for. On few rows the classes are smoothed, so that no row is fitted with certainty; a row of many labels is
/// not soon fitted so.
fn loss(task: Task, smooth: bool) -> Choice {
    let name = match task {
        Task::Classes | Task::Text => "cross_entropy",
        Task::Labels => "bce_with_logits",
        _ => "mse",
    };
    let smoothing = [("label_smoothing", Value::Float(0.1))];
    of_defaults(Family::Loss, name, if smooth && task == Task::Classes { &smoothing } else { &[] })
}

/// The type of a family that the program takes, with some of its keys set.
fn preset(family: Family, set: &[(&'static str, Value)]) -> Choice {
    of_defaults(family, family.preset().unwrap_or_default(), set)
}

fn of_defaults(family: Family, name: &str, set: &[(&'static str, Value)]) -> Choice {
    let choice = Choice::of_defaults(family, name, &registries());
    let values = set.iter().fold(choice.values, |values, (key, value)| values.with(key, value.clone()));
    Choice::new(choice.index, choice.name, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Format, SourceText, toml_value};

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
    fn rate_and_decay_follow_from_what_a_network_is_made_of() {
        let rates = |layers: &str, rows, task| {
            let config = resolved(&format!("model.layers = [{layers}]\n"), rows, task);
            ["learning_rate", "weight_decay"].map(|key| number(config.train.optimizer.as_ref(), key))
        };
        let plain = "{ type = \"linear\", out_features = 3 }";
        let within = |inner: &str| format!("{plain}, {{ type = \"residual\", layers = [{inner}] }}");
        assert_eq!(rates(plain, 100, Task::Numbers), [3e-3, 1.0]);
        assert_eq!(rates(&within("\"batch_norm\""), 100, Task::Classes), [3e-3, 1.0]);
        assert_eq!(rates(plain, 2_000, Task::Classes), [5e-3, 0.1]);
        for layer in [
            "{ type = \"gru\", hidden_size = 2 }",
            "{ type = \"conv1d\", out_channels = 2, kernel_size = 1 }",
            "{ type = \"transformer_block\", num_heads = 1 }",
        ] {
            assert_eq!(rates(layer, 100, Task::Classes), [1e-3, 1e-2], "{layer}");
            assert_eq!(rates(&within(layer), 2_000, Task::Classes), [1e-3, 1e-2], "{layer}");
            assert_eq!(rates(layer, 100, Task::Text), [1e-3, 0.1], "{layer}");
        }
    }

    #[test]
    fn the_default_layers_written_out_change_nothing() {
        for (rows, task) in [(100, Task::Classes), (5_000, Task::Numbers), (100, Task::Text)] {
            let config = resolved("", rows, task);
            let layers = config.model.layers.iter().flatten().map(|layer| toml_value(&layer.to_value()));
            let layers = layers.collect::<Vec<_>>().join(", ");
            let again = resolved(&format!("model.layers = [{layers}]\n"), rows, task);
            assert_eq!(again.to_toml(), config.to_toml());
        }
    }

    #[test]
    fn the_rate_falls_whatever_the_optimizer_is() {
        let schedule = |text| resolved(text, 100, Task::Classes).train.schedule.map(|c| c.name);
        assert_eq!(schedule(""), Some("cosine"));
        assert_eq!(schedule("train.optimizer.type = \"adam\""), Some("cosine"));
        assert_eq!(schedule("train.schedule = \"constant\""), Some("constant"));
        let text = resolved("train.schedule.eta_min = 1e-5", 100, Task::Text).train.schedule;
        assert_eq!((number(text.as_ref(), "warmup_steps"), number(text.as_ref(), "eta_min")), (100.0, 1e-5));
    }

    #[test]
    fn a_run_stops_after_half_of_its_epochs_without_progress() {
        let after = |text| match resolved(text, 100, Task::Classes).train.early_stopping {
            EarlyStopping::After { metric, patience, .. } => Some((metric, patience)),
            _ => None,
        };
        let loss = |patience| Some(("loss".to_owned(), Some(patience)));
        assert_eq!(after(""), loss(50));
        assert_eq!(after("train.epochs = 7"), loss(4));
        assert_eq!(after("train.epochs = 0"), loss(1));
        assert_eq!(after("train.early_stopping.patience = 3"), loss(3));
        let accuracy = Some(("accuracy".to_owned(), Some(5)));
        assert_eq!(after("train.epochs = 10\ntrain.early_stopping.metric = \"accuracy\""), accuracy);
        assert_eq!(after("train.early_stopping = \"none\""), None);
    }

    #[test]
    fn a_table_without_a_type_changes_the_keys_that_it_has() {
        let config = resolved(
            "train.optimizer.learning_rate = 0.5\ntrain.loss.label_smoothing = 0.3\n",
            100,
            Task::Classes,
        );
        let (optimizer, loss) = (config.train.optimizer, config.train.loss);
        assert_eq!(optimizer.as_ref().map(|choice| choice.name), Some("adamw"));
        assert_eq!(number(optimizer.as_ref(), "learning_rate"), 0.5);
        assert_eq!(number(optimizer.as_ref(), "weight_decay"), 1.0);
        assert_eq!(number(loss.as_ref(), "label_smoothing"), 0.3);
        let sgd = resolved("train.optimizer.type = \"sgd\"", 100, Task::Classes).train.optimizer;
        assert_eq!(number(sgd.as_ref(), "learning_rate"), 1e-3);
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

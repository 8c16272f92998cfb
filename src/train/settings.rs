//! The settings of a run in lines, each with whether the program chose it.

use crate::config::{ClassWeights, Config, EarlyStopping, registries};
use crate::error::{counted, quote, thousands};
use crate::graph::Graph;
use crate::metrics::Task;
use crate::spec::{Choice, Family, Key, Tree, Value, Values, toml_value};
use crate::train::chain::chain;
use crate::train::pace::Pace;
use crate::train::{Chosen, Model, Output, SettingLine};

/// All lines: network, loss, optimizer, schedule, batch, epochs, stopping, and what else is set. `given` is the config before anything
/// was chosen.
pub(super) fn lines(given: &Config, model: &Model, pace: &Pace) -> Vec<SettingLine> {
    let config = &model.config;
    let (asked, train) = (&given.train, &config.train);
    let line = |label, text, chosen| SettingLine { label, text, chosen };
    let choice = |label, family, asked: &Option<Choice>, settled: &Option<Choice>| {
        let text = settled.as_ref().map(|choice| described(family, choice)).unwrap_or_default();
        line(label, text, of_choice(family, asked.as_ref(), settled.as_ref()))
    };
    let mut lines = vec![
        line("network", network(model.graph(), config), all_or_none(given.model.layers.is_some())),
        line("loss", losses(model), of_losses(given, config)),
        choice("optimizer", Family::Optimizer, &asked.optimizer, &train.optimizer),
        choice("schedule", Family::Schedule, &asked.schedule, &train.schedule),
        line("batch", batch(model, pace), all_or_none(asked.batch_size.is_some())),
        line("epochs", epochs(config, pace), all_or_none(asked.epochs.is_some())),
        line("stopping", stopping(&train.early_stopping), of_stopping(&asked.early_stopping)),
    ];
    let others = others(config);
    if !others.is_empty() {
        lines.push(line("also", others, Chosen::Nothing));
    }
    lines
}

fn all_or_none(given: bool) -> Chosen {
    if given { Chosen::Nothing } else { Chosen::Everything }
}

/// What of a choice was left open, of what is shown of it.
fn of_choice(family: Family, given: Option<&Choice>, settled: Option<&Choice>) -> Chosen {
    let (Some(given), Some(settled)) = (given, settled) else { return Chosen::Everything };
    let mut own: Vec<String> = given.given().map(|(key, _)| key.to_owned()).collect();
    if given.names_type() {
        own.insert(0, "type".to_owned());
    }
    match given.names_type() && shown_keys(family, settled).all(|(key, _)| given.gives(key)) {
        true => Chosen::Nothing,
        false if own.is_empty() => Chosen::Everything,
        false => Chosen::AllBut(own),
    }
}

/// What of the losses of all outputs was left open.
fn of_losses(given: &Config, config: &Config) -> Chosen {
    let settled = &config.model.outputs;
    let of_output = |i: usize| given.model.outputs.get(i).and_then(|output| output.loss.as_ref());
    if let [_] | [] = &settled[..] {
        let (asked, settled) = (given.train.loss.as_ref(), config.train.loss.as_ref());
        let own = config.model.outputs.first().and_then(|output| output.loss.as_ref());
        return of_choice(Family::Loss, asked.or(of_output(0)), settled.or(own));
    }
    let each: Vec<Chosen> =
        (0..settled.len()).map(|i| of_choice(Family::Loss, of_output(i), settled[i].loss.as_ref())).collect();
    if each.iter().all(|chosen| *chosen == each[0]) {
        return each[0].clone();
    }
    let own = settled.iter().zip(&each).filter(|(_, chosen)| **chosen != Chosen::Everything);
    Chosen::AllBut(own.map(|(output, _)| quote(&output.name)).collect())
}

fn of_stopping(given: &EarlyStopping) -> Chosen {
    let EarlyStopping::After { metric, patience: None, min_delta } = given else {
        return all_or_none(*given != EarlyStopping::Auto);
    };
    let metric = (metric != "loss").then(|| "metric".to_owned());
    let own: Vec<String> =
        metric.into_iter().chain((*min_delta > 0.0).then(|| "min_delta".to_owned())).collect();
    if own.is_empty() { Chosen::Everything } else { Chosen::AllBut(own) }
}

/// Widths, dropout and parameters.
fn network(graph: &Graph, config: &Config) -> String {
    let mut rates = Vec::new();
    config.model.layers.iter().for_each(|layers| dropouts(layers, &mut rates));
    let dropout = match &rates[..] {
        [] => "no dropout".to_owned(),
        rates => format!("dropout {}", rates.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")),
    };
    format!("{}, {dropout} ({} parameters)", chain(graph), thousands(graph.param_count() as u64))
}

/// The probabilities of dropout in `layers` and the layers inside them, each once, in their order.
fn dropouts(layers: &[Tree], rates: &mut Vec<f64>) {
    for layer in layers {
        let is_dropout =
            layer.get("type").and_then(Tree::as_str).is_some_and(|kind| kind.starts_with("dropout"));
        let rate = match layer.get(if is_dropout { "p" } else { "dropout" }).map(Tree::to_value) {
            Some(Value::Float(rate)) => rate,
            Some(Value::Int(rate)) => rate as f64,
            _ => 0.0,
        };
        if rate > 0.0 && !rates.contains(&rate) {
            rates.push(rate);
        }
        layer.get("layers").iter().for_each(|inner| dropouts(inner.items(), rates));
    }
}

/// Keys that are shown whatever they are.
const ALWAYS: [&str; 3] = ["learning_rate", "weight_decay", "label_smoothing"];

/// The keys in [`ALWAYS`], and the others that do not have their documented default.
fn shown_keys(family: Family, choice: &Choice) -> impl Iterator<Item = (&'static str, &Value)> {
    let keys = registries().rows(family).get(choice.index).map_or(&[][..], |row| row.keys);
    let defaults = Values::defaults(keys);
    let value = move |key: &Key| {
        let value = choice.values.get(key.name)?;
        let is_shown = ALWAYS.contains(&key.name) || defaults.get(key.name) != Some(value);
        is_shown.then_some((key.name, value))
    };
    keys.iter().filter_map(value)
}

/// `adamw, learning_rate 0.003, weight_decay 1`
fn described(family: Family, choice: &Choice) -> String {
    let keys = shown_keys(family, choice).map(|(key, value)| format!(", {key} {}", shown(value)));
    std::iter::once(choice.name.to_owned()).chain(keys).collect()
}

/// A value without the quotes and zeros that a config needs.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(x) if *x != 0.0 && !(1e-4..1e6).contains(&x.abs()) => format!("{x:e}"),
        Value::Float(x) => x.to_string(),
        Value::Str(text) => text.clone(),
        other => toml_value(other),
    }
}

fn losses(model: &Model) -> String {
    let one = |output: &Output| {
        let choice = Choice::of_defaults(Family::Loss, output.head.loss.name, &registries());
        let text =
            described(Family::Loss, &Choice::new(choice.index, choice.name, output.head.values.clone()));
        if standardised(&model.config, output) { text + " of the standardised target" } else { text }
    };
    match &model.outputs[..] {
        [only] => one(only),
        several => {
            let term =
                |output: &Output| format!("{} * {} for {}", output.weight, one(output), quote(&output.name));
            several.iter().map(term).collect::<Vec<_>>().join(" + ")
        }
    }
}

/// What is not so unless a config says it.
fn others(config: &Config) -> String {
    let train = &config.train;
    let class_weights = match &train.class_weights {
        ClassWeights::None => None,
        ClassWeights::Balanced => Some("class_weights balanced".to_owned()),
        ClassWeights::List(_) | ClassWeights::Named(_) => Some("class_weights".to_owned()),
    };
    let number = |key: &str, value: Option<f64>| value.map(|value| format!("{key} {value}"));
    let all = [
        class_weights,
        number("mixup", train.mixup),
        number("clip_grad_norm", train.clip_grad_norm),
        number("clip_grad_value", train.clip_grad_value),
        (train.accumulate_steps > 1).then(|| format!("accumulate_steps {}", train.accumulate_steps)),
        (train.max_steps > 0).then(|| format!("max_steps {}", train.max_steps)),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn batch(model: &Model, pace: &Pace) -> String {
    match &model.preprocessing.language {
        None => counted(pace.batch as u64, "row"),
        Some(language) => {
            format!("{} x {} tokens", thousands(pace.batch as u64), thousands(language.context as u64))
        }
    }
}

fn epochs(config: &Config, pace: &Pace) -> String {
    format!("at most {}, {}", thousands(config.train.epochs.unwrap_or(0)), counted(pace.total, "step"))
}

fn stopping(stopping: &EarlyStopping) -> String {
    match stopping {
        EarlyStopping::After { metric, patience, min_delta } => {
            let epochs = counted(patience.unwrap_or(0) as u64, "epoch");
            let delta = if *min_delta > 0.0 { format!(" (by more than {min_delta})") } else { String::new() };
            format!("after {epochs} without a better val_{metric}{delta}")
        }
        _ => "after the last epoch".to_owned(),
    }
}

/// Whether the loss of an output is in another unit than its figures.
fn standardised(config: &Config, output: &Output) -> bool {
    let keeps_unit = output.head.loss.name == "poisson_nll";
    output.head.task == Task::Numbers && config.data.standardise_target && !keeps_unit
}

/// Why the loss of an output is not the figure of the closing table that it resembles; nothing if it is.
pub(super) fn loss_differs(config: &Config, output: &Output) -> Option<String> {
    let (head, name) = (&output.head, output.head.loss.name);
    let mut with = Vec::new();
    if head.label_smoothing() > 0.0 {
        with.push(format!("label_smoothing {}", head.label_smoothing()));
    }
    if output.class_weights.is_some() {
        with.push("class_weights".to_owned());
    }
    if head.values.has("pos_weight") && head.values.f64("pos_weight") != 1.0 {
        with.push(format!("pos_weight {}", head.values.f64("pos_weight")));
    }
    let with = with.join(" and ");
    match head.task {
        Task::Numbers => standardised(config, output).then(|| {
            format!(
                "loss is {name} of the standardised target; the other figures are in the unit of the target"
            )
        }),
        Task::Text if with.is_empty() => None,
        Task::Text => Some(format!("loss includes {with}; perplexity and bits per character do not")),
        _ if !head.is_log_loss() => Some(format!("loss is {}, which is not log_loss", quote(name))),
        _ if with.is_empty() => None,
        _ => Some(format!("loss includes {with}; log_loss does not")),
    }
}

/// [`loss_differs`] for all outputs of a model, each with its name if there are several.
pub(super) fn losses_that_differ(model: &Model) -> Vec<String> {
    let several = model.outputs.len() > 1;
    let told = |output: &Output| {
        let why = loss_differs(&model.config, output)?;
        let of_output = format!("loss of output {} ", quote(&output.name));
        Some(if several { why.replacen("loss ", &of_output, 1) } else { why })
    };
    model.outputs.iter().filter_map(told).collect()
}

//! What the numbers at the network's end mean: which loss they go into, and what is predicted from them.

use crate::data::Targets;
use crate::error::{Error, Result, quote};
use crate::metrics::Task;
use crate::ops::{LOSSES, LossEntry, TargetKind};
use crate::spec::{Choice, Values};

/// How raw outputs become predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One column a class: softmax.
    Softmax,
    /// One column for the second of two classes: sigmoid.
    Sigmoid,
    /// One column a label, or a class against the rest: sigmoid of each.
    Sigmoids,
    /// Numbers, mapped back to the unit of the data.
    Numbers,
    /// Logarithms of rates.
    Rates,
    /// One column a quantile of one number.
    Quantiles,
}

/// The loss, and the way from raw outputs to predictions.
#[derive(Clone, Debug)]
pub struct Head {
    /// The loss.
    pub loss: &'static LossEntry,
    /// Its keys.
    pub values: Values,
    /// What is predicted, as metrics see it.
    pub task: Task,
    /// Classes, labels or target columns.
    pub outputs: usize,
    form: Form,
    /// Whether there is a target for each step of a row.
    steps: bool,
}

/// The loss for a target when a config names none.
fn default_loss(targets: &Targets) -> &'static str {
    match targets {
        Targets::Classes { .. } | Targets::StepClasses { .. } => "cross_entropy",
        Targets::Labels { .. } => "bce_with_logits",
        Targets::Numbers { .. } => "mse",
        Targets::NextToken { .. } => "cross_entropy",
    }
}

impl Head {
    /// The head for `targets` with the loss that the config names under `key`, or the usual one.
    ///
    /// # Errors
    /// `Code::Usage` where the loss does not fit the target, and for quantiles that are none or not all different.
    pub fn new(targets: &Targets, choice: Option<&Choice>, key: &str) -> Result<Head> {
        let name = choice.filter(|c| c.names_type()).map_or_else(|| default_loss(targets), |c| c.name);
        let loss = LOSSES.iter().find(|l| l.name == name).unwrap_or(&LOSSES[0]);
        let mut values = Values::defaults(loss.keys);
        for (given, value) in choice.iter().flat_map(|choice| choice.given()) {
            let known = loss.keys.iter().any(|known| known.name == given);
            if !known {
                return Err(no_such_key(loss, given, key));
            }
            values.set(given, value.clone());
        }
        let log_input = || values.has("log_input") && values.bool("log_input");
        let (task, outputs, form) = match (targets, loss.target) {
            (Targets::Classes { classes, .. } | Targets::StepClasses { classes, .. }, TargetKind::Class) => {
                (Task::Classes, classes.len(), Form::Softmax)
            }
            (Targets::NextToken { vocabulary }, TargetKind::Class) => {
                (Task::Text, *vocabulary, Form::Softmax)
            }
            (Targets::Classes { classes, .. }, TargetKind::Binary) if classes.len() == 2 => {
                (Task::Classes, 1, Form::Sigmoid)
            }
            (Targets::Classes { classes, .. }, TargetKind::Binary) => {
                (Task::Classes, classes.len(), Form::Sigmoids)
            }
            (Targets::Labels { columns }, TargetKind::Binary) => {
                (Task::Labels, columns.len(), Form::Sigmoids)
            }
            (Targets::Numbers { columns }, TargetKind::Number) => {
                let form =
                    if loss.name == "poisson_nll" && log_input() { Form::Rates } else { Form::Numbers };
                (Task::Numbers, columns.len(), form)
            }
            (Targets::Numbers { columns }, TargetKind::Quantiles) if columns.len() == 1 => {
                (Task::Numbers, 1, Form::Quantiles)
            }
            _ => return Err(misfit(targets, loss, key)),
        };
        if form == Form::Quantiles {
            check_quantiles(&values.f64s("quantiles"), key)?;
        }
        let steps = matches!(targets, Targets::StepClasses { .. } | Targets::NextToken { .. });
        Ok(Head { loss, values, task, outputs, form, steps })
    }

    /// Whether there is a target for each step of a row.
    pub fn has_steps(&self) -> bool {
        self.steps
    }

    /// The label smoothing of the loss; 0 where it has none.
    pub fn label_smoothing(&self) -> f64 {
        if self.values.has("label_smoothing") { self.values.f64("label_smoothing") } else { 0.0 }
    }

    /// Columns of the raw output.
    pub fn columns(&self) -> usize {
        (self.loss.columns)(&self.values, self.outputs)
    }

    /// Whether the loss needs the numbers as they are in the data.
    pub fn keeps_unit(choice: Option<&Choice>) -> bool {
        choice.is_some_and(|c| c.names_type() && c.name == "poisson_nll")
    }

    /// Numbers that [`Head::target`] makes of a row.
    pub fn target_width(&self) -> usize {
        match self.form {
            Form::Softmax => 1,
            Form::Quantiles => 1,
            _ => self.columns(),
        }
    }

    /// A row of the table's target as the loss wants it.
    #[inline]
    pub fn target(&self, row: &[f32], out: &mut [f32]) {
        if self.form == Form::Sigmoids && self.task == Task::Classes {
            out.fill(0.0);
            out[row[0] as usize] = 1.0;
        } else {
            out.copy_from_slice(row);
        }
    }

    /// Numbers that [`Head::predict`] makes of a row: a probability a class or label, or the numbers.
    pub fn predicted_width(&self) -> usize {
        if self.form == Form::Sigmoid { 2 } else { self.columns() }
    }

    /// A row of raw outputs as a prediction: probabilities, or numbers in the unit of the data.
    ///
    /// 64 bits, because 32 cannot hold a number that is far from 0 next to its spread.
    pub fn predict(&self, targets: &Targets, raw: &[f32], out: &mut [f64]) {
        match self.form {
            Form::Softmax => softmax(raw, out),
            Form::Sigmoid => {
                let p = sigmoid(raw[0]);
                (out[0], out[1]) = (1.0 - p, p);
            }
            Form::Sigmoids => {
                out.iter_mut().zip(raw).for_each(|(o, &x)| *o = sigmoid(x));
                if self.task == Task::Classes {
                    // One against the rest: made to sum to one, as scikit-learn does.
                    let sum: f64 = out.iter().sum();
                    out.iter_mut().for_each(|o| *o /= sum.max(f64::MIN_POSITIVE));
                }
            }
            Form::Rates => out.iter_mut().zip(raw).for_each(|(o, &x)| *o = f64::from(x).exp()),
            Form::Numbers => {
                let Targets::Numbers { columns } = targets else { return };
                out.iter_mut().zip(raw).zip(columns).for_each(|((o, &x), c)| *o = c.restore(x));
            }
            Form::Quantiles => {
                let Targets::Numbers { columns } = targets else { return };
                out.iter_mut().zip(raw).for_each(|(o, &x)| *o = columns[0].restore(x));
            }
        }
    }

    /// The column of a prediction that stands for the number itself: the quantile nearest to the median.
    pub fn central_column(&self) -> usize {
        if self.form != Form::Quantiles {
            return 0;
        }
        let quantiles = self.values.f64s("quantiles");
        let distance = |i: &usize| (quantiles[*i] - 0.5).abs();
        (0..quantiles.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
    }

    /// The quantiles that are predicted, if it is quantiles.
    pub fn quantiles(&self) -> Option<Vec<f64>> {
        (self.form == Form::Quantiles).then(|| self.values.f64s("quantiles"))
    }

    /// Whether predictions are probabilities. Hinge losses give scores that only order the rows.
    pub fn has_probabilities(&self) -> bool {
        self.task != Task::Numbers && self.loss.name != "hinge"
    }

    /// Whether the loss, without smoothing and weights, is the metric `log_loss`.
    pub fn is_log_loss(&self) -> bool {
        match self.form {
            Form::Softmax => self.loss.name == "cross_entropy",
            Form::Sigmoid => self.loss.name == "bce_with_logits",
            Form::Sigmoids => self.loss.name == "bce_with_logits" && self.task == Task::Labels,
            Form::Numbers | Form::Rates | Form::Quantiles => false,
        }
    }

    /// Whether the loss takes class weights as an input of its own; others get them through the weights of rows.
    pub fn weighs_classes(&self) -> bool {
        self.loss.target == TargetKind::Class
    }
}

fn sigmoid(x: f32) -> f64 {
    1.0 / (1.0 + f64::from(-x).exp())
}

fn softmax(raw: &[f32], out: &mut [f64]) {
    let top = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = raw.iter().map(|&x| f64::from(x - top).exp()).sum();
    out.iter_mut().zip(raw).for_each(|(o, &x)| *o = f64::from(x - top).exp() / total);
}

fn check_quantiles(quantiles: &[f64], key: &str) -> Result<()> {
    let twice = quantiles.iter().enumerate().find(|&(i, q)| quantiles[..i].contains(q));
    let what = match twice {
        Some((_, q)) => format!("the quantile {q} is named twice"),
        None if quantiles.is_empty() => "no quantile is named".to_owned(),
        None => return Ok(()),
    };
    Err(Error::usage(format!("{key}.quantiles"), what)
        .expected("at least one number between 0 and 1, each once")
        .found(format!("{quantiles:?}"))
        .help("name the quantiles to predict, such as quantiles = [0.05, 0.5, 0.95]"))
}

/// A key `given` under `place` that the loss of the target lacks; which loss it is was left open.
fn no_such_key(loss: &LossEntry, given: &str, place: &str) -> Error {
    let with = LOSSES.iter().filter(|l| l.keys.iter().any(|key| key.name == given));
    let with: Vec<String> = with.map(|l| quote(l.name)).collect();
    let error = Error::usage(
        place,
        format!("the loss of this target is {}, which has no key {}", quote(loss.name), quote(given)),
    );
    let error = error.expected(match loss.keys {
        [] => format!("no key: {} has none", quote(loss.name)),
        keys => keys.iter().map(|key| quote(key.name)).collect::<Vec<_>>().join(", "),
    });
    error.help(format!(
        "{} is a key of {}: set {place}.type too, or take the key out",
        quote(given),
        with.join(", ")
    ))
}

fn misfit(targets: &Targets, loss: &LossEntry, key: &str) -> Error {
    let (what, task) = match targets {
        Targets::Classes { column, classes, .. } => {
            (format!("{} classes of {}", classes.len(), quote(column)), Task::Classes)
        }
        Targets::StepClasses { column, classes } => {
            (format!("{} classes of {} for each step", classes.len(), quote(column)), Task::Classes)
        }
        Targets::Labels { columns } => (format!("{} labels", columns.len()), Task::Labels),
        Targets::Numbers { columns } if columns.len() == 1 => {
            (format!("the number {}", quote(&columns[0].name)), Task::Numbers)
        }
        Targets::Numbers { columns } => (format!("{} numbers", columns.len()), Task::Numbers),
        Targets::NextToken { vocabulary } => (format!("{vocabulary} tokens"), Task::Text),
    };
    let fits = |l: &&LossEntry| match (task, l.target) {
        (Task::Classes, TargetKind::Binary) => matches!(targets, Targets::Classes { .. }),
        (Task::Classes, TargetKind::Class) => true,
        (Task::Labels, TargetKind::Binary) => true,
        (Task::Text, TargetKind::Class) => true,
        (Task::Numbers, TargetKind::Number) => true,
        (Task::Numbers, TargetKind::Quantiles) => targets.width() == 1,
        _ => false,
    };
    let fitting: Vec<String> = LOSSES.iter().filter(fits).map(|l| quote(l.name)).collect();
    Error::usage(key, format!("{} does not fit the target", quote(loss.name)))
        .expected(format!("one of {}, or no loss at all: it follows from the target", fitting.join(", ")))
        .found(format!("a target of {what}"))
        .help(match task {
            Task::Text => "take the loss out: a language model foresees the next token",
            _ => "choose a fitting loss, or pin the target's type: data.columns.NAME.type = \"number\" or \"category\"",
        })
}

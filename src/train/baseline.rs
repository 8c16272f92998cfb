//! What a network must beat: the majority class or mean, and a linear model.

use ndarray::Array2;

use crate::config::Config;
use crate::data::{EpochOrder, StepTargets, StoredInput, Table, Targets};
use crate::error::Result;
use crate::graph::{Mode, PlanOptions};
use crate::metrics::{Accumulator, Report, Targets as Truth};
use crate::optim::StepOptions;
use crate::spec::{Choice, Family, Span, Tree, Value};
use crate::tensor::Key;
use crate::train::not_finite::Unscored;
use crate::train::scores::{Scores, score};
use crate::train::stepper::{self, Clip, EVALUATE};
use crate::train::{Model, Output, Stop};

/// Steps that the linear model is trained for at most, and rows of each.
const STEPS: usize = 1500;
const BATCH: usize = 256;

/// Multiply-adds that it may always take, forward: less than a second.
const COST: f64 = 1e10;

/// What else it may take, as a share of the network's own training.
const SHARE: f64 = 0.05;

/// Numbers of a token's vector in it.
const VECTOR: usize = 8;

/// It makes so many steps in any case.
const FEWEST: f64 = 20.0;

/// Scores of the same answer for every row: the shares of the classes, or the mean.
pub(super) fn constant(output: &Output, train: (&Table, &[u32]), part: (&Table, &[u32])) -> Report {
    if let (Targets::StepClasses { classes, .. }, Some(steps)) = (&output.targets, output.steps(part.0)) {
        let counts = output.class_counts(train.0, train.1, classes.len());
        return constant_of_steps(output, &counts, steps, part);
    }
    let targets = &output.targets;
    let outputs = match targets {
        Targets::Classes { classes, .. } => classes.len(),
        _ => targets.width(),
    };
    // Numbers are summed from the first one on: their mean may be far from 0 compared with how much they vary.
    let first: Vec<f64> = match (targets, train.1.first()) {
        (Targets::Numbers { .. }, Some(&row)) => output.truth(train.0, row).to_vec(),
        _ => vec![0.0; outputs],
    };
    let mut answer = vec![0.0f64; outputs];
    let mut total = 0.0;
    let mut weight = [1.0f32];
    for &row in train.1 {
        train.0.weight(&[row], &mut weight);
        let w = f64::from(weight[0]);
        total += w;
        match targets {
            Targets::Classes { .. } => answer[output.target(train.0, row)[0] as usize] += w,
            Targets::Numbers { .. } => {
                let differences = output.truth(train.0, row).iter().zip(&first).map(|(t, first)| t - first);
                answer.iter_mut().zip(differences).for_each(|(a, d)| *a += w * d);
            }
            _ => {
                answer.iter_mut().zip(output.target(train.0, row)).for_each(|(a, &t)| *a += w * f64::from(t))
            }
        }
    }
    let answer: Vec<f64> = answer.iter().zip(&first).map(|(a, first)| first + a / total).collect();
    let mut accumulator = Accumulator::new(output.head.task, outputs);
    for rows in part.1.chunks(1024) {
        let shape = (rows.len(), outputs);
        let predictions = Array2::from_shape_fn(shape, |(_, c)| answer[c]);
        let probabilities = predictions.mapv(|p| p as f32);
        let truth = |(r, c): (usize, usize)| output.target(part.0, rows[r])[c];
        let mut weights = vec![1.0; rows.len()];
        part.0.weight(rows, &mut weights);
        match targets {
            Targets::Classes { .. } => {
                let classes: Vec<u32> = rows.iter().map(|&r| output.target(part.0, r)[0] as u32).collect();
                accumulator.update(probabilities.view(), Truth::Classes(&classes), Some(&weights));
            }
            Targets::Labels { .. } => {
                let labels = Array2::from_shape_fn(shape, truth);
                accumulator.update(probabilities.view(), Truth::Labels(labels.view()), Some(&weights));
            }
            Targets::Numbers { .. } => {
                let numbers = Array2::from_shape_fn(shape, |(r, c)| output.truth(part.0, rows[r])[c]);
                accumulator.update_numbers(predictions.view(), numbers.view(), Some(&weights));
            }
            Targets::StepClasses { .. } | Targets::NextToken { .. } => {}
        }
    }
    accumulator.finish()
}

/// Scores of the same shares of the classes for every step of `part`; `counts` are those that they follow from.
fn constant_of_steps(
    output: &Output,
    counts: &[f64],
    steps: StepTargets<'_>,
    part: (&Table, &[u32]),
) -> Report {
    let total: f64 = counts.iter().sum();
    let mut accumulator = Accumulator::new(output.head.task, counts.len());
    let mut weight = [1.0f32];
    for &row in part.1 {
        let classes: Vec<u32> = steps.of(row).collect();
        part.0.weight(&[row], &mut weight);
        let shares =
            Array2::from_shape_fn((classes.len(), counts.len()), |(_, c)| (counts[c] / total) as f32);
        let weights = vec![weight[0]; classes.len()];
        accumulator.update(shares.view(), Truth::Classes(&classes), Some(&weights));
    }
    accumulator.finish()
}

/// Scores of a linear model with the same preprocessing and loss; none where each step has a label and the row has more than its
/// steps, and none where one is not finite.
///
/// # Errors
/// None that the network itself would not have had, and `Code::Interrupted`.
pub(super) fn linear(
    model: &Model,
    config: &Config,
    train: (&Table, &[u32]),
    part: (&Table, &[u32]),
    stop: &Stop,
) -> Result<Option<Scores>> {
    let of_steps = |output: &Output| output.head.has_steps();
    let inputs = &model.inputs;
    let alone = inputs.dense.is_empty() && inputs.embeddings.is_empty() && inputs.stored.len() == 1;
    if model.outputs.iter().any(of_steps) && !(alone && model.outputs.iter().all(of_steps)) {
        return Ok(None);
    }
    let network = model.graph().cost() * train.1.len() as f64 * config.train.epochs.unwrap_or(0) as f64;
    let mut config = config.clone();
    config.train.mixup = None;
    config.data.inputs.iter_mut().for_each(|input| input.augment.clear());
    config.model.layers = Some(side_by_side(model));
    config.model.outputs.iter_mut().for_each(|output| output.input = None);
    let batch = BATCH.min(train.1.len());
    let plans = [PlanOptions::new(Mode::Train, batch), PlanOptions::new(Mode::Evaluate, BATCH)];
    let mut linear = Model::new(config, model.preprocessing.clone(), &model.class_weights(), &plans)?;
    let own = linear.graph().cost() * batch as f64;
    let steps = (COST.max(SHARE * network) / own).clamp(FEWEST, STEPS as f64) as usize;
    // Many inputs that move together make a step of each too long for their sum.
    let columns: usize = linear.outputs.iter().map(|output| output.head.columns()).sum();
    // Of a text's vectors a step moves few, however many there are.
    let texts = linear.inputs.stored.iter().filter_map(|input| input.cardinality);
    let vectors = VECTOR * texts.clone().sum::<usize>();
    let wide = (linear.graph().param_count() - vectors) as f64 / columns as f64;
    let rate = 0.05 * (128.0 / wide).min(1.0);
    let adam = Choice::of_defaults(Family::Optimizer, "adam", &crate::config::registries());
    if vectors > 0 {
        // Vectors of tokens and what weighs them would both stay zero.
        linear.initialise(0)?;
    }
    let mut optimizer = stepper::optimizer(&linear, &adam, Clip::default())?;
    let mut order = EpochOrder::default();
    let mut done = 0;
    let mut epoch = 0;
    while done < steps && stop.signal().is_none() {
        for rows in order.shuffled(train.1, 0, epoch).chunks(batch).take(steps - done) {
            // Adam from zero weights; the rate falls to zero along a cosine (Loshchilov & Hutter 2017).
            let rate = rate * 0.5 * (1.0 + (std::f64::consts::PI * done as f64 / steps as f64).cos());
            stepper::step(
                &mut linear,
                &mut optimizer,
                train.0,
                rows,
                batch,
                Key::new(0),
                StepOptions::new(rate),
            );
            done += 1;
        }
        epoch += 1;
    }
    match score(&mut linear, EVALUATE, part.0, part.1, stop) {
        Ok(scores) => Ok(Some(scores)),
        Err(Unscored::NotFinite(_)) => Ok(None),
        Err(Unscored::Stopped(error)) => Err(error),
    }
}

/// Layers that put all inputs of `model` side by side, those with places as they lie, and of a text the mean of its tokens'
/// vectors: a linear model of their counts. Where each step has a label it is judged by itself.
fn side_by_side(model: &Model) -> Vec<Tree> {
    let dense = model.inputs.dense.iter().map(|d| (&d.name, d.shape.axes().len()));
    let (texts, stored): (Vec<&StoredInput>, Vec<&StoredInput>) =
        model.inputs.stored.iter().partition(|input| input.cardinality.is_some());
    let stored = stored.into_iter().map(|s| (&s.name, s.shape.axes().len()));
    let placed: Vec<&String> =
        dense.chain(stored).filter(|(_, axes)| *axes > 1).map(|(name, _)| name).collect();
    let all = model.inputs.dense.len() + model.inputs.embeddings.len() + model.inputs.stored.len();
    if placed.is_empty() && texts.is_empty() {
        return Vec::new();
    }
    // Blanks keep the names apart from those of a config.
    let layer = |kind: &str, name: String, input: Option<Value>| {
        let mut keys =
            vec![("type".to_owned(), Value::Str(kind.into())), ("name".to_owned(), Value::Str(name))];
        keys.extend(input.map(|input| ("input".to_owned(), input)));
        keys.extend((kind == "embedding").then_some(("embedding_dim".to_owned(), Value::Int(VECTOR as i64))));
        Value::Table(keys)
    };
    let mut names = Vec::new();
    let mut layers = Vec::new();
    if model.outputs.iter().any(|output| output.head.has_steps()) {
        layers.extend(texts.iter().map(|text| layer("embedding", format!("vectors of {}", text.name), None)));
        return layers.iter().map(|value| Tree::from_value(value, Span::NONE)).collect();
    }
    for text in texts.iter().map(|input| &input.name) {
        names.push(format!("mean of {text}"));
        let vectors = layer("embedding", format!("vectors of {text}"), Some(Value::Str(text.clone())));
        layers.push(vectors);
        layers.push(layer("mean", names[names.len() - 1].clone(), None));
    }
    let plain = placed.len() + texts.len() < all;
    if !texts.is_empty() {
        names.extend(plain.then(|| "features".to_owned()));
    } else if all == 1 || plain {
        // The first layer reads what has no places, or the only input.
        names.push("no places".to_owned());
        layers.push(layer("flatten", names[0].clone(), None));
    }
    if all > 1 {
        for input in placed {
            names.push(format!("{input} as it lies"));
            layers.push(layer("flatten", names[names.len() - 1].clone(), Some(Value::Str(input.clone()))));
        }
    }
    if names.len() > 1 {
        let names = Value::List(names.into_iter().map(Value::Str).collect());
        layers.push(layer("concat", "side by side".into(), Some(names)));
    }
    layers.iter().map(|value| Tree::from_value(value, Span::NONE)).collect()
}

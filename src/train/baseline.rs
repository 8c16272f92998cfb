//! What a network must beat: the majority class or mean, and a linear model.

use ndarray::Array2;

use crate::config::Config;
use crate::data::{EpochOrder, Table, Targets};
use crate::error::Result;
use crate::graph::{Mode, PlanOptions};
use crate::metrics::{Accumulator, Report, Targets as Truth};
use crate::optim::StepOptions;
use crate::spec::{Choice, Family, Values};
use crate::tensor::Key;
use crate::train::scores::{Scores, score};
use crate::train::stepper::{self, Clip, EVALUATE};
use crate::train::{Model, Output, Stop, defaults};

/// Steps that the linear model is trained for, and rows of each.
const STEPS: usize = 1500;
const BATCH: usize = 256;

/// Scores of the same answer for every row: the shares of the classes, or the mean.
pub(super) fn constant(output: &Output, train: (&Table, &[u32]), part: (&Table, &[u32])) -> Report {
    let targets = &output.targets;
    let outputs = match targets {
        Targets::Classes { classes, .. } => classes.len(),
        _ => targets.width(),
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
            _ => {
                answer.iter_mut().zip(output.target(train.0, row)).for_each(|(a, &t)| *a += w * f64::from(t))
            }
        }
    }
    let restore = |i: usize, share: f64| match targets {
        Targets::Numbers { columns } => columns[i].restore(share as f32),
        _ => share,
    };
    let answer: Vec<f64> = answer.iter().enumerate().map(|(i, a)| restore(i, a / total)).collect();
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
            Targets::Numbers { columns } => {
                let numbers = Array2::from_shape_fn(shape, |at| columns[at.1].restore(truth(at)));
                accumulator.update_numbers(predictions.view(), numbers.view(), Some(&weights));
            }
        }
    }
    accumulator.finish()
}

/// Scores of a linear model with the same preprocessing and loss.
///
/// # Errors
/// None that the network itself would not have had.
pub(super) fn linear(
    model: &Model,
    config: &Config,
    train: (&Table, &[u32]),
    part: (&Table, &[u32]),
    stop: &Stop,
) -> Result<Scores> {
    let mut config = config.clone();
    let places = model.inputs.is_one_with_places();
    config.model.layers = Some(if places { defaults::side_by_side() } else { Vec::new() });
    config.model.outputs.iter_mut().for_each(|output| output.input = None);
    let batch = BATCH.min(train.1.len());
    let plans = [PlanOptions::new(Mode::Train, batch), PlanOptions::new(Mode::Evaluate, BATCH)];
    let mut linear = Model::new(config, model.preprocessing.clone(), &model.class_weights(), &plans)?;
    let rows = crate::config::registries().rows(Family::Optimizer);
    let index = rows.iter().position(|r| r.name == "adam").unwrap_or(0);
    let adam = Choice { index, name: rows[index].name, values: Values::defaults(rows[index].keys) };
    let mut optimizer = stepper::optimizer(&linear, &adam, Clip::default())?;
    let mut order = EpochOrder::default();
    let mut done = 0;
    let mut epoch = 0;
    while done < STEPS && stop.signal().is_none() {
        for rows in order.shuffled(train.1, 0, epoch).chunks(batch).take(STEPS - done) {
            // Adam from zero weights; the rate falls to zero along a cosine (Loshchilov & Hutter 2017).
            let rate = 0.05 * 0.5 * (1.0 + (std::f64::consts::PI * done as f64 / STEPS as f64).cos());
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
    Ok(score(&mut linear, EVALUATE, BATCH, part.0, part.1))
}

//! One optimizer step: the rows of a step, forward, loss, backward, update.

use crate::data::Table;
use crate::error::Result;
use crate::optim::{OPTIMIZERS, Optimizer, Segment, StepOptions};
use crate::spec::Choice;
use crate::tensor::Key;
use crate::train::Model;
use crate::train::model::Weighing;

/// What a step told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stepped {
    /// Weighted mean of the rows' losses; of several outputs the weighted sum of their means.
    pub loss: f64,
    /// What the step counts in the mean of an epoch.
    pub weight: f64,
    /// Norm of the gradient before clipping, where it was needed.
    pub norm: Option<f64>,
}

/// Limits on the gradient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clip {
    pub norm: Option<f64>,
    pub value: Option<f64>,
}

/// The optimizer of `choice` over all parameters of `model`.
///
/// # Errors
/// The optimizer's, where two of its keys contradict each other.
pub(super) fn optimizer(model: &Model, choice: &Choice, clip: Clip) -> Result<Optimizer> {
    let entry = OPTIMIZERS.iter().find(|e| e.name == choice.name).unwrap_or(&OPTIMIZERS[0]);
    let mut chain = (entry.build)(&choice.values)?;
    if let Some(norm) = clip.norm {
        chain = chain.clip_grad_norm(norm);
    }
    if let Some(value) = clip.value {
        chain = chain.clip_grad_value(value);
    }
    let graph = model.graph();
    let parameters = graph.params.iter().map(|t| (t.offset..t.offset + t.shape.len(), t.shape.axes().len()));
    let segments = Segment::for_parameters(parameters, choice.values.bool("decay_bias_and_norm"));
    Ok(Optimizer::new(chain, graph.param_len(), segments))
}

/// Makes one step on `rows`, `batch` at a time with their gradients added up.
///
/// Nothing is updated where the loss is not finite.
pub(super) fn step(
    model: &mut Model,
    optimizer: &mut Optimizer,
    table: &Table,
    rows: &[u32],
    batch: usize,
    key: Key,
    options: StepOptions,
) -> Stepped {
    let weight = model.weigh_step(table, rows);
    let mut loss = 0.0;
    for (i, part) in rows.chunks(batch).enumerate() {
        model.fill_inputs(TRAIN, table, part, Some(key.part(i as u64)));
        model.fill_targets(TRAIN, table, part);
        model.fill_weights(TRAIN, table, part, Weighing::Step);
        model.run(TRAIN, part.len(), key.part(i as u64), i > 0);
        loss += model.loss(TRAIN, part.len());
    }
    if !loss.is_finite() {
        return Stepped { loss, weight, norm: None };
    }
    let (params, grads) = model.machine.params_and_grads();
    let norm = optimizer.step(params, grads, options);
    Stepped { loss, weight, norm }
}

/// The training plan of a machine.
pub(super) const TRAIN: usize = 0;
/// Its evaluation plan.
pub(super) const EVALUATE: usize = 1;

//! Activations as layers and as the `activation` key of other layers.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{Lowering, type_of};
use crate::ops::ACTIVATIONS;
use crate::ops::softmax::Softmax;
use crate::spec::{Key, Value, Values};

/// The keys of the activation `kind`.
pub(super) fn keys(kind: &str) -> Option<&'static [Key]> {
    ACTIVATIONS.iter().find(|a| a.name == kind).map(|a| a.keys)
}

/// Adds the activation `kind`; the config was checked, so there is one.
pub(super) fn lower(
    b: &mut Lowering<'_>,
    kind: &str,
    values: &Values,
    inputs: &[ValueId],
) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    match ACTIVATIONS.iter().find(|a| a.name == kind) {
        Some(entry) => b.boxed((entry.build)(values), &[x]),
        None => b.node(Softmax, &[x]),
    }
}

/// Adds the activation that a checked `activation` key names.
pub(super) fn lower_choice(b: &mut Lowering<'_>, choice: &Value, x: ValueId) -> Result<ValueId, Problem> {
    let kind = type_of(choice).0;
    let values = Values::from_table(choice, &[keys(kind).unwrap_or_default()]).unwrap_or_default();
    lower(b, kind, &values, &[x])
}

//! `y = x + f(x)`.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::convolution::projection;
use crate::layers::linear::affine;
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering, children};
use crate::ops::ShapeError;
use crate::ops::add::Add;
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "residual",
    doc: "x + f(x), f being its layers; where f changes the width, x goes through a linear projection without bias \
          (NAME.projection.weight), of images and series a convolution of kernel_size 1 with the stride that fits. \
          He et al. 2016.",
    keys: &[
        Key {
            name: "layers",
            kind: Kind::List(&Kind::Choice(Family::Layer)),
            default: Preset::Required,
            doc: "the layers of f",
        },
        ACTIVATION_KEY,
    ],
    example: r#"[{ type = "residual", layers = [{ type = "linear", out_features = 4, activation = "tanh" }] }, { type = "residual", activation = "gelu", layers = [{ type = "layer_norm" }, { type = "linear", out_features = 4 }] }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let path = b.path.clone();
    let f = b.list(&children(values), x)?;
    let places = b.is_channels_last(f) && b.shape(x).axes().len() == b.shape(f).axes().len();
    let dims = b.shape(x).axes().len().saturating_sub(1);
    let x = if places { b.channels_last(x, dims)? } else { x };
    let (from, to) = (b.shape(x).clone(), b.shape(f).clone());
    b.path = format!("{path}.projection");
    let shortcut = if from == to {
        Some(x)
    } else if places {
        projection(b, x, to.axes())?
    } else if from.with_last(to.last()) == to {
        Some(affine(b, &Values::default(), x, to.last(), false)?)
    } else {
        None
    };
    b.path = path;
    let Some(shortcut) = shortcut else {
        return Err(b.problem(&ShapeError::new(from.to_string(), to.to_string())));
    };
    let y = b.node(Add, &[shortcut, f])?;
    b.activation(values, y)
}

//! `y = x + f(x)`.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::linear::affine;
use crate::layers::{ACTIVATION_KEY, LayerEntry, Lowering, children};
use crate::ops::ShapeError;
use crate::ops::add::Add;
use crate::spec::{Family, Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "residual",
    doc: "x + f(x), f being its layers; where f changes the width, x goes through a linear projection without bias \
          (NAME.projection.weight). He et al. 2016.",
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
    let (from, to) = (b.shape(x).clone(), b.shape(f).clone());
    let shortcut = if from == to {
        x
    } else if from.with_last(to.last()) == to {
        b.path = format!("{path}.projection");
        affine(b, &Values::default(), x, to.last(), false)?
    } else {
        return Err(b.problem(&ShapeError::new(from.to_string(), to.to_string())));
    };
    b.path = path;
    let y = b.node(Add, &[shortcut, f])?;
    b.activation(values, y)
}

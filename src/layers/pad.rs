//! More places around an image or a series, or fewer.

use crate::backend::{Around, Margin};
use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering};
use crate::ops::ShapeError;
use crate::ops::pad::Pad;
use crate::ops::resize_lengths::ResizeLengths;
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "pad",
    doc: "Places around an image or a series, as PyTorch's functional pad gives them; numbers below 0 take places away.",
    keys: &[
        Key {
            name: "padding",
            kind: Kind::Any(&[Kind::Tuple(2, &PLACES), Kind::Tuple(4, &PLACES)]),
            default: Preset::Required,
            doc: "[left, right] of a series, [left, right, top, bottom] of an image",
        },
        Key {
            name: "mode",
            kind: Kind::OneOf(&["constant", "reflect", "replicate", "circular"]),
            default: Preset::Str("constant"),
            doc: "what the new places hold: value, the places mirrored at the edge, the edge, or the places over again",
        },
        Key {
            name: "value",
            kind: Kind::float(f64::MIN, f64::MAX),
            default: Preset::Float(0.0),
            doc: "the number of mode constant",
        },
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "pad", padding = [1, 2], mode = "replicate" }, { type = "global_avg_pool" }]"#,
    lower,
};

const PLACES: Kind = Kind::int(-1_000_000, 1_000_000);

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let around = match values.str("mode") {
        "reflect" => Around::Mirror,
        "replicate" => Around::Edge,
        "circular" => Around::Circle,
        _ => Around::Nothing,
    };
    let padding: Vec<i64> = values.f64s("padding").into_iter().map(|x| x as i64).collect();
    // PyTorch names the last axis first.
    let margins: Vec<Margin> =
        padding.chunks_exact(2).rev().map(|p| Margin { before: p[0], after: p[1], around }).collect();
    let (dims, axes) = (margins.len(), b.shape(x).axes().len());
    if axes != dims + 1 {
        let what = if dims == 1 { "a series, for [left, right]" } else { "an image, for [left, right, top, bottom]" };
        return Err(b.problem(&ShapeError::new(what, b.shape(x).to_string())));
    }
    let more = padding.iter().sum::<i64>();
    let resized = ResizeLengths {
        kernel: 1 + more.min(0).unsigned_abs() as usize,
        stride: 1,
        padding: more.max(0) as usize,
        dilation: 1,
        ceil_mode: false,
    };
    b.moving(x, dims, Pad { margins, value: values.f64("value") }, (dims == 1).then_some(resized))
}

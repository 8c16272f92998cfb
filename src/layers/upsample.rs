//! An image or a series with another size.

use crate::backend::{Between, Scaling, Size};
use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering};
use crate::ops::ShapeError;
use crate::ops::scale_lengths::ScaleLengths;
use crate::ops::upsample::Upsample;
use crate::spec::{Key, Kind, Preset, Value, Values};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "upsample",
    doc: "An image or a series with another size. A ragged series is scaled row by row, as far as each goes.",
    keys: &[
        Key {
            name: "scale_factor",
            kind: Kind::Any(&[FACTOR, Kind::Tuple(2, &FACTOR)]),
            default: Preset::Absent,
            doc: "how many times the places, rounded down; this or size",
        },
        Key {
            name: "size",
            kind: Kind::Any(&[SIZE, Kind::Tuple(2, &SIZE)]),
            default: Preset::Absent,
            doc: "places of the output; this or scale_factor",
        },
        Key {
            name: "mode",
            kind: Kind::OneOf(&["nearest", "linear", "bilinear"]),
            default: Preset::Str("nearest"),
            doc: "the nearest place, or a mixture of those around: linear of a series, bilinear of an image",
        },
        Key {
            name: "align_corners",
            kind: Kind::Bool,
            default: Preset::Bool(false),
            doc: "whether the centres of the first and the last place stay where they are, instead of their outer edges",
        },
    ],
    example: r#"[{ type = "linear", input = "series", out_features = 3 }, { type = "upsample", scale_factor = 1.5, mode = "linear" }, { type = "global_avg_pool" }]"#,
    lower,
};

const FACTOR: Kind = Kind::Float { min: 0.0, max: 1000.0, min_in: false, max_in: true };
const SIZE: Kind = Kind::int(1, 1_000_000);

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let dims = match b.shape(x).axes().len() {
        axes @ 2..=3 => axes - 1,
        _ => return Err(b.problem(&ShapeError::new("an image or a series", b.shape(x).to_string()))),
    };
    let between = between(b, values, dims)?;
    let size = match (values.get("scale_factor"), values.get("size")) {
        (Some(factors), None) => axes(b, "scale_factor", factors, dims)?.into_iter().map(Size::Times).collect(),
        (None, Some(sizes)) => {
            axes(b, "size", sizes, dims)?.into_iter().map(|n| Size::Places(n as usize)).collect::<Vec<_>>()
        }
        (None, None) => return Err(Problem::new(b.place(), "neither scale_factor nor size is given")),
        (Some(_), Some(_)) => {
            return Err(Problem::new(b.place(), "both scale_factor and size are given").help("take one of them out"));
        }
    };
    let resized = match size[..] {
        [Size::Times(factor)] => Some(ScaleLengths { factor }),
        _ => None,
    };
    let scaling = size.into_iter().map(|size| Scaling { size, between }).collect();
    b.moving(x, dims, Upsample(scaling), resized)
}

/// What mode and align_corners ask for.
fn between(b: &Lowering<'_>, values: &Values, dims: usize) -> Result<Between, Problem> {
    let mixture = if dims == 1 { "linear" } else { "bilinear" };
    match (values.str("mode"), values.bool("align_corners")) {
        ("nearest", false) => Ok(Between::Nearest),
        ("nearest", true) => {
            let problem = Problem::new(b.place(), "align_corners has no meaning in the mode \"nearest\"");
            Err(problem.help(format!("take it out, or set mode = \"{mixture}\"")))
        }
        (mode, _) if mode != mixture => {
            let what = format!("the mode \"{mode}\" is not for {}", if dims == 1 { "series" } else { "images" });
            Err(Problem::new(b.place(), what).expected(format!("\"nearest\" or \"{mixture}\"")))
        }
        (_, true) => Ok(Between::Corners),
        (_, false) => Ok(Between::Linear),
    }
}

/// The number of each axis.
fn axes(b: &Lowering<'_>, key: &str, value: &Value, dims: usize) -> Result<Vec<f64>, Problem> {
    let number = |value: &Value| match value {
        Value::Int(i) => *i as f64,
        Value::Float(x) => *x,
        _ => f64::NAN,
    };
    match value {
        Value::List(list) if list.len() == dims => Ok(list.iter().map(number).collect()),
        Value::List(list) => {
            let problem = Problem::new(b.place(), format!("{key} does not fit a series"));
            Err(problem.expected("one number").found(format!("a list of {}", list.len())))
        }
        one => Ok(vec![number(one); dims]),
    }
}

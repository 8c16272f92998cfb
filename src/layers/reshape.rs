//! The numbers of a row under another shape, in PyTorch's order.

use crate::error::Problem;
use crate::graph::ValueId;
use crate::layers::{LayerEntry, Lowering};
use crate::ops::ShapeError;
use crate::spec::{Key, Kind, Preset, Values};
use crate::tensor::Shape;

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "reshape",
    doc: "The numbers of a row under another shape, in PyTorch's order: [C, H, W] is an image, [C, T] a series.",
    keys: &[Key {
        name: "shape",
        kind: Kind::List(&Kind::int(-1, 1_000_000)),
        default: Preset::Required,
        doc: "sizes of the axes, without the batch; one may be -1, which takes what is left",
    }],
    example: r#"[{ type = "linear", out_features = 12 }, { type = "reshape", shape = [2, -1, 3] }, { type = "max_pool2d", kernel_size = 2, padding = 1 }, { type = "flatten" }]"#,
    lower,
};

fn lower(b: &mut Lowering<'_>, values: &Values, inputs: &[ValueId]) -> Result<ValueId, Problem> {
    let x = b.one(inputs)?;
    let sizes: Vec<i64> = values.f64s("shape").into_iter().map(|x| x as i64).collect();
    if sizes.is_empty() || sizes.contains(&0) || sizes.iter().filter(|&&n| n < 0).count() > 1 {
        let found = format!("{sizes:?}");
        let problem = Problem::new(b.place(), "no shape");
        return Err(problem.expected("sizes of at least 1, and at most one -1").found(found));
    }
    let numbers = b.shape(x).len();
    let known = sizes.iter().filter(|&&n| n > 0).try_fold(1usize, |n, &size| n.checked_mul(size as usize));
    let open = sizes.iter().any(|&n| n < 0);
    let rest = match known {
        Some(known) if open && numbers.is_multiple_of(known) => numbers / known,
        Some(known) if !open && numbers == known => 1,
        _ => {
            let expected = match known {
                Some(known) if open => format!("a multiple of {known} numbers"),
                Some(known) => format!("{known} numbers"),
                None => "more numbers than fit into memory".to_owned(),
            };
            let found = format!("{numbers} in {}", b.shape(x));
            return Err(b.problem(&ShapeError::new(expected, found)));
        }
    };
    let shape: Vec<usize> = sizes.iter().map(|&n| if n < 0 { rest } else { n as usize }).collect();
    b.in_order(x, Shape::new(shape))
}

//! Rotary positions (Su et al. 2021): each pair of a head's numbers turned by an angle that grows with the step, so that a score
//! depends on how far apart two steps are.
//!
//! Pairs are (i, i + D/2), the halves of a head, as in GPT-NeoX and Llama. Angles of step t are t · θᵢ with θᵢ = base^(−2i/D).

use crate::backend::{Backend, Dest, Rotation};
use crate::ops::{Case, CaseInput, Content, Io, Op, OpEntry, Reads, ShapeError};
use crate::tensor::Shape;

pub(super) const ENTRY: OpEntry = OpEntry { name: "rope", cases };

fn cases() -> Vec<Case> {
    let case = |batch: usize, steps: usize, columns: usize, heads: usize, width: usize, rows: usize| {
        let table = CaseInput::constant([rows * width], Content::Uniform(-1.0, 1.0));
        let mut inputs = vec![CaseInput::rows([steps, columns]), table];
        if rows > steps {
            inputs.push(CaseInput::data([], Content::Labels(rows - steps + 1)));
        }
        Case::new(Rope { heads, width }, inputs, batch)
    };
    vec![
        case(1, 1, 2, 1, 2, 1),
        case(2, 5, 9, 2, 4, 5),
        case(3, 4, 6, 3, 2, 4),
        case(3, 2, 40, 1, 36, 6),
        case(17, 3, 7, 1, 6, 4),
    ]
}

/// The op; inputs are x `[T, C]`, a [`table`] and perhaps the step that each row begins with.
#[derive(Clone, Copy, Debug)]
pub struct Rope {
    /// Heads that turn: the first columns of x.
    pub heads: usize,
    /// D: columns of a head, an even number.
    pub width: usize,
}

/// The cosines of the angles of each of `steps` steps, then their sines: `[steps, D]`.
pub fn table(steps: usize, width: usize, base: f64) -> Vec<f64> {
    let angle = |t: usize, i: usize| t as f64 * base.powf(-2.0 * i as f64 / width as f64);
    let half = 0..width / 2;
    let row = |t: usize| {
        let angles = half.clone().map(move |i| angle(t, i));
        angles.clone().map(f64::cos).chain(angles.map(f64::sin))
    };
    (0..steps).flat_map(row).collect()
}

impl Rope {
    fn rotation(&self, io: &Io) -> Rotation {
        Rotation { columns: io.output_shape.last(), heads: self.heads, width: self.width }
    }

    fn turn(&self, be: &mut dyn Backend, io: &Io, x: crate::tensor::View, y: Dest, back: bool) {
        let position = io.inputs.get(2).map(|p| p.view);
        be.rotate(x, io.x(1), position, y, self.rotation(io), back);
    }
}

impl Op for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn keeps_steps_apart(&self, _: &[Shape]) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [x, table, position @ ..] = inputs else {
            return Err(ShapeError::new("a series and a table", format!("{} inputs", inputs.len())));
        };
        if !self.width.is_multiple_of(2) || self.width == 0 {
            return Err(ShapeError::new("heads of an even width, for rotary positions", self.width.to_string()));
        }
        let &[steps, columns] = x.axes() else {
            return Err(ShapeError::new("a series [T, C]", x.to_string()));
        };
        if columns < self.heads * self.width {
            return Err(ShapeError::new(format!("{} heads of {}", self.heads, self.width), x.to_string()));
        }
        let places = table.len() / self.width;
        if places < steps {
            return Err(ShapeError::new(format!("at most {places} steps"), steps.to_string()));
        }
        match position {
            [] => Ok(x.clone()),
            [p] if p.axes().is_empty() => Ok(x.clone()),
            _ => Err(ShapeError::new("one position a row", format!("{} inputs", inputs.len()))),
        }
    }

    /// The table and the positions.
    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        self.turn(be, io, io.x(0), Dest::store(io.output), false);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            self.turn(be, io, io.dy(), dx, true);
        }
    }
}

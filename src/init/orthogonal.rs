//! Orthogonal rows or columns.

use super::{Entry, Initializer, keys};
use crate::tensor::{Key, Shape};

pub(super) const ENTRY: Entry = Entry {
    name: "orthogonal",
    doc: "The first axis against all others as a matrix: its rows are orthogonal and of length gain, or its columns where it has \
          more rows than columns; uniform over such matrices. Saxe, McClelland, Ganguli 2014. As PyTorch's; a parameter of one axis \
          is one column.",
    keys: &[keys::GAIN],
    build: |values| Ok(Box::new(Orthogonal { gain: values.f64("gain") })),
};

#[derive(Debug)]
struct Orthogonal {
    gain: f64,
}

impl Initializer for Orthogonal {
    fn fill(&self, key: Key, shape: &Shape, _fan_in: usize, _fan_out: usize, out: &mut [f32]) {
        let rows = shape.axes().first().copied().unwrap_or(1);
        if out.is_empty() {
            return;
        }
        let columns = out.len() / rows;
        let (count, length) = (rows.min(columns), rows.max(columns));
        let mut vectors: Vec<f64> = (0..out.len() as u64).map(|i| key.normal(i)).collect();
        orthonormalize(&mut vectors, count, length);
        for (i, x) in out.iter_mut().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let (vector, element) = if rows <= columns { (row, column) } else { (column, row) };
            *x = (self.gain * vectors[vector * length + element]) as f32;
        }
    }
}

/// Makes `count` vectors of `length` elements orthogonal and of length 1, each by the ones before it.
///
/// Modified Gram-Schmidt, done twice for each vector, which is enough for orthogonality to rounding (Giraud, Langou, Rozložník 2005).
/// It equals QR with a positive diagonal of R, so normal numbers become a uniformly distributed matrix (Mezzadri 2007).
fn orthonormalize(vectors: &mut [f64], count: usize, length: usize) {
    for i in 0..count {
        let (before, rest) = vectors.split_at_mut(i * length);
        let vector = &mut rest[..length];
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let along = dot(vector, other);
                vector.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
    }
}

/// `Σ a·b` over eight independent sums, so that it vectorises.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_groups, a_rest) = a.as_chunks::<8>();
    let (b_groups, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_groups.iter().zip(b_groups) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize, gain: f64) -> Vec<f32> {
        let mut out = vec![0.0; rows * columns];
        Orthogonal { gain }.fill(Key::new(9), &Shape::from([rows, columns]), columns, rows, &mut out);
        out
    }

    #[test]
    fn the_shorter_side_is_orthogonal() {
        for (rows, columns) in [(20, 20), (7, 31), (31, 7), (1, 9), (9, 1), (64, 65)] {
            let w = matrix(rows, columns, 3.0);
            let (count, length) = (rows.min(columns), rows.max(columns));
            let at = |v: usize, e: usize| {
                f64::from(if rows <= columns { w[v * columns + e] } else { w[e * columns + v] })
            };
            for i in 0..count {
                for j in 0..=i {
                    let product: f64 = (0..length).map(|e| at(i, e) * at(j, e)).sum();
                    let expected = if i == j { 9.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "{rows}x{columns} {i}·{j}: {product}");
                }
            }
        }
    }

    #[test]
    fn a_convolution_is_flattened_after_its_first_axis() {
        let mut out = vec![0.0; 4 * 2 * 9];
        Orthogonal { gain: 1.0 }.fill(Key::new(9), &Shape::from([4, 2, 3, 3]), 18, 36, &mut out);
        assert_eq!(out, matrix(4, 18, 1.0));
    }

    #[test]
    fn a_one_by_one_matrix_may_have_either_sign() {
        let sign = |seed| {
            let mut out = [0.0];
            Orthogonal { gain: 1.0 }.fill(Key::new(seed), &Shape::from([1, 1]), 1, 1, &mut out);
            out[0]
        };
        let sum: f32 = (0..400).map(sign).sum();
        assert!(sum.abs() < 80.0, "{sum}");
    }
}

//! The loops against the definition; gradients are checked with the op.

use super::*;
use crate::backend::Heads;
use crate::backend::check::{close, double, numbers};

/// y `[T, Hq D]` of one row, written out.
fn plain(a: &AttentionSpec, reach: Reach, x: Sources<'_, f64>, l: &Layout) -> Vec<f64> {
    let (d, heads) = (a.heads.width, a.heads);
    let mut y = vec![0.0; a.queries * heads.query_columns()];
    let at = |data: &[f64], c: Columns, head: usize, step: usize, i: usize| {
        data[step * c.width + c.first + head * d + i]
    };
    for head in 0..heads.queries {
        let key_head = head * heads.keys / heads.queries;
        for t in 0..reach.queries {
            let seen = if a.causal { (reach.first.unwrap() + t).min(reach.keys) } else { reach.keys };
            let score = |s: usize| {
                let dot: f64 =
                    (0..d).map(|i| at(x.query, l.query, head, t, i) * at(x.key, l.key, key_head, s, i)).sum();
                (dot / (d as f64).sqrt()).exp()
            };
            let total: f64 = (0..seen).map(score).sum();
            for i in 0..d {
                let sum: f64 = (0..seen).map(|s| score(s) * at(x.value, l.value, key_head, s, i)).sum();
                y[t * heads.query_columns() + head * d + i] = if seen == 0 { 0.0 } else { sum / total };
            }
        }
    }
    y
}

fn spec(queries: usize, keys: usize, heads: [usize; 3], causal: bool) -> AttentionSpec {
    let [q, k, width] = heads;
    AttentionSpec { heads: Heads { queries: q, keys: k, width }, queries, keys, causal }
}

fn layout(a: &AttentionSpec) -> Layout {
    let (q, k) = (a.heads.query_columns(), a.heads.key_columns());
    let width = q + 2 * k;
    let columns = |first| Columns { width, first, head: a.heads.width };
    let out = Columns { width: q, first: 0, head: a.heads.width };
    Layout { a: *a, query: columns(0), key: columns(q), value: columns(q + k), out }
}

fn run<T: Number>(a: &AttentionSpec, reach: Reach, x: &[T]) -> Vec<T> {
    let l = layout(a);
    let mut room = vec![T::ONE; scratch_len(a)];
    let mut scratch = Scratch::new();
    let (mut y, mut lse) = (vec![T::ONE; a.queries * l.out.width], vec![T::ONE; a.queries * a.heads.queries]);
    let sources = Sources { query: x, key: x, value: x };
    Tiles::new(a, &mut room, &mut scratch).forward(&l, reach, sources, &mut y, &mut lse);
    assert!(lse.iter().all(|lse| lse.to_f64().is_finite()));
    y
}

fn reach(a: &AttentionSpec, queries: usize, keys: usize) -> Reach {
    Reach { queries, keys, first: a.causal.then_some(1) }
}

fn agrees<T: Number>(limit: f64) {
    for (steps, heads) in
        [(1, [1, 1, 1]), (31, [2, 2, 5]), (33, [4, 2, 16]), (129, [2, 1, 3]), (300, [1, 1, 8])]
    {
        for causal in [false, true] {
            let a = spec(steps, steps, heads, causal);
            let l = layout(&a);
            let x = numbers::<T>("x", steps * l.query.width);
            let wide = double(&x);
            for n in [steps, steps - 1, steps / 2] {
                let reach = reach(&a, n, n);
                let sources = Sources { query: &wide[..], key: &wide, value: &wide };
                close(&run(&a, reach, &x), &plain(&a, reach, sources, &l), limit);
            }
        }
    }
}

#[test]
fn forward_agrees_with_the_definition() {
    agrees::<f64>(1e-13);
    agrees::<f32>(2e-5);
}

#[test]
fn a_later_step_and_longer_padding_change_no_bit() {
    let a = spec(150, 150, [2, 1, 6], true);
    let width = layout(&a).query.width;
    let x = numbers::<f32>("x", 150 * width);
    let before = run(&a, reach(&a, 150, 150), &x);
    for t in [1, 40, 127, 128, 149] {
        let mut other = x.clone();
        other[t * width..].iter_mut().for_each(|x| *x = 9.0 - *x);
        let y = run(&a, reach(&a, 150, 150), &other);
        let same = y.iter().zip(&before).take_while(|(y, b)| y.to_bits() == b.to_bits()).count();
        assert_eq!(same / (2 * 6), t, "steps that stay as they were");
    }
    let short = spec(131, 131, [2, 1, 6], true);
    let cut = run(&short, reach(&short, 130, 130), &x[..131 * width]);
    let padded = run(&a, reach(&a, 130, 130), &x);
    assert!(cut[..130 * 12].iter().zip(&padded).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(cut[130 * 12..].iter().chain(&padded[130 * 12..]).all(|&y| y == 0.0));
}

#[test]
fn without_a_key_the_output_is_zero() {
    let a = spec(3, 3, [1, 1, 2], false);
    assert_eq!(run(&a, reach(&a, 3, 0), &[f32::NAN; 18]), [0.0; 6]);
}

#[test]
fn large_scores_do_not_overflow() {
    let a = spec(200, 200, [1, 1, 2], false);
    let x: Vec<f32> = numbers::<f32>("x", 200 * 6).iter().map(|x| 300.0 * x).collect();
    assert!(run(&a, reach(&a, 200, 200), &x).iter().all(|y| y.is_finite()));
}

//! What the tests of every optimizer share: a small problem, and two references for it.
//!
//! The problem has 4 weights, w₀ = (1, −2, 0.5, 3), and the gradient gᵢ = 0.3·wᵢ + sin(0.7·i + 0.3·t) in step t = 1, 2, …, with the sine
//! rounded to f32.
//!
//! PyTorch's weights after 100 steps come from PyTorch 2.15.0 on a CPU:
//!
//! ```python
//! w = torch.tensor([1.0, -2.0, 0.5, 3.0], requires_grad=True)
//! optimizer = torch.optim.Adam([w], lr=0.01)
//! for t in range(1, 101):
//!     w.grad = (0.3 * w + torch.tensor([math.sin(0.7 * i + 0.3 * t) for i in range(4)])).detach()
//!     optimizer.step()
//! print([x.item() for x in w])
//! ```

use super::{Optimizer, Segment, StepOptions, find};
use crate::spec::Values;

const START: [f32; 4] = [1.0, -2.0, 0.5, 3.0];

/// The default keys of an optimizer.
pub(super) fn values(name: &str) -> Values {
    Values::defaults(find(name).unwrap().keys)
}

fn noise(i: usize, t: i32) -> f32 {
    (0.7 * i as f64 + 0.3 * f64::from(t)).sin() as f32
}

/// Whether two vectors agree within `tolerance`, relative to the larger of 1 and the expected value.
pub(super) fn close(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance * e.abs().max(1.0))
}

/// The weights after `steps` steps.
pub(super) fn run(name: &str, values: &Values, learning_rate: f64, steps: i32) -> [f32; 4] {
    let chain = (find(name).unwrap().build)(values).unwrap();
    let mut optimizer = Optimizer::new(chain, 4, vec![Segment::new(0..4)]);
    let mut w = START;
    for t in 1..=steps {
        let g: [f32; 4] = std::array::from_fn(|i| 0.3 * w[i] + noise(i, t));
        optimizer.step(&mut w, &g, StepOptions::new(learning_rate));
    }
    w
}

/// Compares 50 steps with `naive(t, learning rate, i, w, g)`, the new weight of element `i` in f64.
pub(super) fn formula(
    name: &str,
    values: &Values,
    learning_rate: f64,
    mut naive: impl FnMut(i32, f64, usize, f64, f64) -> f64,
) {
    let mut w = START.map(f64::from);
    for t in 1..=50 {
        for (i, w) in w.iter_mut().enumerate() {
            let g = 0.3 * *w + f64::from(noise(i, t));
            *w = naive(t, learning_rate, i, *w, g);
        }
    }
    let found = run(name, values, learning_rate, 50);
    assert!(close(&found, &w.map(|w| w as f32), 2e-6), "{name}: {found:?}, formula {w:?}");
}

/// Compares 100 steps with PyTorch's weights.
pub(super) fn pytorch(name: &str, values: &Values, learning_rate: f64, expected: [f32; 4]) {
    let found = run(name, values, learning_rate, 100);
    assert!(close(&found, &expected, 1e-6), "{name}: {found:?}, PyTorch {expected:?}");
}

//! Clipping of single elements.

use super::chain::Rule;

/// `u ← min(max(u, −max), max)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClipGradValue {
    pub(super) max: f32,
}

impl Rule<0> for ClipGradValue {
    const MOMENTS: [&'static str; 0] = [];

    #[inline(always)]
    fn element(&self, u: f32, _w: f32, _moments: [f32; 0]) -> (f32, [f32; 0]) {
        (u.clamp(-self.max, self.max), [])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chain, Optimizer, Segment, StepOptions};

    #[test]
    fn elements_are_clamped_after_the_norm_is() {
        let chain = Chain::new().clip_grad_value(0.7).clip_grad_norm(1.0);
        let mut optimizer = Optimizer::new(chain, 3, vec![Segment::new(0..3)]);
        let mut w = [0.0f32; 3];
        optimizer.step(&mut w, &[3.0, -4.0, f32::MIN_POSITIVE], StepOptions::new(1.0));
        assert!((w[0] + 0.6).abs() < 1e-6 && w[1] == 0.7, "{w:?}");
    }
}

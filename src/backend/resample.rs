//! Primitives that give images `[B, H, W, C]` and, with `H` 1, series `[B, T, C]` other places: upsampling and padding.

use crate::backend::Dest;
use crate::tensor::View;

/// What an op may ask for to move places; see [`Backend`](crate::backend::Backend).
///
/// Legend: x `[B, H, W, C]`, y `[B, OH, OW, C]`.
pub trait Resample {
    /// Each place of y is a place of x or a mixture of the places beside it.
    fn upsample(&mut self, x: View, y: View, spec: &ResampleSpec<Scaling>);
    /// The gradient of [`Resample::upsample`].
    fn upsample_grad(&mut self, dy: View, dx: Dest, spec: &ResampleSpec<Scaling>);

    /// Each place of y is a place of x, or `value` where there is none.
    fn pad(&mut self, x: View, y: View, spec: &ResampleSpec<Margin>, value: f64);
    /// The gradient of [`Resample::pad`].
    fn pad_grad(&mut self, dy: View, dx: Dest, spec: &ResampleSpec<Margin>);
}

/// Which places become which.
#[derive(Clone, Copy, Debug)]
pub struct ResampleSpec<A> {
    /// Height and width of the input.
    pub places: [usize; 2],
    /// Height and width of the output.
    pub out: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// What happens along height and width.
    pub axes: [A; 2],
    /// How many places along the width each row has, `[B]`; the others are as if they were not there, and what would come of
    /// them is 0.
    pub lengths: Option<View>,
}

/// How numbers between places are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// The place before.
    Nearest,
    /// A mixture of both places by their distances; the edges of the first and the last place meet those of the input.
    Linear,
    /// A mixture of both places; the first and the last place meet those of the input.
    Corners,
}

/// The size that an axis gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many times the places, rounded down.
    Times(f64),
    /// So many places.
    Places(usize),
}

/// How an axis is scaled: PyTorch's `interpolate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The new size.
    pub size: Size,
    /// What stands between places.
    pub between: Between,
}

impl Scaling {
    /// An axis that stays as it is.
    pub const KEEP: Scaling = Scaling { size: Size::Times(1.0), between: Between::Nearest };

    /// How many places `n` places become.
    #[inline(always)]
    pub fn count(self, n: usize) -> usize {
        match self.size {
            Size::Places(count) => count,
            Size::Times(factor) => (n as f64 * factor).floor() as usize,
        }
    }

    /// The two of `n` places that place `i` of the output is mixed from, and the share of the second.
    #[inline(always)]
    pub fn source(self, i: usize, n: usize) -> (usize, usize, f64) {
        let out = self.count(n);
        let step = match (self.between, self.size) {
            (Between::Corners, _) => n.saturating_sub(1) as f64 / out.saturating_sub(1).max(1) as f64,
            (_, Size::Times(factor)) => 1.0 / factor,
            (_, Size::Places(out)) => n as f64 / out as f64,
        };
        let last = n.saturating_sub(1);
        let at = match self.between {
            // PyTorch finds the nearest place in single precision, whatever the tensor's.
            Between::Nearest => f64::from((i as f32 * step as f32).floor()),
            Between::Linear => (step * (i as f64 + 0.5) - 0.5).max(0.0),
            Between::Corners => step * i as f64,
        };
        let first = (at as usize).min(last);
        let second = if self.between == Between::Nearest { first } else { (first + 1).min(last) };
        (first, second, (at - first as f64).clamp(0.0, 1.0))
    }
}

/// What stands around the places of a padded axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// Nothing: a number that is the same everywhere.
    Nothing,
    /// The places mirrored at the first and the last, which are not repeated.
    Mirror,
    /// The first and the last place again and again.
    Edge,
    /// The places over again.
    Circle,
}

/// How an axis is padded: PyTorch's `pad`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// Places before the first; below zero, places that are left out.
    pub before: i64,
    /// Places behind the last; below zero, places that are left out.
    pub after: i64,
    /// What they hold.
    pub around: Around,
}

impl Margin {
    /// An axis that stays as it is.
    pub const NONE: Margin = Margin { before: 0, after: 0, around: Around::Nothing };

    /// How many places `n` places become; none of none.
    #[inline(always)]
    pub fn count(self, n: usize) -> usize {
        if n == 0 { 0 } else { (n as i64 + self.before + self.after).max(0) as usize }
    }

    /// Which of `n` places place `i` of the output is.
    #[inline(always)]
    pub fn source(self, i: usize, n: usize) -> Option<usize> {
        let (at, size) = (i as i64 - self.before, n as i64);
        if (0..size).contains(&at) {
            return Some(at as usize);
        }
        Some(match self.around {
            Around::Nothing => return None,
            Around::Edge => at.clamp(0, size - 1) as usize,
            Around::Circle => at.rem_euclid(size) as usize,
            Around::Mirror => {
                let period = (2 * (size - 1)).max(1);
                let at = at.rem_euclid(period);
                at.min(period - at).min(size - 1) as usize
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(size: Size, between: Between, n: usize) -> Vec<(usize, usize, f64)> {
        let scaling = Scaling { size, between };
        (0..scaling.count(n)).map(|i| scaling.source(i, n)).collect()
    }

    #[test]
    fn places_are_scaled_as_in_pytorch() {
        let nearest: Vec<usize> =
            scaled(Size::Times(1.5), Between::Nearest, 4).into_iter().map(|(first, ..)| first).collect();
        assert_eq!(nearest, [0, 0, 1, 2, 2, 3]);
        let linear = scaled(Size::Places(4), Between::Linear, 2);
        assert_eq!(linear, [(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.25)]);
        assert_eq!(scaled(Size::Places(3), Between::Corners, 2), [(0, 1, 0.0), (0, 1, 0.5), (1, 1, 0.0)]);
        assert_eq!(scaled(Size::Places(1), Between::Corners, 5), [(0, 1, 0.0)]);
        assert_eq!(scaled(Size::Times(0.3), Between::Linear, 3), []);
    }

    #[test]
    fn margins_are_those_of_pytorch() {
        let padded = |before, after, around, n: usize| -> Vec<Option<usize>> {
            let margin = Margin { before, after, around };
            (0..margin.count(n)).map(|i| margin.source(i, n)).collect()
        };
        let all = |places: &[usize]| -> Vec<Option<usize>> { places.iter().map(|&p| Some(p)).collect() };
        assert_eq!(padded(1, 1, Around::Nothing, 2), [None, Some(0), Some(1), None]);
        assert_eq!(padded(-1, 1, Around::Nothing, 3), [Some(1), Some(2), None]);
        assert_eq!(padded(2, 2, Around::Mirror, 3), all(&[2, 1, 0, 1, 2, 1, 0]));
        assert_eq!(padded(1, 1, Around::Mirror, 1), all(&[0, 0, 0]));
        assert_eq!(padded(2, 1, Around::Edge, 2), all(&[0, 0, 0, 1, 1]));
        assert_eq!(padded(1, 2, Around::Circle, 2), all(&[1, 0, 1, 0, 1]));
        assert_eq!(padded(1, 1, Around::Edge, 0), []);
    }
}

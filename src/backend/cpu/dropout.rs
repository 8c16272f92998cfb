//! Dropout (Srivastava et al. 2014), scaled at training time so that inference does nothing.

use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;
use crate::tensor::Key;

kernel! {
    /// y[i] (=|+=) x[i]·mask(first + i)/(1 − p): the forward pass, and with dy for x and dx for y the backward pass.
    ///
    /// The mask is a function of the key and of the element's place in the whole tensor, `first` being the place of
    /// x[0]: nothing is kept for the backward pass, and any split gives the same mask. An element is dropped with
    /// probability `p`, to 2⁻⁵³; p must be in [0, 1).
    pub(super) fn dropout<T: Scalar>(x: &[T], key: Key, first: usize, p: f64, y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        let threshold = (p * (1u64 << 53) as f64) as u64;
        let scale = T::from_f64(1.0 / (1.0 - p));
        for (i, (y, &x)) in (first as u64..).zip(y.iter_mut().zip(x)) {
            let kept = key.bits(i) >> 11 >= threshold;
            put(y, add, T::select(kept, x * scale, T::ZERO));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::numbers;

    #[test]
    fn the_share_of_the_kept_is_right_and_they_keep_the_mean() {
        let n = 100_000;
        for p in [0.0, 0.1, 0.5, 0.9] {
            let mut y = vec![9.0f32; n];
            dropout(&vec![1.0; n], Key::new(1), 0, p, &mut y, false);
            let kept = y.iter().filter(|&&y| y != 0.0).count() as f64 / n as f64;
            assert!((kept - (1.0 - p)).abs() < 0.005, "{p}: {kept}");
            let scale = (1.0 / (1.0 - p)) as f32;
            assert!(y.iter().all(|&y| y == 0.0 || y == scale));
        }
    }

    #[test]
    fn the_mask_depends_on_key_and_place_alone() {
        let x = numbers::<f32>("x", 100);
        let run = |key, first: usize, x: &[f32]| {
            let mut y = vec![0.0; x.len()];
            dropout(x, key, first, 0.3, &mut y, false);
            y
        };
        let whole = run(Key::new(1), 0, &x);
        assert_eq!(whole[37..], run(Key::new(1), 37, &x[37..])[..]);
        assert_ne!(whole, run(Key::new(2), 0, &x));
        // The backward pass recomputes it, and adds.
        let mut dx = vec![1.0; 100];
        dropout(&x, Key::new(1), 0, 0.3, &mut dx, true);
        assert!(dx.iter().zip(&whole).all(|(&dx, &y)| dx == 1.0 + y));
        // Both precisions drop the same elements.
        let mut double = vec![0.0; 100];
        dropout(&numbers::<f64>("x", 100), Key::new(1), 0, 0.3, &mut double, false);
        assert!(double.iter().zip(&whole).all(|(&d, &s)| (d == 0.0) == (s == 0.0)));
    }
}

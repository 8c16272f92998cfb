//! Arithmetic on whole slices. All slices of a call have the same length.

use crate::backend::kernel::{kernel, put};
use crate::backend::scalar::Scalar;

kernel! {
    /// y (=|+=) a·x
    pub(super) fn scale<T: Scalar>(a: T, x: &[T], y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            put(y, add, a * x);
        }
    }

    /// y (=|+=) x
    pub(super) fn copy<T: Scalar>(x: &[T], y: &mut [T], add: bool) {
        assert_eq!(x.len(), y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            put(y, add, x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{close, numbers};

    fn arithmetic<T: Scalar>(limit: f64) {
        for n in [0, 1, 16, 35] {
            let (x, old) = (numbers::<T>("x", n), numbers::<T>("z", n));
            for (add, base) in [(false, 0.0), (true, 1.0)] {
                let want = |factor: f64| -> Vec<f64> {
                    old.iter().zip(&x).map(|(z, x)| base * z.to_f64() + factor * x.to_f64()).collect()
                };
                let mut z = old.clone();
                scale(T::from_f64(1.5), &x, &mut z, add);
                close(&z, &want(1.5), limit);
                let mut z = old.clone();
                copy(&x, &mut z, add);
                close(&z, &want(1.0), limit);
            }
        }
    }

    #[test]
    fn arithmetic_agrees_with_the_plain_form() {
        arithmetic::<f32>(1e-6);
        arithmetic::<f64>(1e-15);
    }
}

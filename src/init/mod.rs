//! First weights.
//!
//! An [`Initializer`] fills one parameter with numbers that are a function of the parameter's key alone, so the same seed gives
//! the same weights whatever else a network holds. `fan_in` and `fan_out` are the numbers of inputs and outputs that one weight
//! matrix connects (times the size of the receptive field for a convolution); the layer knows them.
//!
//! # Adding one
//!
//! Write `init/NAME.rs` with an [`Initializer`] and an [`Entry`], add the entry to [`INITIALIZERS`].

mod constant;
mod draw;
mod kaiming;
mod keys;
mod lecun;
mod normal;
mod orthogonal;
mod pytorch;
mod uniform;
mod xavier;

use std::fmt;

use crate::error::Result;
use crate::spec::{self, Values};
use crate::tensor::{Key, Shape};

/// A way to choose first weights.
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Fills `out` (a parameter of this shape, row by row) as a function of `key`.
    ///
    /// A fan of 0 counts as 1.
    fn fill(&self, key: Key, shape: &Shape, fan_in: usize, fan_out: usize, out: &mut [f32]);
}

/// One initializer that a config may name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As a config names it.
    pub name: &'static str,
    /// Formula, source and deviations, for the reference.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [spec::Key],
    /// The initializer. Fails with code 2 where two keys contradict each other.
    pub build: fn(&Values) -> Result<Box<dyn Initializer>>,
}

/// Every initializer, in the order of the reference.
pub const INITIALIZERS: &[Entry] = &[
    pytorch::ENTRY,
    xavier::UNIFORM,
    xavier::NORMAL,
    kaiming::UNIFORM,
    kaiming::NORMAL,
    kaiming::HE_UNIFORM,
    kaiming::HE_NORMAL,
    lecun::UNIFORM,
    lecun::NORMAL,
    orthogonal::ENTRY,
    uniform::ENTRY,
    normal::ENTRY,
    constant::ZEROS,
    constant::ONES,
    constant::CONSTANT,
];

/// The initializer called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    INITIALIZERS.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod check {
    //! What the tests of every initializer share.

    use super::*;

    /// 200×300 weights of `name` with the keys `values`.
    pub(super) fn weights(name: &str, values: &Values, seed: u64) -> Vec<f32> {
        let mut out = vec![f32::NAN; 200 * 300];
        let initializer = (find(name).unwrap().build)(values).unwrap();
        initializer.fill(Key::new(seed).named("w"), &Shape::from([200, 300]), 300, 200, &mut out);
        out
    }

    pub(super) fn values(name: &str) -> Values {
        Values::defaults(find(name).unwrap().keys)
    }

    /// Checks mean and standard deviation, and that the largest value is `limit` within a percent, if there is a limit.
    pub(super) fn moments(name: &str, values: &Values, std: f64, limit: Option<f64>) {
        let w = weights(name, values, 1);
        let n = w.len() as f64;
        let mean = w.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let found = (w.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!(
            mean.abs() < 0.02 * std && (found / std - 1.0).abs() < 0.02,
            "{name}: {mean} {found}, not {std}"
        );
        let largest = w.iter().fold(0.0f64, |a, &x| a.max(f64::from(x.abs())));
        match limit {
            Some(limit) => assert!(
                largest <= limit * (1.0 + 1e-6) && largest > 0.99 * limit,
                "{name}: {largest}, not {limit}"
            ),
            None => assert!(largest > 3.5 * std && largest < 6.0 * std, "{name}: {largest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_weights_and_another_key_others() {
        for entry in INITIALIZERS {
            let values = Values::defaults(entry.keys);
            let w = check::weights(entry.name, &values, 1);
            assert!(w.iter().all(|x| x.is_finite()), "{}", entry.name);
            assert_eq!(w, check::weights(entry.name, &values, 1), "{}", entry.name);
            let fixed = ["zeros", "ones", "constant"].contains(&entry.name);
            assert_eq!(w == check::weights(entry.name, &values, 2), fixed, "{}", entry.name);
        }
    }

    #[test]
    fn any_shape_is_filled_with_finite_numbers() {
        for entry in INITIALIZERS {
            let initializer = (entry.build)(&Values::defaults(entry.keys)).unwrap();
            for axes in [vec![], vec![1], vec![7], vec![1, 5], vec![5, 1], vec![4, 2, 3, 3], vec![0, 3]] {
                let shape = Shape::new(axes);
                let mut out = vec![f32::NAN; shape.len()];
                initializer.fill(Key::new(3), &shape, 0, 0, &mut out);
                assert!(out.iter().all(|x| x.is_finite()), "{} {shape}", entry.name);
            }
        }
    }
}

//! Whether 32 bits tell the values of a column apart.

/// Values of a column that are looked at.
pub(super) const LOOKED_AT: usize = 256;

/// Different values before and after they became numbers of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Merged {
    /// Of `values` as `encode` makes them; none if at least 99 % of the different ones stay different. Two of many numbers of 15 digits
    /// may well meet, and that does no harm.
    pub(super) fn of(values: &[f64], encode: impl Fn(f64) -> f32) -> Option<Merged> {
        let mut encoded: Vec<f32> = values.iter().map(|&x| encode(x)).collect();
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        encoded.sort_unstable_by(f32::total_cmp);
        encoded.dedup();
        let (before, after) = (values.len(), encoded.len());
        (100 * (before - after.min(before)) > before).then_some(Merged { before, after })
    }

    /// `of 300 different values 32 bits tell 3 apart`
    pub(super) fn told(self) -> String {
        format!("of {} different values 32 bits tell {} apart", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_meet_in_32_bits_are_found() {
        let seconds: Vec<f64> = (0..300).map(|i| 1.7e9 + f64::from(i)).collect();
        assert_eq!(Merged::of(&seconds, |x| x as f32), Some(Merged { before: 300, after: 3 }));
        assert_eq!(Merged::of(&seconds, |x| (x - 1.7e9) as f32), None);
        assert_eq!(
            Merged::of(&[16_777_216.0, 16_777_217.0], |x| x as f32),
            Some(Merged { before: 2, after: 1 })
        );
        // An outlier squeezes all others together.
        let squeezed: Vec<f64> = (0..100).map(f64::from).chain([1e30]).collect();
        let found = Merged::of(&squeezed, |x| ((x - 1e28) / 1e29) as f32);
        assert_eq!(found, Some(Merged { before: 101, after: 2 }));
        // Numbers of 15 digits.
        let mut x = 0.123_456_789_012_345;
        let many = std::iter::repeat_with(|| {
            x = (x * 997.0_f64).fract();
            x
        });
        assert_eq!(Merged::of(&many.take(LOOKED_AT).collect::<Vec<_>>(), |x| x as f32), None);
        assert_eq!((Merged::of(&[], |x| x as f32), Merged::of(&[1.0], |_| 0.0)), (None, None));
    }
}

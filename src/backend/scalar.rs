//! The numbers that loops are written over: `f32` to train with, `f64` to check gradients with.
//!
//! The `f32` functions are branch-free polynomials: inside [`dispatch`](super::simd::dispatch) they become
//! vector instructions. They multiply and add in two roundings, never fused, so their bits do not depend on the
//! instruction set. The largest errors, found by sweeping the whole range against `f64` (the tests below do it
//! again), in units in the last place of the right result:
//!
//! | function | error | remark |
//! | --- | --- | --- |
//! | `exp` | 1.5 ulp | 0 where the result is below 2⁻¹²⁶: the same bits with and without flush-to-zero |
//! | `exp_m1` | 2 ulp | |
//! | `ln` | 1.5 ulp | |
//! | `ln_1p` | 2 ulp | |
//! | `tanh` | 3 ulp | |
//! | `sigmoid` | 2.5 ulp | 0 below −88.7 |
//! | `softplus` | 2.5 ulp | 0 below −87.3 |
//! | `erf` | 1.5 ulp | |
//!
//! NaN gives NaN everywhere.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A real number that a loop computes with.
///
/// Comparisons are those of [`PartialOrd`]; a branch is written [`Scalar::select`], which a vector loop turns
/// into a blend: both sides are computed, so neither may panic.
pub trait Scalar:
    Copy
    + Send
    + Sync
    + Default
    + Debug
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞, where a maximum starts.
    const NEG_INFINITY: Self;

    /// The nearest number to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// |x|
    fn abs(self) -> Self;
    /// √x
    fn sqrt(self) -> Self;
    /// |x| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// eˣ − 1, exact near 0 too.
    fn exp_m1(self) -> Self;
    /// The natural logarithm: −∞ at 0, NaN below.
    fn ln(self) -> Self;
    /// ln(1 + x), exact near 0 too: −∞ at −1, NaN below.
    fn ln_1p(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function 2/√π ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;

    /// `yes` where `condition` holds, else `no`.
    #[inline(always)]
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }

    /// The larger one. NaN in `self` stays; NaN in `other` is passed over.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::select(other > self, other, self)
    }

    /// The smaller one. NaN in `self` stays; NaN in `other` is passed over.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::select(other < self, other, self)
    }

    /// `self·a + b`, rounded twice (see the module).
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    /// x²
    #[inline(always)]
    fn square(self) -> Self {
        self * self
    }

    /// 1 / x
    #[inline(always)]
    fn recip(self) -> Self {
        Self::ONE / self
    }

    /// 1 / (1 + e⁻ˣ)
    #[inline(always)]
    fn sigmoid(self) -> Self {
        (Self::ONE + (-self).exp()).recip()
    }

    /// ln(1 + eˣ), as max(x, 0) + ln(1 + e^−|x|)
    #[inline(always)]
    fn softplus(self) -> Self {
        self.max(Self::ZERO) + (-self.abs()).exp().ln_1p()
    }
}

impl Scalar for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }

    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn copysign(self, sign: f32) -> f32 {
        f32::copysign(self, sign)
    }

    #[inline(always)]
    fn exp(self) -> f32 {
        // ln 2¹²⁸ and ln 2⁻¹²⁶, rounded into the range.
        const OVERFLOW: f32 = 88.722_83;
        const UNDERFLOW: f32 = -87.336_54;
        let (n, q) = reduce_exp(self);
        // 2ⁿ·(1 + q) by adding n to the exponent: the sum stays in range even for n = 128, where 1 + q < 1.
        let y = f32::from_bits((1.0 + q).to_bits().wrapping_add((n as u32) << 23));
        let y = Self::select(self > OVERFLOW, f32::INFINITY, y);
        let y = Self::select(self < UNDERFLOW, 0.0, y);
        Self::select(self.is_nan(), self, y)
    }

    #[inline(always)]
    fn exp_m1(self) -> f32 {
        // Below −18 the result is −1 in f32; 89 overflows.
        let x = Scalar::min(Scalar::max(self, -18.0), 89.0);
        let (n, q) = reduce_exp(x);
        // 2ⁿ·(1 + q) − 1 = 2·(h·q + (h − ½)) with h = 2ⁿ⁻¹, which is finite for n = 128.
        let h = f32::from_bits((n.wrapping_add(126) as u32) << 23);
        2.0 * (h * q + (h - 0.5))
    }

    #[inline(always)]
    fn ln(self) -> f32 {
        let subnormal = self < f32::MIN_POSITIVE;
        let x = Self::select(subnormal, self * 8_388_608.0, self); // 2²³
        let (k, f) = reduce_ln(x);
        let y = ln_of(if subnormal { k - 23 } else { k }, f);
        ln_edges(self, y)
    }

    #[inline(always)]
    fn ln_1p(self) -> f32 {
        let u = 1.0 + self;
        // u + lost = 1 + x exactly (Knuth's two-sum).
        let one = u - self;
        let lost = (1.0 - one) + (self - (u - one));
        let (k, f) = reduce_ln(u);
        let scale = f32::from_bits(((127 - k.min(127)) as u32) << 23);
        ln_edges(u, ln_of(k, f + lost * scale))
    }

    #[inline(always)]
    fn tanh(self) -> f32 {
        // tanh x = (e²ˣ − 1) / (e²ˣ + 1); from 10 on it is 1 in f32.
        let em1 = Scalar::exp_m1(2.0 * Scalar::min(Scalar::abs(self), 10.0));
        Scalar::copysign(em1 / (em1 + 2.0), self)
    }

    #[inline(always)]
    fn erf(self) -> f32 {
        // Both polynomials were fitted by weighted least squares in 60 digits (Lawson's iteration): x·(1 + P(x²))
        // to 2⁻²⁵ relative below 0.93, and 1 − e^(−t·Q(t)) to 2⁻²⁸ up to 4, where erf is 1 in f32.
        let near =
            [-5.953_511_6e-4, 4.985_890_4e-3, -2.676_168_2e-2, 1.128_168_1e-1, -3.761_248e-1, 1.283_791_5e-1];
        let far =
            [-2.139_858_6e-4, 3.214_962_3e-3, -2.288_998_5e-2, 1.052_618_7e-1, 6.357_183e-1, 1.128_514_4];
        let near = self + self * polynomial(near, self * self);
        let t = Scalar::min(Scalar::abs(self), 4.0);
        let far = -Scalar::exp_m1(-t * polynomial(far, t));
        Self::select(Scalar::abs(self) < 0.93, near, Scalar::copysign(far, self))
    }
}

/// `(n, q)` with eˣ = 2ⁿ·(1 + q), q in [√½ − 1, √2 − 1].
///
/// Cody & Waite's two-part ln 2; the polynomial is that of Moshier's Cephes, `expf`.
#[inline(always)]
fn reduce_exp(x: f32) -> (i32, f32) {
    // Adding 1.5·2²³ leaves the nearest whole number in the low bits, without a rounding instruction.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let p = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    (n, r + r * r * polynomial(p, r))
}

/// The first bits of ln 2: their product with a whole number below 2¹⁵ is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `(k, f)` with x = 2ᵏ·(1 + f), 1 + f in [√½, √2), for a normal positive x.
#[inline(always)]
fn reduce_ln(x: f32) -> (i32, f32) {
    const ROOT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits().wrapping_sub(ROOT_HALF);
    let k = (bits as i32) >> 23;
    (k, f32::from_bits((bits & 0x007f_ffff).wrapping_add(ROOT_HALF)) - 1.0)
}

/// ln(2ᵏ·(1 + f)); the polynomial is that of Moshier's Cephes, `logf`.
#[inline(always)]
fn ln_of(k: i32, f: f32) -> f32 {
    let p = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_87e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let (k, square) = (k as f32, f * f);
    let tail = polynomial(p, f) * f * square + k * LN_2_LOW - 0.5 * square;
    (f + tail) + k * LN_2_HIGH
}

/// `y`, or what a logarithm gives where `x` is 0, negative, infinite or NaN.
#[inline(always)]
fn ln_edges(x: f32, y: f32) -> f32 {
    let y = f32::select(x < f32::INFINITY, y, x);
    let y = f32::select(x == 0.0, f32::NEG_INFINITY, y);
    f32::select(x < 0.0, f32::NAN, y)
}

/// Σ cᵢ·xⁿ⁻¹⁻ⁱ: the highest power first (Horner).
#[inline(always)]
fn polynomial<const N: usize>(c: [f32; N], x: f32) -> f32 {
    let mut y = c[0];
    for &c in &c[1..] {
        y = y * x + c;
    }
    y
}

/// The standard library's functions, within an ulp or so; they are not vectorised.
impl Scalar for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }

    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn copysign(self, sign: f64) -> f64 {
        f64::copysign(self, sign)
    }

    #[inline(always)]
    fn exp(self) -> f64 {
        f64::exp(self)
    }

    #[inline(always)]
    fn exp_m1(self) -> f64 {
        f64::exp_m1(self)
    }

    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }

    #[inline(always)]
    fn ln_1p(self) -> f64 {
        f64::ln_1p(self)
    }

    #[inline(always)]
    fn tanh(self) -> f64 {
        f64::tanh(self)
    }

    /// 2/√π · e^(−x²) · Σ 2ⁿx²ⁿ⁺¹ / (1·3·…·(2n+1)), Abramowitz & Stegun 7.1.6: every term has one sign, so the
    /// error stays within a few ulp. From 6 on erf is 1 in f64.
    fn erf(self) -> f64 {
        let x = self.clamp(-6.0, 6.0);
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term.abs() > 1e-18 * sum.abs() {
            odd += 2.0;
            term *= 2.0 * x * x / odd;
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `step`-th `f32` there is, NaNs and infinities among them.
    fn sweep() -> impl Iterator<Item = f32> {
        let edges = [0.0, -0.0, 1.0, -1.0, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        (0..=u32::MAX).step_by(1021).map(f32::from_bits).chain(edges)
    }

    /// The largest error of `ours` over the sweep, in ulp of the right result `exact`. Where that is subnormal,
    /// 0 is right too.
    fn worst_ulp(ours: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in sweep() {
            let (got, want) = (ours(x), exact(f64::from(x)));
            let rounded = want as f32;
            if rounded.is_nan() || rounded.is_infinite() || got.is_nan() || got.is_infinite() {
                // A result next to the largest f32 may round either way.
                let next_to_max =
                    want.abs() > f64::from(f32::MAX) * (1.0 - 1e-7) && got.abs() >= f32::MAX * 0.999_999_9;
                assert!(
                    got == rounded || (got.is_nan() && rounded.is_nan()) || next_to_max,
                    "f({x:e}) = {got:e}, want {want:e}"
                );
                continue;
            }
            let ulp = f64::from(f32::from_bits(rounded.abs().max(f32::MIN_POSITIVE).to_bits() & 0xff80_0000))
                * 2f64.powi(-23);
            let error = (f64::from(got) - want).abs() / ulp;
            let flushed = want.abs() < f64::from(f32::MIN_POSITIVE) && got == 0.0;
            if error > worst.0 && !flushed {
                worst = (error, x);
            }
        }
        worst
    }

    #[test]
    fn every_f32_function_keeps_its_stated_error() {
        type Case = (&'static str, fn(f32) -> f32, fn(f64) -> f64, f64);
        let cases: [Case; 8] = [
            ("exp", Scalar::exp, f64::exp, 1.5),
            ("exp_m1", Scalar::exp_m1, f64::exp_m1, 2.0),
            ("ln", Scalar::ln, f64::ln, 1.5),
            ("ln_1p", Scalar::ln_1p, f64::ln_1p, 2.0),
            ("tanh", Scalar::tanh, f64::tanh, 3.0),
            ("sigmoid", Scalar::sigmoid, Scalar::sigmoid, 2.5),
            ("softplus", Scalar::softplus, Scalar::softplus, 2.5),
            ("erf", Scalar::erf, Scalar::erf, 1.5),
        ];
        for (name, ours, exact, limit) in cases {
            let (error, x) = worst_ulp(ours, exact);
            println!("{name}: {error} ulp at {x:e}");
            assert!(error <= limit, "{name}: {error} ulp at {x:e}, {limit} stated");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_right() {
        assert_eq!(Scalar::exp(-200.0f32), 0.0);
        assert_eq!(Scalar::exp(100.0f32), f32::INFINITY);
        assert_eq!(Scalar::exp(0.0f32), 1.0);
        assert_eq!(Scalar::ln(0.0f32), f32::NEG_INFINITY);
        assert_eq!(Scalar::ln_1p(-1.0f32), f32::NEG_INFINITY);
        assert!(Scalar::ln(-1.0f32).is_nan());
        assert_eq!(Scalar::tanh(-50.0f32), -1.0);
        assert_eq!(Scalar::softplus(1e30f32), 1e30);
        assert!(Scalar::max(f32::NAN, 0.0).is_nan());
        assert!(Scalar::min(f32::NAN, 0.0).is_nan());
    }

    #[test]
    fn erf_in_double_precision_matches_the_tables() {
        // Abramowitz & Stegun, table 7.1, and mpmath's 20 digits beyond it.
        let table = [
            (0.1, 0.112_462_916_018_284_89),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.5, 0.999_999_256_901_627_6),
            (5.5, 0.999_999_999_999_992_7),
        ];
        for (x, want) in table {
            assert!((Scalar::erf(x) - want).abs() < 2e-15, "{x}: {} {want}", Scalar::erf(x));
            assert_eq!(Scalar::erf(-x), -Scalar::erf(x));
        }
        assert!((Scalar::erf(f64::INFINITY) - 1.0).abs() < 1e-15);
        assert!(Scalar::erf(f64::NAN).is_nan());
        assert_eq!(Scalar::erf(0.0f64), 0.0);
    }
}

//! Functions of one or two numbers, applied to whole slices: ops hold the maths, this file holds the loops.
//!
//! An op writes its function and derivative once, over any [`Scalar`]: [`Unary`] for an activation, [`Binary`]
//! for a loss of prediction and target or for a gate. Every such type is [`UnaryLoops`] or [`BinaryLoops`] for free: the
//! object-safe form that a graph keeps, with its loops compiled for each instruction set.
//!
//! A second backend can trace the same functions: run them on a `Scalar` that records its operations, and answer
//! each comparison both ways to find what [`Scalar::select`] chooses between.
//!
//! Everywhere `add` means: add into the destination instead of overwriting it.

use super::kernel::{columns, kernel, lane_sum, put};
use super::scalar::Scalar;
use std::fmt::Debug;

/// y = f(x) and its derivative.
///
/// Mark both functions `#[inline(always)]`: only inlined code is compiled for the CPU's vector instructions.
pub trait Unary: Copy + Send + Sync + Debug + 'static {
    /// f(x)
    fn f<S: Scalar>(self, x: S) -> S;
    /// f′(x), given y = f(x) too, which often saves work.
    fn df<S: Scalar>(self, x: S, y: S) -> S;
}

/// z = f(a, b) and its derivatives: for a loss, a is the prediction and b the target.
///
/// Mark the functions `#[inline(always)]`: only inlined code is compiled for the CPU's vector instructions.
pub trait Binary: Copy + Send + Sync + Debug + 'static {
    /// f(a, b)
    fn f<S: Scalar>(self, a: S, b: S) -> S;
    /// ∂f/∂a
    fn da<S: Scalar>(self, a: S, b: S) -> S;
    /// ∂f/∂b; 0 unless a function says otherwise: nothing descends into a loss's target.
    #[inline(always)]
    fn db<S: Scalar>(self, _a: S, _b: S) -> S {
        S::ZERO
    }
}

/// The loops of a [`Unary`] in one precision. All slices of a call have the same length.
pub trait UnaryIn<T> {
    /// y = f(x)
    fn forward_in(&self, x: &[T], y: &mut [T]);
    /// dx (=|+=) dy·f′(x), given y = f(x)
    fn backward_in(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T], add: bool);
}

/// The loops of a [`Binary`] in one precision. Legend: R rows, C columns.
pub trait BinaryIn<T> {
    /// z = f(a, b); all of one length.
    fn forward_in(&self, a: &[T], b: &[T], z: &mut [T]);
    /// da (=|+=) dz·∂f/∂a; all of one length.
    fn backward_a_in(&self, a: &[T], b: &[T], dz: &[T], da: &mut [T], add: bool);
    /// db (=|+=) dz·∂f/∂b; all of one length.
    fn backward_b_in(&self, a: &[T], b: &[T], dz: &[T], db: &mut [T], add: bool);
    /// `out[r] (=|+=) scale·Σ_c f(a[r, c], b[r, c])`, summed in an order that C alone decides.
    ///
    /// a, b `[R, C]`, out `[R]`.
    fn rows_forward_in(&self, a: &[T], b: &[T], scale: T, out: &mut [T], add: bool);
    /// `da[r, c] (=|+=) scale·dout[r]·∂f/∂a`.
    ///
    /// a, b, da `[R, C]`, dout `[R]`.
    fn rows_backward_a_in(&self, a: &[T], b: &[T], scale: T, dout: &[T], da: &mut [T], add: bool);
}

/// A [`Unary`] behind a pointer, for both precisions. Call it through [`forward`](#method.forward) and
/// [`backward`](#method.backward) of `dyn UnaryLoops`.
pub trait UnaryLoops: UnaryIn<f32> + UnaryIn<f64> + Send + Sync + Debug {}

/// A [`Binary`] behind a pointer, for both precisions. Call it through the methods of `dyn BinaryLoops`.
pub trait BinaryLoops: BinaryIn<f32> + BinaryIn<f64> + Send + Sync + Debug {}

impl<F: Unary> UnaryLoops for F {}
impl<F: Binary> BinaryLoops for F {}

/// A [`Scalar`] that buffers are made of: it picks the loops of its own precision.
pub trait Element: Scalar + sealed::Sealed {
    /// The loops of `op` in this precision.
    fn unary(op: &dyn UnaryLoops) -> &dyn UnaryIn<Self>;
    /// The loops of `op` in this precision.
    fn binary(op: &dyn BinaryLoops) -> &dyn BinaryIn<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Element for f32 {
    fn unary(op: &dyn UnaryLoops) -> &dyn UnaryIn<f32> {
        op
    }
    fn binary(op: &dyn BinaryLoops) -> &dyn BinaryIn<f32> {
        op
    }
}

impl Element for f64 {
    fn unary(op: &dyn UnaryLoops) -> &dyn UnaryIn<f64> {
        op
    }
    fn binary(op: &dyn BinaryLoops) -> &dyn BinaryIn<f64> {
        op
    }
}

impl dyn UnaryLoops + '_ {
    /// y = f(x); see [`UnaryIn::forward_in`].
    pub fn forward<T: Element>(&self, x: &[T], y: &mut [T]) {
        T::unary(self).forward_in(x, y);
    }

    /// dx (=|+=) dy·f′(x); see [`UnaryIn::backward_in`].
    pub fn backward<T: Element>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T], add: bool) {
        T::unary(self).backward_in(x, y, dy, dx, add);
    }
}

impl dyn BinaryLoops + '_ {
    /// z = f(a, b); see [`BinaryIn::forward_in`].
    pub fn forward<T: Element>(&self, a: &[T], b: &[T], z: &mut [T]) {
        T::binary(self).forward_in(a, b, z);
    }

    /// da (=|+=) dz·∂f/∂a; see [`BinaryIn::backward_a_in`].
    pub fn backward_a<T: Element>(&self, a: &[T], b: &[T], dz: &[T], da: &mut [T], add: bool) {
        T::binary(self).backward_a_in(a, b, dz, da, add);
    }

    /// db (=|+=) dz·∂f/∂b; see [`BinaryIn::backward_b_in`].
    pub fn backward_b<T: Element>(&self, a: &[T], b: &[T], dz: &[T], db: &mut [T], add: bool) {
        T::binary(self).backward_b_in(a, b, dz, db, add);
    }

    /// `out[r] (=|+=) scale·Σ_c f(a[r, c], b[r, c])`; see [`BinaryIn::rows_forward_in`].
    pub fn rows_forward<T: Element>(&self, a: &[T], b: &[T], scale: T, out: &mut [T], add: bool) {
        T::binary(self).rows_forward_in(a, b, scale, out, add);
    }

    /// `da[r, c] (=|+=) scale·dout[r]·∂f/∂a`; see [`BinaryIn::rows_backward_a_in`].
    pub fn rows_backward_a<T: Element>(
        &self,
        a: &[T],
        b: &[T],
        scale: T,
        dout: &[T],
        da: &mut [T],
        add: bool,
    ) {
        T::binary(self).rows_backward_a_in(a, b, scale, dout, da, add);
    }
}

impl<F: Unary, T: Scalar> UnaryIn<T> for F {
    fn forward_in(&self, x: &[T], y: &mut [T]) {
        assert_eq!(x.len(), y.len());
        unary_forward(*self, x, y);
    }

    fn backward_in(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T], add: bool) {
        assert!(x.len() == y.len() && x.len() == dy.len() && x.len() == dx.len());
        unary_backward(*self, x, y, dy, dx, add);
    }
}

impl<F: Binary, T: Scalar> BinaryIn<T> for F {
    fn forward_in(&self, a: &[T], b: &[T], z: &mut [T]) {
        assert!(a.len() == b.len() && a.len() == z.len());
        binary_forward(*self, a, b, z);
    }

    fn backward_a_in(&self, a: &[T], b: &[T], dz: &[T], da: &mut [T], add: bool) {
        assert!(a.len() == b.len() && a.len() == dz.len() && a.len() == da.len());
        binary_backward_a(*self, a, b, dz, da, add);
    }

    fn backward_b_in(&self, a: &[T], b: &[T], dz: &[T], db: &mut [T], add: bool) {
        assert!(a.len() == b.len() && a.len() == dz.len() && a.len() == db.len());
        binary_backward_b(*self, a, b, dz, db, add);
    }

    fn rows_forward_in(&self, a: &[T], b: &[T], scale: T, out: &mut [T], add: bool) {
        let cols = columns(a.len(), out.len());
        assert_eq!(a.len(), b.len());
        binary_rows_forward(*self, a, b, cols, scale, out, add);
    }

    fn rows_backward_a_in(&self, a: &[T], b: &[T], scale: T, dout: &[T], da: &mut [T], add: bool) {
        let cols = columns(a.len(), dout.len());
        assert!(a.len() == b.len() && a.len() == da.len());
        binary_rows_backward_a(*self, a, b, cols, scale, dout, da, add);
    }
}

kernel! {
    fn unary_forward<F: Unary, T: Scalar>(op: F, x: &[T], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = op.f(x);
        }
    }

    fn unary_backward<F: Unary, T: Scalar>(op: F, x: &[T], y: &[T], dy: &[T], dx: &mut [T], add: bool) {
        for (((dx, &x), &y), &dy) in dx.iter_mut().zip(x).zip(y).zip(dy) {
            put(dx, add, dy * op.df(x, y));
        }
    }

    fn binary_forward<F: Binary, T: Scalar>(op: F, a: &[T], b: &[T], z: &mut [T]) {
        for ((z, &a), &b) in z.iter_mut().zip(a).zip(b) {
            *z = op.f(a, b);
        }
    }

    fn binary_backward_a<F: Binary, T: Scalar>(op: F, a: &[T], b: &[T], dz: &[T], da: &mut [T], add: bool) {
        for (((da, &a), &b), &dz) in da.iter_mut().zip(a).zip(b).zip(dz) {
            put(da, add, dz * op.da(a, b));
        }
    }

    fn binary_backward_b<F: Binary, T: Scalar>(op: F, a: &[T], b: &[T], dz: &[T], db: &mut [T], add: bool) {
        for (((db, &a), &b), &dz) in db.iter_mut().zip(a).zip(b).zip(dz) {
            put(db, add, dz * op.db(a, b));
        }
    }

    fn binary_rows_forward<F: Binary, T: Scalar>(
        op: F, a: &[T], b: &[T], cols: usize, scale: T, out: &mut [T], add: bool,
    ) {
        for ((out, a), b) in out.iter_mut().zip(a.chunks_exact(cols)).zip(b.chunks_exact(cols)) {
            put(out, add, scale * lane_sum!(T; a in a, b in b => op.f(a, b)));
        }
    }

    fn binary_rows_backward_a<F: Binary, T: Scalar>(
        op: F, a: &[T], b: &[T], cols: usize, scale: T, dout: &[T], da: &mut [T], add: bool,
    ) {
        let rows = da.chunks_exact_mut(cols).zip(a.chunks_exact(cols)).zip(b.chunks_exact(cols));
        for (((da, a), b), &dout) in rows.zip(dout) {
            let g = scale * dout;
            for ((da, &a), &b) in da.iter_mut().zip(a).zip(b) {
                put(da, add, g * op.da(a, b));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::check::{H, close, numbers};

    #[derive(Clone, Copy, Debug)]
    struct Gelu;
    impl Unary for Gelu {
        #[inline(always)]
        fn f<S: Scalar>(self, x: S) -> S {
            let half = S::from_f64(0.5);
            half * x * (S::ONE + (x * S::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
        }
        #[inline(always)]
        fn df<S: Scalar>(self, x: S, _y: S) -> S {
            let phi = (-S::from_f64(0.5) * x * x).exp() * S::from_f64(0.398_942_280_401_432_7);
            S::from_f64(0.5) * (S::ONE + (x * S::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf()) + x * phi
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct LogCosh;
    impl Binary for LogCosh {
        #[inline(always)]
        fn f<S: Scalar>(self, a: S, b: S) -> S {
            let d = (a - b).abs();
            d + (S::from_f64(-2.0) * d).exp().ln_1p() - S::from_f64(std::f64::consts::LN_2)
        }
        #[inline(always)]
        fn da<S: Scalar>(self, a: S, b: S) -> S {
            (a - b).tanh()
        }
        #[inline(always)]
        fn db<S: Scalar>(self, a: S, b: S) -> S {
            -(a - b).tanh()
        }
    }

    fn unary_agrees<T: Element>(n: usize, limit: f64) {
        let op: &dyn UnaryLoops = &Gelu;
        let (x, dy) = (numbers::<T>("x", n), numbers::<T>("dy", n));
        let (mut y, mut dx) = (vec![T::ZERO; n], vec![T::ONE; n]);
        op.forward(&x, &mut y);
        close(&y, &x.iter().map(|x| Gelu.f(x.to_f64())).collect::<Vec<_>>(), limit);
        let slope = |x: f64| (Gelu.f(x + H) - Gelu.f(x - H)) / (2.0 * H);
        let mut want: Vec<f64> = x.iter().zip(&dy).map(|(x, dy)| dy.to_f64() * slope(x.to_f64())).collect();
        op.backward(&x, &y, &dy, &mut dx, false);
        close(&dx, &want, limit);
        op.backward(&x, &y, &dy, &mut dx, true);
        want.iter_mut().for_each(|w| *w *= 2.0);
        close(&dx, &want, limit);
    }

    #[test]
    fn unary_loops_agree_with_differences_in_both_precisions() {
        for n in [0, 1, 15, 16, 17, 100] {
            unary_agrees::<f64>(n, 1e-8);
            unary_agrees::<f32>(n, 2e-6);
        }
    }

    fn binary_agrees<T: Element>(rows: usize, cols: usize, limit: f64) {
        let op: &dyn BinaryLoops = &LogCosh;
        let n = rows * cols;
        let (a, b, dz) = (numbers::<T>("a", n), numbers::<T>("b", n), numbers::<T>("dz", n));
        let f = |i: usize, da: f64, db: f64| LogCosh.f(a[i].to_f64() + da, b[i].to_f64() + db);
        let slope_a = |i: usize| (f(i, H, 0.0) - f(i, -H, 0.0)) / (2.0 * H);
        let slope_b = |i: usize| (f(i, 0.0, H) - f(i, 0.0, -H)) / (2.0 * H);
        let each = |g: &dyn Fn(usize) -> f64| (0..n).map(g).collect::<Vec<f64>>();

        let mut z = vec![T::ZERO; n];
        op.forward(&a, &b, &mut z);
        close(&z, &each(&|i| f(i, 0.0, 0.0)), limit);
        op.backward_a(&a, &b, &dz, &mut z, false);
        close(&z, &each(&|i| dz[i].to_f64() * slope_a(i)), limit);
        op.backward_b(&a, &b, &dz, &mut z, true);
        close(&z, &each(&|i| dz[i].to_f64() * (slope_a(i) + slope_b(i))), limit);

        let scale = T::from_f64(0.25);
        let mut out = vec![T::ONE; rows];
        op.rows_forward(&a, &b, scale, &mut out, true);
        let sums = (0..rows).map(|r| (r * cols..(r + 1) * cols).map(|i| f(i, 0.0, 0.0)).sum::<f64>());
        close(&out, &sums.map(|s| 1.0 + 0.25 * s).collect::<Vec<_>>(), limit);
        op.rows_backward_a(&a, &b, scale, &dz[..rows], &mut z, false);
        close(&z, &each(&|i| 0.25 * dz[i / cols].to_f64() * slope_a(i)), limit);
    }

    #[test]
    fn binary_loops_agree_with_differences_in_both_precisions() {
        for (rows, cols) in [(1, 1), (1, 40), (5, 3), (3, 16), (4, 33)] {
            binary_agrees::<f64>(rows, cols, 1e-8);
            binary_agrees::<f32>(rows, cols, 2e-6);
        }
    }

    #[test]
    #[should_panic(expected = "7 elements in 2 rows")]
    fn rows_of_unequal_length_are_refused() {
        let op: &dyn BinaryLoops = &LogCosh;
        op.rows_forward(&[0.0f32; 7], &[0.0; 7], 1.0, &mut [0.0; 2], false);
    }
}

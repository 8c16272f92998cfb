//! How a loop over slices is written once and compiled for each instruction set, and how its sums are ordered.
//!
//! The loops hold no closures: the compiler inlines a closure only while it is small, and a body that is not inlined
//! is compiled for the baseline, ten times slower where it has an `exp` or two.

use super::scalar::Scalar;

/// Defines functions whose bodies are compiled once for each instruction set and run through
/// [`dispatch`](super::simd::dispatch).
///
/// Each is written like a plain function, generics with one bound each:
/// `pub fn axpy<T: Scalar>(a: T, x: &[T], y: &mut [T]) { … }`. The arguments become one tuple, and
/// [`Loop`](super::simd::Loop) is implemented for it with the body. What the body calls must be `#[inline(always)]`.
macro_rules! kernel {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident<$($generic:ident: $bound:path),+>($($arg:ident: $ty:ty),* $(,)?)
        $(-> $output:ty)? $body:block)+) => {$(
        $(#[$meta])*
        $vis fn $name<$($generic: $bound),+>($($arg: $ty),*) $(-> $output)? {
            struct Args<A>(A);
            impl<$($generic: $bound),+> $crate::backend::simd::Loop for Args<($($ty,)*)> {
                type Output = $crate::backend::kernel::kernel!(@output $($output)?);
                #[inline(always)]
                fn run(self) -> Self::Output {
                    let Args(($($arg,)*)) = self;
                    $body
                }
            }
            $crate::backend::simd::dispatch(Args(($($arg,)*)))
        }
    )+};
    (@output) => { () };
    (@output $output:ty) => { $output };
}

/// Partial sums that [`lane_sum`] keeps: one AVX-512 register of `f32`.
pub(crate) const LANES: usize = 16;

/// `lane_sum!(T; x in xs, y in ys => term)`: the sum of `term`, in T, over slices of one length.
///
/// The compiler may not reorder a floating-point sum, so the partial sums are spelled out: element i belongs to
/// lane i mod [`LANES`], and [`fold`] adds the lanes. The order follows from the length alone.
macro_rules! lane_sum {
    ($T:ty; $($x:ident in $xs:expr),+ => $term:expr) => {{
        use $crate::backend::kernel::{LANES, fold};
        $(let $x = &$xs[..];)+
        let [len, ..] = [$($x.len()),+];
        $(let $x = &$x[..len];)+
        let whole = len / LANES * LANES;
        let mut lanes = [<$T>::ZERO; LANES];
        for start in (0..whole).step_by(LANES) {
            $(let $x = &$x[start..start + LANES];)+
            for lane in 0..LANES {
                $(let $x = $x[lane];)+
                lanes[lane] += $term;
            }
        }
        for i in whole..len {
            $(let $x = $x[i];)+
            lanes[i - whole] += $term;
        }
        fold(lanes)
    }};
}

pub(crate) use {kernel, lane_sum};

/// The largest of `xs`, −∞ for none; NaNs are passed over.
#[inline(always)]
pub(crate) fn largest<T: Scalar>(xs: &[T]) -> T {
    let (chunks, tail) = xs.as_chunks::<LANES>();
    let mut lanes = [T::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = lane.max(x);
        }
    }
    let mut most = T::NEG_INFINITY;
    for &x in tail {
        most = most.max(x);
    }
    if chunks.is_empty() {
        return most;
    }
    for &x in &lanes {
        most = most.max(x);
    }
    most
}

/// C of a matrix of `len` elements in `rows` rows; 1 for an empty one.
///
/// # Panics
/// Where the rows do not divide the elements.
#[inline(always)]
pub(crate) fn columns(len: usize, rows: usize) -> usize {
    let cols = len.checked_div(rows).unwrap_or(0);
    assert_eq!(cols * rows, len, "{len} elements in {rows} rows");
    cols.max(1)
}

/// The sum of the lanes, added pairwise: halves, quarters and so on.
#[inline(always)]
pub(crate) fn fold<T: Scalar>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `value` into `destination`, added to what is there if `add`.
#[inline(always)]
pub(crate) fn put<T: Scalar>(destination: &mut T, add: bool, value: T) {
    *destination = if add { *destination + value } else { value };
}

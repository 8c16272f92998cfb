//! How a loop over slices is written once and compiled for each instruction set.

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

pub(crate) use kernel;

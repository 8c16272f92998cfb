//! Images and series with other sizes.

use crate::backend::cpu::blocks::by_blocks;
use crate::backend::cpu::window::present;
use crate::backend::kernel::kernel;
use crate::backend::resample::{Between, ResampleSpec, Scaling};
use crate::backend::scalar::Scalar;

kernel! {
    /// y[b, o, c] = the mixture of x[b, ·, c] around the place that o stands for.
    ///
    /// x [B, H, W, C], lengths [B], y [B, OH, OW, C].
    pub(super) fn upsample_forward<T: Scalar>(
        x: &[T], spec: ResampleSpec<Scaling>, lengths: Option<&[T]>, y: &mut [T],
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(x.len() * out_image, y.len() * image);
        for (b, (x, y)) in x.chunks_exact(image).zip(y.chunks_exact_mut(out_image)).enumerate() {
            let steps = present(lengths, b, width);
            let count = if steps == 0 { 0 } else { spec.axes[1].count(steps).min(out_width) };
            for i in 0..out_height {
                let down = spec.axes[0].source(i, height);
                let y = &mut y[i * out_width * c..(i + 1) * out_width * c];
                for j in 0..count {
                    let corners = Corners::new(down, spec.axes[1].source(j, steps), width, c);
                    let y = &mut y[j * c..(j + 1) * c];
                    if spec.axes[1].between == Between::Nearest {
                        y.copy_from_slice(&x[corners.at[0]..][..c]);
                    } else {
                        by_blocks!(c, mixture::<T>(x, &corners, y));
                    }
                }
                y[count * c..].fill(T::ZERO);
            }
        }
    }

    /// dx[b, p, c] (=|+=) Σ dy[b, o, c] · the share of p in the mixture o.
    ///
    /// dy [B, OH, OW, C], lengths [B], dx [B, H, W, C].
    pub(super) fn upsample_backward<T: Scalar>(
        dy: &[T], spec: ResampleSpec<Scaling>, lengths: Option<&[T]>, dx: &mut [T], add: bool,
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(dx.len() * out_image, dy.len() * image);
        if !add {
            dx.fill(T::ZERO);
        }
        for (b, (dy, dx)) in dy.chunks_exact(out_image).zip(dx.chunks_exact_mut(image)).enumerate() {
            let steps = present(lengths, b, width);
            let count = if steps == 0 { 0 } else { spec.axes[1].count(steps).min(out_width) };
            for i in 0..out_height {
                let down = spec.axes[0].source(i, height);
                for j in 0..count {
                    let corners = Corners::new(down, spec.axes[1].source(j, steps), width, c);
                    let dy = &dy[(i * out_width + j) * c..][..c];
                    let shared = if spec.axes[1].between == Between::Nearest { 1 } else { 4 };
                    for corner in 0..shared {
                        let share = if shared == 1 { T::ONE } else { corners.share[corner] };
                        by_blocks!(c, hand_on::<T>(dy, share, &mut dx[corners.at[corner]..][..c]));
                    }
                }
            }
        }
    }
}

/// Where the numbers around a place begin in an image, and the share of each.
struct Corners<T> {
    at: [usize; 4],
    share: [T; 4],
}

impl<T: Scalar> Corners<T> {
    #[inline(always)]
    fn new(down: (usize, usize, f64), along: (usize, usize, f64), width: usize, channels: usize) -> Self {
        let ((top, bottom, low), (left, right, far)) = (down, along);
        let (high, near) = (1.0 - low, 1.0 - far);
        let (top, bottom) = (top * width, bottom * width);
        Corners {
            at: [
                (top + left) * channels,
                (top + right) * channels,
                (bottom + left) * channels,
                (bottom + right) * channels,
            ],
            share: [
                T::from_f64(high * near),
                T::from_f64(high * far),
                T::from_f64(low * near),
                T::from_f64(low * far),
            ],
        }
    }
}

/// N channels from `first` of one place: x [H, W, C], y [C].
#[inline(always)]
fn mixture<T: Scalar, const N: usize>(first: usize, x: &[T], corners: &Corners<T>, y: &mut [T]) {
    let y = &mut y[first..first + N];
    let [a, b, c, d] = corners.at;
    let (a, b) = (&x[a + first..][..N], &x[b + first..][..N]);
    let (c, d) = (&x[c + first..][..N], &x[d + first..][..N]);
    let share = corners.share;
    for lane in 0..N {
        y[lane] = share[0] * a[lane] + share[1] * b[lane] + (share[2] * c[lane] + share[3] * d[lane]);
    }
}

/// dx += share · dy for N channels from `first`: dy, dx [C].
#[inline(always)]
fn hand_on<T: Scalar, const N: usize>(first: usize, dy: &[T], share: T, dx: &mut [T]) {
    let (dy, dx) = (&dy[first..first + N], &mut dx[first..first + N]);
    for lane in 0..N {
        dx[lane] += share * dy[lane];
    }
}

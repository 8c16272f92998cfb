//! Images and series with more places around them.

use crate::backend::cpu::window::present;
use crate::backend::kernel::kernel;
use crate::backend::resample::{Margin, ResampleSpec};
use crate::backend::scalar::Scalar;

kernel! {
    /// y[b, o, c] = x[b, p, c] of the place p that o stands for, or `value`.
    ///
    /// x [B, H, W, C], lengths [B], y [B, OH, OW, C].
    pub(super) fn pad_forward<T: Scalar>(
        x: &[T], spec: ResampleSpec<Margin>, lengths: Option<&[T]>, y: &mut [T], value: T,
    ) {
        let ([height, width], [out_height, out_width]) = (spec.places, spec.out);
        let c = spec.channels;
        let (image, out_image) = (height * width * c, out_height * out_width * c);
        assert_eq!(x.len() * out_image, y.len() * image);
        for (b, (x, y)) in x.chunks_exact(image).zip(y.chunks_exact_mut(out_image)).enumerate() {
            let steps = present(lengths, b, width);
            let count = spec.axes[1].count(steps).min(out_width);
            for i in 0..out_height {
                let row = spec.axes[0].source(i, height);
                let y = &mut y[i * out_width * c..(i + 1) * out_width * c];
                for j in 0..count {
                    let y = &mut y[j * c..(j + 1) * c];
                    match (row, spec.axes[1].source(j, steps)) {
                        (Some(row), Some(column)) => y.copy_from_slice(&x[(row * width + column) * c..][..c]),
                        _ => y.fill(value),
                    }
                }
                y[count * c..].fill(T::ZERO);
            }
        }
    }

    /// dx[b, p, c] (=|+=) Σ dy[b, o, c] over the places o that stand for p.
    ///
    /// dy [B, OH, OW, C], lengths [B], dx [B, H, W, C].
    pub(super) fn pad_backward<T: Scalar>(
        dy: &[T], spec: ResampleSpec<Margin>, lengths: Option<&[T]>, dx: &mut [T], add: bool,
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
            let count = spec.axes[1].count(steps).min(out_width);
            for i in 0..out_height {
                let Some(row) = spec.axes[0].source(i, height) else { continue };
                for j in 0..count {
                    let Some(column) = spec.axes[1].source(j, steps) else { continue };
                    let dx = &mut dx[(row * width + column) * c..][..c];
                    for (dx, &dy) in dx.iter_mut().zip(&dy[(i * out_width + j) * c..][..c]) {
                        *dx += dy;
                    }
                }
            }
        }
    }
}

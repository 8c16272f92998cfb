//! Tiles in plain loops: f64, and f32 on a CPU without AVX2.

use super::pack::NR;
use super::tile::{Kernels, Tile, TileKernel};
use crate::backend::scalar::Scalar;

const HEIGHT: usize = 4;

pub(super) static F32: Kernels<f32> = kernels(&[0.0; NR]);
pub(super) static F64: Kernels<f64> = kernels(&[0.0; NR]);

const fn kernels<T: Scalar + 'static>(zeros: &'static [T; NR]) -> Kernels<T> {
    let (rows, columns) = (const { tiles::<T, true>() }, const { tiles::<T, false>() });
    Kernels {
        height: HEIGHT,
        lanes: NR / 2,
        tiles: [[rows; 2], [rows; 2], [columns; 2], [rows; 2], [columns; 2]],
        zeros,
    }
}

const fn tiles<T: Scalar, const ROWS: bool>() -> &'static [TileKernel<T>] {
    &[tile::<T, 1, ROWS>, tile::<T, 2, ROWS>, tile::<T, 3, ROWS>, tile::<T, 4, ROWS>]
}

/// A tile of `MR` rows; A has adjacent elements in its rows, or in its columns.
#[allow(unsafe_code)]
unsafe fn tile<T: Scalar, const MR: usize, const ROWS: bool>(t: &Tile<T>) {
    let mut sums = [[T::ZERO; NR]; MR];
    // SAFETY: the caller vouches for every element that `t` names.
    unsafe {
        for (i, sums) in sums.iter_mut().enumerate() {
            for (j, sum) in sums[..t.cols].iter_mut().enumerate() {
                *sum = *t.start.add(i * t.start_stride + j);
            }
        }
        for u in 0..t.segments.count[0] {
            for v in 0..t.segments.count[1] {
                let a = t.a.wrapping_add(u * t.segments.a[0] + v * t.segments.a[1]);
                let b = t.b.wrapping_add(u * t.segments.b[0] + v * t.segments.b[1]);
                for p in 0..t.k {
                    let row = std::slice::from_raw_parts(b.add(p * t.b_stride), t.cols);
                    for (i, sums) in sums.iter_mut().enumerate() {
                        let x = *a.add(if ROWS { i * t.a_stride + p } else { i + p * t.a_stride });
                        for (sum, &y) in sums.iter_mut().zip(row) {
                            *sum += x * y;
                        }
                    }
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            std::slice::from_raw_parts_mut(t.c.add(i * t.c_stride), t.cols).copy_from_slice(&sums[..t.cols]);
        }
    }
}

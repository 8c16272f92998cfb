//! The CPU backend.
//!
//! Its loops take slices and give slices: no allocation, no threads. Legend: B batch, R rows, C columns or channels,
//! L length; matrices are row-major and contiguous; `d` marks the gradient of a name. `add` means: add into
//! the destination instead of overwriting it. Sums run in an order that the shapes alone decide, so a caller may split the
//! outputs among any number of threads. Lengths that do not fit panic: they are a defect of the caller.

pub mod batch_norm;
pub mod columns;
pub mod cross_entropy;
pub mod dropout;
pub mod gather;
pub mod layer_norm;
pub mod pinball;
pub mod slices;
pub mod softmax;

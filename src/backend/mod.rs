//! The primitives an op may call, and the CPU that implements them.

pub mod cpu;
mod kernel;
pub mod pointwise;
pub mod scalar;
pub mod simd;

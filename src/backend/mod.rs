//! The primitives an op may call, and the CPU that implements them.

#[cfg(test)]
mod check;
pub mod cpu;
mod kernel;
pub mod pointwise;
pub mod scalar;
pub mod simd;

//! The primitives an op may call, and the CPU that implements them.

pub mod cpu;
pub mod simd;

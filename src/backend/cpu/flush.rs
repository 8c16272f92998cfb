//! Flush-to-zero: denormal numbers cost hundreds of cycles each, and gradients fade into them.
//!
//! Set on a worker for the length of a stage and restored after it. Results below 2⁻¹²⁶ become 0 in f32.

#![allow(unsafe_code)]

/// Flush-to-zero and denormals-are-zero of MXCSR.
#[cfg(target_arch = "x86_64")]
const FLUSH: u32 = 1 << 15 | 1 << 6;

/// While it lives, this thread flushes denormal numbers to zero.
pub(super) struct FlushToZero {
    #[cfg(target_arch = "x86_64")]
    before: u32,
}

impl FlushToZero {
    pub(super) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let mut before = 0u32;
            // SAFETY: stores the control register of SSE, which every x86-64 CPU has.
            unsafe {
                std::arch::asm!("stmxcsr [{}]", in(reg) &mut before, options(nostack, preserves_flags))
            };
            load(before | FLUSH);
            FlushToZero { before }
        }
        #[cfg(not(target_arch = "x86_64"))]
        FlushToZero {}
    }
}

impl Drop for FlushToZero {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        load(self.before);
    }
}

#[cfg(target_arch = "x86_64")]
fn load(bits: u32) {
    // SAFETY: loads what was stored before, with two documented bits set; exceptions stay masked.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &bits, options(nostack, preserves_flags, readonly)) };
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn denormals_vanish_only_while_it_lives() {
        let half = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        {
            let _flush = FlushToZero::new();
            assert_eq!(half(), 0.0);
        }
        assert!(half() > 0.0);
    }
}

//! Loops over channels in blocks that stay in registers.

/// `by_blocks!(channels, f::<T>(arguments))`: runs `f::<T, N>(first, arguments)` for blocks of N channels from `first` until all
/// are done, N being 16 (one AVX-512 register of `f32`), 4 or 1.
macro_rules! by_blocks {
    ($channels:expr, $f:ident::<$t:ty>($($argument:expr),* $(,)?)) => {{
        let channels: usize = $channels;
        let mut first = 0;
        while first + 16 <= channels {
            $f::<$t, 16>(first, $($argument),*);
            first += 16;
        }
        while first + 4 <= channels {
            $f::<$t, 4>(first, $($argument),*);
            first += 4;
        }
        while first < channels {
            $f::<$t, 1>(first, $($argument),*);
            first += 1;
        }
    }};
}

pub(super) use by_blocks;

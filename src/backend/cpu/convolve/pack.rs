//! The order of a convolution's weights that the products read.

use std::ops::Range;

use crate::backend::Convolution;
use crate::backend::cpu::Number;
use crate::backend::cpu::convolve::axis::Axis;
use crate::backend::cpu::matmul::{NR, panels};

/// A weight in panels: for each group and each [`NR`] channels of the result, the rows (tap, channel of the source), taps in
/// the order of the phases of [`Axis`]. A depthwise weight is one row of channels for each tap.
struct Layout {
    /// Channels of a group of what is read, and of what is written.
    source: usize,
    result: usize,
}

impl Layout {
    fn of(c: &Convolution, back: bool) -> Layout {
        let (inputs, outputs) = (c.channels / c.groups, c.outputs / c.groups);
        if back {
            Layout { source: outputs, result: inputs }
        } else {
            Layout { source: inputs, result: outputs }
        }
    }
}

/// Elements of the packed form.
pub(in crate::backend::cpu) fn packed_len(c: &Convolution, back: bool) -> usize {
    if c.is_depthwise() {
        return c.taps() * c.channels;
    }
    pack_units(c, back) * c.taps() * Layout::of(c, back).source * NR
}

/// Panels of all groups.
pub(in crate::backend::cpu) fn pack_units(c: &Convolution, back: bool) -> usize {
    if c.is_depthwise() { 1 } else { c.groups * panels(Layout::of(c, back).result) }
}

/// Packs some panels of w `[O, C/groups, kh, kw]`.
pub(in crate::backend::cpu) fn pack<T: Number>(
    w: &[T],
    c: &Convolution,
    back: bool,
    units: Range<usize>,
    out: &mut [T],
) {
    let axes = [Axis::of(c, 0, back), Axis::of(c, 1, back)];
    let (taps, inputs) = (c.taps(), c.channels / c.groups);
    let row = |tap: usize| {
        let (above, taps, y) = axes[0].place(tap / c.kernel[1]);
        let (left, width, x) = axes[1].place(tap % c.kernel[1]);
        above * c.kernel[1] + taps * left + y * width + x
    };
    if c.is_depthwise() {
        for tap in 0..taps {
            let to = &mut out[row(tap) * c.channels..][..c.channels];
            to.iter_mut().zip(w[tap..].iter().step_by(taps)).for_each(|(to, &w)| *to = w);
        }
        return;
    }
    let layout = Layout::of(c, back);
    let count = panels(layout.result);
    let len = taps * layout.source * NR;
    for (unit, out) in units.zip(out.chunks_exact_mut(len)) {
        let (group, first) = (unit / count, unit % count * NR);
        let width = (layout.result - first).min(NR);
        for tap in 0..taps {
            let rows = &mut out[row(tap) * layout.source * NR..][..layout.source * NR];
            for (s, to) in rows.chunks_exact_mut(NR).enumerate() {
                // From one channel of the result to the next.
                let (from, step) = if back {
                    (((group * layout.source + s) * inputs + first) * taps + tap, taps)
                } else {
                    (((group * layout.result + first) * inputs + s) * taps + tap, inputs * taps)
                };
                to[width..].fill(T::ZERO);
                to[..width].iter_mut().zip(w[from..].iter().step_by(step)).for_each(|(to, &w)| *to = w);
            }
        }
    }
}

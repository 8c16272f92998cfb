//! Convolution as products without an unfolded copy of the image.
//!
//! With channels last, the places of one row of the result read rows of one strided matrix: neighbours are `advance`
//! places apart, and the channels of neighbouring taps lie side by side. So each row of the result is a few tiles of
//! a matrix product whose sum runs over the taps in segments. Rows of taps that fall above or below the source are left out;
//! only where taps fall beside it is one image at a time copied between zeros.

use crate::backend::Convolution;
use crate::backend::cpu::Number;
use crate::backend::cpu::convolve::axis::{Axis, Phase};
use crate::backend::cpu::matmul::{Ahead, Kernels, NR, PANELS, Parts, Segments, Start, Tile, panels};

/// Elements of scratch that [`gather`] needs.
pub(super) fn room(c: &Convolution, back: bool) -> usize {
    let axis = Axis::of(c, 1, back);
    let (before, after) = axis.padding();
    let (height, channels) = if back { (c.map[0], c.outputs) } else { (c.image[0], c.channels) };
    if before + after == 0 { 0 } else { height * (before + axis.source + after) * channels }
}

/// Maps from images, or with `back` images from maps: `result = start + Σ source · weight`, `packed` being
/// [`super::pack::pack`]'s.
pub(super) fn gather<T: Number>(
    kernels: &'static Kernels<T>,
    c: &Convolution,
    back: bool,
    source: &[T],
    packed: &[T],
    start: Start<'_, T>,
    result: &mut [T],
    room: &mut [T],
) {
    let axes = [Axis::of(c, 0, back), Axis::of(c, 1, back)];
    let channels = if back { [c.outputs, c.channels] } else { [c.channels, c.outputs] };
    let (before, after) = axes[1].padding();
    let [image, map] = [c.image_len(), c.map_len()];
    let (from, to) = if back { (map, image) } else { (image, map) };
    assert!(source.len().is_multiple_of(from) && source.len() / from * to == result.len());
    assert_eq!(packed.len(), super::pack::packed_len(c, back));
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), channels[1], "one bias for each channel");
    }
    let plan = Gather {
        kernels,
        axes,
        channels,
        groups: c.groups,
        kernel_width: c.kernel[1],
        taps: c.taps(),
        before,
        width: before + axes[1].source + after,
    };
    for (source, result) in source.chunks_exact(from).zip(result.chunks_exact_mut(to)) {
        if before + after == 0 {
            plan.image(source, packed, start, result);
        } else {
            let room = &mut room[..axes[0].source * plan.width * channels[0]];
            surround(source, [before, axes[1].source, after].map(|n| n * channels[0]), room);
            plan.image(room, packed, start, result);
        }
    }
}

/// Copies rows of `sizes[1]` elements between `sizes[0]` and `sizes[2]` zeros.
fn surround<T: Number>(rows: &[T], sizes: [usize; 3], out: &mut [T]) {
    let [before, row, after] = sizes;
    for (row, out) in rows.chunks_exact(row).zip(out.chunks_exact_mut(before + row + after)) {
        let (left, rest) = out.split_at_mut(before);
        let (middle, right) = rest.split_at_mut(row.len());
        left.fill(T::ZERO);
        middle.copy_from_slice(row);
        right.fill(T::ZERO);
    }
}

/// What all images have in common.
struct Gather<T: 'static> {
    kernels: &'static Kernels<T>,
    axes: [Axis; 2],
    /// Channels of a place of the source, and of the result.
    channels: [usize; 2],
    groups: usize,
    kernel_width: usize,
    taps: usize,
    /// Zeros before each row of the source.
    before: usize,
    /// Places of a row of the source, zeros included.
    width: usize,
}

impl<T: Number> Gather<T> {
    fn image(&self, source: &[T], packed: &[T], start: Start<'_, T>, result: &mut [T]) {
        let [from, to] = self.channels.map(|n| n / self.groups);
        let panel_len = self.taps * from * NR;
        for (i, panel) in packed.chunks_exact(panel_len).enumerate() {
            let (group, first) = (i / panels(to), i % panels(to) * NR);
            let columns = Columns {
                read: group * from,
                depth: from,
                write: group * to + first,
                count: (to - first).min(NR),
            };
            for y in 0..self.axes[0].phases() {
                for x in 0..self.axes[1].phases() {
                    let phases = (self.axes[0].phase(y), self.axes[1].phase(x));
                    self.panel(source, panel, start, result, &columns, phases);
                }
            }
        }
    }

    /// The places of two phases, in the columns of one panel.
    #[allow(unsafe_code)]
    fn panel(
        &self,
        source: &[T],
        panel: &[T],
        start: Start<'_, T>,
        result: &mut [T],
        columns: &Columns,
        (y, x): (Phase, Phase),
    ) {
        let [from, to] = self.channels;
        let row = self.width * from;
        // Neighbouring taps whose channels lie side by side are one segment.
        let merged = self.groups == 1 && x.hop == 1;
        let (inner, k) = if merged { (1, x.taps * columns.depth) } else { (x.taps, columns.depth) };
        let block = (y.earlier * self.kernel_width + y.taps * x.earlier) * columns.depth * NR;
        let b_steps = [x.taps * columns.depth * NR, columns.depth * NR];
        for j in 0..y.count {
            let taps = if x.taps > 0 { y.inside(j, self.axes[0].source) } else { 0..0 };
            let segments =
                Segments { count: [taps.len(), inner], a: [y.hop * row, x.hop * from], b: b_steps };
            let (a, b) = if taps.is_empty() {
                (0, 0)
            } else {
                let left = (x.origin + self.before as isize) as usize;
                (y.source(j, taps.start) * row + left * from + columns.read, block + taps.start * b_steps[0])
            };
            let c = ((y.first + j * y.step) * self.axes[1].result + x.first) * to + columns.write;
            let (a_stride, c_stride) = (x.advance * from, x.step * to);
            if x.count == 0 {
                continue;
            }
            if !taps.is_empty() {
                let last = |steps: [usize; 2]| (taps.len() - 1) * steps[0] + (inner - 1) * steps[1];
                assert!(a + last(segments.a) + (x.count - 1) * a_stride + k <= source.len());
                assert!(b + last(segments.b) + k * NR <= panel.len());
            }
            assert!(c + (x.count - 1) * c_stride + columns.count <= result.len());
            for places in Parts::of(x.count, self.kernels.height).ranges() {
                for col in (0..columns.count).step_by(2 * self.kernels.lanes) {
                    let out = result.as_mut_ptr().wrapping_add(c + places.start * c_stride + col);
                    let (begin, begin_stride) = match start {
                        Start::Zero => (self.kernels.zeros.as_ptr(), 0),
                        Start::Keep => (out.cast_const(), c_stride),
                        Start::Bias(bias) => (bias.as_ptr().wrapping_add(columns.write + col), 0),
                    };
                    let tile = Tile {
                        k,
                        segments,
                        cols: (2 * self.kernels.lanes).min(columns.count - col),
                        a: source.as_ptr().wrapping_add(a + places.start * a_stride),
                        a_stride,
                        b: panel.as_ptr().wrapping_add(b + col),
                        b_stride: NR,
                        start: begin,
                        start_stride: begin_stride,
                        c: out,
                        c_stride,
                        ahead: Ahead::nothing(panel.as_ptr()),
                    };
                    // SAFETY: the last element that the tiles of this row name in each operand was checked above, as
                    // was the length of the bias; `kernels` gives kernels that this CPU has.
                    unsafe { self.kernels.run(PANELS, places.len(), &tile) }
                }
            }
        }
    }
}

/// The channels that a panel reads and writes.
struct Columns {
    /// First channel that is read, and how many.
    read: usize,
    depth: usize,
    /// First channel that is written, and how many.
    write: usize,
    count: usize,
}

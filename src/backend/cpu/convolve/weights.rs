//! The gradient of a convolution's weights: for each tap, image columns times map columns, summed over the places.
//!
//! The sum runs over places in segments (the rows of the map that the tap reaches, image after image), both operands being
//! read where they lie. The images of a block are summed in registers; between blocks the sums wait in the scratch.

use std::ops::Range;

use crate::backend::Convolution;
use crate::backend::cpu::Number;
use crate::backend::cpu::convolve::axis::reached;
use crate::backend::cpu::matmul::{Ahead, Kernels, NR, Parts, Segments, TRANSPOSED, Tile};

/// Places that a block of images has at least: enough to make light of loading and storing the sums, few enough to stay in the
/// first-level cache.
const PLACES: usize = 96;

const _: () = assert!(Convolution::UNIT == NR, "a unit is a panel");

/// Elements of scratch that [`gradient`] needs.
pub(super) fn room(c: &Convolution) -> usize {
    c.units_together() * (c.channels / c.groups) * NR
}

/// `dw[o, i, t] (=|+=) Σ x · dy` for the units of `units`; x images, dy maps, `dw` of all weights.
///
/// # Safety
/// `dw` must be valid for `O * C/groups * taps` elements, and no one else may touch those of the units.
#[allow(unsafe_code)]
pub(super) unsafe fn gradient<T: Number>(
    kernels: &'static Kernels<T>,
    c: &Convolution,
    x: &[T],
    dy: &[T],
    units: Range<usize>,
    dw: *mut T,
    add: bool,
    room: &mut [T],
) {
    let images = dy.len() / c.map_len();
    assert!(x.len() == images * c.image_len() && dy.len() == images * c.map_len());
    let inputs = c.channels / c.groups;
    let plan = Gradient { kernels, c, inputs, panels: (c.outputs / c.groups).div_ceil(NR) };
    for first in units.clone().step_by(c.units_together()) {
        let units = first..units.end.min(first + c.units_together());
        let sums = &mut room[..units.len() * inputs * NR];
        sums.fill(T::ZERO);
        let block = PLACES.div_ceil(c.map[0] * c.map[1]);
        for from in (0..images).step_by(block) {
            let block = from..images.min(from + block);
            let x = &x[block.start * c.image_len()..block.end * c.image_len()];
            let dy = &dy[block.start * c.map_len()..block.end * c.map_len()];
            plan.block(x, dy, block.len(), units.clone(), sums);
        }
        for (unit, sums) in units.zip(sums.chunks_exact(inputs * NR)) {
            // SAFETY: the caller's promise.
            unsafe { plan.write(unit, sums, dw, add) }
        }
    }
}

struct Gradient<'c, T: 'static> {
    kernels: &'static Kernels<T>,
    c: &'c Convolution,
    /// Channels of an image that an output reads.
    inputs: usize,
    /// Panels of outputs of a group.
    panels: usize,
}

/// Where a unit stands.
struct Unit {
    group: usize,
    /// First output within the group, and how many.
    first: usize,
    count: usize,
    tap: usize,
}

impl<T: Number> Gradient<'_, T> {
    fn unit(&self, unit: usize) -> Unit {
        let (panel, tap) = (unit / self.c.taps(), unit % self.c.taps());
        let (group, first) = (panel / self.panels, panel % self.panels * NR);
        Unit { group, first, count: (self.c.outputs / self.c.groups - first).min(NR), tap }
    }

    /// Adds what a block of images gives to the sums of `units`, `[units, inputs, NR]`.
    fn block(&self, x: &[T], dy: &[T], images: usize, units: Range<usize>, sums: &mut [T]) {
        let c = self.c;
        let mut next = units.start;
        while next < units.end {
            let unit = self.unit(next);
            let (ky, kx) = (unit.tap / c.kernel[1], unit.tap % c.kernel[1]);
            // Neighbouring taps that reach every place of a row read channels that lie side by side.
            let mut taps = 1;
            let all = |kx: usize| reached(c, 1, kx) == (0..c.map[1]);
            if c.groups == 1 && c.dilation[1] == 1 && all(kx) {
                while kx + taps < c.kernel[1] && next + taps < units.end && all(kx + taps) {
                    taps += 1;
                }
            }
            let sums = &mut sums[(next - units.start) * self.inputs * NR..][..taps * self.inputs * NR];
            self.product(x, dy, images, &unit, (ky, kx), sums);
            next += taps;
        }
    }

    /// `sums [rows, NR] += xᵀ · dy` over the places that a tap reaches, its rows being channels from that tap on.
    #[allow(unsafe_code)]
    fn product(
        &self,
        x: &[T],
        dy: &[T],
        images: usize,
        unit: &Unit,
        (ky, kx): (usize, usize),
        sums: &mut [T],
    ) {
        let c = self.c;
        let (above, across) = (reached(c, 0, ky), reached(c, 1, kx));
        if above.is_empty() || across.is_empty() {
            return;
        }
        let place =
            |axis: usize, o: usize, tap: usize| o * c.stride[axis] + tap * c.dilation[axis] - c.before[axis];
        let row = c.image[1] * c.channels;
        let a = place(0, above.start, ky) * row
            + place(1, across.start, kx) * c.channels
            + unit.group * self.inputs;
        let b = (above.start * c.map[1] + across.start) * c.outputs
            + unit.group * (c.outputs / c.groups)
            + unit.first;
        let segments = Segments {
            count: [images, above.len()],
            a: [c.image_len(), c.stride[0] * row],
            b: [c.map_len(), c.map[1] * c.outputs],
        };
        let (k, a_stride, rows) = (across.len(), c.stride[1] * c.channels, sums.len() / NR);
        let last = |steps: [usize; 2]| (images - 1) * steps[0] + (above.len() - 1) * steps[1];
        assert!(a + last(segments.a) + (k - 1) * a_stride + rows <= x.len());
        assert!(b + last(segments.b) + (k - 1) * c.outputs + unit.count <= dy.len());
        for part in Parts::of(rows, self.kernels.height).ranges() {
            for col in (0..unit.count).step_by(2 * self.kernels.lanes) {
                let out = sums.as_mut_ptr().wrapping_add(part.start * NR + col);
                let tile = Tile {
                    k,
                    segments,
                    cols: (2 * self.kernels.lanes).min(unit.count - col),
                    a: x.as_ptr().wrapping_add(a + part.start),
                    a_stride,
                    b: dy.as_ptr().wrapping_add(b + col),
                    b_stride: c.outputs,
                    start: out,
                    start_stride: NR,
                    c: out,
                    c_stride: NR,
                    ahead: Ahead::nothing(out),
                };
                // SAFETY: the last elements of both operands were checked above, the sums hold `rows` panels' rows, and
                // `kernels` gives kernels that this CPU has.
                unsafe { self.kernels.run(TRANSPOSED, part.len(), &tile) }
            }
        }
    }

    /// Puts the sums `[inputs, NR]` of a unit where PyTorch has them.
    ///
    /// # Safety
    /// See [`gradient`].
    #[allow(unsafe_code)]
    unsafe fn write(&self, unit: usize, sums: &[T], dw: *mut T, add: bool) {
        let Unit { group, first, count, tap } = self.unit(unit);
        let output = group * (self.c.outputs / self.c.groups) + first;
        for (i, sums) in sums.chunks_exact(NR).enumerate() {
            for (j, &sum) in sums[..count].iter().enumerate() {
                // SAFETY: output `output + j` of input i at a tap is an element of the unit.
                unsafe {
                    let to = dw.add(((output + j) * self.inputs + i) * self.c.taps() + tap);
                    *to = if add { *to + sum } else { sum };
                }
            }
        }
    }
}

//! Convolutions on one lane.

use std::ops::Range;

use crate::backend::cpu::matmul::{Start, kernels};
use crate::backend::cpu::{Lane, Number};
use crate::backend::simd::Isa;
use crate::backend::{Convolution, Convolve, Dest, Weights};
use crate::tensor::View;

mod axis;
mod depthwise;
mod gather;
mod pack;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use pack::{pack, pack_units, packed_len};

/// Elements of scratch that a lane needs for a convolution and its gradients.
pub(super) fn scratch_len(c: &Convolution) -> usize {
    gather::room(c, false).max(gather::room(c, true)).max(weights::room(c))
}

/// `c` over so many images as if they were one, where no tap leaves its place: then places are rows of one matrix.
fn folded(c: &Convolution, images: usize) -> Convolution {
    let pointwise = c.taps() == 1 && c.stride == [1, 1] && c.before == [0, 0] && c.image == c.map;
    if !pointwise {
        return *c;
    }
    let places = [1, images * c.map[0] * c.map[1]];
    Convolution { image: places, map: places, ..*c }
}

impl<T: Number> Lane<'_, T> {
    fn gather(
        &mut self,
        c: &Convolution,
        back: bool,
        source: View,
        w: Weights,
        bias: Option<View>,
        result: Dest,
    ) {
        let packed = self.get(w.packed.expect("the plan packs a convolution's weights"));
        let (source, add) = (self.get(source), self.adds(result));
        let bias = bias.map(|b| self.get(b));
        let out = self.get_mut(result.view);
        if out.is_empty() {
            return;
        }
        if c.is_depthwise() {
            return depthwise::gather(c, back, source, packed, bias, out, add);
        }
        let start = match bias {
            Some(bias) => Start::Bias(bias),
            None if add => Start::Keep,
            None => Start::Zero,
        };
        let c = folded(c, out.len() / if back { c.image_len() } else { c.map_len() });
        gather::gather(kernels(Isa::detect()), &c, back, source, packed, start, out, self.room);
    }
}

impl<T: Number> Convolve for Lane<'_, T> {
    fn convolve(&mut self, c: &Convolution, x: View, w: Weights, bias: Option<View>, y: Dest) {
        self.gather(c, false, x, w, bias, y);
    }

    fn convolve_back(&mut self, c: &Convolution, y: View, w: Weights, bias: Option<View>, x: Dest) {
        self.gather(c, true, y, w, bias, x);
    }

    fn convolve_weights(&mut self, c: &Convolution, x: View, y: View, dw: Dest, units: Range<usize>) {
        let (x, y, add) = (self.get(x), self.get(y), self.adds(dw));
        if c.is_depthwise() {
            let channels = units.start * Convolution::UNIT..(units.end * Convolution::UNIT).min(c.channels);
            let out = self.part_mut(dw.view, channels.start * c.taps()..channels.end * c.taps());
            return depthwise::gradient(c, x, y, channels, out, add);
        }
        let c = folded(c, 1);
        let all = self.get_mut(dw.view).as_mut_ptr();
        // SAFETY: the view has an element for each weight, and the units are this lane's alone.
        unsafe { weights::gradient(kernels(Isa::detect()), &c, x, y, units, all, add, self.room) }
    }
}

//! Every kernel against the definition, in plain loops and double precision.

use super::{depthwise, gather, pack, pack_units, packed_len, scratch_len, weights};
use crate::backend::Convolution;
use crate::backend::check::{close, double, numbers};
use crate::backend::cpu::Number;
use crate::backend::cpu::matmul::{Start, kernels};
use crate::backend::simd::Isa;

/// Every instruction set of this CPU.
fn sets() -> impl Iterator<Item = Isa> {
    [Isa::Baseline, Isa::Avx2, Isa::Avx512].into_iter().filter(|&isa| isa <= Isa::detect())
}

fn conv(image: [usize; 3], outputs: usize, kernel: [usize; 2]) -> Convolution {
    let map = [0, 1].map(|axis| image[axis] + 1 - kernel[axis]);
    Convolution {
        image: [image[0], image[1]],
        channels: image[2],
        map,
        outputs,
        groups: 1,
        kernel,
        stride: [1, 1],
        dilation: [1, 1],
        before: [0, 0],
    }
}

/// Convolutions around the edges of tiles, panels and segments.
fn cases() -> Vec<Convolution> {
    let plain = [
        conv([1, 1, 1], 1, [1, 1]),
        conv([5, 17, 3], 33, [3, 3]),
        conv([4, 31, 1], 70, [2, 3]),
        conv([9, 9, 40], 8, [3, 2]),
        conv([3, 4, 5], 6, [1, 1]),
    ];
    let more = [
        Convolution { map: [6, 7], before: [1, 1], ..conv([6, 7, 5], 4, [3, 3]) },
        Convolution { map: [3, 4], before: [1, 2], stride: [2, 2], ..conv([6, 7, 5], 18, [3, 3]) },
        Convolution {
            map: [3, 3],
            before: [2, 3],
            stride: [3, 4],
            dilation: [2, 2],
            ..conv([7, 9, 4], 3, [3, 4])
        },
        Convolution { map: [2, 8], before: [0, 4], dilation: [3, 4], ..conv([8, 8, 6], 5, [3, 3]) },
        Convolution { groups: 2, map: [5, 5], before: [1, 1], ..conv([5, 5, 6], 8, [3, 3]) },
        Convolution { groups: 3, ..conv([5, 6, 3], 105, [2, 2]) },
        Convolution { map: [9, 9], before: [4, 4], ..conv([3, 3, 4], 5, [3, 3]) },
        Convolution { groups: 35, ..conv([4, 5, 35], 35, [2, 3]) },
    ];
    plain.into_iter().chain(more).collect()
}

/// Image, map and weight elements that meet, as places in flat `[B, H, W, C]`, `[B, OH, OW, O]`, `[O, C/g, kh, kw]`.
fn meetings(c: &Convolution, images: usize) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    let (inputs, own) = (c.channels / c.groups, c.outputs / c.groups);
    for b in 0..images {
        for oy in 0..c.map[0] {
            for ox in 0..c.map[1] {
                for tap in 0..c.taps() {
                    let y = (oy * c.stride[0] + tap / c.kernel[1] * c.dilation[0]).wrapping_sub(c.before[0]);
                    let x = (ox * c.stride[1] + tap % c.kernel[1] * c.dilation[1]).wrapping_sub(c.before[1]);
                    if y >= c.image[0] || x >= c.image[1] {
                        continue;
                    }
                    for o in 0..c.outputs {
                        for i in 0..inputs {
                            let from =
                                ((b * c.image[0] + y) * c.image[1] + x) * c.channels + o / own * inputs + i;
                            let to = ((b * c.map[0] + oy) * c.map[1] + ox) * c.outputs + o;
                            all.push([from, to, (o * inputs + i) * c.taps() + tap]);
                        }
                    }
                }
            }
        }
    }
    all
}

fn packed<T: Number>(c: &Convolution, back: bool, w: &[T]) -> Vec<T> {
    let mut out = vec![T::from_f64(f64::NAN); packed_len(c, back)];
    pack(w, c, back, 0..pack_units(c, back), &mut out);
    out
}

/// The result of either kernel, begun with `start`.
fn run<T: Number>(
    isa: Isa,
    c: &Convolution,
    back: bool,
    source: &[T],
    w: &[T],
    start: Start<'_, T>,
    out: &mut [T],
) {
    let form = packed(c, back, w);
    let mut room = vec![T::from_f64(f64::NAN); scratch_len(c)];
    if c.is_depthwise() {
        let bias = if let Start::Bias(bias) = start { Some(bias) } else { None };
        return depthwise::gather(c, back, source, &form, bias, out, matches!(start, Start::Keep));
    }
    gather::gather(kernels(isa), c, back, source, &form, start, out, &mut room);
}

fn agrees<T: Number>(isa: Isa, limit: f64) {
    const IMAGES: usize = 2;
    for c in cases() {
        let (inputs, w_len) = (c.channels / c.groups, c.outputs * c.channels / c.groups * c.taps());
        let image: Vec<T> = numbers("image", IMAGES * c.image_len());
        let map: Vec<T> = numbers("map", IMAGES * c.map_len());
        let w: Vec<T> = numbers("w", w_len);
        let bias: Vec<T> = numbers("bias", c.outputs.max(c.channels));
        let mut room = vec![T::from_f64(f64::NAN); scratch_len(&c)];
        let (x, y, k) = (double(&image), double(&map), double(&w));
        let meet = meetings(&c, IMAGES);

        let bias_of = |n: usize, len: usize| -> Vec<f64> { (0..len).map(|i| bias[i % n].to_f64()).collect() };
        let mut want = bias_of(c.outputs, map.len());
        meet.iter().for_each(|&[i, o, t]| want[o] += x[i] * k[t]);
        let mut out = vec![T::from_f64(f64::NAN); map.len()];
        run(isa, &c, false, &image, &w, Start::Bias(&bias[..c.outputs]), &mut out);
        close(&out, &want, limit * inputs as f64);

        let mut want = bias_of(c.channels, image.len());
        meet.iter().for_each(|&[i, o, t]| want[i] += y[o] * k[t]);
        let mut out = vec![T::from_f64(f64::NAN); image.len()];
        run(isa, &c, true, &map, &w, Start::Bias(&bias[..c.channels]), &mut out);
        close(&out, &want, limit * c.outputs as f64);
        let mut twice = out.clone();
        run(isa, &c, true, &map, &w, Start::Keep, &mut twice);
        let both: Vec<f64> =
            want.iter().zip(bias_of(c.channels, image.len())).map(|(w, b)| 2.0 * w - b).collect();
        close(&twice, &both, 2.0 * limit * c.outputs as f64);

        let mut want = vec![1.0; w_len];
        meet.iter().for_each(|&[i, o, t]| want[t] += x[i] * y[o]);
        let mut out = vec![T::ONE; w_len];
        let units = c.weight_units();
        for part in [0..units / 3, units / 3..units] {
            if c.is_depthwise() {
                let channels = part.start * Convolution::UNIT..(part.end * Convolution::UNIT).min(c.channels);
                let own = &mut out[channels.start * c.taps()..channels.end * c.taps()];
                depthwise::gradient(&c, &image, &map, channels, own, true);
                continue;
            }
            // SAFETY: `out` has an element for each weight and one user.
            #[allow(unsafe_code)]
            unsafe {
                weights::gradient(kernels(isa), &c, &image, &map, part, out.as_mut_ptr(), true, &mut room);
            }
        }
        close(&out, &want, limit * (c.map[0] * c.map[1]) as f64);
    }
}

#[test]
fn every_instruction_set_agrees_with_the_definition() {
    sets().for_each(|isa| agrees::<f32>(isa, 2e-5));
    agrees::<f64>(Isa::detect(), 1e-13);
}

#[test]
fn units_have_each_output_once() {
    for c in cases() {
        for step in [1, 2, 5] {
            let units = (0..c.weight_units()).step_by(step);
            let outputs = units.map(|first| c.unit_outputs(first..(first + step).min(c.weight_units())));
            assert!(outputs.flatten().eq(0..c.outputs), "{c:?}");
        }
    }
}

#[test]
fn zeros_behind_a_series_change_no_bit() {
    let series =
        |steps: usize| Convolution { map: [1, steps], before: [0, 1], ..conv([1, steps + 2, 5], 7, [1, 3]) };
    let w: Vec<f32> = numbers("w", 7 * 5 * 3);
    let bias: Vec<f32> = numbers("bias", 7);
    let predict = |steps: usize| {
        let c = Convolution { image: [1, steps], ..series(steps) };
        let mut x: Vec<f32> = numbers("x", 11 * 5);
        x.resize(steps * 5, 0.0);
        let mut y = vec![0.0; steps * 7];
        run(Isa::detect(), &c, false, &x, &w, Start::Bias(&bias), &mut y);
        y[..11 * 7].iter().map(|y| y.to_bits()).collect::<Vec<_>>()
    };
    let short = predict(11);
    assert!([12, 20, 41].iter().all(|&steps| predict(steps) == short));
}

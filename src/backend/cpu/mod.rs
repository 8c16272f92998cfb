//! The CPU backend: a lane is a thread with its rows or its units.
//!
//! Lanes of one stage write disjoint parts of the buffers: rows of their own, or units of their own. The plan sees to
//! that, and the two rules of [`crate::ops`] (split over outputs, fixed order of sums) give the same bits for any number of
//! threads.
//!
//! The loops in this folder take slices and give slices: no allocation, no threads. Legend: B batch, R rows, C columns or channels,
//! L length; matrices are row-major and contiguous; `d` marks the gradient of a name. `add` means: add into
//! the destination instead of overwriting it. Lengths that do not fit panic: they are a defect of the caller.

#![allow(unsafe_code)]

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::backend::pointwise::Element;
use crate::backend::{Backend, Device, Form, Lanes};
use crate::tensor::{Key, Slot, View};

mod attention;
mod avg_pool;
mod batch_norm;
mod blocks;
mod buffer;
mod channels;
mod columns;
mod convolve;
mod cross_entropy;
mod dropout;
mod flush;
mod gate;
mod gather;
mod group_norm;
mod lane;
mod layer_norm;
pub mod matmul;
mod max_pool;
mod pad;
mod pool;
mod positions;
mod recur;
mod resample;
mod rms;
mod series;
mod slices;
mod softmax;
mod spatial;
mod steps;
mod strips;
mod transpose;
mod upsample;
mod window;

use buffer::{Buffer, Plain};
use flush::FlushToZero;
use matmul::Scratch;

/// What a CPU buffer may hold.
pub trait Number: Element + matmul::Element + Plain + Into<f64> {}
impl Number for f32 {}
impl Number for f64 {}

/// Multiply-adds below which a stage stays on one thread: a fork costs some microseconds, worth about this much. Tests fork always.
const FORK_WORK: f64 = if cfg!(test) { 0.0 } else { 400_000.0 };

/// Buffers in memory and rayon's threads.
///
/// Runs on the pool that the caller is in; start it inside `ThreadPool::install` and forks allocate nothing.
pub struct Cpu<T> {
    slots: [Buffer<T>; SLOTS.len()],
    /// One for each thread of the pool and one for a caller outside it.
    scratch: Vec<Mutex<Rooms<T>>>,
}

/// Room that a lane works in, taken once.
struct Rooms<T> {
    product: Scratch,
    /// As many elements as [`Device::scratch_len`] asked for.
    any: Buffer<T>,
}

const SLOTS: [Slot; 7] =
    [Slot::Arena, Slot::Param, Slot::Grad, Slot::Buffer, Slot::Const, Slot::State, Slot::Packed];

impl<T> fmt::Debug for Cpu<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cpu").field("threads", &self.scratch.len()).finish_non_exhaustive()
    }
}

/// The work of one lane.
struct Lane<'a, T> {
    device: &'a Cpu<T>,
    scratch: &'a mut Scratch,
    /// Whatever a primitive puts there is gone after it.
    room: &'a mut [T],
    rows: Range<usize>,
    key: Key,
    accumulate: bool,
}

impl<T: Number> Lane<'_, T> {
    /// The elements of `view` that belong to this lane's rows.
    fn range(&self, view: View) -> Range<usize> {
        let (_, len) = self.device.slots[view.slot as usize].raw();
        let range = if view.row_len > 0 {
            view.offset + self.rows.start * view.row_len..view.offset + self.rows.end * view.row_len
        } else {
            view.offset..view.offset + view.len
        };
        assert!(range.end <= len && range.end <= view.offset + view.len, "a view reaches beyond its slot");
        range
    }

    /// The lane's rows of `view`, to read.
    fn get<'s>(&self, view: View) -> &'s [T]
    where
        Self: 's,
    {
        self.part(view, None)
    }

    /// The lane's rows of `view`, to write.
    fn get_mut<'s>(&mut self, view: View) -> &'s mut [T]
    where
        Self: 's,
    {
        let all = self.range(view);
        self.part_mut(view, 0..all.len())
    }

    /// A part of what [`Lane::get`] gives.
    fn part<'s>(&self, view: View, part: Option<Range<usize>>) -> &'s [T]
    where
        Self: 's,
    {
        let all = self.range(view);
        let part = part.unwrap_or(0..all.len());
        assert!(part.start <= part.end && part.end <= all.len(), "a part reaches beyond its view");
        let (base, _) = self.device.slots[view.slot as usize].raw();
        // SAFETY: the range lies in the slot (checked above), which outlives the stage. No lane writes these elements in
        // this stage while this slice lives: the plan gives each lane rows or units of its own, and a primitive never
        // names one view both as a source and as a destination.
        unsafe { std::slice::from_raw_parts(base.add(all.start + part.start), part.len()) }
    }

    /// A part of what [`Lane::get_mut`] gives: the units of a parameter's gradient that are this lane's.
    fn part_mut<'s>(&mut self, view: View, part: Range<usize>) -> &'s mut [T]
    where
        Self: 's,
    {
        let all = self.range(view);
        assert!(part.start <= part.end && part.end <= all.len(), "a part reaches beyond its view");
        let (base, _) = self.device.slots[view.slot as usize].raw();
        // SAFETY: the range lies in the slot (checked above). The elements belong to this lane alone, by the plan: no other
        // lane of the stage touches them, and a primitive holds no second slice of them.
        unsafe { std::slice::from_raw_parts_mut(base.add(all.start + part.start), part.len()) }
    }

    /// Whether a write adds: the plan's word, or for parameters' gradients the pass's.
    fn adds(&self, dest: crate::backend::Dest) -> bool {
        dest.add || (self.accumulate && dest.view.slot == Slot::Grad)
    }
}

impl<T: Number> Cpu<T> {
    /// Runs `work` on a lane of this thread.
    fn lane<R>(&self, lanes: &Lanes, rows: Range<usize>, work: impl FnOnce(&mut Lane<'_, T>) -> R) -> R {
        let thread = rayon::current_thread_index().map_or(0, |i| i + 1) % self.scratch.len();
        let mut rooms = self.scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        let Rooms { product, any } = &mut *rooms;
        let _flush = FlushToZero::new();
        let mut lane = Lane {
            device: self,
            scratch: product,
            room: any.as_mut_slice(),
            rows,
            key: lanes.key,
            accumulate: lanes.accumulate,
        };
        work(&mut lane)
    }

    /// Runs `lane` on `threads` threads at once, each of which then takes items of `0..items` until none is left.
    ///
    /// Who takes which item is left to chance: it decides no bit of the result.
    fn share(&self, lanes: &Lanes, items: usize, work: &(dyn Fn(&mut Lane<'_, T>, usize) + Sync)) {
        let threads = threads_for(lanes.work).min(items);
        let next = AtomicUsize::new(0);
        fork(threads, &|| {
            self.lane(lanes, 0..lanes.rows, |lane| {
                loop {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= items {
                        break;
                    }
                    work(lane, item);
                }
            });
        });
    }
}

/// Runs `leaf` as often as there are `threads`, at once where the pool has them free. Does not allocate.
fn fork(threads: usize, leaf: &(dyn Fn() + Sync)) {
    if threads <= 1 {
        return leaf();
    }
    let left = threads / 2;
    rayon::join(|| fork(left, leaf), || fork(threads - left, leaf));
}

fn threads_for(work: f64) -> usize {
    if work < FORK_WORK { 1 } else { rayon::current_num_threads() }
}

impl<T: Number> Device for Cpu<T> {
    type Element = T;

    fn packed_len(form: &Form) -> usize {
        match form {
            Form::Transposed { outputs, inputs } => matmul::packed_len(*outputs, *inputs),
            Form::Straight { outputs, inputs } => matmul::packed_len(*inputs, *outputs),
            Form::Attention(_) => 0,
            Form::Convolve(c) | Form::ConvolveBack(c) => {
                convolve::packed_len(c, matches!(form, Form::ConvolveBack(_)))
            }
            Form::Recur(r) => matmul::packed_len(r.width(), r.hidden),
            Form::RecurBack(r) => matmul::packed_len(r.hidden, r.width()),
        }
    }

    fn pack_units(form: &Form) -> usize {
        match form {
            Form::Transposed { outputs, .. } => matmul::panels(*outputs),
            Form::Straight { inputs, .. } => matmul::panels(*inputs),
            Form::Attention(_) => 0,
            Form::Convolve(c) | Form::ConvolveBack(c) => {
                convolve::pack_units(c, matches!(form, Form::ConvolveBack(_)))
            }
            Form::Recur(r) => matmul::panels(r.width()),
            Form::RecurBack(r) => matmul::panels(r.hidden),
        }
    }

    fn scratch_len(form: &Form) -> usize {
        match form {
            Form::Transposed { .. } | Form::Straight { .. } => 0,
            Form::Attention(a) => attention::scratch_len(a),
            Form::Convolve(c) | Form::ConvolveBack(c) => convolve::scratch_len(c),
            Form::Recur(r) | Form::RecurBack(r) => recur::scratch_len(r),
        }
    }

    fn new(len: impl Fn(Slot) -> usize, scratch: usize) -> Self {
        let rooms = |_| Mutex::new(Rooms { product: Scratch::new(), any: Buffer::new(scratch) });
        Cpu {
            slots: SLOTS.map(|s| Buffer::new(len(s))),
            scratch: (0..=rayon::current_num_threads()).map(rooms).collect(),
        }
    }

    fn slot(&self, slot: Slot) -> &[T] {
        self.slots[slot as usize].as_slice()
    }

    fn slot_mut(&mut self, slot: Slot) -> &mut [T] {
        self.slots[slot as usize].as_mut_slice()
    }

    fn two_slots_mut(&mut self, a: Slot, b: Slot) -> (&mut [T], &mut [T]) {
        let [a, b] = self.slots.get_disjoint_mut([a as usize, b as usize]).expect("two different slots");
        (a.as_mut_slice(), b.as_mut_slice())
    }

    fn write(&mut self, slot: Slot, numbers: &[f64]) {
        self.slot_mut(slot).iter_mut().zip(numbers).for_each(|(x, &n)| *x = T::from_f64(n));
    }

    fn rows(&self, lanes: &Lanes, block: usize, work: &(dyn Fn(&mut dyn Backend) + Sync)) {
        // As many blocks of one size as the rows need, and one for each thread at least; eights keep vector loops full
        // where a row is short.
        let unit = if block < 16 { 1 } else { 8 };
        let least = threads_for(lanes.work).min(lanes.rows.div_ceil(unit)).max(1);
        let blocks = lanes.rows.div_ceil(block).next_multiple_of(least);
        let size = lanes.rows.div_ceil(blocks).next_multiple_of(unit);
        self.share(lanes, lanes.rows.div_ceil(size), &|lane, item| {
            lane.rows = item * size..((item + 1) * size).min(lanes.rows);
            work(lane);
        });
    }

    fn tasks(&self, lanes: &Lanes, tasks: usize, work: &(dyn Fn(&mut dyn Backend, usize) + Sync)) {
        self.share(lanes, tasks, &|lane, item| work(lane, item));
    }
}

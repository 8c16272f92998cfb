//! The primitives an op may call, and the CPU that implements them.
//!
//! An op never sees a slice, a thread or a file. It hands [`View`]s to a [`Backend`], which knows the rows of the batch that
//! it is to work on. A [`Device`] owns the buffers, cuts work into lanes and runs a function on each; on a CPU a lane is
//! a thread with its block of rows, on another device it may be the whole batch.
//!
//! Shape legend: `R` rows of the lane (batch rows times any inner axes), `C` columns, `I` inputs, `O` outputs.
//! `d` before a name is the gradient of the loss by it.

use std::ops::Range;

use crate::tensor::{Key, Slot, View};

mod attention;
pub mod channels;
#[cfg(test)]
mod check;
mod convolve;
pub mod cpu;
mod gate;
mod kernel;
mod mapped;
mod memory;
pub mod pointwise;
mod pool;
mod positions;
mod recur;
mod resample;
mod rms;
pub mod scalar;
mod series;
pub mod simd;
mod spatial;

pub use attention::{Attend, Attended, AttentionSpec, Heads};
pub use channels::{ChannelSpec, Channels, Ends, GroupSpec};
pub use convolve::{Convolution, Convolve, Weights};
pub use gate::Gate;
pub use mapped::{Mapped, MappedWriter};
pub use memory::available_memory;
pub use pool::{Pool, PoolSpec, Windows};
pub use positions::{Positions, Rotation};
pub use recur::{Cell, Incoming, Kept, Recur, Recurrence, Recurring};
pub use resample::{Around, Between, Margin, Resample, ResampleSpec, Scaling, Size};
pub use rms::Rms;
pub use series::{Series, Steps, Window};
pub use spatial::Spatial;

use pointwise::{BinaryLoops, UnaryLoops};

/// Where a primitive writes, and whether it adds to what is there.
///
/// Backward adds into gradients. The plan knows which write comes first and turns that one into a store, so
/// that nothing must be zeroed and no op need know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dest {
    /// The place.
    pub view: View,
    /// Add instead of store.
    pub add: bool,
}

impl Dest {
    /// Stores into `view`.
    pub fn store(view: View) -> Self {
        Dest { view, add: false }
    }
}

/// A view read as a row-major matrix, or a window of its columns, or the transpose of that.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The elements.
    pub view: View,
    /// Columns of the whole matrix: the distance between rows.
    pub width: usize,
    /// The columns meant.
    pub columns: Range<usize>,
    /// Whether the matrix is meant transposed.
    pub transposed: bool,
    /// The same matrix in the order that the backend's `pack` chose, where the plan keeps one.
    pub packed: Option<View>,
}

impl Matrix {
    /// All of `view`, as rows of `width`.
    pub fn new(view: View, width: usize) -> Self {
        Matrix { view, width, columns: 0..width, transposed: false, packed: None }
    }

    /// Only these columns.
    pub fn columns(mut self, columns: Range<usize>) -> Self {
        self.columns = columns;
        self
    }

    /// The transpose.
    pub fn t(mut self) -> Self {
        self.transposed = !self.transposed;
        self
    }

    /// With its packed form.
    pub fn with_packed(mut self, packed: Option<View>) -> Self {
        self.packed = packed;
        self
    }
}

/// Constants of a cross entropy.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Number of classes.
    pub classes: usize,
    /// ε of label smoothing (Szegedy et al. 2016), 0 for none.
    pub smoothing: f64,
    /// A weight a class, `[C]`.
    pub weights: Option<View>,
}

/// What an op may ask for. One value of this type serves one lane.
///
/// A view with rows means the lane's rows of it; a view without means all of it.
pub trait Backend:
    Attend + Channels + Convolve + Gate + Pool + Positions + Recur + Resample + Rms + Series + Spatial
{
    /// The key of this step's random numbers: a function of seed and step.
    fn key(&self) -> Key;

    /// `c (+)= a · b (+ bias)`; `bias` has one element for each column of `c` and is not allowed when `c` adds.
    /// `rows` picks rows of `c`; `a` has just those.
    fn matmul(
        &mut self,
        a: &Matrix,
        b: &Matrix,
        c: Dest,
        width: usize,
        rows: Option<Range<usize>>,
        bias: Option<View>,
    );

    /// `y = f(x)`.
    fn map(&mut self, f: &dyn UnaryLoops, x: View, y: View);
    /// `dx (+)= dy · f'(x)`, with `y = f(x)` at hand.
    fn map_grad(&mut self, f: &dyn UnaryLoops, x: View, y: View, dy: View, dx: Dest);

    /// `z = f(a, b)`.
    fn zip(&mut self, f: &dyn BinaryLoops, a: View, b: View, z: View);
    /// `da (+)= dz · ∂f/∂a`.
    fn zip_grad_a(&mut self, f: &dyn BinaryLoops, a: View, b: View, dz: View, da: Dest);
    /// `db (+)= dz · ∂f/∂b`.
    fn zip_grad_b(&mut self, f: &dyn BinaryLoops, a: View, b: View, dz: View, db: Dest);

    /// `loss (+)= scale · Σ_c f(p[r, c], t[r, c])` for each row: `p` and `t` `[R, C]`, `loss` `[R]`.
    fn row_loss(&mut self, f: &dyn BinaryLoops, p: &Matrix, t: &Matrix, scale: f64, loss: Dest);
    /// `dp[r, c] (+)= scale · dloss[r] · f'(p[r, c], t[r, c])`.
    fn row_loss_grad(
        &mut self,
        f: &dyn BinaryLoops,
        p: &Matrix,
        t: &Matrix,
        scale: f64,
        dloss: View,
        dp: Dest,
    );

    /// Unreduced cross entropy: `logits [R, C]`, `labels [R]`, `loss [R]`; keeps the two parts of log Σ exp in `lse [R, 2]`.
    fn cross_entropy(&mut self, spec: CrossEntropy, logits: View, labels: View, loss: View, lse: View);
    /// The gradient of [`Backend::cross_entropy`] by the logits.
    fn cross_entropy_grad(
        &mut self,
        spec: CrossEntropy,
        logits: View,
        labels: View,
        lse: View,
        dloss: View,
        dlogits: Dest,
    );

    /// Softmax of each run of `width` elements.
    fn softmax(&mut self, x: View, y: View, width: usize);
    /// `dx (+)= y ⊙ (dy − Σ dy ⊙ y)`.
    fn softmax_grad(&mut self, y: View, dy: View, dx: Dest, width: usize);

    /// `y (+)= a · x`.
    fn axpy(&mut self, a: f64, x: View, y: Dest);
    /// Columns of `x` into columns of `y`, as many: `from` and `to` name the windows. Adds with `add`.
    fn copy_columns(&mut self, x: &Matrix, y: &Matrix, add: bool);
    /// `dst[c] (+)= Σ_r x[r, c]` for the columns of `x`; `dst` is indexed by the same columns.
    fn column_sums(&mut self, x: &Matrix, dst: Dest);

    /// `y = x ⊙ m / (1 − p)`, each `m` 0 with probability `p`: a function of `key` and the element's place in the batch.
    fn dropout(&mut self, x: View, y: Dest, p: f64, key: Key);

    /// `y[r] = table[ids[r]]`, `table [V, C]`.
    fn gather(&mut self, table: View, ids: View, y: View, width: usize);
    /// `dtable[ids[r]] (+)= dy[r]` for the ids in `units`; without `add` those rows are zeroed first.
    fn scatter(&mut self, ids: View, dy: View, dtable: Dest, width: usize, units: Range<usize>);

    /// Layer norm of each run of as many elements as the gain has: `y = (x − mean) · rstd ⊙ gain + bias`, `affine` being gain and
    /// bias; keeps `stats`, mean and rstd of each run.
    fn layer_norm(&mut self, x: View, affine: (View, View), y: View, stats: (View, View), eps: f64);
    /// The gradient of [`Backend::layer_norm`] by `x`.
    fn layer_norm_grad(&mut self, x: View, gain: View, stats: (View, View), dy: View, dx: Dest);
    /// The gradients of [`Backend::layer_norm`] by gain and bias, where wanted, for the columns in `units`.
    fn layer_norm_affine_grad(
        &mut self,
        x: View,
        stats: (View, View),
        dy: View,
        affine: (Option<Dest>, Option<Dest>),
        units: Range<usize>,
    );

    /// Packs some [units](Device::pack_units) of the weight `w` in the order that `form` names.
    fn pack(&mut self, w: View, packed: View, form: &Form, units: Range<usize>);
}

/// What a weight is read for; the backend chooses the order of its packed elements. Or work that needs scratch alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A matrix `[O, I]`, for products by its transpose.
    Transposed {
        /// O.
        outputs: usize,
        /// I.
        inputs: usize,
    },
    /// A matrix `[O, I]`, for products by itself.
    Straight {
        /// O.
        outputs: usize,
        /// I.
        inputs: usize,
    },
    /// Weights of a convolution, for [`Convolve::convolve`].
    Convolve(Convolution),
    /// Weights of a convolution, for [`Convolve::convolve_back`].
    ConvolveBack(Convolution),
    /// W_hh of a recurrence, for [`Recur::recur`].
    Recur(Recurrence),
    /// W_hh of a recurrence, for [`Recur::recur_back`].
    RecurBack(Recurrence),
    /// No weight: tiles of [`Attend::attention`].
    Attention(AttentionSpec),
}

/// What the lanes of one stage have in common.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// Rows of the batch.
    pub rows: usize,
    /// See [`Backend::key`].
    pub key: Key,
    /// Whether the first write to a parameter's gradient adds, too.
    pub accumulate: bool,
    /// Multiply-adds of the stage: little work is not worth a fork.
    pub work: f64,
}

/// A machine that owns a plan's buffers and runs lanes.
pub trait Device {
    /// What a buffer holds.
    type Element: Copy + Send + Sync;

    /// Elements of the packed form of a weight; 0: this device reads such weights as they are.
    fn packed_len(form: &Form) -> usize;

    /// Parts of a weight that [`Backend::pack`] can pack at the same time.
    fn pack_units(form: &Form) -> usize;

    /// Elements of scratch that a lane needs for the work that `form` serves.
    fn scratch_len(form: &Form) -> usize;

    /// Takes the memory: `len` elements for each slot, all zero, and `scratch` for each lane.
    fn new(len: impl Fn(Slot) -> usize, scratch: usize) -> Self;

    /// The elements of a slot.
    fn slot(&self, slot: Slot) -> &[Self::Element];

    /// The elements of a slot, to be changed.
    fn slot_mut(&mut self, slot: Slot) -> &mut [Self::Element];

    /// Two different slots at once.
    fn two_slots_mut(&mut self, a: Slot, b: Slot) -> (&mut [Self::Element], &mut [Self::Element]);

    /// Writes the first numbers of a slot.
    fn write(&mut self, slot: Slot, numbers: &[f64]);

    /// Runs `work` on lanes that share out the rows of the batch, each in blocks of at most `block` rows.
    fn rows(&self, lanes: &Lanes, block: usize, work: &(dyn Fn(&mut dyn Backend) + Sync));

    /// Runs `work` for each of `tasks`, on lanes that see all rows.
    fn tasks(&self, lanes: &Lanes, tasks: usize, work: &(dyn Fn(&mut dyn Backend, usize) + Sync));
}

//! Random changes of images and series while a batch is gathered, in training alone.
//!
//! One file each; [`AUGMENTATIONS`] has them all. Every row is changed on its own: its random numbers are a function of the
//! step, the input, its place in the batch and the place of the augmentation in the list, so that any number of threads
//! makes the same batch. Numbers are changed as the network gets them, already scaled.

use std::fmt::Debug;

use rayon::join;

use crate::spec::{Key as ConfigKey, Kind, Preset, Values};
use crate::tensor::{Key, Stream};

mod brightness;
mod crop;
mod cutout;
mod horizontal_flip;
mod jitter;
mod random_crop;
mod rotation;
mod scaling;
mod shift;
#[cfg(test)]
mod tests;

/// All augmentations.
pub const AUGMENTATIONS: &[AugmentEntry] = &[
    horizontal_flip::ENTRY,
    shift::ENTRY,
    random_crop::ENTRY,
    rotation::ENTRY,
    brightness::ENTRY,
    cutout::ENTRY,
    jitter::ENTRY,
    scaling::ENTRY,
    crop::ENTRY,
];

/// A row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct AugmentEntry {
    /// As it is typed: `type = "horizontal_flip"`.
    pub name: &'static str,
    /// What it does, and the paper.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [ConfigKey],
    /// What it changes.
    pub changes: Changes,
    /// Makes it from checked keys.
    pub build: fn(&Values) -> Box<dyn Augmentation>,
}

/// What an augmentation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Images: inputs of three axes.
    Images,
    /// Series: inputs of two axes.
    Series,
}

/// Changes one row at random.
pub trait Augmentation: Debug + Send + Sync {
    /// Changes `sample`, by the numbers of `random` alone.
    fn apply(&self, sample: &mut Sample<'_>, random: &mut Stream);
}

/// One row on its way into a batch.
#[derive(Debug)]
pub struct Sample<'a> {
    /// `[planes, height, width, pixel]`, as [`Grid`] has it.
    pub numbers: &'a mut [f32],
    /// Room for as many numbers, of any content.
    pub spare: &'a mut [f32],
    /// What 0 in the unit of the data (black) is in each of them.
    pub zeros: &'a [f32],
    /// How they lie.
    pub grid: Grid,
    /// Steps of a series that are there: all, or fewer where it ends early.
    pub steps: usize,
}

/// How the numbers of a row lie: those of a table come channels first, each channel a plane; those of files channels last,
/// all channels of a place being its pixel. A series is an image of height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Channels, where they come first.
    pub planes: usize,
    /// Lines.
    pub height: usize,
    /// Places in a line.
    pub width: usize,
    /// Channels, where they come last.
    pub pixel: usize,
}

impl Grid {
    /// Of `[C, H, W]` or `[C, T]`; none for other numbers of axes.
    pub fn channels_first(shape: &[usize]) -> Option<Self> {
        match *shape {
            [planes, width] => Some(Grid { planes, height: 1, width, pixel: 1 }),
            [planes, height, width] => Some(Grid { planes, height, width, pixel: 1 }),
            _ => None,
        }
    }

    /// Of `[H, W, C]` or `[T, C]`; none for other numbers of axes.
    pub fn channels_last(shape: &[usize]) -> Option<Self> {
        match *shape {
            [width, pixel] => Some(Grid { planes: 1, height: 1, width, pixel }),
            [height, width, pixel] => Some(Grid { planes: 1, height, width, pixel }),
            _ => None,
        }
    }

    /// Numbers of a row.
    pub fn len(&self) -> usize {
        self.planes * self.line() * self.height
    }

    /// Whether a row has no number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers of a line.
    pub fn line(&self) -> usize {
        self.width * self.pixel
    }

    /// Where a line of a plane begins.
    pub fn start(&self, plane: usize, y: usize) -> usize {
        (plane * self.height + y) * self.line()
    }
}

/// The augmentations of one input, one after the other.
#[derive(Debug)]
pub struct Chain {
    steps: Vec<Box<dyn Augmentation>>,
    grid: Grid,
    zeros: Vec<f32>,
}

/// Numbers of a batch that are worth a fork.
const FORK: usize = 1 << 13;

impl Chain {
    /// A chain for rows that lie as `grid` says; `zeros` as in [`Sample`].
    ///
    /// # Panics
    /// If there is not a zero for each number.
    pub fn new(steps: Vec<Box<dyn Augmentation>>, grid: Grid, zeros: Vec<f32>) -> Self {
        assert_eq!(zeros.len(), grid.len());
        Chain { steps, grid, zeros }
    }

    /// Room that `threads` threads need at most.
    pub fn room(&self, threads: usize) -> usize {
        // Halves of halves: as many parts as the next power of two, and twice that so that a slow part is not waited for.
        self.grid.len() * (2 * threads).next_power_of_two()
    }

    /// Changes every row of a batch; `draw` is the key of this step and this input. `lengths` has the steps of each row, where
    /// rows may end early: what is behind their ends stays zero. `room`: of any content, at least that of one thread.
    ///
    /// # Panics
    /// If `batch` is not whole rows, there is not a length for each, or there is no room for one.
    pub fn apply(&self, draw: Key, batch: &mut [f32], lengths: Option<&[f32]>, room: &mut [f32]) {
        self.part(draw, 0, batch, lengths, room);
    }

    /// The rows of `batch`, the first of which is row `first` of the whole batch.
    fn part(&self, draw: Key, first: usize, batch: &mut [f32], lengths: Option<&[f32]>, room: &mut [f32]) {
        let size = self.grid.len();
        let rows = batch.len() / size;
        if rows >= 2 && batch.len() >= 2 * FORK && room.len() >= 2 * size {
            let (batch, rest) = batch.split_at_mut(rows / 2 * size);
            let (room, more) = room.split_at_mut(room.len() / (2 * size) * size);
            let own = || self.part(draw, first, batch, lengths, room);
            join(own, || self.part(draw, first + rows / 2, rest, lengths, more));
            return;
        }
        for (i, numbers) in batch.chunks_exact_mut(size).enumerate() {
            let steps = lengths.map_or(self.grid.width, |lengths| lengths[first + i] as usize);
            let (spare, zeros, grid) = (&mut room[..size], &self.zeros[..], self.grid);
            let mut sample = Sample { numbers, spare, zeros, grid, steps };
            for (step, augmentation) in self.steps.iter().enumerate() {
                let key = draw.part((first + i) as u64).part(step as u64);
                augmentation.apply(&mut sample, &mut key.stream());
            }
            if lengths.is_some() {
                let line = self.grid.line();
                numbers.chunks_exact_mut(line).for_each(|line| line[steps * self.grid.pixel..].fill(0.0));
            }
        }
    }
}

/// A whole number from `-most` to `most`.
fn offset(most: usize, random: &mut Stream) -> isize {
    random.below(2 * most as u64 + 1) as isize - most as isize
}

/// A number from `-most` to `most`.
fn deviation(most: f64, random: &mut Stream) -> f64 {
    (2.0 * random.uniform() - 1.0) * most
}

/// A standard normal number (Box & Muller 1958).
fn normal(random: &mut Stream) -> f64 {
    let (u, v) = (1.0 - random.uniform(), random.uniform());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

const fn key(name: &'static str, kind: Kind, default: Preset, doc: &'static str) -> ConfigKey {
    ConfigKey { name, kind, default, doc }
}

/// Whole numbers of pixels.
const PIXELS: Kind = Kind::int(0, 1 << 20);

/// Standard deviations.
const DEVIATION: Kind = Kind::float(0.0, 1e6);

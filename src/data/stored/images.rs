//! Images as bytes, and their way to a batch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::options::{Resize, Scale};

/// Images of one shape, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `[H, W, C]`
    pub shape: [usize; 3],
    /// `[images, H, W, C]`
    pub bytes: Vec<u8>,
}

impl Images {
    /// The bytes of one image.
    pub fn image(&self, at: usize) -> &[u8] {
        let size = self.shape.iter().product::<usize>();
        &self.bytes[at * size..(at + 1) * size]
    }
}

/// A fitted column of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageCell {
    /// `[H, W, C]`
    pub shape: [usize; 3],
    /// What becomes 0 in each channel, in bytes: its mean over the training part, unless a config wants another scale.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, or another unit; 1 where it does not vary.
    pub std: Vec<f64>,
    /// How an image of another size gets this one; none where that is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Whether a row without an image is left out rather than an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop_missing: bool,
}

/// The images of a table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageStore {
    images: Arc<Images>,
    /// For each row, its image.
    at: Vec<u32>,
}

impl ImageStore {
    pub(super) fn new(shape: [usize; 3]) -> Self {
        ImageStore { images: Arc::new(Images { shape, bytes: Vec::new() }), at: Vec::new() }
    }

    /// `[H, W, C]`
    pub(in crate::data) fn shape(&self) -> [usize; 3] {
        self.images.shape
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.at.truncate(rows);
        if rows == 0 {
            *self = ImageStore::new(self.images.shape);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.images.bytes.capacity() + 4 * self.at.capacity()
    }

    pub(super) fn checksum(&self, hash: u64) -> u64 {
        let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3);
        self.at.iter().fold(hash, |hash, &at| {
            let (words, rest) = self.images.image(at as usize).as_chunks::<8>();
            let hash = words.iter().fold(hash, |hash, &word| step(hash, u64::from_le_bytes(word)));
            rest.iter().fold(hash, |hash, &byte| step(hash, u64::from(byte)))
        })
    }

    pub(super) fn push(&mut self, block: &Arc<Images>, at: usize) -> Result<(), String> {
        if block.shape != self.images.shape {
            let [h, w, c] = self.images.shape;
            let [height, width, channels] = block.shape;
            return Err(format!(
                "an image of {width} x {height} with {channels} channels, not {w} x {h} with {c}"
            ));
        }
        if self.at.is_empty() {
            self.images = Arc::clone(block);
        }
        if Arc::ptr_eq(&self.images, block) {
            self.at.push(at as u32);
        } else {
            let images = Arc::make_mut(&mut self.images);
            let size = images.shape.iter().product::<usize>().max(1);
            self.at.push((images.bytes.len() / size) as u32);
            if images.bytes.capacity() - images.bytes.len() < size {
                // A quarter at a time: pages never written take no memory.
                images.bytes.reserve_exact(size.max(images.bytes.len() / 4));
            }
            images.bytes.extend_from_slice(block.image(at));
        }
        Ok(())
    }

    /// What the bytes of each channel are over `rows`.
    pub(in crate::data) fn summaries(&self, rows: &[u32]) -> Vec<ByteSummary> {
        let channels = self.images.shape[2];
        let mut counts = vec![[0u64; 256]; channels];
        for &row in rows {
            let image = self.images.image(self.at[row as usize] as usize);
            for place in image.chunks_exact(channels) {
                for (counts, &byte) in counts.iter_mut().zip(place) {
                    counts[usize::from(byte)] += 1;
                }
            }
        }
        counts.iter().map(ByteSummary::new).collect()
    }

    pub(super) fn fill(&self, cell: &ImageCell, rows: &[u32], out: &mut [f32]) {
        let size = cell.shape.iter().product::<usize>();
        assert_eq!(out.len(), rows.len() * size);
        let channels = cell.shape[2].max(1);
        // Of whole places, where one fits: then every block has the same factors.
        let block = (BLOCK / channels * channels).max(BLOCK.min(channels));
        let factors = Factors::new(cell, 0);
        for (out, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            let image = self.images.image(self.at[row as usize] as usize);
            for (i, (out, bytes)) in out.chunks_mut(block).zip(image.chunks(block)).enumerate() {
                match channels <= BLOCK {
                    true => factors.apply(bytes, out),
                    false => Factors::new(cell, i * block).apply(bytes, out),
                }
            }
        }
    }
}

/// What the bytes of a channel are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data) struct ByteSummary {
    pub(in crate::data) mean: f64,
    pub(in crate::data) std: f64,
    pub(in crate::data) min: u8,
    pub(in crate::data) max: u8,
}

impl ByteSummary {
    fn new(counts: &[u64; 256]) -> Self {
        let n = counts.iter().sum::<u64>().max(1) as f64;
        let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
            counts.iter().enumerate().map(|(byte, &count)| count as f64 * f(byte as f64)).sum()
        };
        let mean = sum(&|x| x) / n;
        let std = (sum(&|x| (x - mean) * (x - mean)) / n).sqrt();
        let mut there = (0..=u8::MAX).filter(|&byte| counts[usize::from(byte)] > 0);
        let min = there.next().unwrap_or(0);
        ByteSummary { mean, std, min, max: there.next_back().unwrap_or(min) }
    }

    /// What becomes 0, and what counts 1 from there on. Scales that need every value in order give the standard one.
    pub(in crate::data) fn scaling(&self, scale: Scale) -> (f64, f64) {
        let (zero, unit) = match scale {
            Scale::None => (0.0, 1.0),
            Scale::MinMax => (f64::from(self.min), f64::from(self.max) - f64::from(self.min)),
            Scale::Standard | Scale::Robust | Scale::Quantile => (self.mean, self.std),
        };
        (zero, if unit > 0.0 { unit } else { 1.0 })
    }
}

/// Numbers of a block whose factors are laid out one by one.
const BLOCK: usize = 192;

/// `byte * scale + shift`, laid out for neighbouring numbers: the loop over a block knows of no channels.
struct Factors {
    scale: [f32; BLOCK],
    shift: [f32; BLOCK],
}

impl Factors {
    /// The factors of the channels from `first` on, over and over.
    fn new(cell: &ImageCell, first: usize) -> Self {
        let mut factors = Factors { scale: [0.0; BLOCK], shift: [0.0; BLOCK] };
        for i in 0..BLOCK {
            let channel = (first + i) % cell.shape[2];
            [factors.scale[i], factors.shift[i]] = cell.factors(channel);
        }
        factors
    }

    #[inline]
    fn apply(&self, bytes: &[u8], out: &mut [f32]) {
        let factors = self.scale.iter().zip(&self.shift);
        for ((out, &byte), (&scale, &shift)) in out.iter_mut().zip(bytes).zip(factors) {
            *out = f32::from(byte) * scale + shift;
        }
    }
}

impl ImageCell {
    /// What a byte of a channel is multiplied by, and what is added.
    fn factors(&self, channel: usize) -> [f32; 2] {
        let (mean, std) = (self.mean[channel], self.std[channel]);
        [(1.0 / std) as f32, (-mean / std) as f32]
    }
}

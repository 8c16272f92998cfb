//! Images as bytes, and their way to a batch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::tensor::Key;

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
    /// Of each channel over the training part, in bytes.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel; 1 where it does not vary.
    pub std: Vec<f64>,
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
        let bytes = self.at.iter().flat_map(|&at| self.images.image(at as usize));
        bytes.fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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
            images.bytes.extend_from_slice(block.image(at));
        }
        Ok(())
    }

    /// Mean and standard deviation of each channel over `rows`, in bytes; 1 for a channel that does not vary.
    pub(in crate::data) fn moments(&self, rows: &[u32]) -> (Vec<f64>, Vec<f64>) {
        let [height, width, channels] = self.images.shape;
        let n = (rows.len() * height * width).max(1) as f64;
        let (mut sums, mut squares) = (vec![0u64; channels], vec![0u64; channels]);
        for &row in rows {
            for place in self.images.image(self.at[row as usize] as usize).chunks_exact(channels) {
                for ((sum, square), &byte) in sums.iter_mut().zip(&mut squares).zip(place) {
                    *sum += u64::from(byte);
                    *square += u64::from(byte) * u64::from(byte);
                }
            }
        }
        let mean: Vec<f64> = sums.iter().map(|&s| s as f64 / n).collect();
        let std = squares.iter().zip(&mean).map(|(&s, m)| (s as f64 / n - m * m).max(0.0).sqrt());
        let std = std.map(|s| if s > 0.0 { s } else { 1.0 }).collect();
        (mean, std)
    }

    pub(super) fn fill(&self, cell: &ImageCell, rows: &[u32], _draw: Option<Key>, out: &mut [f32]) {
        let size = cell.shape.iter().product::<usize>();
        assert_eq!(out.len(), rows.len() * size);
        for (out, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            let image = self.images.image(self.at[row as usize] as usize);
            for (out, place) in out.chunks_exact_mut(cell.shape[2]).zip(image.chunks_exact(cell.shape[2])) {
                for (c, (out, &byte)) in out.iter_mut().zip(place).enumerate() {
                    *out = ((f64::from(byte) - cell.mean[c]) / cell.std[c]) as f32;
                }
            }
        }
    }
}
